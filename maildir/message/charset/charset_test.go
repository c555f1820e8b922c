package charset

import (
	"errors"
	"testing"
	"unicode/utf8"
)

func TestDecode(t *testing.T) {
	tests := []struct {
		label, in, want string
		err             error
	}{
		{"utf-8", "gr\xc3\xbcn", "grün", nil},
		{"UTF8", "\xef\xbb\xbfgr\xc3\xbcn", "grün", nil},
		{"utf-8", "gr\xfcn", "gr\ufffdn", ErrMalformed},
		{"", "plain", "plain", nil},
		{"us-ascii", "gr\xc3\xbcn", "grün", nil},
		{"us-ascii", "gr\xfcn", "grün", ErrMalformed},
		{"unknown-8bit", "gr\xfcn", "grün", ErrMalformed},
		{"x-nobody-knows", "gr\xfcn", "grün", ErrUnknown},
		{"iso-8859-1", "\x80uro \xe9", "€uro é", nil},
		{"ISO_8859-1:1987", "\xe9", "é", nil},
		{"iso-8859-15", "\xa4", "€", nil},
		{"iso-8859-2", "\xb1", "ą", nil},
		{"windows-1251", "\xcf\xf0\xe8\xe2\xe5\xf2", "Привет", nil},
		{"x-cp1251", "\xcf", "П", nil},
		{"KOI8-R", "\xf0\xd2\xc9\xd7\xc5\xd4", "Привет", nil},
		{"tis-620", "\xa1", "ก", nil},
		{"csISOLatin1", "\xe9", "é", nil},
		{"utf-8*en", "\xc3\xbc", "ü", nil},
		{"gb2312", "\xc4\xe3\xba\xc3", "你好", nil},
		{"x-gbk", "\xc4\xe3", "你", nil},
		{"gb18030", "\x81\x30\x81\x30", "\u0080", nil},
		{"hz-gb-2312", "~{Dc:C~}", "你好", nil},
		{"big5", "\xa7\x41\xa6\x6e", "你好", nil},
		{"euc-kr", "\xc7\xd1\xb1\xb9", "한국", nil},
		{"ks_c_5601-1987", "\xc7\xd1", "한", nil},
		{"cp949", "\x8c\x63", "똠", nil},
		{"shift_jis", "\x93\xfa\x96\x7b", "日本", nil},
		{"cp932", "\x87\x40", "①", nil},
		{"windows-31j", "\x93\xfa", "日", nil},
		{"euc-jp", "\xc6\xfc\xcb\xdc", "日本", nil},
		{"iso-2022-jp", "a\x1b$BF|K\\\x1b(Bb", "a日本b", nil},
		{"iso-2022-jp", "\x1b$BF|K\\\nb", "日本\nb", nil},
		{"iso-2022-jp-ms", "\x1b(I1\x1b(B", "ｱ", nil},
		{"iso-2022-jp-2", "\x1b$ADc\x1b(B\x1b.A\x1bNi", "你é", nil},
		{"iso-2022-jp-3", "\x1b$(QF|\x1b(B", "日", nil},
		{"iso-2022-kr", "\x1b$)C\x0eGQ\x0f ok", "한 ok", nil},
		{"iso-2022-jp", "\x1b[2J", "\ufffd[2J", ErrMalformed},
		{"utf-7", "Hi Mom -+Jjo--!", "Hi Mom -☺-!", nil},
		{"utf-7", "A+ImIDkQ.", "A≢Α.", nil},
		{"utf-7", "2 +- 2", "2 + 2", nil},
		{"utf-7", "+2D3eAA-", "\U0001f600", nil},
		{"utf-7", "+2D0-", "\ufffd", ErrMalformed},
		{"utf-7", "a+ b", "a+ b", nil},
		{"utf-16", "\xff\xfea\x00b\x00", "ab", nil},
		{"utf-16", "\x00a\x00b", "ab", nil},
		{"utf-16", "a\x00b\x00", "ab", nil},
		{"utf-16le", "a\x00\xac\x20", "a€", nil},
		{"utf-16be", "\x00a\x20\xac", "a€", nil},
	}
	for _, tt := range tests {
		t.Run(tt.label, func(t *testing.T) {
			got, err := Decode(tt.label, []byte(tt.in))
			if got != tt.want || !errors.Is(err, tt.err) {
				t.Errorf("Decode(%q, %q) = %q, %v; want %q, %v", tt.label, tt.in, got, err, tt.want, tt.err)
			}
		})
	}
}

// Whatever is decoded as whatever is UTF-8.
func FuzzDecode(f *testing.F) {
	f.Add("utf-7", []byte("+AGE-+2D0-"))
	f.Add("iso-2022-jp", []byte("\x1b$BF|\x1b(B\x1b.A\x1bNi"))
	f.Add("iso-2022-kr", []byte("\x1b$)C\x0eGQ\x0f"))
	f.Add("utf-16", []byte("a\x00"))
	f.Add("hz", []byte("~{Dc~}"))
	f.Fuzz(func(t *testing.T, label string, b []byte) {
		if s, _ := Decode(label, b); !utf8.ValidString(s) {
			t.Fatalf("%q as %s: %q", b, label, s)
		}
	})
}
