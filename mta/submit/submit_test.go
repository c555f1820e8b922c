package submit

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"pneu/mta/sysexits"
)

var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

func read(t *testing.T, in string, opt Options) (out string, h *Head) {
	t.Helper()
	r := bufio.NewReader(strings.NewReader(in))
	h, err := Read(r, opt)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if _, err := h.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	io.Copy(&b, r)
	return b.String(), h
}

func TestAdded(t *testing.T) {
	opt := Options{AddMissing: true, From: "ada@x.org", FullName: "Ada", Hostname: "mx", ID: "1K", Received: "by mx\n\tid 1K", Now: noon}
	const rcvd, from, date, id = "Received: by mx\n\tid 1K\n", "From: Ada <ada@x.org>\n", "Date: Sat, 21 Nov 2026 12:00:00 +0000\n", "Message-ID: <1K@mx>\n"
	tests := []struct{ name, in, want string }{
		{"all there", "from: a\nDATE: b\nmessage-id : c\n\nx", rcvd + "from: a\nDATE: b\nmessage-id : c\n\nx"},
		{"nothing there", "Subject: x\n\nbody\n", rcvd + from + date + id + "Subject: x\n\nbody\n"},
		{"empty", "", rcvd + from + date + id + "\n"},
		{"body alone", "hello\nthere\n", rcvd + from + date + id + "\nhello\nthere\n"},
		{"empty line first", "\nhello\n", rcvd + from + date + id + "\nhello\n"},
		{"folded line first", " x: y\n", rcvd + from + date + id + "\n x: y\n"},
		{"header alone", "Subject: x", rcvd + from + date + id + "Subject: x"},
		{"no empty line", "Subject: x\nhello there\n", rcvd + from + date + id + "Subject: x\nhello there\n"},
		{"mbox lines", "From x\n>From y\nSubject: x\n\nFrom z\n", rcvd + from + date + id + "Subject: x\n\nFrom z\n"},
		{"CRLF", "Subject: x\r\n\r\nbody\r\n", strings.ReplaceAll(rcvd+from+date+id+"Subject: x\n\nbody\n", "\n", "\r\n")},
		{"a field in the body", "Subject: x\n\nFrom: a\nDate: b\n", rcvd + from + date + id + "Subject: x\n\nFrom: a\nDate: b\n"},
		{"sent once more", "From: a\nResent-To: b\n\n", rcvd + "Resent-" + from + "Resent-" + date + "Resent-" + id + "From: a\nResent-To: b\n\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got, _ := read(t, tt.in, opt); got != tt.want {
				t.Errorf("got  %q\nwant %q", got, tt.want)
			}
		})
	}
}

func TestRecipients(t *testing.T) {
	tests := []struct {
		name, in string
		want     []string
		out      string
	}{
		{"all three", "To: a@x\nCC: b@x\nbcc: c@x\n\n", []string{"a@x", "b@x", "c@x"}, "To: a@x\nCC: b@x\n\n"},
		{"folded, in CRLF", "To: A <a@x>,\r\n\tb@x\r\nBcc: c@x,\r\n d@x\r\nSubject: s\r\n\r\n", []string{"a@x", "b@x", "c@x", "d@x"}, "To: A <a@x>,\r\n\tb@x\r\nSubject: s\r\n\r\n"},
		{"groups and comments", "To: g: a@x, \"b, c\" <b@x> (d@x);, e@x\n\n", []string{"a@x", "b@x", "e@x"}, "To: g: a@x, \"b, c\" <b@x> (d@x);, e@x\n\n"},
		{"empty group", "To: undisclosed-recipients:;\n\n", nil, "To: undisclosed-recipients:;\n\n"},
		{"encoded words hide nothing", "To: =?utf-8?q?a=40x=2C?= <b@x>\n\n", []string{"b@x"}, "To: =?utf-8?q?a=40x=2C?= <b@x>\n\n"},
		{"each once", "To: a@x\nCc: a@x\n\n", []string{"a@x"}, "To: a@x\nCc: a@x\n\n"},
		{"Resent", "To: a@x\nBcc: h@x\nResent-Cc: b@x\nResent-Bcc: c@x\n\n", []string{"b@x", "c@x"}, "To: a@x\nResent-Cc: b@x\n\n"},
		{"blanks before the colon", "To : a@x\nBcc\t: b@x\n\n", []string{"a@x", "b@x"}, "To : a@x\n\n"},
		{"not from the body", "To: a@x\n\nTo: b@x\nBcc: c@x\n", []string{"a@x"}, "To: a@x\n\nTo: b@x\nBcc: c@x\n"},
		{"Bcc at the end of input", "To: a@x\nBcc: b@x", []string{"a@x", "b@x"}, "To: a@x\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			out, h := read(t, tt.in, Options{Recipients: true})
			if !slices.Equal(h.Recipients, tt.want) || out != tt.out {
				t.Errorf("recipients %q, want %q\nout %q, want %q", h.Recipients, tt.want, out, tt.out)
			}
		})
	}
}

func TestEightBit(t *testing.T) {
	tests := []struct {
		in          string
		eight, utf8 bool
	}{
		{"Subject: x\n\n\xff", false, false},
		{"Subject: é\n\n", true, true},
		{"Subject: \xe9\n\n", true, false},
	}
	for _, tt := range tests {
		if _, h := read(t, tt.in, Options{}); h.EightBit != tt.eight || h.UTF8 != tt.utf8 {
			t.Errorf("%q: %v %v", tt.in, h.EightBit, h.UTF8)
		}
	}
}

func TestLimit(t *testing.T) {
	for _, in := range []string{"Subject: " + strings.Repeat("x", 100) + "\n\n", strings.Repeat("A: b\n", 30) + "\n"} {
		if _, err := Read(bufio.NewReaderSize(strings.NewReader(in), 16), Options{MaxHeader: 100}); sysexits.Code(err) != sysexits.Data {
			t.Errorf("%d bytes of header: %v", len(in), err)
		}
	}
	if _, err := Read(bufio.NewReader(iotest.ErrReader(io.ErrUnexpectedEOF)), Options{}); err != nil {
		t.Errorf("an error before the first byte is the body's to meet: %v", err)
	}
}

func TestMailbox(t *testing.T) {
	tests := []struct{ name, want string }{
		{"", "a@x"},
		{"Ada King", "Ada King <a@x>"},
		{`King, "A." \ x`, `"King, \"A.\" \\ x" <a@x>`},
		{"Jürgen", "=?utf-8?q?J=C3=BCrgen?= <a@x>"},
		{"x\nBcc: y", `"x Bcc: y" <a@x>`},
		{strings.Repeat("ü", 22), "=?utf-8?b?" + strings.Repeat("w7zDvMO8", 6) + "?= =?utf-8?b?" + strings.Repeat("w7zDvMO8", 1) + "w7w=?= <a@x>"},
	}
	for _, tt := range tests {
		if got := Mailbox(tt.name, "a@x"); got != tt.want {
			t.Errorf("Mailbox(%q) = %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestDotReader(t *testing.T) {
	tests := []struct{ in, want string }{
		{"a\n.\nb", "a\n"},
		{"a\n.\r\nb", "a\n"},
		{".\nb", ""},
		{"a\n.", "a\n"},
		{"a\n..\n.b\n. \n.\rx\n", "a\n..\n.b\n. \n.\rx\n"},
		{"a.\n", "a.\n"},
		{"a\n.\r", "a\n.\r"},
		{"", ""},
	}
	for _, tt := range tests {
		for _, r := range []io.Reader{strings.NewReader(tt.in), iotest.OneByteReader(strings.NewReader(tt.in)), iotest.DataErrReader(strings.NewReader(tt.in))} {
			if got, err := io.ReadAll(NewDotReader(r)); string(got) != tt.want || err != nil {
				t.Errorf("%q is read as %q, %v; want %q", tt.in, got, err, tt.want)
			}
		}
	}
}

// FuzzRead: whatever is given comes out again below what was added, in pieces
// of any size alike; and what is added is a header.
func FuzzRead(f *testing.F) {
	f.Add("Subject: x\n\nbody\n")
	f.Add("To: a@x,\r\n b@x\r\nBcc: c@x\r\n\r\n.\r\n")
	f.Add("From x\nResent-To : y\nnone\n")
	f.Fuzz(func(t *testing.T, in string) {
		opt := Options{AddMissing: true, From: "a@x", Hostname: "mx", ID: "1", Received: "x\n\ty", Now: noon}
		run := func(r io.Reader, size int, opt Options) string {
			br := bufio.NewReaderSize(r, size)
			h, err := Read(br, opt)
			if err != nil {
				t.Skip()
			}
			var b bytes.Buffer
			h.WriteTo(&b)
			io.Copy(&b, br)
			return b.String()
		}
		whole := run(strings.NewReader(in), 4096, opt)
		if pieces := run(iotest.OneByteReader(strings.NewReader(in)), 4096, opt); pieces != whole {
			t.Fatalf("in pieces %q, whole %q", pieces, whole)
		}
		given := in
		for strings.HasPrefix(strings.TrimPrefix(given, ">"), "From ") {
			_, given, _ = strings.Cut(given, "\n")
		}
		if !strings.HasSuffix(whole, given) {
			t.Fatalf("%q is written as %q", in, whole)
		}
		added := strings.TrimSuffix(whole, given)
		_, h := read(t, added+"\n\n", Options{})
		if h.Count("received") != 1 || h.Count("from")+h.Count("resent-from") > 1 {
			t.Fatalf("added %q", added)
		}
		opt.Recipients = true
		r := bufio.NewReader(strings.NewReader(run(strings.NewReader(in), 4096, opt)))
		if h, err := Read(r, Options{}); err == nil && (h.Has("bcc") || h.Has("resent-bcc")) {
			t.Fatalf("Bcc is still in what was %q", in)
		}
	})
}

// An input that breaks off is not the end of the header: a message cut short
// must not be taken for the whole.
func TestReadError(t *testing.T) {
	broken := errors.New("broken")
	for _, begin := range []string{"", "To: a@example.org\n", "To: a@exam"} {
		r := bufio.NewReader(io.MultiReader(strings.NewReader(begin), iotest.ErrReader(broken)))
		_, err := Read(r, Options{Recipients: true})
		if !errors.Is(err, broken) || sysexits.Code(err) != sysexits.IO {
			t.Errorf("after %q: %v", begin, err)
		}
	}
}

// RFC 2047, 2: a long name does not make a line of more than 76 columns.
func TestAddedFromIsFolded(t *testing.T) {
	_, h := read(t, "Subject: x\n\n", Options{AddMissing: true, From: "a@example.org", FullName: strings.Repeat("Jürgen ", 20), Hostname: "h.test", ID: "1"})
	var b strings.Builder
	if _, err := h.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	for line := range strings.SplitSeq(b.String(), "\n") {
		if len(line) > 76 {
			t.Errorf("%d columns: %q", len(line), line)
		}
	}
	if !strings.HasPrefix(b.String(), "From: =?utf-8?q?J=C3=BCrgen_") || !strings.Contains(b.String(), "\n =?utf-8?q?") {
		t.Errorf("%q", b.String())
	}
}
