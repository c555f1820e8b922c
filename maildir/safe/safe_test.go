package safe

import (
	"math/rand/v2"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/clipperhouse/displaywidth"
)

// hostile is what has been used, or could be, against terminals and the eyes before them.
var hostile = []string{
	"\x1b]0;x\a", "\x1b]52;c;ZXZpbA==\a", "\x1b]8;;http://evil.example\x1b\\", "\x1b[2J", "\x1b[6n", "\x1b[?1049h",
	"\x1bP+q544e\x1b\\", "\x1b_Gf=24\x1b\\", "\x1b]", "\x1bc", "\u009b2J", "\u009d0;x\u009c", "\u0090q\u009c",
	"a\bb\x7fc", "keep\rhidden", "a\x00b", "a\vb\fc", "one\r\ntwo\n\rthree", "\u202aa", "\u202ba\u202c", "\u202eexe.gpj", "\u2066a\u2069",
	"\u2067a", "\u2068", "\u200e\u200f\u061c", "pay\u200bpal", "a\u200cb\u200dc", "\u2060\ufeff\u00ad\u034f\u180e",
	"\U000e0020\U000e0041", "Z" + strings.Repeat("\u0301", 200), "\xc0\xaf", "\xe2\x82", "\xed\xa0\x80", "\xf4\x90\x80\x80",
	strings.Repeat("x", 100000), "👨\u200d👩\u200d👧", "❤\ufe0f", "می\u200cخواهم", "क्\u200dष", "a\ufe0fb", "\u200d\u200d👩\u200d",
	"a\tb\tc", "日本\tx", "\u2028\u2029", "\x9b2J", "e\u0301\u200d\u0301",
}

func TestLine(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"plain", "Re: figures", "Re: figures"},
		{"title", "\x1b]0;owned\aAnn", "]0;ownedAnn"},
		{"C1", "a\u009b2Jb", "a2Jb"},
		{"C1 as an octet", "a\x9b2Jb", "a\ufffd2Jb"},
		{"CRLF", "one\r\ntwo", "one two"},
		{"lone CR", "keep\rhidden", "keephidden"},
		{"tab", "a\tb", "a b"},
		{"override", "\u202egpj.exe", "{RLO}gpj.exe"},
		{"mark", "a\u200fb", "ab"},
		{"zero width", "pay\u200bpal", "paypal"},
		{"joiner between latin letters", "pay\u200dpal", "paypal"},
		{"joiner in Persian", "می\u200cخواهم", "می\u200cخواهم"},
		{"joiner in Devanagari", "क्\u200dष", "क्\u200dष"},
		{"family", "👨\u200d👩\u200d👧", "👨\u200d👩\u200d👧"},
		{"joiner at the end", "👨\u200d", "👨"},
		{"heart", "❤\ufe0f", "❤\ufe0f"},
		{"selector on a letter", "a\ufe0fb", "ab"},
		{"tags", "hi\U000e0068\U000e0069", "hi"},
		{"zalgo", "Z" + strings.Repeat("\u0301", 10) + "x", "Z\u0301\u0301\u0301\u0301x"},
		{"line separator", "a\u2028b", "a b"},
		{"truncated", "a\xe2\x82", "a\ufffd\ufffd"},
		{"NUL", "a\x00b", "ab"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := Line(tt.in).String(); got != tt.want {
				t.Errorf("Line(%q) = %q, want %q", tt.in, got, tt.want)
			}
		})
	}
}

func TestBody(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"plain", "a\nb\n", "a\nb\n"},
		{"CRLF and CR", "a\r\nb\rc", "a\nb\nc"},
		{"escape", "\x1b[2Jx", "␛[2Jx"},
		{"C1", "\u009b2J", "␛[2J"},
		{"DEL and BEL", "\x7f\a", "␡␇"},
		{"tabs", "\tx\na\tb", "        x\na       b"},
		{"tab after wide", "日本\tx", "日本    x"},
		{"two tabs after wide", "日本\tab\tx", "日本    ab      x"},
		{"balanced isolate", "a \u2067שלום\u2069 b", "a \u2067שלום\u2069 b"},
		{"isolate over two lines", "a \u2067b\nc\u2069 d", "a b\nc d"},
		{"override though balanced", "\u202eabc\u202c", "{RLO}abc"},
		{"mark", "a\u200fb", "a\u200fb"},
		{"form feed", "a\fb", "a␌b"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := Body(tt.in).String(); got != tt.want {
				t.Errorf("Body(%q) = %q, want %q", tt.in, got, tt.want)
			}
		})
	}
}

func TestFilename(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"plain", "report.pdf", "report.pdf"},
		{"up and away", "../../../.ssh/authorized_keys", "authorized_keys"},
		{"absolute", "/etc/passwd", "passwd"},
		{"backslashes", `C:\Windows\evil.bat`, "evil.bat"},
		{"drive alone", "C:evil.bat", "C_evil.bat"},
		{"option", "-rf", "rf"},
		{"hidden", "...bashrc", "bashrc"},
		{"dots", "..", "attachment"},
		{"slashes", "a/b//", "b"},
		{"empty", "", "attachment"},
		{"blanks", "  . ", "attachment"},
		{"NUL", "nul\x00byte.txt", "nulbyte.txt"},
		{"newline", "a\nb.txt", "a b.txt"},
		{"override", "invoice\u202efdp.exe", "invoicefdp.exe"},
		{"home", "~root", "root"},
		{"not UTF-8", "caf\xe9.txt", "caf_.txt"},
		{"shell", "a`id`$(id).txt", "a_id__(id).txt"},
		{"selector behind a star", "a*\ufe0fb.txt", "a_b.txt"},
		{"cut at a joiner", strings.Repeat("x", 189) + "👩\u200d👩\u200d.txt", strings.Repeat("x", 189) + "👩.txt"},
		{"long", strings.Repeat("é", 300) + ".pdf", strings.Repeat("é", 98) + ".pdf"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := Filename(tt.in); got != tt.want {
				t.Errorf("Filename(%q) = %q, want %q", tt.in, got, tt.want)
			}
		})
	}
}

func TestPath(t *testing.T) {
	if got, want := Path("/mail/a\nb\x1b[2J\xff").String(), "/mail/a␊b␛[2J\ufffd"; got != want {
		t.Errorf("Path = %q, want %q", got, want)
	}
}

func TestWidth(t *testing.T) {
	tests := []struct {
		s    string
		w    int
		want string
		pad  string
	}{
		{"hello", 10, "hello", "hello     "},
		{"hello", 5, "hello", "hello"},
		{"hello", 4, "hel…", "hel…"},
		{"hello", 1, "…", "…"},
		{"hello", 0, "", ""},
		{"日本語", 6, "日本語", "日本語"},
		{"日本語", 5, "日本…", "日本…"},
		{"日本語", 4, "日…", "日… "},
		{"éa", 2, "éa", "éa"},
		{"e\u0301e\u0301e\u0301", 2, "e\u0301…", "e\u0301…"},
	}
	for _, tt := range tests {
		if got := Truncate(tt.s, tt.w); got != tt.want {
			t.Errorf("Truncate(%q, %d) = %q, want %q", tt.s, tt.w, got, tt.want)
		}
		if got := Pad(tt.s, tt.w); got != tt.pad {
			t.Errorf("Pad(%q, %d) = %q, want %q", tt.s, tt.w, got, tt.pad)
		}
	}
}

// checkText asserts what a Text promises.
func checkText(t *testing.T, in, out string, body bool) {
	t.Helper()
	if !utf8.ValidString(out) {
		t.Fatalf("%q: %q is not UTF-8", in, out)
	}
	for _, r := range out {
		switch {
		case r == '\n' && body:
		case unicode.IsControl(r), r == lro, r == rlo, r == '\u2028', r == '\u2029', !body && r >= lrm && r <= rlm, r == '\u200b', r == '\ufeff',
			!body && r >= lre && r <= pdf, !body && r >= lri && r <= pdi:
			t.Fatalf("%q: %U in %q", in, r, out)
		}
	}
}

func FuzzLine(f *testing.F) {
	for _, s := range hostile {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, clean := range []func(string) Text{Line, Path} {
			got := clean(s).String()
			checkText(t, s, got, false)
			if again := clean(got).String(); again != got {
				t.Fatalf("%q: cleaned %q, again %q", s, got, again)
			}
			for _, w := range []int{0, 1, 2, 7} {
				if p := Pad(got, w); Width(p) != w {
					t.Fatalf("%q: padded to %d it is %d wide: %q", got, w, Width(p), p)
				}
			}
		}
	})
}

func FuzzBody(f *testing.F) {
	for _, s := range hostile {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := Body(s).String()
		checkText(t, s, got, true)
		if again := Body(got).String(); again != got {
			t.Fatalf("%q: cleaned %q, again %q", s, got, again)
		}
	})
}

func FuzzFilename(f *testing.F) {
	for _, s := range hostile {
		f.Add(s + ".txt")
	}
	f.Add("../../x")
	f.Fuzz(func(t *testing.T, s string) {
		got := Filename(s)
		checkText(t, s, got, false)
		if got == "" || len(got) > maxFilename || strings.ContainsAny(got, `/\`) || strings.ContainsAny(got[:1], ".-~ ") {
			t.Fatalf("%q saved as %q", s, got)
		}
		if again := Filename(got); again != got {
			t.Fatalf("%q: saved as %q, again as %q", s, got, again)
		}
	})
}

func BenchmarkLine(b *testing.B) {
	const s = "Re: [PATCH v3 2/7] weave algebraic patterns as the loom weaves flowers"
	b.SetBytes(int64(len(s)))
	for b.Loop() {
		Line(s)
	}
}

func BenchmarkBody(b *testing.B) {
	s := strings.Repeat("The engine weaves algebraic patterns just as the loom weaves flowers.\n", 10000)
	b.SetBytes(int64(len(s)))
	for b.Loop() {
		Body(s)
	}
}

func BenchmarkBodyUTF8(b *testing.B) {
	s := strings.Repeat("Die Maschine webt Muster, wie der Webstuhl Blüten und Blätter webt.\n", 10000)
	b.SetBytes(int64(len(s)))
	for b.Loop() {
		Body(s)
	}
}

// What is taken for simple is what the long way says of it: for each letter, and for any of
// them in a row.
func TestSimple(t *testing.T) {
	slow := func(s string) (clean string, width int, cut string) {
		c := cleaner{mode: line}
		c.clean(s)
		const w = 7
		cells, end, last := 0, 0, 0
		for g := displaywidth.StringGraphemes(s); g.Next(); {
			n := g.Width()
			if cells+n > w {
				return c.out.String(), displaywidth.String(s), s[:last] + "…"
			}
			cells += n
			end += len(g.Value())
			if cells <= w-1 {
				last = end
			}
		}
		return c.out.String(), displaywidth.String(s), s
	}
	check := func(s string) {
		t.Helper()
		clean, width, cut := slow(s)
		if got := Line(s).String(); got != clean {
			t.Errorf("Line(%q) = %q, want %q", s, got, clean)
		}
		if got := Width(s); got != width {
			t.Errorf("Width(%q) = %d, want %d", s, got, width)
		}
		if got := Truncate(s, 7); got != cut {
			t.Errorf("Truncate(%q, 7) = %q, want %q", s, got, cut)
		}
	}
	var letters []rune
	for r := rune(0x80); r < 0x3000; r++ {
		if _, simple := cells(string(r)); !simple {
			continue
		}
		letters = append(letters, r)
		check(string(r))
		check("ab" + string(r) + " d")
		check(strings.Repeat(string(r), 9))
	}
	if len(letters) < 600 {
		t.Errorf("%d letters", len(letters))
	}
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		var b strings.Builder
		for range rnd.IntN(12) {
			if rnd.IntN(3) == 0 {
				b.WriteByte(byte(' ' + rnd.IntN(95)))
			} else {
				b.WriteRune(letters[rnd.IntN(len(letters))])
			}
		}
		check(b.String())
	}
	for _, s := range []string{"\xc3", "a\xc3", "\xc3a", "\xc3\xc3", "\xd0\x80\x80", "e\u0301", "ä\u0301", "\xce\xa2", "ü\u200d", "\xe2\x80", "\xe2\x80\xff", "a\xe2"} {
		clean, _, _ := slow(s)
		if got := Line(s).String(); got != clean {
			t.Errorf("Line(%q) = %q, want %q", s, got, clean)
		}
	}
}
