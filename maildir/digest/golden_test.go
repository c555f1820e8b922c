package digest

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pneu/maildir/message"
)

var update = flag.Bool("update", false, "rewrite the files that hold what is expected")

// dump writes all that a digest says.
func dump(d Digest) string {
	var b strings.Builder
	p := func(name string, v ...any) {
		fmt.Fprintf(&b, "%s:%s\n", name, fmt.Sprintf(strings.Repeat(" %q", len(v)), v...))
	}
	fmt.Fprintf(&b, "class %016b size %d wire %d lines %d truncated %v lang %q base %x\n", d.Class(), d.Size(), d.WireSize(), d.Lines(), d.Truncated(), d.Lang(), d.BaseSubject())
	p("from", d.From(), d.FromNameBytes(), d.FromAddrBytes())
	p("sender, reply-to", d.Sender(), d.ReplyTo())
	p("to, cc, bcc", d.To(), d.Cc(), d.Bcc())
	p("subject", d.SubjectBytes())
	p("date", d.Date().Format(time.RFC3339))
	p("ids", d.MessageID(), d.InReplyTo(), d.References())
	p("list", d.ListID(), d.Unsubscribe())
	p("auth", d.Auth())
	e := d.Envelope()
	p("envelope", e.Date, e.Subject, e.From, e.Sender, e.ReplyTo, e.To, e.Cc, e.Bcc, e.InReplyTo, e.MessageID)
	p("preview", d.PreviewBytes())
	for name, value := range d.Fields() {
		p("field "+string(name), value)
	}
	for i, part := range d.Parts() {
		fmt.Fprintf(&b, "part %d %+v bare %d %d\n", i, part.Part, part.HeaderBare, part.BodyBare)
		for _, f := range []string{"Content-Type", "Content-Disposition", "Content-ID", "Content-Description", "Content-Language",
			"Content-Location", "Content-MD5", "From", "Subject", "Message-ID"} {
			if v := part.Field(f); v != nil && i > 0 {
				p("  "+f, v)
			}
		}
	}
	for _, a := range d.Attachments() {
		fmt.Fprintf(&b, "attachment %+v\n", a)
	}
	p("head", Head(nil, d))
	return b.String()
}

func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/*.eml")
	if err != nil || len(files) == 0 {
		t.Fatal("no messages", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			raw, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			enc := Make(nil, raw)
			d, err := Decode(enc)
			if err != nil {
				t.Fatal(err)
			}
			text := Text(message.Parse(raw))
			got := fmt.Sprintf("%stext: %q\nfolded: %q\nencoded: %x\n", dump(d), text, Fold(nil, text), enc)
			name := strings.TrimSuffix(file, ".eml") + ".golden"
			if *update {
				if err := os.WriteFile(name, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("%s differs; if that is meant, raise Version and run go test -update\n%s", name, got)
			}
		})
	}
}
