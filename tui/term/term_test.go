package term

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestSplit(t *testing.T) {
	var names []string
	for _, k := range Split([]rune("dd5G é"), false) {
		names = append(names, k.Name)
	}
	if got := strings.Join(names, ","); got != "d,d,5,G,space,é" {
		t.Errorf("keys %s", got)
	}
	if k := Split([]rune("x"), true)[0]; k.Name != "alt+x" || k.Rune != 0 {
		t.Errorf("alt key %+v", k)
	}
}

func TestPasted(t *testing.T) {
	if k := Pasted("a\r\nb\rc\x1b[2J\x00\td\u009b"); k.Paste != "a\nb\nc[2J\td" || k.Name != "paste" {
		t.Errorf("pasted %q", k.Paste)
	}
}

func TestUnfinished(t *testing.T) {
	tests := []struct {
		in   string
		want bool
	}{
		{"", false}, {"j", false}, {"\x1b", true}, {"\x1b[", true}, {"\x1b[1;5", true}, {"\x1b[A", false}, {"\x1bO", true}, {"\x1bOA", false},
		{"\x1b[<65;5", true}, {"\x1b[<65;5;7M", false}, {"\x1b[M a", true}, {"\x1b[M ab", false}, {"\x1bx", false}, {"jj\x1b", true},
		{"\x1b]11;rgb:ff", true}, {"\x1b]11;rgb:ff\x07", false}, {"\x1b]11;rgb:ff\x1b", true}, {"\x1b]11;rgb:ff\x1b\\", false},
		{"\xc3", true}, {"\xc3\xa9", false}, {"\xe5\xb1", true}, {"\x80", false}, {"\xff", false},
	}
	for _, tt := range tests {
		if got := unfinished([]byte(tt.in)); got != tt.want {
			t.Errorf("unfinished(%q) = %v, want %v", tt.in, got, tt.want)
		}
	}
}

func TestStripReplies(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"keys", "jj\x1b[A", "jj\x1b[A"},
		{"background", "j\x1b]11;rgb:ffff/ffff/ffff\x1b\\k", "jk"},
		{"background with BEL", "\x1b]11;rgb:0/0/0\x07", ""},
		{"device attributes", "\x1b[?62;22cj", "j"},
		{"mode report", "\x1b[?2026;2$yj", "j"},
		{"cursor position", "\x1b[12;40Rj", "j"},
		{"F3 is not a position", "\x1b[R", "\x1b[R"},
		{"kitty flags", "\x1b[?1u", ""},
		{"alt+]", "\x1b]j", "\x1b]j"},
		{"version", "\x1bP>|xterm(1)\x1b\\j", "j"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := []byte(tt.in)
			if got := string(b[:StripReplies(b)]); got != tt.want {
				t.Errorf("left %q, want %q", got, tt.want)
			}
		})
	}
}

func TestBackground(t *testing.T) {
	tests := []struct {
		in   string
		want Background
	}{
		{"\x1b]11;rgb:ffff/ffff/ffff\x1b\\", Light}, {"\x1b]11;rgb:fd/f6/e3\x07", Light}, {"\x1b]11;rgb:0000/2b2b/3636\x1b\\\x1b[?62c", Dark},
		{"\x1b]11;rgba:0/0/0/f\x07", Dark}, {"\x1b[?62c", Unknown}, {"\x1b]11;rgb:zz/zz/zz\x07", Unknown}, {"\x1b]11;rgb:", Unknown},
	}
	for _, tt := range tests {
		if got := parseBackground([]byte(tt.in)); got != tt.want {
			t.Errorf("%q is %v, want %v", tt.in, got, tt.want)
		}
	}
	for in, want := range map[string]Background{"15;0": Dark, "0;15": Light, "0;default;15": Light, "": Unknown, "x;y": Unknown} {
		if got := fromEnv(in); got != want {
			t.Errorf("COLORFGBG=%q is %v, want %v", in, got, want)
		}
	}
}

// TestInputJoins writes a sequence in pieces and wants it in one read.
func TestInputJoins(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	in := NewInput(r)
	patient := NewInput(r)
	in.wait = func(time.Duration) bool { return patient.ready(time.Minute) } // the pieces come, however late
	go func() {
		for _, s := range []string{"\x1b", "[", "1;5", "C"} {
			_, _ = w.WriteString(s)
			time.Sleep(3 * time.Millisecond)
		}
	}()
	buf := make([]byte, 256)
	n, err := in.Read(buf)
	if err != nil || string(buf[:n]) != "\x1b[1;5C" {
		t.Errorf("read %q, %v", buf[:n], err)
	}
	in.wait = nil
	_, _ = w.WriteString("\x1b") // a lone ESC is a key, after a moment
	if n, _ = in.Read(buf); string(buf[:n]) != "\x1b" {
		t.Errorf("read %q, want ESC", buf[:n])
	}
	w.Close()
}

// TestPasteWithoutEnd ends a paste whose end is lost, so that the keyboard is not dead from then on.
func TestPasteWithoutEnd(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	in := NewInput(r)
	waits := 0
	in.wait = func(time.Duration) bool { waits++; return false }
	_, _ = w.WriteString("\x1b[200~abc")
	buf := make([]byte, 256)
	n, _ := in.Read(buf)
	if got := string(buf[:n]); got != "\x1b[200~abc\x1b[201~" {
		t.Errorf("read %q", got)
	}
	_, _ = w.WriteString("\x1b[200~abc\x1b[201~j")
	if n, _ = in.Read(buf); string(buf[:n]) != "\x1b[200~abc\x1b[201~j" {
		t.Errorf("a whole paste became %q", buf[:n])
	}
}

// TestPasteTooLong drops what is beyond the limit, up to the paste's end: it is not commands.
func TestPasteTooLong(t *testing.T) {
	const room = 256
	for cut := range len(pasteEnd) + 1 { // of the end, as many bytes come with one read, and the rest with the next
		size := pasteMax + 5000
		size += (room-len(pasteEnd))*2 - (len(pasteStart)+size+cut)%(room-len(pasteEnd))
		path := filepath.Join(t.TempDir(), "input")
		if err := os.WriteFile(path, []byte("\x1b[200~"+strings.Repeat("d", size)+"\x1b[201~j"), 0o600); err != nil {
			t.Fatal(err)
		}
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		in := NewInput(f)
		in.wait = func(time.Duration) bool { return true }
		var got strings.Builder
		buf := make([]byte, room)
		for {
			n, err := in.Read(buf)
			got.Write(buf[:n])
			if err != nil {
				break
			}
		}
		s := got.String()
		if !strings.HasSuffix(s, "\x1b[201~j") || strings.Count(s, "\x1b[201~") != 1 || len(s) < pasteMax || len(s) > pasteMax+1000 {
			t.Errorf("cut at %d: %d bytes, ending in %q", cut, len(s), s[max(0, len(s)-20):])
		}
	}
}

func FuzzStripReplies(f *testing.F) { // it never grows, never invents, and leaves plain text alone
	f.Add([]byte("j\x1b]11;rgb:ffff/ffff/ffff\x1b\\k\x1b[?62c"))
	f.Fuzz(func(t *testing.T, b []byte) {
		in := string(b)
		n := StripReplies(b)
		if n > len(in) {
			t.Fatalf("grew from %d to %d", len(in), n)
		}
		if !strings.Contains(in, "\x1b") && string(b[:n]) != in {
			t.Fatalf("changed %q to %q", in, b[:n])
		}
		unfinished(b[:n])
	})
}
