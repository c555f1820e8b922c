package smtp

import (
	"bufio"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

// Ends of a message that some programs have seen where others saw text (CVE-2023-51764, -51765,
// -51766 and what was found since). Behind each stands a message that an attacker would smuggle.
var falseEnds = []string{
	"\n.\n", "\n.\r\n", "\r.\r\n", "\r.\r", "\r\n.\n", "\r\n.\r", "\n.\r", "\r.\n", "\r\n.\r\r\n",
	"\r\r\n.\r\n", "\r\n\x00.\r\n", "\r\n.\x00\r\n", "\n\n.\r\n", "\r\n.\r\x00\n", "\r\n\r.\r\n", "\r\n.\n\r\n", "\n\r.\n\r",
	"\r\n .\r\n", "\r\n. \r\n", "\r\n..\r\n", "\x85.\x85", "\u2028.\u2028", "\r\n.\v\n", "\r\n.\f\n",
}

func TestSmuggling(t *testing.T) {
	for _, end := range falseEnds {
		name := strings.NewReplacer("\r", "CR", "\n", "LF", "\x00", "NUL", "\x85", "NEL", "\u2028", "LS", "\v", "VT", "\f", "FF").Replace(end)
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := &sink{}
			conn := dial(t, Options{}, b)
			send := "EHLO x\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n" +
				"one" + end + "MAIL FROM:<evil@b>\r\nRCPT TO:<victim@d>\r\nDATA\r\nforged\r\n.\r\nQUIT\r\n"
			go conn.Write([]byte(send))
			replies, _ := io.ReadAll(conn)
			got := b.messages()
			bare := strings.ContainsAny(strings.ReplaceAll(end, "\r\n", ""), "\r\n")
			if bare {
				if len(got) != 0 || !strings.Contains(string(replies), "\r\n550 5.6.0 ") {
					t.Errorf("%d messages taken, replies %q", len(got), replies)
				}
				return
			}
			if len(got) != 1 || got[0].from != "a@b" || !strings.Contains(got[0].data, "evil@b") {
				t.Errorf("taken: %+v", got)
			}
		})
	}
}

// One who ends a message carelessly and waits hears at once why it was refused.
func TestCarelessEnd(t *testing.T) {
	for _, end := range []string{"\n.\n", "\r\n.\n", "\n.\r\n", "\r.\rx\r.\r"} {
		b := &sink{}
		conn := dial(t, Options{}, b)
		go conn.Write([]byte("EHLO x\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\nSubject: x\n\ntext" + end))
		start := time.Now()
		replies, _ := io.ReadAll(conn)
		if d := time.Since(start); d > 30*time.Second || len(b.messages()) != 0 || !strings.Contains(string(replies), "\r\n550 5.6.0 ") {
			t.Errorf("%q: %v, %d messages, %q", end, d, len(b.messages()), replies)
		}
	}
}

func TestDotReader(t *testing.T) {
	tests := []struct {
		name, in, want, rest string
		fault                *Status
	}{
		{"empty", ".\r\nQUIT", "", "QUIT", nil},
		{"text", "a\r\nb\r\n.\r\nQUIT", "a\r\nb\r\n", "QUIT", nil},
		{"stuffed", "..\r\n...\r\n.x\r\n.\r\n", ".\r\n..\r\nx\r\n", "", nil},
		{"dot inside", "a.\r\n .\r\n.\r\n", "a.\r\n .\r\n", "", nil},
		{"NUL", "a\x00b\r\n.\r\n", "a\x00b\r\n", "", nil},
		{"exactly the limit", "12345678901234567890\r\n.\r\nQ", "12345678901234567890\r\n", "Q", nil},
		{"above", "123456789012345678901\r\n.\r\nQ", "", "Q", statusTooBig},
		{"bare LF", "a\nb\r\n.\r\nQ", "", "Q", statusBareInData},
		{"bare CR", "a\rb\r\n.\r\nQ", "", "Q", statusBareInData},
		{"CR CR LF", "a\r\r\n.\r\nQ", "", "Q", statusBareInData},
		{"LF first", "\n.\r\n\r\n.\r\nQ", "", "Q", statusBareInData},
		{"dot LF", ".\n\r\n.\r\nQ", "", "Q", statusBareInData},
		{"above, with bare LF beyond", strings.Repeat("x", 30) + "\ny\r\n.\r\nQ", "", "Q", statusBareInData},
	}
	for _, tt := range tests {
		for _, oneByte := range []bool{false, true} {
			src := io.Reader(strings.NewReader(tt.in))
			if oneByte {
				src = iotest.OneByteReader(src)
			}
			br := bufio.NewReaderSize(src, 16)
			d := &dotReader{r: br, left: 22}
			var got strings.Builder
			buf := make([]byte, 1)
			if !oneByte {
				buf = make([]byte, 7)
			}
			for {
				n, err := d.Read(buf)
				got.Write(buf[:n])
				if err != nil {
					break
				}
			}
			fault := d.finish(1 << 20)
			rest, _ := io.ReadAll(br)
			if oneByte && fault == statusBareInData {
				rest = []byte(tt.rest) // it may stop at a careless end; the connection is closed then
			}
			if fault != tt.fault || fault == nil && got.String() != tt.want || string(rest) != tt.rest {
				t.Errorf("%s (one byte %v): %q, rest %q, fault %v; want %q, %q, %v", tt.name, oneByte, got.String(), rest, fault, tt.want, tt.rest, tt.fault)
			}
		}
	}
}

// What the reader lets through, the writer sends as it came; and no byte behind the first strict
// end is touched.
func FuzzDotReader(f *testing.F) {
	for _, end := range falseEnds {
		f.Add([]byte("a"+end+"b\r\n.\r\n"), 3)
	}
	f.Fuzz(func(t *testing.T, in []byte, size int) {
		size = 1 + max(size, -size)%50
		stream := string(in) + "\r\n.\r\nREST"
		br := bufio.NewReaderSize(strings.NewReader(stream), 16)
		d := &dotReader{r: br, left: 1 << 20}
		var got strings.Builder
		buf := make([]byte, size)
		for {
			n, err := d.Read(buf)
			got.Write(buf[:n])
			if err != nil {
				break
			}
		}
		fault := d.finish(1 << 20)
		end := strings.Index("\r\n"+stream, "\r\n.\r\n") + 3
		rest, _ := io.ReadAll(br)
		raw := stream[:end]
		bare := strings.ContainsAny(strings.ReplaceAll(raw, "\r\n", ""), "\r\n")
		if bare != (fault != nil) {
			t.Fatalf("%q: fault %v", stream, fault)
		}
		if fault == nil {
			if string(rest) != stream[end:] {
				t.Fatalf("%q: rest %q, want %q", stream, rest, stream[end:])
			}
			var again strings.Builder
			w := NewDotWriter(&again)
			io.WriteString(w, got.String())
			w.Close()
			want := raw
			// A dot that needed no stuffing is dropped all the same (RFC 5321, 4.5.2), so compare
			// the texts.
			if unstuff(again.String()) != unstuff(want) {
				t.Fatalf("%q sent again as %q", want, again.String())
			}
		}
	})
}

func unstuff(s string) string {
	var b strings.Builder
	for line := range strings.Lines(s) {
		b.WriteString(strings.TrimPrefix(line, "."))
	}
	return b.String()
}

func BenchmarkDotReader(b *testing.B) {
	msg := strings.Repeat(strings.Repeat("x", 70)+"\r\n", 14000) + ".\r\n"
	b.SetBytes(int64(len(msg)))
	b.ReportAllocs()
	buf := make([]byte, 32<<10)
	for b.Loop() {
		d := &dotReader{r: bufio.NewReaderSize(strings.NewReader(msg), 16<<10), left: 1 << 30}
		for {
			if _, err := d.Read(buf); err != nil {
				break
			}
		}
		if d.err != io.EOF {
			b.Fatal(d.err)
		}
	}
}
