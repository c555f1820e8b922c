package reader

import (
	"regexp"
	"strings"
	"testing"

	"pneu/maildir/message"
	"pneu/maildir/safe"
	"pneu/tui/look"
)

var theme = look.NewTheme(look.Options{Mono: true})

func layout(raw string, w int, show Show) *Doc {
	return Layout(message.Parse([]byte(raw)), theme, w, show)
}

func text(d *Doc) string {
	var b strings.Builder
	for _, l := range d.Lines {
		for _, s := range l.Segs {
			b.WriteString(s.Text.String())
		}
		b.WriteByte('\n')
	}
	return b.String()
}

var lineEnds = regexp.MustCompile(" *\n")

func TestLayout(t *testing.T) {
	tests := []struct {
		name, raw string
		show      Show
		want      string
	}{
		{"plain", "Subject: x\n\none\ntwo\n\n\n", Show{}, "one\ntwo\n"},
		{"indentation stays", "Subject: x\n\n    code  here\n", Show{}, "    code  here\n"},
		{"long lines wrap at blanks", "\n" + strings.Repeat("word ", 10) + "\n", Show{}, "word word word word word word\nword word word word\n"},
		{"quotes wrap with their mark", "\n> " + strings.Repeat("word ", 10) + "\n", Show{}, "> word word word word word\n> word word word word word\n"},
		{"many quoted lines fold", "\nI say\n" + strings.Repeat("> no\n", 12) + "yes\n", Show{}, "I say\n> 12 quoted lines (zq shows)\nyes\n"},
		{"few do not", "\n> no\n> no\nyes\n", Show{}, "> no\n> no\nyes\n"},
		{"unfolded", "\n" + strings.Repeat("> no\n", 12), Show{Quotes: true}, strings.Repeat("> no\n", 12)},
		{"links are numbered, twice the same once", "\nsee https://a.example/x, and <https://b.example>\nhttps://a.example/x\n", Show{Quotes: true}, "see https://a.example/x [1],\nand <https://b.example> [2]\nhttps://a.example/x [1]\n"},
		{"nothing", "Subject: x\n\n", Show{}, "\n"},
		{"header", "Subject: x\nFrom: =?utf-8?q?Zo=C3=AB?= <z@x>\n\ny\n", Show{Headers: true}, "Subject: x\nFrom: Zoë <z@x>\n\ny\n"},
		{"flowed", "Content-Type: text/plain; format=flowed\n\none \ntwo\n>> a \n>> b\n", Show{}, "one two\n>> a b\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := lineEnds.ReplaceAllString(text(layout(strings.ReplaceAll(tt.raw, "\n", "\r\n"), 30, tt.show)), "\n")
			if strings.TrimRight(got, "\n") != strings.TrimRight(tt.want, "\n") {
				t.Errorf("got:\n%s\nwant:\n%s", got, tt.want)
			}
		})
	}
}

func TestFindURL(t *testing.T) {
	for in, want := range map[string]string{
		"see https://a.example/x.": "https://a.example/x", "(http://a.example/b_(c))": "http://a.example/b_(c)", "<https://a>": "https://a",
		"https://": "", "nohttp": "", "http://a, http://b": "http://a", "xhttps://a/?q=1&r=2#f!": "https://a/?q=1&r=2#f",
	} {
		got := ""
		if i, n := findURL(in); i >= 0 {
			got = in[i : i+n]
		}
		if got != want {
			t.Errorf("%q has %q, want %q", in, got, want)
		}
	}
}

func TestQuoteLevel(t *testing.T) {
	for in, want := range map[string]int{"": 0, "a": 0, "> a": 1, ">> a": 2, "> > a": 2, " > a": 1, "  > a": 0, ">From here": 0, ">": 1, "> ": 1, "a > b": 0} {
		if got := quoteLevel(in); got != want {
			t.Errorf("%q is level %d, want %d", in, got, want)
		}
	}
}

func TestPartName(t *testing.T) {
	for in, want := range map[string]string{
		"booking.pdf": "", "invoice.pdf.exe": "two endings: really .exe", "setup.EXE": "a program: .exe", "invoice\u202efdp.exe": "turned round: really .exe", "v1.2.tar.gz": "", "": "",
	} {
		name, danger := PartName(message.Part{Type: "application", Filename: in})
		if danger.String() != want {
			t.Errorf("%q: %q, want %q", in, danger.String(), want)
		}
		if strings.ContainsRune(name.String(), '\u202e') {
			t.Errorf("%q keeps its override", in)
		}
	}
}

func FuzzLayout(f *testing.F) { // no panic, no control character, no line wider than asked
	f.Add("Subject: x\r\n\r\nbody\r\n> quoted https://x/\r\n", 40)
	f.Add("Content-Type: text/html\r\n\r\n<p>x<table><tr><td>a<td>b</table>", 20)
	f.Add("\r\n"+strings.Repeat("請", 100), 21)
	f.Fuzz(func(t *testing.T, raw string, w int) {
		if len(raw) > 20_000 {
			return
		}
		w = 20 + (w%100+100)%100
		d := layout(raw, w, Show{Quotes: true, Headers: true})
		for _, l := range d.Lines {
			for _, s := range l.Segs {
				if strings.ContainsFunc(s.Text.String(), func(r rune) bool { return r < 0x20 || r >= 0x7f && r < 0xa0 }) {
					t.Fatalf("control in %q", s.Text.String())
				}
			}
		}
	})
}

func FuzzWrap(f *testing.F) { // every piece fits, and the words are all there
	f.Add("one two three", 8)
	f.Add(strings.Repeat("x", 50)+" 請求書のご確認", 9)
	f.Fuzz(func(t *testing.T, s string, w int) {
		if len(s) > 5000 {
			return
		}
		s = strings.ReplaceAll(safe.Body(s).String(), "\n", " ")
		w = 10 + (w%60+60)%60
		parts := wrapQuoted(s, "", w)
		for _, p := range parts {
			if n := safe.Width(p); n > w && len([]rune(p)) > 1 {
				t.Fatalf("%q is %d cells, more than %d", p, n, w)
			}
		}
		if a, b := strings.Join(strings.Fields(strings.Join(parts, "")), ""), strings.Join(strings.Fields(s), ""); a != b {
			t.Fatalf("words of %q became %q", b, a)
		}
	})
}
