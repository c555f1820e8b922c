package term

import (
	"os"
	"strings"
	"testing"

	"github.com/charmbracelet/x/vt"
)

func TestFrame(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"ascii", "\x1b[Hab\r\ncd\x1b[2;0H", "\x1b[?7l\x1b[Hab\r\ncd\x1b[2;0H\x1b[?7h"},
		{"erased first", "\x1b[Hab\r\ncé\r\n\nd", "\x1b[?7l\x1b[Hab\r\n\x1b[Kcé\r\n\nd\x1b[?7h"},
	}
	for _, tt := range tests {
		if got := string(Frame([]byte(tt.in), false)); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
	got := string(Frame([]byte("\x1b[Hx"), true))
	if !strings.HasPrefix(got, syncOn+wrapOff) || !strings.HasSuffix(got, wrapOn+syncOff) {
		t.Errorf("not bracketed: %q", got)
	}
}

// TestWidthsDiffer draws lines whose width the terminal takes for another one: nothing scrolls, nothing stays.
func TestWidthsDiffer(t *testing.T) {
	e := vt.NewEmulator(10, 3)
	draw := func(lines ...string) {
		_, _ = e.Write(Frame([]byte("\x1b[H"+strings.Join(lines, "\r\n")), true))
	}
	draw("title     ", "aaaaaaaaaa", "bbbbbbbbbb")
	draw("title     ", "日本語日本語日", "bbbbbbbbbb") // taken for narrower than it is
	if s := e.String(); !strings.HasPrefix(s, "title") || !strings.Contains(s, "bbbbbbbbbb") {
		t.Errorf("the screen scrolled:\n%s", s)
	}
	draw("title     ", "éé", "bbbbbbbbbb") // taken for wider than it is
	if s := e.String(); strings.Contains(s, "日") || !strings.Contains(s, "éé") {
		t.Errorf("something stayed:\n%s", s)
	}
}

// TestOutputWrites tells frames from mode changes.
func TestOutputWrites(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	o := NewOutput(w)
	for _, s := range []string{"\x1b[?1049h", "\x1b[H", "\x1b[Hab"} {
		if n, err := o.Write([]byte(s)); n != len(s) || err != nil {
			t.Errorf("Write(%q) = %d, %v", s, n, err)
		}
	}
	w.Close()
	buf := make([]byte, 256)
	n, _ := r.Read(buf)
	if got, want := string(buf[:n]), "\x1b[?1049h\x1b[H"+syncOn+wrapOff+"\x1b[Hab"+wrapOn+syncOff; got != want {
		t.Errorf("wrote %q, want %q", got, want)
	}
	if f, _ := o.Stats(); f != 1 {
		t.Errorf("%d frames", f)
	}
}
