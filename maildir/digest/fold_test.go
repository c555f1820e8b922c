package digest

import (
	"bytes"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

func TestFold(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"empty", "", ""},
		{"case", "The Engine WEAVES patterns [@Z`{]", "the engine weaves patterns [@z`{]"},
		{"white space", " a\r\n\t b   c\u00a0\u3000d\u2028e \n", " a b c d e "},
		{"controls", "a\x00b\x1b[1mc\x7fd\u0085e", "ab[1mcd e"},
		{"composed or not", "Ärger A\u0308rger", "ärger ärger"},
		{"composed when small", "H\u0331", "\u1e96"},
		{"mark behind a control", "e\x01\u0301", "é"},
		{"soft hyphen, joiners", "Stra\u00adße a\u200db\u200cc\ufeff", "straße abc"},
		{"compatibility", "ﬁne Ⅳ ２０２６ ㎏ …", "fine iv 2026 kg ..."},
		{"half width kana", "ｶﾞｲﾄﾞ", "ガイド"},
		{"two kana", "か\u3099", "が"},
		{"full width and a mark", "Ａ\u0308！，ｂ", "ä!,b"},
		{"nothing between", "a\u200c \u200c b\u00adc\u200b\u0301", "a bć"},
		{"sigma", "ΟΔΟΣ οδος", "οδοσ οδοσ"},
		{"dotted I", "İstanbul I\u0307stanbul", "istanbul istanbul"},
		{"hangul", "\u1100\u1161\u11a8 각", "각 각"},
		{"emoji", "❤️ 👩‍💻", "❤ 👩💻"},
		{"no UTF-8", "a\xffb\xe2\x82", "a\ufffdb\ufffd\ufffd"},
		{"cyrillic", "Ёлка МОСКВА и\u0306", "ёлка москва й"},
		{"marks without end", "a" + strings.Repeat("\u0300", 100), "à" + strings.Repeat("\u0300", 7)},
		{"diaeresis alone", "a \u00a8", "a \u0308"},
		{"long", strings.Repeat("Ab  Cd\n", 100), strings.Repeat("ab cd ", 100)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := string(Fold(nil, tt.in)); got != tt.want {
				t.Errorf("got %+q, want %+q", got, tt.want)
			}
			for i := range 9 { // wherever the eight octets begin
				if got := string(Fold([]byte("> "), strings.Repeat("x", i)+tt.in)); got != "> "+strings.Repeat("x", i)+tt.want && tt.in != "" && utf8.RuneStart(tt.in[0]) {
					t.Errorf("behind %d: %+q", i, got)
				}
			}
			if tt.in != "" && testing.AllocsPerRun(10, func() { Fold(make([]byte, 0, 8<<10), tt.in) }) > 20 {
				t.Error("many allocations")
			}
		})
	}
}

// What is folded without a look at the tables has nothing to be looked up.
func TestSimple(t *testing.T) {
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if !simple(r) || !utf8.ValidRune(r) {
			continue
		}
		if b := Fold(nil, string(r)); string(b) != string(lower(r)) {
			t.Errorf("%U folds to %+q", r, b)
		}
		if r >= 0xff01 && r <= 0xff5e {
			if want := lower([]rune(norm.NFKC.String(string(r)))[0]); lower(r) != want {
				t.Errorf("%U is %U, want %U", r, lower(r), want)
			}
			continue
		}
		for _, c := range []rune{r, lower(r)} {
			b := []byte(string(c))
			p := norm.NFKC.Properties(b)
			if !simple(c) || norm.NFKC.QuickSpan(b) != len(b) || !p.BoundaryBefore() || p.CCC() != 0 || unicode.IsSpace(c) && c != ' ' || unseen(c) {
				t.Errorf("%U: %U is not simple", r, c)
			}
		}
		if want := unicode.ToLower(r); lower(r) != want && r != 'ς' {
			t.Errorf("%U in lower case is %U, want %U", r, lower(r), want)
		}
	}
}

func FuzzFold(f *testing.F) {
	f.Add("a  B", "ﬁ\u0301\xff")
	f.Add("\u200c b", "\u200c")
	f.Add("İ\u0307", "\u1100\u1161")
	f.Add(strings.Repeat("\u0300", 40), "q\u0307\u0323\u00a8")
	f.Fuzz(func(t *testing.T, a, b string) {
		once := Fold(nil, a)
		if again := Fold(nil, string(once)); !bytes.Equal(once, again) {
			t.Errorf("%+q folds to %+q, and that to %+q", a, once, again)
		}
		if got := Fold([]byte("x "), a); string(got) != "x "+string(once) {
			t.Errorf("%+q behind something folds to %+q, alone to %+q", a, got, once)
		}
		whole := Fold([]byte{}, a+" "+b)
		pieces := Fold(append(Fold(nil, a), ' '), b)
		for bytes.Contains(pieces, []byte("  ")) {
			pieces = bytes.ReplaceAll(pieces, []byte("  "), []byte(" "))
		}
		if !bytes.Equal(whole, pieces) {
			t.Errorf("%+q and %+q together fold to %+q, apart to %+q", a, b, whole, pieces)
		}
		for _, r := range string(whole) {
			if unicode.IsControl(r) || unicode.IsSpace(r) && r != ' ' {
				t.Errorf("%+q has %U", whole, r)
			}
		}
	})
}

func BenchmarkFold(b *testing.B) {
	english := strings.Repeat("The Analytical Engine weaves algebraic patterns, just as the\nJacquard loom weaves flowers and leaves.\n", 100)
	for name, s := range map[string]string{
		"ASCII":    english,
		"German":   strings.ReplaceAll(english, "Engine", "Maschinenübersetzung für Größen"),
		"Russian":  strings.Repeat("Аналитическая машина ткёт алгебраические узоры,\n", 200),
		"Japanese": strings.Repeat("解析機関は代数のパターンを織る。", 200),
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(s)))
			b.ReportAllocs()
			dst := make([]byte, 0, 2*len(s))
			for b.Loop() {
				Fold(dst, s)
			}
		})
	}
}
