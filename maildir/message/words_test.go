package message

import (
	"strings"
	"testing"
	"unicode/utf8"

	"pneu/maildir/message/word"
)

func TestDecodeWords(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"plain", "Figures for the engine", "Figures for the engine"},
		{"Q", "=?utf-8?Q?Gr=C3=BC=C3=9Fe_aus?= Wien", "Grüße aus Wien"},
		{"B", "=?UTF-8?B?R3LDvMOfZQ==?=", "Grüße"},
		{"B without padding", "=?UTF-8?B?R3LDvMOfZQ?=", "Grüße"},
		{"adjacent", "=?utf-8?q?a?= =?utf-8?q?b?=  c", "ab  c"},
		{"adjacent over a fold", "=?utf-8?q?a?=\r\n =?utf-8?q?b?=", "ab"},
		{"split character", "=?utf-8?q?Gr=C3?= =?utf-8?q?=BC=C3=9Fe?=", "Grüße"},
		{"split character, two encodings", "=?utf-8?q?Gr=C3?= =?utf-8?b?vMOfZQ==?=", "Grüße"},
		{"two charsets", "=?utf-8?q?=C3=BC?= =?iso-8859-1?q?=FC?=", "üü"},
		{"language", "=?us-ascii*en-gb?q?colour?=", "colour"},
		{"inside a word", "x=?utf-8?q?=C3=BC?=y", "xüy"},
		{"blanks inside", "=?utf-8?q?a b?=", "a b"},
		{"encoded line end", "=?utf-8?q?one=0D=0ABcc:_x?=", "one Bcc: x"},
		{"encoded NUL", "=?utf-8?q?a=00b?=", "a b"},
		{"unknown charset", "=?x-nobody?q?=E9?=", "=?x-nobody?q?=E9?="},
		{"unknown charset, UTF-8", "=?x-nobody?q?=C3=A9?=", "é"},
		{"never ended", "=?utf-8?q?abc", "=?utf-8?q?abc"},
		{"never ended before another", "=?utf-8?q?a =?utf-8?q?b?=", "=?utf-8?q?a b"},
		{"no encoding", "=?utf-8?x?abc?=", "=?utf-8?x?abc?="},
		{"raw latin-1", "Jos\xe9", "José"},
		{"raw between words", "\xe9 =?utf-8?q?=C3=BC?= \xe9", "é ü é"},
		{"iso-2022-jp", "=?iso-2022-jp?B?GyRCRnxLXBsoQg==?=", "日本"},
		{"empty", "=?utf-8?q??=", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := DecodeWords(tt.in); got != tt.want {
				t.Errorf("DecodeWords(%q) = %q, want %q", tt.in, got, tt.want)
			}
		})
	}
}

func TestEncodeWord(t *testing.T) {
	tests := []struct{ in, want string }{
		{"plain, even \"quoted\"", "plain, even \"quoted\""},
		{"Grüße", "=?utf-8?q?Gr=C3=BC=C3=9Fe?="},
		{"日本語", "=?utf-8?b?5pel5pys6Kqe?="},
		{"looks =?like?q?one?=", "=?utf-8?q?looks_=3D=3Flike=3Fq=3Fone=3F=3D?="},
		{"a\r\nBcc: x", "=?utf-8?q?a=0D=0ABcc=3A_x?="},
	}
	for _, tt := range tests {
		if got := EncodeWord(tt.in); got != tt.want {
			t.Errorf("EncodeWord(%q) = %q, want %q", tt.in, got, tt.want)
		}
	}
	for _, long := range []string{strings.Repeat("日本", 100), strings.Repeat("Gruß ", 100), strings.Repeat("ü", 100)} {
		enc := EncodeWord(long)
		for w := range strings.FieldsSeq(enc) {
			if len(w) > 75 || DecodeWords(w) == w {
				t.Errorf("word of %d octets: %q", len(w), w)
			}
		}
		if got := DecodeWords(enc); got != long {
			t.Errorf("%q became %q", long, got)
		}
	}
}

// The result is UTF-8 in one line, and what we encode we decode alike.
func FuzzDecodeWords(f *testing.F) {
	for _, s := range []string{"=?utf-8?q?=C3?= =?utf-8?q?=BC?=", "=?b?b?AAAA?=", "\xe9 =?iso-2022-jp?b?GyRC?=", "=?utf-7?q?+AGE-?=", "=?utf-16?b?//5h?=", "=?utf-8?q??="} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := DecodeWords(s)
		if !utf8.ValidString(got) || strings.ContainsAny(got, "\r\n\x00") {
			t.Fatalf("%q: %q", s, got)
		}
		enc := EncodeWord(got)
		if !word.Plain(strings.ReplaceAll(enc, "=?", "")) {
			t.Fatalf("%q encoded as %q", got, enc)
		}
		if again := DecodeWords(enc); again != got {
			t.Fatalf("%q encoded as %q, decoded as %q", got, enc, again)
		}
	})
}
