package dsn

import (
	"bufio"
	"bytes"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-message"
	_ "github.com/emersion/go-message/charset"
	"github.com/emersion/go-message/textproto"
)

var update = flag.Bool("update", false, "rewrite the golden reports")

const original = "Received: from a\r\n\tby b; Sat, 21 Nov 2026 09:00:00 +0000\r\nFrom: Ada <ada@example.org>\r\n" +
	"To: bob@example.net\r\nSubject: dinner\r\nMessage-ID: <1@example.org>\r\n\r\n.first line\r\nlast line without an end"

var (
	arrived = time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)
	later   = arrived.Add(4 * time.Hour)
)

func report(action Action) Report {
	return Report{
		Hostname: "mx.example.org", To: "ada@example.org", MessageID: "r1@mx.example.org", Date: later, QueueID: "01KQ3V8ZJ4T7C",
		Arrived: arrived, Original: strings.NewReader(original),
		Recipients: []Recipient{
			{Address: "bob@example.net", ORcpt: "rfc822;robert@example.com", Action: action, Status: "5.1.1", Host: "mx.example.net", IP: "192.0.2.7",
				Code: 550, Text: "no such user here, see https://support.example.net/answer/why-your-message-was-refused for a list of what it may be", LastAttempt: later},
			{Address: "eve@example.net", Action: action, Status: "5.4.6", Text: "mail for example.net loops back to this host", LastAttempt: later},
		},
	}
}

func TestGolden(t *testing.T) {
	tests := []struct {
		file string
		edit func(*Report)
	}{
		{"failed-header-only", func(r *Report) {}},
		{"failed-full-message", func(r *Report) { r.Full = true; r.EnvID = "x 1" }},
		{"delayed", func(r *Report) {
			*r = report(Delayed)
			for i := range r.Recipients {
				r.Recipients[i].Status, r.Recipients[i].Code, r.Recipients[i].RetryUntil = "4.4.1", 0, arrived.Add(120*time.Hour)
				r.Recipients[i].Text = "connect to port 25: connection refused"
			}
		}},
		{"delivered", func(r *Report) {
			*r = report(Delivered)
			r.Recipients = []Recipient{{Address: "bob@example.net", Action: Delivered, Status: "2.0.0"}}
		}},
		{"relayed", func(r *Report) {
			*r = report(Relayed)
			r.Recipients = r.Recipients[:1]
			r.Recipients[0].Status, r.Recipients[0].Code, r.Recipients[0].Text = "2.0.0", 250, "queued"
		}},
		{"addresses-in-unicode", func(r *Report) {
			r.UTF8 = true
			r.To = "älfa@example.org"
			r.Recipients[0].Address, r.Recipients[0].ORcpt = "bob@bücher.example", "utf-8;β@example.net"
			r.Original = strings.NewReader(strings.Replace(original, "dinner", "Grüße", 1))
		}},
		{"unicode-reply-in-ascii-report", func(r *Report) {
			r.Recipients[0].Text = "Empfänger\r\nX-Injected: yes\x1b[31m"
		}},
	}
	for _, tt := range tests {
		t.Run(tt.file, func(t *testing.T) {
			r := report(Failed)
			tt.edit(&r)
			var b bytes.Buffer
			if err := Write(&b, r); err != nil {
				t.Fatal(err)
			}
			file := filepath.Join("testdata", tt.file+".eml")
			if *update {
				if err := os.WriteFile(file, b.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if b.String() != string(want) {
				t.Errorf("report is\n%s", b.String())
			}
			check(t, b.Bytes(), r)
		})
	}
}

// check reads a report with another's MIME parser.
func check(t *testing.T, raw []byte, r Report) {
	t.Helper()
	e, err := message.Read(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	mt, p, _ := e.Header.ContentType()
	if mt != "multipart/report" || p["report-type"] != "delivery-status" {
		t.Errorf("content type %s %v", mt, p)
	}
	mr := e.MultipartReader()
	var types []string
	for {
		part, err := mr.NextPart()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		mt, _, _ := part.Header.ContentType()
		types = append(types, mt)
		body, err := io.ReadAll(part.Body)
		if err != nil {
			t.Fatal(err)
		}
		switch len(types) {
		case 2:
			groups := strings.Split(strings.TrimSpace(strings.ReplaceAll(string(body), "\r\n", "\n")), "\n\n")
			if len(groups) != 1+len(r.Recipients) {
				t.Errorf("%d groups of fields for %d recipients", len(groups), len(r.Recipients))
			}
			for i, g := range groups {
				h, err := textproto.ReadHeader(bufioReader(g + "\n\n"))
				if err != nil {
					t.Errorf("group %d: %v", i, err)
				}
				if i > 0 && (h.Get("Final-Recipient") == "" || h.Get("Action") == "" || h.Get("Status") == "" || h.Has("X-Injected")) {
					t.Errorf("group %d lacks a field or has one too many: %q", i, g)
				}
			}
		case 3:
			if r.Full != strings.Contains(string(body), "last line without an end") || !strings.Contains(string(body), "Message-ID: <1@example.org>") {
				t.Errorf("the original is %q", body)
			}
		}
	}
	if len(types) != 3 || types[0] != "text/plain" {
		t.Errorf("parts: %v", types)
	}
	for line := range bytes.Lines(raw) {
		if len(line) > 999 {
			t.Errorf("a line of %d bytes", len(line))
		}
	}
}

func TestHugeHeader(t *testing.T) {
	r := report(Failed)
	r.Original = io.MultiReader(strings.NewReader("Message-ID: <1@a>\n"), strings.NewReader(strings.Repeat("X: "+strings.Repeat("y", 70)+"\n", 20000)))
	var b bytes.Buffer
	if err := Write(&b, r); err != nil || b.Len() > maxHeader+8192 {
		t.Errorf("%d bytes, %v", b.Len(), err)
	}
}

func TestEmptyOriginal(t *testing.T) {
	for _, s := range []string{"", "\n", "\r\n", "no header", "\n\nbody"} {
		r := report(Failed)
		r.Original, r.Full = strings.NewReader(s), true
		var b bytes.Buffer
		if err := Write(&b, r); err != nil {
			t.Errorf("%q: %v", s, err)
		}
	}
}

func TestNoRecipients(t *testing.T) {
	if err := Write(io.Discard, Report{Original: strings.NewReader("")}); err == nil {
		t.Error("a report about nobody was written")
	}
}

func FuzzWrite(f *testing.F) { // whatever a server said: three parts, and no field that is not ours
	f.Add("bob@example.net", "no\r\nX-Injected: yes", "5.1.1", "mx.example\nX-Injected: 1", original)
	f.Fuzz(func(t *testing.T, addr, text, status, host, orig string) {
		r := report(Failed)
		r.Recipients = []Recipient{{Address: addr, Action: Failed, Status: status, Host: host, Code: 550, Text: text}}
		r.Original = strings.NewReader(orig)
		var b bytes.Buffer
		if err := Write(&b, r); err != nil {
			t.Fatal(err)
		}
		_, fields, _ := strings.Cut(b.String(), "Content-Description: Delivery report\n")
		fields, _, _ = strings.Cut(fields, "\n--report-")
		for _, line := range strings.Split(fields, "\n") {
			name, _, ok := strings.Cut(line, ": ")
			switch {
			case line == "" || line[0] == '\t':
			case !ok || !strings.Contains("Reporting-MTA X-Pneu-Queue-ID Arrival-Date Final-Recipient Action Status Remote-MTA Diagnostic-Code", name):
				t.Errorf("field %q", line)
			}
		}
	})
}

func bufioReader(s string) *bufio.Reader { return bufio.NewReader(strings.NewReader(s)) }
