package word

import (
	"strings"
	"testing"
)

func TestEncode(t *testing.T) {
	tests := []struct {
		in     string
		column int
		want   string
	}{
		{"plain, even \"quoted\"", 0, "plain, even \"quoted\""},
		{"Grüße", 0, "=?utf-8?q?Gr=C3=BC=C3=9Fe?="},
		{"日", 0, "=?utf-8?b?5pel?="},
		{"日a", 0, "=?utf-8?q?=E6=97=A5a?="},
		{"日本b", 0, "=?utf-8?b?5pel5pysYg==?="},
		{"üö", 0, "=?utf-8?b?w7zDtg==?="},
		{"é日", 0, "=?utf-8?b?w6nml6U=?="},
		{"looks =?like?q?one?=", 0, "=?utf-8?q?looks_=3D=3Flike=3Fq=3Fone=3F=3D?="},
		{"a\r\nBcc: x", 0, "=?utf-8?q?a=0D=0ABcc=3A_x?="},
		{"\xff", 0, "=?utf-8?b?77+9?="},
		{"ünterwegs nach Haus", 50, "=?utf-8?q?=C3=BCnterwegs?= =?utf-8?q?_nach_Haus?="},
		{"ünterwegs nach Haus", 200, "=?utf-8?q?=C3=BCnterwe?= =?utf-8?q?gs_nach_Haus?="},
	}
	for _, tt := range tests {
		if got := Encode(tt.in, tt.column); got != tt.want {
			t.Errorf("Encode(%q, %d) = %q, want %q", tt.in, tt.column, got, tt.want)
		}
	}
}

// RFC 2047, 2: 75 octets a word, 76 columns a line, the name of the field among them.
func TestLines(t *testing.T) {
	for _, long := range []string{strings.Repeat("日本", 100), strings.Repeat("Gruß ", 100), strings.Repeat("ü", 100), strings.Repeat("😀", 99)} {
		for _, name := range []string{"To", "Subject", "Resent-From", "X-A-Name-Longer-Than-Others"} {
			field := Fold(name, Encode(long, len(name)+2), "\r\n")
			for line := range strings.SplitSeq(strings.TrimSuffix(field, "\r\n"), "\r\n") {
				if len(line) > 76 {
					t.Errorf("%d columns: %q", len(line), line)
				}
			}
			for w := range strings.FieldsSeq(strings.TrimPrefix(field, name+":")) {
				if len(w) > 75 || !strings.HasPrefix(w, "=?utf-8?") || !strings.HasSuffix(w, "?=") {
					t.Errorf("word of %d octets: %q", len(w), w)
				}
			}
			if !strings.HasPrefix(field, name+": =?") {
				t.Errorf("nothing behind the name: %q", field)
			}
		}
	}
}

func TestFold(t *testing.T) {
	x := strings.Repeat("x", 40)
	tests := []struct{ value, want string }{
		{"short", "F: short\n"},
		{" blanks  kept ", "F: blanks  kept\n"},
		{x + "  " + x, "F: " + x + "\n  " + x + "\n"},
		{x + x + " y", "F: " + x + x + "\n y\n"},
		{"", "F: \n"},
	}
	for _, tt := range tests {
		if got := Fold("F", tt.value, "\n"); got != tt.want {
			t.Errorf("Fold(%q) = %q, want %q", tt.value, got, tt.want)
		}
	}
}
