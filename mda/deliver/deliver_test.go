package deliver

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pneu/maildir"
	"pneu/mda/account"
	"pneu/mta/sysexits"
)

const mail = "From: a@example.org\nSubject: hello\n\nbody\n.\n\nFrom here on\n"

var arrived = time.Unix(1700000000, 0)

// world is an agent over files in a folder of its own.
type world struct {
	*Agent
	dir  string
	sent forwarded
}

type forwarded struct {
	calls  int
	id     string
	n      int
	sender string
	rcpts  []string
	text   string
	err    error
}

func (f *forwarded) Forward(_ context.Context, env Envelope, sender string, rcpts []string, msg io.Reader) error {
	b, err := io.ReadAll(msg)
	f.calls++
	f.id, f.n, f.sender, f.rcpts, f.text = env.ID, env.N, sender, rcpts, string(b)
	return errors.Join(err, f.err)
}

func newWorld(t *testing.T, opt Options, aliases string) *world {
	t.Helper()
	w := &world{dir: t.TempDir()}
	write := func(name, text string) string {
		path := filepath.Join(w.dir, name)
		if err := os.WriteFile(path, []byte(strings.ReplaceAll(text, "DIR", w.dir)), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	db, err := account.Open(account.Options{
		Users:   write("users", "alice:\nbob:\nsmall:::::200:\n"),
		Aliases: write("aliases", aliases),
		Mail:    w.dir + "/mail/%u",
		Domains: []string{"try.test"},
	})
	if err != nil {
		t.Fatal(err)
	}
	opt.Hostname = "mx:1.test"
	if opt.Commands || opt.Files {
		opt.Helper = helper(t)
		reachable(t, w.dir)
	}
	w.Agent = New(opt, db, &w.sent, nil)
	return w
}

func (w *world) deliver(rcpt, text string) error {
	return w.Deliver(context.Background(), Envelope{Sender: "s@example.org", Recipient: rcpt, ID: "1KQ3V8ZJ4T7C03f", N: 2, Arrived: arrived}, strings.NewReader(text))
}

// messages returns what lies in a folder of a user, by file name.
func (w *world) messages(t *testing.T, user, folder string) map[string]string {
	t.Helper()
	got := map[string]string{}
	s, err := maildir.Open(filepath.Join(w.dir, "mail", user))
	if err != nil {
		return got
	}
	f, err := s.Folder(folder)
	if err != nil {
		return got
	}
	list, err := f.List()
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range list {
		b, err := os.ReadFile(f.File(e))
		if err != nil {
			t.Fatal(err)
		}
		got[e.File] = string(b)
	}
	return got
}

func TestDeliver(t *testing.T) {
	w := newWorld(t, Options{}, "")
	if err := w.deliver("Alice@try.test", mail); err != nil {
		t.Fatal(err)
	}
	got := w.messages(t, "alice", "INBOX")
	want := "Return-Path: <s@example.org>\nDelivered-To: alice@try.test\n" + mail
	if len(got) != 1 {
		t.Fatalf("%d messages, want 1", len(got))
	}
	for name, text := range got {
		if text != want {
			t.Errorf("got %q\nwant %q", text, want)
		}
		if !strings.HasPrefix(name, "1700000000.Q1KQ3V8ZJ4T7C03fR0002.mx_1.test,S=") || !strings.Contains(name, ",W=") {
			t.Errorf("named %s", name)
		}
	}
}

// What was delivered is recognised: also after it was read, and by another
// agent.
func TestAgain(t *testing.T) {
	w := newWorld(t, Options{}, "")
	for range 3 {
		if err := w.deliver("alice", mail); err != nil {
			t.Fatal(err)
		}
	}
	s, err := maildir.Open(filepath.Join(w.dir, "mail/alice"))
	if err != nil {
		t.Fatal(err)
	}
	inbox, err := s.Folder("INBOX")
	if err != nil {
		t.Fatal(err)
	}
	list, err := inbox.List()
	if err != nil || len(list) != 1 {
		t.Fatalf("%d messages, %v", len(list), err)
	}
	if _, err := inbox.SetFlags(list[0], "S", ""); err != nil {
		t.Fatal(err)
	}
	if err := w.deliver("alice", mail); err != nil {
		t.Fatal(err)
	}
	if got := w.messages(t, "alice", "INBOX"); len(got) != 1 {
		t.Errorf("%d messages after reading and repeating, want 1", len(got))
	}
	// Another recipient of the same message with the same mailbox has a copy of its own.
	env := Envelope{Recipient: "alice", ID: "1KQ3V8ZJ4T7C03f", N: 3, Arrived: arrived}
	if err := w.Deliver(context.Background(), env, strings.NewReader(mail)); err != nil {
		t.Fatal(err)
	}
	// Without an id each delivery is a new one.
	env.ID = ""
	for range 2 {
		if err := w.Deliver(context.Background(), env, strings.NewReader(mail)); err != nil {
			t.Fatal(err)
		}
	}
	if got := w.messages(t, "alice", "INBOX"); len(got) != 4 {
		t.Errorf("%d messages, want 4", len(got))
	}
}

func TestLineEndsStay(t *testing.T) {
	w := newWorld(t, Options{}, "")
	text := "Subject: x\r\n\r\nbody\r\nlone\nlast"
	if err := w.deliver("alice", text); err != nil {
		t.Fatal(err)
	}
	for _, got := range w.messages(t, "alice", "INBOX") {
		if want := "Return-Path: <s@example.org>\r\nDelivered-To: alice@try.test\r\n" + text; got != want {
			t.Errorf("got %q\nwant %q", got, want)
		}
	}
}

func TestNullAndOddSenders(t *testing.T) {
	w := newWorld(t, Options{}, "")
	for sender, want := range map[string]string{"": "<>", "a\r\nX-Evil: b@c": "<aX-Evil: b@c>", `"a b"@c`: `<"a b"@c>`} {
		os.RemoveAll(filepath.Join(w.dir, "mail"))
		if err := w.Deliver(context.Background(), Envelope{Sender: sender, Recipient: "alice"}, strings.NewReader(mail)); err != nil {
			t.Fatal(err)
		}
		for _, got := range w.messages(t, "alice", "INBOX") {
			if line, _, _ := strings.Cut(got, "\n"); line != "Return-Path: "+want {
				t.Errorf("sender %q: %q, want %q", sender, line, want)
			}
		}
	}
}

func TestFolders(t *testing.T) {
	w := newWorld(t, Options{}, "")
	s, err := maildir.Create(filepath.Join(w.dir, "mail/alice"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.CreateFolder("Lists/go"); err != nil {
		t.Fatal(err)
	}
	for rcpt, folder := range map[string]string{"alice+lists/Go": "Lists/go", "alice+none": "INBOX", "alice+../../bob": "INBOX", "alice+": "INBOX"} {
		before := len(w.messages(t, "alice", folder))
		env := Envelope{Recipient: rcpt + "@try.test"}
		if err := w.Deliver(context.Background(), env, strings.NewReader(mail)); err != nil {
			t.Fatal(err)
		}
		if got := len(w.messages(t, "alice", folder)); got != before+1 {
			t.Errorf("%s: %d messages in %s, want %d", rcpt, got, folder, before+1)
		}
	}
	w = newWorld(t, Options{CreateFolders: true}, "")
	if err := w.deliver("alice+New", mail); err != nil {
		t.Fatal(err)
	}
	if got := len(w.messages(t, "alice", "New")); got != 1 {
		t.Errorf("%d messages in the new folder", got)
	}
}

func TestErrors(t *testing.T) {
	tests := []struct {
		name, rcpt, text string
		opt              Options
		code             int
		enhanced         string
		says             string
	}{
		{"no such user", "carl@try.test", mail, Options{}, sysexits.NoUser, "5.1.1", "carl@try.test: no such user"},
		{"not ours", "carl@example.org", mail, Options{}, sysexits.NoUser, "5.1.2", "not a domain of ours"},
		{"aliases in a circle", "loop", mail, Options{}, sysexits.Unavailable, "5.4.6", "loop@try.test: aliases point at one another"},
		{"been here", "alice", "Received: x\nDELIVERED-TO:  <Alice@try.test>\n\n", Options{}, sysexits.Unavailable, "5.4.6", "circle"},
		{"full", "small", mail + strings.Repeat("x", 60), Options{}, sysexits.TempFail, "4.2.2", "mailbox is full: 135 of 200 bytes used"},
		{"full, refused", "small", mail + strings.Repeat("x", 60), Options{QuotaFull: "reject"}, sysexits.Unavailable, "5.2.2", "mailbox is full"},
		{"never room", "small", strings.Repeat("x", 300), Options{}, sysexits.Unavailable, "5.2.3", "larger than the mailbox may be"},
		{"commands not allowed", "prog", mail, Options{}, sysexits.Config, "", "commands = true"},
		{"files not allowed", "file", mail, Options{}, sysexits.Config, "", "files = true"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, tt.opt, "loop: loop2\nloop2: loop\nprog: |/bin/cat\nfile: DIR/box\n")
			if err := w.deliver("small", "x: y\n\n"+strings.Repeat("y", 70)+"\n"); err != nil {
				t.Fatal(err)
			}
			env := Envelope{Sender: "s@example.org", Recipient: tt.rcpt}
			err := w.Deliver(context.Background(), env, strings.NewReader(tt.text))
			if sysexits.Code(err) != tt.code || err == nil || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("error %v (exit code %d), want %q (%d)", err, sysexits.Code(err), tt.says, tt.code)
			}
			var st *Status
			if errors.As(err, &st) && st.Enhanced() != tt.enhanced || st == nil && tt.enhanced != "" {
				t.Errorf("status %+v, want %s", st, tt.enhanced)
			}
		})
	}
}

func TestBeenThere(t *testing.T) { // a body that speaks of it is no header
	w := newWorld(t, Options{}, "")
	for _, text := range []string{"Subject: x\n\nDelivered-To: alice@try.test\n", "X-Delivered-To: alice@try.test\n\n", "Delivered-To: bob@try.test\n\n"} {
		if err := w.Deliver(context.Background(), Envelope{Recipient: "alice"}, strings.NewReader(text)); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestNotWritable(t *testing.T) {
	w := newWorld(t, Options{}, "")
	if err := os.WriteFile(filepath.Join(w.dir, "mail"), nil, 0o600); err != nil { // a file where a folder should be
		t.Fatal(err)
	}
	err := w.deliver("alice", mail)
	if sysexits.Code(err) != sysexits.TempFail || !strings.Contains(err.Error(), w.dir+"/mail") {
		t.Errorf("%v (exit code %d)", err, sysexits.Code(err))
	}
	if os.Geteuid() == 0 {
		return // may write everywhere
	}
	w = newWorld(t, Options{}, "")
	if _, err := maildir.Create(filepath.Join(w.dir, "mail/alice")); err != nil {
		t.Fatal(err)
	}
	os.Chmod(filepath.Join(w.dir, "mail/alice/tmp"), 0o500)
	defer os.Chmod(filepath.Join(w.dir, "mail/alice/tmp"), 0o700)
	if err := w.deliver("alice", mail); sysexits.Code(err) != sysexits.TempFail || !strings.Contains(err.Error(), "permission denied (user") {
		t.Errorf("%v (exit code %d)", err, sysexits.Code(err))
	}
}

func TestHomeMissing(t *testing.T) {
	dir := t.TempDir()
	err := Mailbox{Maildir: dir + "/home/ada/Maildir", Home: dir + "/home/ada"}.Put(strings.NewReader(mail), int64(len(mail)))
	if sysexits.Code(err) != sysexits.TempFail || !strings.Contains(err.Error(), "home folder") {
		t.Errorf("%v", err)
	}
	if _, err := os.Stat(dir + "/home"); err == nil {
		t.Error("a home folder was made")
	}
}

func TestForward(t *testing.T) {
	w := newWorld(t, Options{}, "list: bob, x@example.net\nowner-list: alice\nalice: alice, copy@example.net\n")
	if err := w.deliver("list", mail); err != nil {
		t.Fatal(err)
	}
	f := w.sent
	if f.id != "1KQ3V8ZJ4T7C03f" || f.n != 2 || f.sender != "owner-list@try.test" || strings.Join(f.rcpts, " ") != "bob@try.test x@example.net" || f.text != "Delivered-To: list@try.test\n"+mail {
		t.Errorf("%+v", f)
	}
	if err := w.Deliver(context.Background(), Envelope{Recipient: "list"}, strings.NewReader(mail)); err != nil || w.sent.sender != "" {
		t.Errorf("a report was sent on from %q, %v", w.sent.sender, err)
	}
	// A mailbox and another address: the mailbox is filled before what cannot be taken back.
	w.sent.err = errors.New("spool is full")
	if err := w.deliver("alice", mail); sysexits.Code(err) != sysexits.TempFail {
		t.Errorf("%v", err)
	}
	w.sent.err = nil
	if err := w.deliver("alice", mail); err != nil || len(w.messages(t, "alice", "INBOX")) != 1 || w.sent.rcpts[0] != "copy@example.net" {
		t.Errorf("%v, %+v", err, w.sent)
	}
}

func TestVerify(t *testing.T) {
	w := newWorld(t, Options{}, "all: alice, bob+x, list, |/bin/true\nlist: all, x@example.net, DIR/box\nbad: alice, carl\n")
	got, err := w.Verify("all")
	want := []string{"address x@example.net", "command |/bin/true", "file " + w.dir + "/box", "maildir " + w.dir + "/mail/alice", "maildir " + w.dir + "/mail/bob folder x"}
	if err != nil || strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("%q, %v\nwant %q", got, err, want)
	}
	if _, err := w.Verify("bad"); sysexits.Code(err) != sysexits.NoUser || err.Error() != "by way of bad@try.test: carl@try.test: no such user" {
		t.Errorf("%v", err)
	}
}

// Nothing a header holds makes examine fail or lose a byte.
func FuzzExamine(f *testing.F) {
	f.Add(mail, "alice@try.test")
	f.Add("Delivered-To: alice@try.test\r\n\r\n", "alice@try.test")
	f.Add("a\rb\n\n", "")
	f.Fuzz(func(t *testing.T, text, addr string) {
		m, err := examine(strings.NewReader(text), addr)
		if err != nil {
			if !strings.Contains(strings.ToLower(text), "delivered-to") {
				t.Errorf("%q: %v", text, err)
			}
			return
		}
		r, err := m.open("X: y")
		if err != nil {
			t.Fatal(err)
		}
		n := r.N
		b, err := io.ReadAll(r)
		if err != nil || int64(len(b)) != n || string(b) != "X: y"+m.eol+text {
			t.Errorf("%q became %q, %v", text, b, err)
		}
	})
}
