package compose

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"pneu/maildir/message"
)

var now = time.Date(2026, 11, 21, 9, 15, 0, 0, time.FixedZone("", 3600))

const letter = `From: Ada Lovelace <ada@example.org>
To: Grace Hopper <grace@navy.example>, me@example.net
Cc: =?utf-8?q?Zo=C3=AB?= <zoe@example.com>, ME+work@example.net
Subject: Re: [queue] Jitter
Date: Sat, 21 Nov 2026 08:00:00 +0000
Message-ID: <3@example.org>
References: <1@example.org>
 <2@example.org>
List-Post: <mailto:queue@lists.example.org>
Content-Type: text/plain; format=flowed

Hello, this is a paragraph that 
goes on in the next line.
> > quoted
> once

-- 
Ada
`

func TestReply(t *testing.T) {
	me := []string{"me@example.net"}
	with := func(field string) string { return field + "\n" + letter }
	tests := []struct {
		name, msg     string
		all           bool
		to, cc        string
		from, subject string
	}{
		{"to the sender", letter, false, "Ada Lovelace <ada@example.org>", "", "me@example.net", "Re: [queue] Jitter"},
		{"to all", letter, true, "Ada Lovelace <ada@example.org>", "Grace Hopper <grace@navy.example>, Zoë <zoe@example.com>", "me@example.net", ""},
		{"Reply-To", with("Reply-To: a@example.org, b@example.org"), false, "a@example.org, b@example.org", "", "", ""},
		{"Mail-Followup-To not for one", with("Mail-Followup-To: queue@lists.example.org"), false, "Ada Lovelace <ada@example.org>", "", "", ""},
		{"Mail-Followup-To for all", with("Mail-Followup-To: queue@lists.example.org, me@example.net"), true, "queue@lists.example.org", "", "", ""},
		{"to my own message", strings.Replace(letter, "ada@example.org", "me@example.net", 1), true, "Grace Hopper <grace@navy.example>", "Zoë <zoe@example.com>", "me@example.net", ""},
		{"to a note to myself", "From: me@example.net\nTo: me@example.net\nSubject: x\n\n", false, "me@example.net", "", "me@example.net", "Re: x"},
		{"prefixes of other countries", "From: a@example.org\nSubject: AW: Re[2]: SV: x\n\n", false, "a@example.org", "", "me@example.net", "Re: x"},
		{"no subject", "From: a@example.org\n\n", false, "a@example.org", "", "", "Re: "},
		{"Regarding is no prefix", "From: a@example.org\nSubject: Regarding: x\n\n", false, "a@example.org", "", "", "Re: Regarding: x"},
		{"sub-address it came to", "From: a@example.org\nTo: me+work@example.net\n\n", false, "a@example.org", "", "me+work@example.net", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := Reply(message.Parse([]byte(tt.msg)), me, tt.all, Options{})
			if got := formatList(d.To); got != tt.to {
				t.Errorf("To: %s, want %s", got, tt.to)
			}
			if got := formatList(d.Cc); got != tt.cc {
				t.Errorf("Cc: %s, want %s", got, tt.cc)
			}
			if tt.from != "" && d.From.Addr != tt.from {
				t.Errorf("From: %s", d.From.Addr)
			}
			if tt.subject != "" && d.Subject != tt.subject {
				t.Errorf("Subject: %q", d.Subject)
			}
		})
	}
}

func TestReplyBody(t *testing.T) {
	d := Reply(message.Parse([]byte(letter)), []string{"me@example.net"}, false, Options{Signature: "Me"})
	want := `On Sat, 21 Nov 2026 at 08:00, Ada Lovelace wrote:
> Hello, this is a paragraph that goes on in the next line.
>>> quoted
>> once


-- 
Me
`
	if d.Body != want {
		t.Errorf("got\n%s\nwant\n%s", d.Body, want)
	}
	if d.InReplyTo != "3@example.org" || strings.Join(d.References, " ") != "1@example.org 2@example.org 3@example.org" {
		t.Errorf("%q %q", d.InReplyTo, d.References)
	}
	if d := Reply(message.Parse([]byte(letter)), nil, false, Options{NoQuote: true}); d.Body != "" {
		t.Errorf("with NoQuote: %q", d.Body)
	}
	html := "From: a@example.org\nContent-Type: text/html\n\n<p>one<p>two <a href='https://example.org/'>here</a>"
	if d := Reply(message.Parse([]byte(html)), nil, false, Options{}); !strings.HasSuffix(d.Body, "> one\n>\n> two here [1]\n\n") {
		t.Errorf("of HTML: %q", d.Body)
	}
}

func TestReplyWrapsQuotes(t *testing.T) {
	long := "From: a@example.org\n\n> " + strings.Repeat("word ", 30) + "\n    code " + strings.Repeat("x ", 60) + "\n"
	d := Reply(message.Parse([]byte(long)), nil, false, Options{Width: 40})
	for i, line := range strings.Split(strings.TrimSpace(d.Body), "\n")[1:] {
		if strings.Contains(line, "word") && (len(line) > 40 || !strings.HasPrefix(line, ">> ")) {
			t.Errorf("line %d: %q", i, line)
		}
		if strings.Contains(line, "code") && !strings.HasPrefix(line, ">     code x x") {
			t.Errorf("code was touched: %q", line)
		}
	}
}

// Marks are repeated before each line that a quoted one is wrapped into: an answer to 200 KB must not take gigabytes.
func TestReplyDeepQuote(t *testing.T) {
	const n = 100000
	text := strings.Repeat(">", n) + strings.Repeat(" word", n/5) + "\n"
	m := message.Parse([]byte("From: b@example.org\n\n" + text))
	for name, got := range map[string]string{"reply": Reply(m, nil, false, Options{}).Body, "flow": Flow(text)} {
		if len(got) > 5*len(text) || strings.Count(got, "word") != n/5 {
			t.Errorf("%s: %d bytes with %d words, of %d with %d", name, len(got), strings.Count(got, "word"), len(text), n/5)
		}
	}
}

func TestReplyList(t *testing.T) {
	d, ok := ReplyList(message.Parse([]byte(letter)), []string{"me@example.net"}, Options{})
	if !ok || formatList(d.To) != "queue@lists.example.org" || len(d.Cc) != 0 {
		t.Errorf("%v %v", ok, d.To)
	}
	for _, post := range []string{"", "List-Post: NO\n", "List-Post: <https://example.org/post>\n"} {
		if _, ok := ReplyList(message.Parse([]byte(post+"From: a@example.org\n\n")), nil, Options{}); ok {
			t.Errorf("%q: there is no list to answer to", post)
		}
	}
}

func TestForward(t *testing.T) {
	msg := message.Parse([]byte("From mbox Sat Nov 21 08:00:00 2026\nFrom: =?utf-8?q?Zo=C3=AB?= <zoe@example.com>\nTo: a@example.org\nSubject: plan\nDate: Sat, 21 Nov 2026 08:00:00 +0000\n" +
		"Content-Type: multipart/mixed; boundary=b\n\n--b\n\ntext\n--b\nContent-Type: application/pdf; name=\"../../plan.pdf\"\nContent-Disposition: attachment\nContent-Transfer-Encoding: base64\n\naGVsbG8=\n--b--\n"))
	d := Forward(msg, Inline, []string{"a@example.org"}, Options{})
	want := "\n---------- Forwarded message ----------\nFrom: Zoë <zoe@example.com>\nDate: Sat, 21 Nov 2026 08:00:00 +0000\nSubject: plan\nTo: a@example.org\n\ntext\n"
	if d.Body != want || d.Subject != "Fwd: plan" || d.From.Addr != "a@example.org" || len(d.To) != 0 {
		t.Errorf("%q from %v: %q", d.Subject, d.From, d.Body)
	}
	if len(d.Attachments) != 1 || string(d.Attachments[0].Data) != "hello" || strings.ContainsAny(d.Attachments[0].Name, "/") {
		t.Errorf("attachments: %+v", d.Attachments)
	}
	d = Forward(msg, Attached, nil, Options{From: message.Addr{Addr: "a@example.org"}})
	var b bytes.Buffer
	if err := d.Write(&b, now, "x@example.org"); err != nil {
		t.Fatal(err)
	}
	m := message.Parse(b.Bytes())
	_, _, att := m.Display()
	if len(att) != 1 || m.Parts[att[0]].Subtype != "rfc822" || !bytes.HasPrefix(m.Body(att[0]), []byte("From: =?utf-8?q?Zo")) {
		t.Errorf("attached:\n%s", b.Bytes())
	}
}

func draft() Draft {
	return Draft{
		From: message.Addr{Name: "Ada Lövelace", Addr: "ada@example.org"},
		To:   []message.Addr{{Name: "Hopper, Grace", Addr: "grace@navy.example"}, {Addr: "x@example.org"}},
		Cc:   []message.Addr{{Name: `The "Q"`, Addr: "q@example.org"}}, Bcc: []message.Addr{{Addr: "secret@example.org"}},
		Subject:   "Grüße and a subject that is long enough to be folded by whoever writes it into a header",
		InReplyTo: "3@example.org", References: []string{"1@example.org", "3@example.org"},
		Body:  "Hällo,\n\n" + strings.Repeat("a long line ", 20) + "end\n>> quoted " + strings.Repeat("long ", 30) + "end\n  indented\nFrom here\n>\n-- \nAda\n",
		Extra: []Field{{"X-Pneu-Note", "dä"}},
	}
}

func TestWriteAndRecall(t *testing.T) {
	file := filepath.Join(t.TempDir(), "näme one.txt")
	if err := os.WriteFile(file, []byte("content\r\n\x00\xff"), 0o600); err != nil {
		t.Fatal(err)
	}
	d := draft()
	for _, attach := range []bool{false, true} {
		if attach {
			d.Attachments = []Attachment{{Path: file}, {Data: []byte{1, 2, 3}, Name: "b.pdf"}}
		}
		var b bytes.Buffer
		if err := d.WriteDraft(&b, now, ""); err != nil {
			t.Fatal(err)
		}
		for i, line := range strings.Split(b.String(), "\n") {
			if len(line) > 100 || strings.ContainsRune(line, '\r') {
				t.Errorf("line %d: %q", i, line)
			}
			for _, c := range []byte(line) {
				if c >= 0x7f {
					t.Errorf("line %d is not ASCII: %q", i, line)
					break
				}
			}
		}
		m := message.Parse(b.Bytes())
		if len(m.Defects) > 0 {
			t.Errorf("defects: %v\n%s", m.Defects, b.String())
		}
		got := FromMessage(m)
		if attach {
			if len(got.Attachments) != 2 || string(got.Attachments[0].Data) != "content\r\n\x00\xff" || got.Attachments[0].Name != "näme one.txt" ||
				got.Attachments[0].Type != "text/plain" || got.Attachments[1].Type != "application/pdf" {
				t.Errorf("attachments: %+v", got.Attachments)
			}
		}
		want := d
		want.Attachments, got.Attachments = nil, nil
		if !reflect.DeepEqual(got, want) {
			t.Errorf("got\n%+v\nwant\n%+v\nof\n%s", got, want, b.String())
		}
	}
	var b bytes.Buffer
	if err := d.Write(&b, now, "id@example.org"); err != nil {
		t.Fatal(err)
	}
	if s := b.String(); strings.Contains(s, "secret@") || !strings.Contains(s, "\nMessage-ID: <id@example.org>\n") || !strings.Contains(s, "Date: Sat, 21 Nov 2026 09:15:00 +0100\n") {
		t.Errorf("sent:\n%s", s)
	}
	if got := strings.Join(d.Recipients(), " "); got != "grace@navy.example x@example.org q@example.org secret@example.org" {
		t.Error(got)
	}
}

func TestWritePlain(t *testing.T) {
	var b bytes.Buffer
	d := Draft{From: message.Addr{Addr: "a@example.org"}, To: []message.Addr{{Addr: "b@example.org"}}, Subject: "x", Body: "hello\nFrom me\n"}
	if err := d.Write(&b, now, "1@example.org"); err != nil {
		t.Fatal(err)
	}
	want := `From: a@example.org
To: b@example.org
Subject: x
Date: Sat, 21 Nov 2026 09:15:00 +0100
Message-ID: <1@example.org>
MIME-Version: 1.0
Content-Type: text/plain; charset=us-ascii; format=flowed
Content-Transfer-Encoding: 7bit

hello
 From me
`
	if got := b.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// No value of a draft may begin a new header line or end the header.
func TestWriteInjection(t *testing.T) {
	evil := "x\r\nBcc: victim@example.org\n\nbody"
	d := Draft{From: message.Addr{Name: evil, Addr: "a@example.org\nBcc: v@example.org"}, To: []message.Addr{{Name: evil, Addr: evil}}, Subject: evil,
		InReplyTo: evil, References: []string{evil}, Extra: []Field{{"X-A", evil}}, Attachments: []Attachment{{Name: evil, Data: []byte("x"), Type: evil}}}
	var b bytes.Buffer
	if err := d.Write(&b, now, "1@example.org"); err != nil {
		t.Fatal(err)
	}
	m := message.Parse(b.Bytes())
	if v := m.Header(0).Values("Bcc"); len(v) > 0 || m.Header(0).Get("Message-ID") == "" || m.Header(0).Get("Content-Type") == "" {
		t.Errorf("Bcc %q in\n%s", v, b.String())
	}
	d.Extra = []Field{{"X-A: b\nBcc", "x"}}
	if err := d.Write(&b, now, ""); err == nil {
		t.Error("a field name with a line break was written")
	}
	if err := (Draft{}).Write(&b, now, ""); err == nil {
		t.Error("written without a sender")
	}
	if err := (Draft{From: d.From, Attachments: []Attachment{{Path: "/nonexistent/x"}}}).Write(&b, now, ""); err == nil {
		t.Error("written without its attachment")
	}
}

func TestText(t *testing.T) {
	d := draft()
	d.Attachments = []Attachment{{Path: "/tmp/a b.pdf", Name: `q"uote.pdf`, Type: "application/pdf"}, {Data: []byte("kept"), Name: "mem"}, {Path: "plain.txt"}}
	text := d.Text()
	if !strings.HasPrefix(string(text), "From: Ada Lövelace <ada@example.org>\nTo: \"Hopper, Grace\" <grace@navy.example>, x@example.org\nCc: ") {
		t.Errorf("%s", text)
	}
	got, errs := d.Edit(text)
	if len(errs) > 0 || !reflect.DeepEqual(got, d) {
		t.Errorf("%v\ngot  %+v\nwant %+v", errs, got, d)
	}
	if _, errs := (Draft{}).Edit([]byte("Attach: #3\n\n")); len(errs) != 1 {
		t.Errorf("an attachment that is not there: %v", errs)
	}
	if got := string(Draft{}.Text()); got != "From:\nTo:\nCc:\nBcc:\nSubject:\n\n" {
		t.Errorf("empty: %q", got)
	}
}

func TestParseTextErrors(t *testing.T) {
	d, errs := ParseText([]byte("From: a@example.org, b@example.org\nTo: a@@b, c@example.org\nthis is no header\nDate: today\nAttach: \"x\nAttach: /a b\n\nbody"))
	var all []string
	for _, e := range errs {
		all = append(all, e.Error())
	}
	got := strings.Join(all, "\n")
	for _, want := range []string{"line 1: From: more than one", "line 2: To: ", `line 3: "this is no header"`, "line 4: Date is written", "line 5: attach: the quote", "line 6: attach: "} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	if d.From.Addr != "a@example.org" || d.Body != "body\n" || len(d.To) != 2 {
		t.Errorf("%+v", d)
	}
}

// A draft comes back from its text form as it went.
func FuzzParseText(f *testing.F) {
	d := draft()
	f.Add(d.Text())
	f.Add([]byte("From: a (b) <c@d>\nTo: g: x@y, \"a\\\"b\" <q@r>;\nAttach: \"a\\\"\" name=x type=y\n\n> a\r\nb"))
	f.Fuzz(func(t *testing.T, b []byte) {
		d, errs := ParseText(b)
		if len(errs) > 0 {
			return
		}
		text := d.Text()
		again, errs := ParseText(text)
		if len(errs) > 0 || !bytes.Equal(again.Text(), text) || again.Body != d.Body {
			t.Fatalf("%v\n%q\n%q", errs, text, again.Text())
		}
	})
}

// What is flowed comes back, and no line is too long without need.
func FuzzFlow(f *testing.F) {
	f.Add(draft().Body)
	f.Add("-- \n> > x\n >y\n" + strings.Repeat("a  b ", 40))
	f.Fuzz(func(t *testing.T, s string) {
		if strings.ContainsAny(s, "\r") {
			return
		}
		flowed := Flow(s)
		back := Unflow(flowed, false)
		if again := Unflow(Flow(back), false); again != back {
			t.Fatalf("%q\nflowed %q\nback   %q\nagain  %q", s, flowed, back, again)
		}
		if strings.Join(strings.Fields(strings.ReplaceAll(s, ">", "")), " ") != strings.Join(strings.Fields(strings.ReplaceAll(back, ">", "")), " ") {
			t.Fatalf("words of %q changed: %q", s, back)
		}
	})
}
