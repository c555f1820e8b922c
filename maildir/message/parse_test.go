package message

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// checkTree asserts what Parse promises of any message.
func checkTree(t testing.TB, m *Message) {
	t.Helper()
	if len(m.Parts) == 0 || len(m.Parts) > MaxParts {
		t.Fatalf("%d parts", len(m.Parts))
	}
	children := make([]int, len(m.Parts))
	for i, p := range m.Parts {
		if p.HeaderStart < 0 || p.HeaderStart > p.BodyStart || p.BodyStart > p.BodyEnd || p.BodyEnd > len(m.Raw) {
			t.Fatalf("part %d: offsets %d, %d, %d of %d", i, p.HeaderStart, p.BodyStart, p.BodyEnd, len(m.Raw))
		}
		if i == 0 {
			if p.Parent != -1 || p.Depth != 0 {
				t.Fatalf("root: parent %d, depth %d", p.Parent, p.Depth)
			}
			continue
		}
		if p.Parent < 0 || p.Parent >= i {
			t.Fatalf("part %d: parent %d", i, p.Parent)
		}
		up := m.Parts[p.Parent]
		children[p.Parent]++
		if p.Depth != up.Depth+1 || p.Depth > MaxDepth {
			t.Fatalf("part %d: depth %d in %d", i, p.Depth, up.Depth)
		}
		if p.HeaderStart < up.BodyStart || p.BodyEnd > up.BodyEnd {
			t.Fatalf("part %d: %d-%d outside its parent %d: %d-%d", i, p.HeaderStart, p.BodyEnd, p.Parent, up.BodyStart, up.BodyEnd)
		}
		if prev := m.Parts[i-1]; p.HeaderStart < prev.HeaderStart {
			t.Fatalf("part %d starts before part %d", i, i-1)
		}
	}
	for i, n := range children {
		if m.Parts[i].NumChildren != n {
			t.Fatalf("part %d: %d children, %d counted", i, m.Parts[i].NumChildren, n)
		}
	}
}

func read(t testing.TB, name string) *Message {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	m := Parse(b)
	checkTree(t, m)
	return m
}

// outline draws the tree: indented types, and the content of leaves.
func outline(m *Message) string {
	var b strings.Builder
	for i := range m.Parts {
		p := &m.Parts[i]
		fmt.Fprintf(&b, "%s%s", strings.Repeat("  ", p.Depth), p.ContentType())
		if p.Filename != "" {
			fmt.Fprintf(&b, " %q", p.Filename)
		}
		if p.NumChildren == 0 {
			fmt.Fprintf(&b, " %d %q", p.Lines, m.Text(i, 0))
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func TestParse(t *testing.T) {
	tests := []struct {
		file, subject, want string
		defects             int
	}{
		{"everything-in-one.eml", "Grüße an alle", `multipart/mixed
  multipart/alternative
    text/plain 1 "Grüße an alle"
    text/html 0 "<p>Grüße</p>"
  message/rfc822
    text/plain 1 "forwarded text\n"
  application/pdf "ré.pdf" 0 "%PDF-1"
`, 0},
		{"inner-boundary-never-closed.eml", "never closed", `multipart/mixed
  text/plain 0 "first"
  multipart/mixed
    text/plain 0 "inner"
  text/plain 0 "last"
`, 0},
		{"boundary-never-seen.eml", "not there", `text/plain 2 "--other\nall there is\n"
`, 1},
		{"cr-only.eml", "cr only", `multipart/mixed
  text/plain 0 "one"
  text/plain 0 "two"
`, 0},
		{"bare-cr-in-field.eml", "one X-Injected: yes", `text/plain 1 "x\n"
`, 0},
		{"empty-line-missing.eml", "no empty line", `text/plain 2 "Dear Bob,\nplease note: this is the body.\n"
`, 1},
		{"garbage-among-fields.eml", "garbage among fields", `text/plain 1 "x\n"
`, 0},
		{"delimiter-ends-header.eml", "header in a delimiter", `multipart/mixed
  text/html 0 ""
  text/plain "lost indent.txt" 0 "text"
`, 1},
		{"digest.eml", "digest", `multipart/digest
  message/rfc822
    text/plain 0 "first"
  text/plain 0 "notes"
`, 0},
		{"byte-order-mark.eml", "byte order mark", `text/plain 1 "x\n"
`, 0},
		{"message-in-base64.eml", "encoded", `message/rfc822 1 "Subject: within\n\nhello\n"
`, 0},
	}
	for _, tt := range tests {
		t.Run(tt.file, func(t *testing.T) {
			m := read(t, tt.file)
			if got := outline(m); got != tt.want {
				t.Errorf("got\n%swant\n%s", got, tt.want)
			}
			if got := m.Header(0).Text("subject"); got != tt.subject {
				t.Errorf("subject %q, want %q", got, tt.subject)
			}
			if len(m.Defects) != tt.defects {
				t.Errorf("defects %v, want %d", m.Defects, tt.defects)
			}
		})
	}
}

func TestEmbedded(t *testing.T) {
	m := read(t, "message-in-base64.eml")
	within := m.Embedded(0)
	if within == nil || within.Header(0).Get("Subject") != "within" || within.Text(0, 0) != "hello\n" {
		t.Errorf("the encoded message was not found")
	}
	if r := NewReport(m); len(r.Leaves) != 1 || r.Leaves[0].Type != "text/plain" || r.Leaves[0].Size != 6 {
		t.Errorf("leaves %+v", r.Leaves)
	}
	if read(t, "digest.eml").Embedded(1) != nil {
		t.Error("a message that was entered is embedded as well")
	}
}

// Whatever is sent, time and memory are bounded.
func TestLimits(t *testing.T) {
	nested := func(n int) []byte {
		var b bytes.Buffer
		for i := range n {
			fmt.Fprintf(&b, "Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n", i, i)
		}
		b.WriteString("\nbottom\n")
		return b.Bytes()
	}
	tests := []struct {
		name  string
		raw   []byte
		parts int // 0 is any
	}{
		{"empty", nil, 1},
		{"only line ends", bytes.Repeat([]byte("\n"), 1<<20), 1},
		{"99 levels", nested(99), 100},
		{"100,000 levels", nested(100000), MaxDepth + 1},
		{"messages in messages", bytes.Repeat([]byte("Content-Type: message/rfc822\n\n"), 100000), MaxDepth + 1},
		{"million parts", append([]byte("Content-Type: multipart/mixed; boundary=b\n\n"), bytes.Repeat([]byte("--b\n"), 1000000)...), MaxParts},
		{"hyphens", append(nested(99), bytes.Repeat([]byte("--\n"), 1000000)...), 0},
		{"more hyphens", append(nested(99), bytes.Repeat([]byte("--b1x--"), 1000000)...), 0},
		{"a long field", append([]byte("Content-Type: text/plain; "), bytes.Repeat([]byte("a=b; "), 500000)...), 1},
		{"many sections", append([]byte("Content-Type: a/b; "), bytes.Repeat([]byte("name*1=b; "), 500000)...), 1},
		{"many fields", bytes.Repeat([]byte("X: y\n"), 1000000), 1},
		{"garbage", bytes.Repeat([]byte("x\nto: y\n"), 500000), 1},
		{"open comments", append([]byte("Content-Type: "), bytes.Repeat([]byte("("), 1<<20)...), 1},
		{"open quotes", append([]byte("Content-Type: a/b; "), bytes.Repeat([]byte("a=\"; "), 1<<20)...), 1},
		{"encoded words", append([]byte("Subject: "), bytes.Repeat([]byte("=?utf-8?q?x?= "), 100000)...), 1},
		{"half encoded words", append([]byte("Subject: "), bytes.Repeat([]byte("=?utf-8?q?"), 200000)...), 1},
		{"open addresses", append([]byte("From: "), bytes.Repeat([]byte("<"), 1<<20)...), 1},
		{"open address comments", append([]byte("From: "), bytes.Repeat([]byte("a(\"<"), 1<<19)...), 1},
		{"words never ended", append([]byte("Subject: "), bytes.Repeat([]byte("=?u?q?x"), 200000)...), 1},
		{"colons", append([]byte("To: "), bytes.Repeat([]byte("a:"), 1<<19)...), 1},
		{"bracket closed far away", append(append([]byte("To: "), bytes.Repeat([]byte("a<"), 1<<17)...), ">"...), 1},
		{"raw fields", append(bytes.Repeat([]byte("To: \xe9\n"), 200000), "Content-Type: text/plain; charset=koi8-r"...), 1},
		{"ids", append([]byte("References: "), bytes.Repeat([]byte("<a@b> "), 1<<18)...), 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			start := time.Now()
			m := Parse(tt.raw)
			parsed := time.Since(start)
			m.Header(0).Summary()
			read := time.Since(start)
			t.Logf("parsed in %v, read in %v", parsed, read)
			if read > 20*time.Second { // what grows with the square takes minutes, a busy machine under -race some seconds
				t.Error("that is too long")
			}
			checkTree(t, m)
			if tt.parts > 0 && len(m.Parts) != tt.parts {
				t.Errorf("%d parts, want %d", len(m.Parts), tt.parts)
			}
		})
	}
}

func TestDisplay(t *testing.T) {
	m := read(t, "everything-in-one.eml")
	plain, html, attachments := m.Display()
	if plain != 2 || html != 3 || !slices.Equal(attachments, []int{4, 6}) {
		t.Errorf("Display() = %d, %d, %v", plain, html, attachments)
	}
	if got := m.Bodies(false); !slices.Equal(got, []int{2}) {
		t.Errorf("Bodies(false) = %v", got)
	}
	if got := m.Bodies(true); !slices.Equal(got, []int{3}) {
		t.Errorf("Bodies(true) = %v", got)
	}
	pdf := Parse([]byte("Content-Type: application/pdf\n\nx"))
	if plain, html, attachments := pdf.Display(); plain != -1 || html != -1 || !slices.Equal(attachments, []int{0}) {
		t.Errorf("Display() of a file = %d, %d, %v", plain, html, attachments)
	}
}

// Offsets nest, and nothing that reads a part panics.
func FuzzParse(f *testing.F) {
	files, _ := filepath.Glob(filepath.Join("testdata", "*.eml"))
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		m := Parse(b)
		checkTree(t, m)
		for i := range m.Parts {
			var w bytes.Buffer
			if err := m.DecodeTo(&w, i); err != nil || !bytes.Equal(w.Bytes(), m.Decode(i)) {
				t.Fatalf("part %d: DecodeTo and Decode differ", i)
			}
			if s := m.Text(i, 0); !utf8.ValidString(s) {
				t.Fatalf("part %d: text is not UTF-8", i)
			}
			if s := m.Text(i, 5); len(s) > 5 {
				t.Fatalf("part %d: %d bytes of text", i, len(s))
			}
			for name, value := range m.Header(i).Fields() {
				if name == "" || strings.ContainsAny(name+value, "\r\n\x00") {
					t.Fatalf("part %d: field %q: %q", i, name, value)
				}
			}
		}
		m.Display()
		m.Bodies(true)
		NewReport(m)
		if sum, err := ReadSummary(bytes.NewReader(b)); err == nil && strings.ContainsAny(sum.Subject, "\r\n\x00") {
			t.Fatalf("subject %q", sum.Subject)
		}
	})
}
