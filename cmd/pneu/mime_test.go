package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"pneu/maildir/compose"
	"pneu/maildir/message"
)

// What is made of any text is a message without defects, and the text is in it.
func FuzzMime(f *testing.F) {
	f.Add("text\n#multipart/alternative\nplain\n#text/html\n<b>\n#end\n")
	f.Add("##text/plain\nZo\u00eb \x00 " + strings.Repeat("x", 2000))
	f.Add("#multipart/mixed\n#multipart/mixed\nx\n#end\n#end")
	f.Fuzz(func(t *testing.T, body string) {
		for line := range strings.Lines(body) { // files are not what is tested
			if m := partLine.FindStringSubmatch(strings.TrimRight(line, "\n")); m != nil && m[3] != "" {
				return
			}
		}
		body = strings.ReplaceAll(strings.ToValidUTF8(body, "?"), "\r", "")
		p, err := parseParts(body, false)
		if err != nil {
			return
		}
		d := compose.Draft{From: message.Addr{Addr: "a@example.org"}, Subject: "x"}
		raw, err := p.message(&writing{now: time.Unix(1700000000, 0)}, d, false)
		if err != nil {
			t.Fatal(err)
		}
		if defects := lint(message.Parse(raw)); len(defects) > 0 {
			t.Errorf("%q: %v in %q", body, defects, raw)
		}
		var all bytes.Buffer
		m := message.Parse(raw)
		for i := range m.Parts {
			if m.Parts[i].NumChildren == 0 {
				all.Write(m.Decode(i))
			}
		}
		for line := range strings.Lines(body) {
			line = strings.TrimSpace(line)
			if line == "" || line[0] == '#' {
				continue
			}
			if !bytes.Contains(all.Bytes(), []byte(line)) {
				t.Errorf("%q: the line %q is lost in %q", body, line, raw)
			}
		}
	})
}
