package smtp

import (
	"bufio"
	"bytes"
	"io"
	"strings"
	"testing"
)

func TestDotWriter(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"empty", "", ".\r\n"},
		{"one line", "a\r\n", "a\r\n.\r\n"},
		{"no end", "a", "a\r\n.\r\n"},
		{"lone LF", "a\nb\n", "a\r\nb\r\n.\r\n"},
		{"lone CR", "a\rb\r", "a\r\nb\r\n.\r\n"},
		{"CR CR LF", "a\r\r\nb", "a\r\n\r\nb\r\n.\r\n"},
		{"LF CR", "a\n\rb", "a\r\n\r\nb\r\n.\r\n"},
		{"dot first", ".a\r\n", "..a\r\n.\r\n"},
		{"dots", ".\r\n..\r\n", "..\r\n...\r\n.\r\n"},
		{"smuggling LF dot LF", "a\n.\nb\n", "a\r\n..\r\nb\r\n.\r\n"},
		{"smuggling LF dot CRLF", "a\n.\r\nb", "a\r\n..\r\nb\r\n.\r\n"},
		{"smuggling CR dot CR", "a\r.\rb", "a\r\n..\r\nb\r\n.\r\n"},
		{"smuggling CR dot CRLF", "a\r.\r\nMAIL", "a\r\n..\r\nMAIL\r\n.\r\n"},
		{"dot inside", "a.b\r\n a.\r\n", "a.b\r\n a.\r\n.\r\n"},
		{"empty lines", "\n\n\r\n", "\r\n\r\n\r\n.\r\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for size := 1; size <= len(tt.in)+1; size++ {
				var out bytes.Buffer
				d := NewDotWriter(&out)
				for in := []byte(tt.in); len(in) > 0; {
					n := min(size, len(in))
					if m, err := d.Write(in[:n]); m != n || err != nil {
						t.Fatalf("Write = %d, %v", m, err)
					}
					in = in[n:]
				}
				if err := d.Close(); err != nil {
					t.Fatal(err)
				}
				if out.String() != tt.want {
					t.Errorf("pieces of %d: %q, want %q", size, out.String(), tt.want)
				}
			}
		})
	}
}

func TestDotWriterErrors(t *testing.T) {
	d := NewDotWriter(failing{})
	if _, err := d.Write([]byte("a\n")); err != io.ErrShortWrite {
		t.Errorf("Write = %v", err)
	}
	if err := d.Close(); err != io.ErrShortWrite {
		t.Errorf("Close = %v", err)
	}
	d = NewDotWriter(io.Discard)
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Write([]byte("a")); err == nil {
		t.Error("written after the end")
	}
}

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, io.ErrShortWrite }

// What is sent holds no lone CR or LF, ends once, and says the same as what came in.
func FuzzDotWriter(f *testing.F) {
	f.Add([]byte("a\r\n.\r\nb\n.\n\r.\rc"), 3)
	f.Add([]byte(".\r"), 1)
	f.Fuzz(func(t *testing.T, in []byte, size int) {
		size = max(1, size%64)
		var out bytes.Buffer
		d := NewDotWriter(&out)
		for p := in; len(p) > 0; {
			n := min(size, len(p))
			d.Write(p[:n])
			p = p[n:]
		}
		d.Close()
		s := out.String()
		if rest := strings.ReplaceAll(s, "\r\n", ""); strings.ContainsAny(rest, "\r\n") {
			t.Fatalf("%q sent as %q", in, s)
		}
		if i := strings.Index("\r\n"+s, "\r\n.\r\n"); i != len(s)-3 {
			t.Fatalf("%q ends at %d: %q", in, i, s)
		}
		want := strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(string(in))
		if want != "" && !strings.HasSuffix(want, "\n") {
			want += "\n"
		}
		var got strings.Builder
		for line := range strings.Lines(strings.ReplaceAll(s[:len(s)-3], "\r\n", "\n")) {
			got.WriteString(strings.TrimPrefix(line, "."))
		}
		if got.String() != want {
			t.Fatalf("%q arrives as %q", in, got.String())
		}
	})
}

func BenchmarkDotWriter(b *testing.B) {
	line := strings.Repeat("x", 70)
	for _, bb := range []struct{ name, text string }{
		{"crlf", strings.Repeat(line+"\r\n", 450)},
		{"lf", strings.Repeat(line+"\n", 450)},
		{"cr", strings.Repeat("\r", 32<<10)},
	} {
		b.Run(bb.name, func(b *testing.B) {
			p := []byte(bb.text)
			w := bufio.NewWriterSize(io.Discard, 32<<10)
			b.SetBytes(int64(len(p)))
			b.ReportAllocs()
			for b.Loop() {
				d := NewDotWriter(w)
				d.Write(p)
				d.Close()
			}
		})
	}
}
