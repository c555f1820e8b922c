package main

import (
	"context"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// A oneLiner is a line of the shell that must work as it stands.
type oneLiner struct {
	n     int
	line  string
	mail  []letter
	files map[string]string // beside the Maildir
	real  bool              // with the real sendmail and qrun
	ready []letter          // of a line that runs for ever: what comes while it does
	runs  string            // what is run before the line
	want  string            // what it prints
	code  int
	after string                              // the messages then, a line each; "" if no byte of the tree may have changed
	ends  func(h *home, out string) bool      // of that line: it has done its work
	check func(t *testing.T, h *home)         // more to look at
	again bool                                // undo gives every byte back
	forms func(line, form string) (as string) // how the line is written for -0 and --json; nil: after the first command
	once  bool                                // it has no list of messages that could be in another form
}

// A letter is a message of a fixture.
type letter struct {
	place   string // folder and flags: "INBOX S", "lists new"
	from    string
	subject string
	days    float64 // its age
	head    string  // more of the header
	body    string
}

// ago is a time before the tests began: one clock for all, so that no year ends between a letter
// and what is said of it.
var ago = func() func(days float64) time.Time {
	now := time.Now().UTC()
	return func(days float64) time.Time { return now.Add(-time.Duration(days * float64(24*time.Hour))) }
}()

func year(days float64) int { return ago(days).Year() }

var (
	ada   = "Ada Lovelace <ada@example.org>"
	grace = "grace@navy.example" // who reads this mail
)

const (
	toMe      = "To: Grace <grace@navy.example>\n"
	toList    = "To: golang-nuts@example.org\nList-Id: <golang-nuts.example.org>\n"
	pdfHead   = "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=x\n"
	pdfBody   = "--x\n\nHere it is.\n--x\nContent-Type: application/pdf; name=%[1]s.pdf\nContent-Disposition: attachment; filename=%[1]s.pdf\n\nPDF of %[1]s\n--x--\n"
	patchBody = "---\n %[1]s | 1 +\n 1 file changed, 1 insertion(+)\n create mode 100644 %[1]s\n\ndiff --git a/%[1]s b/%[1]s\nnew file mode 100644\nindex 0000000..%[2]s\n--- /dev/null\n+++ b/%[1]s\n@@ -0,0 +1 @@\n+%[1]s\n-- \n2.47\n"
)

func oneLiners() []oneLiner {
	return []oneLiner{
		{
			n: 1, line: `pneu ls -u INBOX | pneu sort date | pneu seq -S | pneu scan`,
			mail: []letter{{place: "INBOX new", from: ada, subject: "second", days: 1}, {place: "INBOX S", from: ada, subject: "read", days: 2},
				{place: "INBOX F", from: ada, subject: "first", days: 3}},
			want: "first second ", forms: func(line, form string) string { return afterFirst(line, form) },
			check: func(t *testing.T, h *home) {
				if out, code := h.sh("pneu hdr subject 2"); code != 0 || out != "second\n" {
					t.Errorf("the second of the sequence is %q", out)
				}
			},
		},
		{
			n: 2, line: `pneu ls -r | pneu sort -r size | head | pneu scan --format '{{.size | bytes}} {{.subject}}'`,
			mail: func() (l []letter) {
				for i := range 12 {
					l = append(l, letter{place: []string{"INBOX S", "lists S"}[i%2], from: ada, subject: fmt.Sprintf("mail %02d", i), body: strings.Repeat("text and more text\n", 10*i)})
				}
				return l
			}(),
			want: "2.2k mail 11\n2.0k mail 10\n1.8k mail 09\n1.6k mail 08\n1.4k mail 07\n1.2k mail 06\n1.0k mail 05\n881 mail 04\n691 mail 03\n501 mail 02\n",
		},
		{
			n: 3, line: `pneu search 'is:read in:INBOX older:90d' | pneu mv -p 'Archive/{{.Date.Year}}'`,
			mail: readMail, want: "*\n*\n",
			after: fmt.Sprintf("Archive/%d RS old\nArchive/%d S older\nINBOX S new\nINBOX unread\nlists S elsewhere\n", year(100), year(800)), again: true,
		},
		{
			n: 4, line: `pneu search 'is:read in:INBOX older:90d' | pneu mv -n -p 'Archive/{{.Date.Year}}' | pneu stats --by folder`,
			mail: readMail, want: "~2 ~INBOX",
			check: func(t *testing.T, h *home) {
				before := h.tree()
				h.must(`pneu search 'is:read in:INBOX older:90d' | pneu mv -p 'Archive/{{.Date.Year}}'`)
				if h.tree() == before {
					t.Error("nothing was moved")
				}
				h.must("pneu undo")
				if h.tree() != before {
					t.Error("undo leaves another tree")
				}
			},
		},
		{
			n: 5, line: `pneu search 'from:bank@example.org type:pdf' | pneu part get -t application/pdf -d ~/statements`,
			mail: []letter{{place: "INBOX S", from: "bank@example.org", subject: "July", days: 60, head: pdfHead, body: fmt.Sprintf(pdfBody, "july")},
				{place: "INBOX S", from: "bank@example.org", subject: "August", days: 30, head: pdfHead, body: fmt.Sprintf(pdfBody, "august")},
				{place: "INBOX S", from: "bank@example.org", subject: "no PDF", days: 10},
				{place: "INBOX S", from: ada, subject: "other", head: pdfHead, body: fmt.Sprintf(pdfBody, "other")}},
			files: map[string]string{"statements/.keep": ""},
			want:  "$HOME/statements/august.pdf\n$HOME/statements/july.pdf\n",
			check: func(t *testing.T, h *home) {
				if b, err := os.ReadFile(filepath.Join(h.dir, "statements", "july.pdf")); err != nil || string(b) != "PDF of july" {
					t.Errorf("july.pdf: %q, %v", b, err)
				}
			},
		},
		{
			n: 6, line: `pneu search 'subject:"[PATCH v3" thread:{.}' | pneu export --patches | git am`,
			mail: []letter{{place: "INBOX S", from: ada, subject: "[PATCH v3 2/2] Add b", days: 1, head: "Message-ID: <p2@x>\nIn-Reply-To: <p0@x>\n", body: fmt.Sprintf(patchBody, "b", "6178079")},
				{place: "INBOX S", from: ada, subject: "[PATCH v3 0/2] A series", days: 1.2, head: "Message-ID: <p0@x>\n", body: "about it\n"},
				{place: "INBOX S", from: ada, subject: "[PATCH v3 1/2] Add a", days: 1.1, head: "Message-ID: <p1@x>\nIn-Reply-To: <p0@x>\n", body: fmt.Sprintf(patchBody, "a", "7898192")},
				{place: "INBOX S", from: "bob@example.org", subject: "Re: [PATCH v3 1/2] Add a", days: 1, head: "Message-ID: <r@x>\nIn-Reply-To: <p1@x>\n", body: "> diff --git a/a b/a\nno\n"},
				{place: "INBOX S", from: ada, subject: "[PATCH v3] Another series", days: 1, head: "Message-ID: <q@x>\n", body: fmt.Sprintf(patchBody, "q", "b5e2d1b")}},
			runs: `git init -q . && git config user.name G && git config user.email g@example.org && git commit -q --allow-empty -m start && pneu search 'subject:"A series"' | pneu seq -S >/dev/null`,
			want: "Applying: Add a\nApplying: Add b\n",
			check: func(t *testing.T, h *home) {
				if out := h.must("git log --format='%an %s' && cat a b"); out != "Ada Lovelace Add b\nAda Lovelace Add a\nG start\na\nb\n" {
					t.Errorf("the repository has %q", out)
				}
			},
		},
		{
			n: 7, line: fmt.Sprintf(`pneu search 'date:%d..' | pneu hdr --addr from | sort | uniq -c | sort -rn | head`, year(0)),
			mail: []letter{{place: "INBOX S", from: ada}, {place: "lists S", from: "ADA@example.org"}, {place: "INBOX new", from: ada}, {place: "INBOX S", from: "bob@example.org"},
				{place: "INBOX S", from: "old@example.org", days: 800}},
			want: "~2 ada@example.org ~1 bob@example.org",
		},
		{
			n: 8, line: `pneu search 'thread:{.}' | pneu flag '+$Muted'`,
			mail: []letter{{place: "lists S", from: ada, subject: "noise", days: 2, head: toList + "Message-ID: <n1@x>\n"},
				{place: "lists S", from: "bob@example.org", subject: "Re: noise", days: 1, head: toList + "Message-ID: <n2@x>\nReferences: <n1@x>\n"},
				{place: "INBOX S", from: "bob@example.org", subject: "signal", days: 1, head: "Message-ID: <s@x>\n"}},
			runs: `pneu ls lists | pneu seq -S >/dev/null`, want: "*\n*\n", again: true,
			after: "INBOX S signal\nlists Sa Re: noise\nlists Sa noise\n", // a is the letter that the keyword got
			check: func(t *testing.T, h *home) {
				if out := h.must(`pneu log --json 1 | jq -c '.ops[]|[.op,.add]'`); out != "[\"keywords\",[\"$Muted\"]]\n[\"keywords\",[\"$Muted\"]]\n" {
					t.Errorf("the journal has %q", out)
				}
				if out := h.must(`pneu ls -r --json | jq -r 'select(.keywords==["$Muted"])|.subject' | sort`); out != "Re: noise\nnoise\n" {
					t.Errorf("muted are %q", out)
				}
			},
		},
		{
			n: 9, line: `pneu ls -r | pneu dedupe --keep oldest -0 | pneu rm -0`,
			mail: []letter{{place: "INBOX S", from: ada, subject: "twice", days: 3, head: "Message-ID: <t@x>\nX-Copy: 1\n"}, {place: "lists S", from: ada, subject: "twice", days: 3, head: "Message-ID: <t@x>\nX-Copy: 2\n"},
				{place: "INBOX S", from: ada, subject: "once", days: 2, head: "Message-ID: <o@x>\n"}},
			want: "*\x00", after: "INBOX S once\nINBOX S twice\nTrash S twice\n", again: true,
		},
		{
			n: 10, line: `pneu ls lists | pneu export --mboxrd | pneu import lists2 && diff <(pneu ls lists | pneu show --raw | sha256sum) <(pneu ls lists2 | pneu show --raw | sha256sum)`,
			mail: []letter{{place: "lists S", from: ada, subject: "one", body: "From here\n>From there\n\nFrom x Sat Mar 14 10:00:00 2026\n"}, {place: "lists new", from: ada, subject: "two"}},
			want: "*\n*\n", after: "lists S one\nlists two\nlists2 S one\nlists2 two\n", again: true,
		},
		{
			n: 11, line: `pneu watch INBOX | pneu pick 'list:golang-nuts' | pneu mv lists/golang`,
			mail: []letter{{place: "lists.golang S", from: ada, subject: "old"}, {place: "INBOX S", from: ada, subject: "before", head: toList}},
			want: "*\n", once: true, after: "INBOX S before\nINBOX to me\nlists/golang S old\nlists/golang to the list\n",
			ready: []letter{{place: "INBOX new", from: ada, subject: "to me", head: toMe}, {place: "INBOX new", from: ada, subject: "to the list", head: toList}},
			ends:  func(h *home, out string) bool { return strings.Contains(out, "\n") },
		},
		{
			n: 12, line: `pneu watch --json INBOX | jq -r --unbuffered 'select(.list==null)|"\(.from[0].name): \(.subject)"' | while read -r l; do notify-send "$l"; done`,
			mail: []letter{{place: "INBOX S", from: ada, subject: "before"}}, want: "Ada Lovelace: to me\n", once: true, after: "INBOX S before\nINBOX to me\nINBOX to the list\n",
			ready: []letter{{place: "INBOX new", from: ada, subject: "to the list", head: toList}, {place: "INBOX new", from: ada, subject: "to me", head: toMe}},
			ends:  func(h *home, out string) bool { return strings.Contains(out, "\n") },
		},
		{
			n: 13, line: `pneu search 'is:unread subject:RSVP' | pneu reply --body-file thanks.txt --send`,
			mail: []letter{{place: "INBOX new", from: ada, subject: "RSVP: tea", head: toMe}, {place: "INBOX F", from: "bob@example.org", subject: "please rsvp", head: toMe},
				{place: "INBOX S", from: "eve@example.org", subject: "RSVP read", head: toMe}},
			files: map[string]string{"thanks.txt": "Thank you.\n"}, want: "01QUEUEID\n01QUEUEID\n", again: true,
			after: "INBOX FR please rsvp\nINBOX R RSVP: tea\nINBOX S RSVP read\nSent S Re: RSVP: tea\nSent S Re: please rsvp\n",
		},
		{
			n: 14, line: `pneu queue --json | jq -r 'select(.state=="deferred")|[.id,.to,.last]|@tsv'`, real: true, once: true,
			runs: `echo x | sendmail -f a@me.test --print-id a@example.net >stuck && pneu queue try $(cat stuck) >/dev/null && echo x | sendmail -f a@me.test b@example.net`,
			want: "*\ta@example.net\t127.0.0.1: 4.4.1 connect to port 1: connection refused\n",
		},
		{
			n: 15, line: `pneu queue --to '@example.net' -0 | pneu queue try -0`, real: true,
			runs: `echo x | sendmail -f a@me.test a@example.net && echo x | sendmail -f a@me.test b@example.com && echo x | sendmail -f a@me.test c@example.net`,
			want: "*\x00*\x00", forms: func(line, form string) string { return strings.Replace(line, "-0 |", form+" |", 1) },
			check: func(t *testing.T, h *home) {
				if out := h.must(`pneu queue --json | jq -r '"\(.last != "") \(.to)"' | sort`); out != "false b@example.com\ntrue a@example.net\ntrue c@example.net\n" {
					t.Errorf("what was tried: %q", out)
				}
			},
		},
		{
			n: 16, line: `pneu search 'from:news@shop.example' | tee >(head -1 | pneu unsubscribe) | pneu archive`,
			mail: []letter{{place: "INBOX new", from: "news@shop.example", subject: "Sale", days: 1, head: "List-Unsubscribe: <$LIST/out>\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\n"},
				{place: "INBOX S", from: "news@shop.example", subject: "Teas", days: 2, head: "List-Unsubscribe: <$LIST/out>\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\n"},
				{place: "INBOX S", from: ada, subject: "mail", days: 2}},
			want: "*\n*\n*\n", forms: func(line, form string) string {
				line = strings.Replace(afterFirst(line, form), "unsubscribe", "unsubscribe "+form, 1)
				if form == "-0" {
					line = strings.Replace(line, "head -1", "head -zn1", 1)
				}
				return line
			},
			after: "!Archive S Sale\n!Archive S Teas\nINBOX S mail\n",
			check: func(t *testing.T, h *home) {
				if h.posts() != "/out List-Unsubscribe=One-Click\n" {
					t.Errorf("the list was asked %q", h.posts())
				}
			},
		},
		{
			n: 17, line: `pneu search 'to:me is:read -is:replied date:30d..7d -list:*' | pneu thread --roots | pneu scan`,
			mail: []letter{{place: "INBOX S", from: ada, subject: "waiting", days: 10, head: toMe + "Message-ID: <w1@x>\n"}, {place: "INBOX S", from: ada, subject: "Re: waiting", days: 9, head: toMe + "Message-ID: <w2@x>\nReferences: <w1@x>\n"},
				{place: "INBOX RS", from: ada, subject: "answered", days: 10, head: toMe}, {place: "INBOX S", from: ada, subject: "young", days: 1, head: toMe},
				{place: "lists S", from: ada, subject: "list", days: 10, head: toMe + "List-Id: <l.example.org>\n"}, {place: "INBOX S", from: ada, subject: "to others", days: 10, head: "To: x@example.org\n"},
				{place: "INBOX S", from: "bob@example.org", subject: "too", days: 20, head: toMe}},
			want: "too waiting ", forms: func(line, form string) string { return afterFirst(line, form) },
		},
		{
			n: 18, line: `pneu search 'date:30d.. link:mismatch' | pneu scan`,
			mail: []letter{{place: "INBOX S", from: ada, subject: "lies", days: 3, head: "Content-Type: text/html\n", body: `<a href="https://evil.example/">https://bank.example/</a>`},
				{place: "INBOX S", from: ada, subject: "honest", days: 3, head: "Content-Type: text/html\n", body: `<a href="https://bank.example/x">https://bank.example/</a>`},
				{place: "INBOX S", from: ada, subject: "old lies", days: 40, head: "Content-Type: text/html\n", body: `<a href="https://evil.example/">https://bank.example/</a>`}},
			want: "lies ", forms: func(line, form string) string { return afterFirst(line, form) },
		},
		{
			n: 19, line: `pneu search is:flagged | pneu tui --pick | pneu export >flagged.mbox`,
			mail: []letter{{place: "INBOX FS", from: ada, subject: "chosen", days: 1}, {place: "INBOX FS", from: ada, subject: "left", days: 2}, {place: "INBOX S", from: ada, subject: "plain", days: 0.5}},
			check: func(t *testing.T, h *home) { // the screen stands aside here: a stand-in chooses the first
				if out := h.must("grep ^Subject: flagged.mbox"); out != "Subject: chosen\n" {
					t.Errorf("exported: %q", out)
				}
			},
		},
		{
			n: 20, line: `pneu ls -r --json | jq -r .id | sort | comm -23 - backup.ids | wc -l`, once: true,
			mail:  []letter{{place: "INBOX S", from: ada}, {place: "INBOX S", from: ada}, {place: "lists new", from: ada}},
			files: map[string]string{"backup.ids": "1700000001.m1.host\n"}, want: "2\n",
		},
	}
}

var readMail = []letter{{place: "INBOX RS", from: ada, subject: "old", days: 100}, {place: "INBOX S", from: ada, subject: "older", days: 800}, {place: "INBOX S", from: ada, subject: "new", days: 10},
	{place: "INBOX new", from: ada, subject: "unread", days: 100}, {place: "lists S", from: ada, subject: "elsewhere", days: 100}}

// afterFirst puts an option behind the first command of a pipeline.
func afterFirst(line, form string) string { return strings.Replace(line, " | ", " "+form+" | ", 1) }

// A home is a person's place for one run.
type home struct {
	t   *testing.T
	dir string
	env []string
	mu  sync.Mutex
	log strings.Builder

	errs string // of the last line
}

func newHome(t *testing.T, o *oneLiner) *home {
	h := &home{t: t, dir: t.TempDir()}
	bin := filepath.Join(h.dir, "bin")
	h.write("bin/.keep", "")
	for _, name := range []string{"pneu", "sendmail"} {
		if name == "sendmail" && o.real {
			continue
		}
		ourselves(t, filepath.Join(bin, name))
	}
	h.script("notify-send", "echo \"$1\"")
	h.script("pneu-tui", `[ "$1" = --pick ] && pneu sort -r date | head -1`)
	env := []string{"HOME=" + h.dir, "PATH=" + bin + ":" + os.Getenv("PATH"), "PNEU_MAILDIR=" + h.dir + "/Maildir", "XDG_STATE_HOME=" + h.dir + "/state",
		"PNEU_SEQ=oneliner", "PNEU_CONFIG=", "COLUMNS=80", "TZ=UTC", "LC_ALL=C", "EMAIL=" + grace, "GIT_CONFIG_NOSYSTEM=1"}
	if o.real {
		built, err := realPrograms()
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"sendmail", "qrun"} {
			if err := copyFile(filepath.Join(built, name), filepath.Join(bin, name)); err != nil {
				t.Fatal(err)
			}
		}
		if err := setUpSpool(h.dir); err != nil {
			t.Fatal(err)
		}
		env = append(env, "PNEU_CONFIG="+h.dir+"/pneu.toml")
	}
	h.env = append(os.Environ(), env...)
	if o.n == 16 {
		h.listServer()
	}
	for name, text := range o.files {
		h.write(name, text)
	}
	for _, f := range []string{"", ".lists/"} {
		for _, sub := range []string{"cur", "new", "tmp"} {
			if err := os.MkdirAll(filepath.Join(h.dir, "Maildir", f, sub), 0o700); err != nil {
				t.Fatal(err)
			}
		}
	}
	for i, l := range o.mail {
		h.letter(i+1, l)
	}
	return h
}

func (h *home) write(name, text string) {
	h.t.Helper()
	path := filepath.Join(h.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		h.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		h.t.Fatal(err)
	}
}

func (h *home) script(name, text string) {
	if err := program(filepath.Join(h.dir, "bin", name), strings.NewReader("#!/bin/sh\n"+text+"\n")); err != nil {
		h.t.Fatal(err)
	}
}

// letter files a message as a delivery does: written in tmp, then moved. It returns its path.
func (h *home) letter(n int, l letter) string {
	h.t.Helper()
	at := ago(l.days).Truncate(time.Second)
	text := "From: " + l.from + "\nSubject: " + l.subject + "\nDate: " + at.Format(time.RFC1123Z) + "\n" + l.head
	if !strings.Contains(l.head, "Message-ID") {
		text += fmt.Sprintf("Message-ID: <%d@example.org>\n", n)
	}
	for _, e := range h.env {
		if v, ok := strings.CutPrefix(e, "LIST="); ok {
			text = strings.ReplaceAll(text, "$LIST", v)
		}
	}
	text += "\n" + l.body
	folder, flags, _ := strings.Cut(l.place, " ")
	dir := filepath.Join(h.dir, "Maildir")
	if folder != "INBOX" {
		dir = filepath.Join(dir, "."+folder)
	}
	name := fmt.Sprintf("%d.m%d.host", 1700000000+n, n)
	for _, sub := range []string{"cur", "new", "tmp"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o700); err != nil {
			h.t.Fatal(err)
		}
	}
	tmp := filepath.Join(dir, "tmp", name)
	to := filepath.Join(dir, "new", name)
	if flags != "new" {
		to = filepath.Join(dir, "cur", name+":2,"+flags)
	}
	err := os.WriteFile(tmp, []byte(text), 0o600)
	if err == nil {
		err = os.Chtimes(tmp, at, at)
	}
	if err == nil {
		err = os.Rename(tmp, to)
	}
	if err != nil {
		h.t.Fatal(err)
	}
	return to
}

// listServer is the web server of a list.
func (h *home) listServer() {
	s := httptest.NewTLSServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		h.mu.Lock()
		defer h.mu.Unlock()
		fmt.Fprintf(&h.log, "%s %s\n", r.URL.Path, b)
	}))
	h.t.Cleanup(s.Close)
	h.write("ca.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})))
	h.env = append(h.env, "LIST="+s.URL, "SSL_CERT_FILE="+h.dir+"/ca.pem")
}

func (h *home) posts() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.log.String()
}

func (h *home) command(ctx context.Context, line string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "bash", "-c", line)
	cmd.Dir, cmd.Env = h.dir, h.env
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 10 * time.Second
	return cmd
}

// sh runs a line; what it says on standard error is shown if the test fails.
func (h *home) sh(line string) (string, int) {
	h.t.Helper()
	ctx, stop := context.WithTimeout(context.Background(), time.Minute)
	defer stop()
	cmd := h.command(ctx, line)
	var out, errs strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		h.t.Fatal(err)
	}
	if h.errs = errs.String(); h.errs != "" {
		h.t.Logf("%s\n%s", line, errs.String())
	}
	return out.String(), cmd.ProcessState.ExitCode()
}

func (h *home) must(line string) string {
	h.t.Helper()
	out, code := h.sh(line)
	if code != 0 {
		h.t.Fatalf("%s: exit %d, %q", line, code, out)
	}
	return out
}

// forever runs a line that does not end by itself until ends says that it has done its work.
func (h *home) forever(o *oneLiner) string {
	h.t.Helper()
	ctx, stop := context.WithTimeout(context.Background(), time.Minute)
	defer stop()
	cmd := h.command(ctx, o.line)
	var out heard
	cmd.Stdout, cmd.Stderr = &out, os.Stderr
	if err := cmd.Start(); err != nil {
		h.t.Fatal(err)
	}
	// A watch sees what comes after it has looked at what is there, and nothing but a message tells
	// that it has: where the mail is passed over it is taken away, and other mail comes.
	var mail []string
	var last time.Time
	number := 90
	for ; ctx.Err() == nil && !o.ends(h, out.String()); time.Sleep(5 * time.Millisecond) {
		if waits, err := inotify(cmd.Process.Pid); err == nil && !waits || time.Since(last) < 5*time.Second {
			continue
		}
		if slices.ContainsFunc(mail, func(path string) bool { _, err := os.Lstat(path); return err != nil }) {
			continue // it is at work
		}
		for _, path := range mail {
			os.Remove(path)
		}
		mail = nil
		for _, l := range o.ready {
			number++
			mail = append(mail, h.letter(number, l))
		}
		last = time.Now()
	}
	if ctx.Err() != nil {
		h.t.Errorf("%s: nothing happened in a minute", o.line)
	}
	_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM)
	_ = cmd.Wait()
	return out.String()
}

// inotify reports whether a process of the group watches a folder by now.
func inotify(group int) (bool, error) {
	procs, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil || len(procs) == 0 {
		return false, fmt.Errorf("no /proc")
	}
	for _, p := range procs {
		b, err := os.ReadFile(p)
		if err != nil {
			continue
		}
		f := strings.Fields(string(b[strings.LastIndexByte(string(b), ')')+1:]))
		if len(f) < 3 || f[2] != fmt.Sprint(group) {
			continue
		}
		infos, _ := filepath.Glob(filepath.Join(filepath.Dir(p), "fdinfo", "*"))
		for _, i := range infos {
			if b, err := os.ReadFile(i); err == nil && strings.Contains(string(b), "inotify wd:") {
				return true, nil
			}
		}
	}
	return false, nil
}

type heard struct {
	mu sync.Mutex
	b  strings.Builder
}

func (w *heard) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.b.Write(p)
}

func (w *heard) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.b.String()
}

// tree is every message with name, time and bytes; what an index keeps beside them is not mail.
func (h *home) tree() string {
	var b strings.Builder
	h.walk(func(path string) {
		st, err := os.Stat(path)
		if err != nil {
			h.t.Fatal(err)
		}
		c, _ := os.ReadFile(path)
		fmt.Fprintf(&b, "%s %d %q\n", path, st.ModTime().Unix(), c)
	})
	return b.String()
}

// messages is a line a message: folder, flags, subject.
func (h *home) messages() string {
	var lines []string
	h.walk(func(path string) {
		folder, _ := filepath.Rel(filepath.Join(h.dir, "Maildir"), filepath.Dir(filepath.Dir(path)))
		folder = strings.ReplaceAll(strings.TrimPrefix(folder, "."), ".", "/")
		if folder == "" {
			folder = "INBOX"
		}
		_, flags, _ := strings.Cut(filepath.Base(path), ":2,")
		c, _ := os.ReadFile(path)
		_, rest, _ := strings.Cut(string(c), "Subject: ")
		subject, _, _ := strings.Cut(rest, "\n")
		lines = append(lines, strings.Join(strings.Fields(folder+" "+flags+" "+subject), " ")+"\n")
	})
	slices.Sort(lines)
	return strings.Join(lines, "")
}

func (h *home) walk(f func(path string)) {
	for _, sub := range []string{"cur", "new"} {
		for _, pattern := range []string{"Maildir/" + sub + "/*", "Maildir/.*/" + sub + "/*"} {
			list, err := filepath.Glob(filepath.Join(h.dir, pattern))
			if err != nil {
				h.t.Fatal(err)
			}
			for _, p := range list {
				f(p)
			}
		}
	}
}

// TestOneLiners runs the lines that people type, as they stand, and then with the first
// command printing NUL-ended paths or JSON: each prints and does the same.
func TestOneLiners(t *testing.T) {
	for _, need := range []string{"bash", "git", "jq", "comm", "sha256sum"} {
		if _, err := exec.LookPath(need); err != nil {
			t.Skip(need, " is not installed, and the lines use it")
		}
	}
	for _, o := range oneLiners() {
		for _, form := range []string{"", "-0", "--json"} {
			if form != "" && (o.once || raceEnabled) {
				continue
			}
			t.Run(fmt.Sprintf("%d%s", o.n, form), func(t *testing.T) {
				t.Parallel()
				o.run(t, form)
			})
		}
	}
}

func (o oneLiner) run(t *testing.T, form string) {
	h := newHome(t, &o)
	if o.runs != "" {
		h.must(o.runs)
	}
	line := o.line
	switch {
	case form != "" && o.forms != nil:
		line = o.forms(line, form)
	case form != "":
		line = afterFirst(line, form)
	}
	before := h.tree()
	var out string
	code := o.code
	if o.ends != nil {
		out = h.forever(&o)
	} else {
		out, code = h.sh(line)
	}
	if code != o.code {
		t.Errorf("%s: exit %d, want %d", line, code, o.code)
	}
	if want := strings.ReplaceAll(o.want, "$HOME", h.dir); !agrees(want, out) {
		t.Errorf("%s\nprints %q\nwant   %q", line, out, want)
	}
	switch after := h.messages(); {
	case o.after == "" && h.tree() != before:
		t.Errorf("%s changes the tree from\n%sto\n%s", line, before, h.tree())
	case o.after != "" && !likeTree(o.after, after):
		t.Errorf("%s leaves\n%swant\n%s", line, after, o.after)
	}
	if o.check != nil {
		o.check(t, h)
	}
	if o.again {
		h.must("pneu undo")
		if now := h.tree(); now != before {
			t.Errorf("undo leaves\n%swant\n%s", now, before)
		}
	}
}

// agrees compares what is printed: a line * is any one; with ~ in front of words, these words
// in this order; words and a blank at the end are what the lines end in, in any place of the line.
func agrees(want, got string) bool {
	switch {
	case strings.HasPrefix(want, "~"):
		words := strings.Fields(strings.ReplaceAll(want, "~", ""))
		return inOrder(words, got)
	case strings.HasSuffix(want, " "):
		words := strings.Fields(want)
		return strings.Count(got, "\n") == len(words) && inOrder(words, got)
	case strings.Contains(want, "*"):
		end := "\n"
		if strings.Contains(want, "\x00") {
			end = "\x00"
		}
		w, g := strings.Split(want, end), strings.Split(got, end)
		if len(w) != len(g) {
			return false
		}
		for i := range w {
			head, tail, any := strings.Cut(w[i], "*")
			if !any && w[i] != g[i] || any && (len(g[i]) <= len(head)+len(tail) || !strings.HasPrefix(g[i], head) || !strings.HasSuffix(g[i], tail)) {
				return false
			}
		}
		return true
	}
	return want == got
}

func inOrder(words []string, got string) bool {
	fields := strings.Fields(got)
	for _, w := range words {
		i := slices.Index(fields, w)
		if i < 0 {
			return false
		}
		fields = fields[i+1:]
	}
	return true
}

// likeTree compares two lists of messages; a line with ! in front says how the folder begins.
func likeTree(want, got string) bool {
	w, g := strings.Split(strings.TrimSuffix(want, "\n"), "\n"), strings.Split(strings.TrimSuffix(got, "\n"), "\n")
	slices.SortFunc(w, func(a, b string) int { return strings.Compare(strings.TrimPrefix(a, "!"), strings.TrimPrefix(b, "!")) })
	if len(w) != len(g) {
		return false
	}
	for i := range w {
		if rest, ok := strings.CutPrefix(w[i], "!"); ok {
			folder, tail, _ := strings.Cut(rest, " ")
			if !strings.HasPrefix(g[i], folder) || !strings.HasSuffix(g[i], " "+tail) {
				return false
			}
		} else if w[i] != g[i] {
			return false
		}
	}
	return true
}
