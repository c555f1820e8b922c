package who

import (
	"strings"
	"testing"
	"time"
)

func TestNamed(t *testing.T) {
	tests := []struct{ in, want string }{
		{"paypal.com", "paypal.com"},
		{"(www.Example.co.uk)", "example.co.uk"},
		{"https://a.b.example.org/x?y", "example.org"},
		{"ada@mail.example.org,", "example.org"},
		{"e.g.", ""},
		{"co.uk", ""},
		{"report.zip", ""},
		{"README.md", ""},
		{"M.Sc.", ""},
		{"x.com", "x.com"},
		{"http://report.zip", "report.zip"},
		{"1.2.3.4", ""},
		{"", ""},
	}
	for _, tt := range tests {
		if got := Named(tt.in); got != tt.want {
			t.Errorf("Named(%q) = %q, want %q", tt.in, got, tt.want)
		}
	}
}

// A link may lead anywhere, and encoding a long label takes the square of its length.
func TestRegistrableLong(t *testing.T) {
	var b strings.Builder
	for i := range 400000 {
		b.WriteRune(0x4e00 + rune(i%20000))
	}
	start := time.Now()
	if got := Registrable(b.String() + ".com"); got != "" {
		t.Errorf("Registrable of %d bytes = %.20q...", b.Len(), got)
	}
	if d := time.Since(start); d > 20*time.Second {
		t.Errorf("it took %v", d)
	}
}
