package digest

import (
	"bytes"
	"strings"
	"testing"

	"pneu/maildir/message"
)

// Of a message longer than MaxRaw all that is kept is that of the beginning, but for its size.
func TestPartial(t *testing.T) {
	begin := "From: a@b.c\nSubject: long\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nearly\n--b\nContent-Type: application/octet-stream\n\n"
	line := strings.Repeat("x", 1022) + "\r\n"
	raw := []byte(begin + strings.Repeat(line, MaxRaw/1024+2) + "--b\n\nlate\n--b--\n")
	d, err := Decode(Make(nil, raw))
	if err != nil {
		t.Fatal(err)
	}
	bare := strings.Count(begin, "\n") + 4
	if !d.Partial() || d.Truncated() || d.Subject() != "long" || d.Preview() != "early" || d.Size() != int64(len(raw)) || d.WireSize() != int64(len(raw)+bare) {
		t.Errorf("partial %v truncated %v subject %q preview %q size %d wire %d; the message has %d and %d bare line ends",
			d.Partial(), d.Truncated(), d.Subject(), d.Preview(), d.Size(), d.WireSize(), len(raw), bare)
	}
	again := Make(nil, raw[:MaxRaw])
	Cut(again, int64(len(raw)), int64(len(raw)+bare))
	if !bytes.Equal(again, d.Bytes()) {
		t.Error("the digest of the beginning is another")
	}
	if text := Text(message.Parse(raw)); !strings.Contains(text, "early") || strings.Contains(text, "late") || text != Text(message.Parse(raw[:MaxRaw])) {
		t.Errorf("text %q", text)
	}
	if d, err := Decode(Make(nil, raw[:MaxRaw])); err != nil || d.Partial() {
		t.Error("a message of MaxRaw is looked at wholly")
	}
}
