package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	gosmtp "github.com/emersion/go-smtp"

	"pneu/cmd/internal/boot"
	"pneu/mta/queue"
	"pneu/mta/sysexits"
)

// place is a whole system in a folder: alice here, other domains at a port
// where nobody listens.
type place struct {
	t     *testing.T
	conf  string
	dir   string
	spool *queue.Spool
}

func newPlace(t *testing.T, more string) *place {
	t.Helper()
	dir := t.TempDir()
	p := &place{t: t, dir: dir, conf: filepath.Join(dir, "pneu.toml")}
	if err := queue.Create(filepath.Join(dir, "spool")); err != nil {
		t.Fatal(err)
	}
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("users", "alice@try.test::::"+filepath.Join(dir, "alice")+"::\n")
	write("pneu.toml", "hostname = \"me.test\"\ndomains = [\"try.test\"]\nspool = \"spool\"\nusers = \"users\"\n"+
		"relay = \"smtp://127.0.0.1:"+closedPort(t)+"\"\n"+more)
	var err error
	if p.spool, err = queue.Open(queue.Options{Dir: filepath.Join(dir, "spool")}); err != nil {
		t.Fatal(err)
	}
	return p
}

// closedPort is one where a connection is refused.
func closedPort(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

func (p *place) accept(from string, to ...string) string {
	p.t.Helper()
	return p.acceptText("Subject: \x1b[31mred\n\nbody\n", from, to...)
}

func (p *place) acceptText(text, from string, to ...string) string {
	p.t.Helper()
	env := &queue.Envelope{Sender: from, Client: "test"}
	for i, a := range to {
		env.Recipients = append(env.Recipients, queue.Recipient{N: i + 1, Addr: a, Mark: queue.Pending})
	}
	d, err := p.spool.Accept(env)
	if err != nil {
		p.t.Fatal(err)
	}
	io.WriteString(d, text)
	if err := d.Commit(time.Now()); err != nil {
		p.t.Fatal(err)
	}
	return d.ID()
}

func TestNoSuchMessage(t *testing.T) {
	p := newPlace(t, "")
	id := p.accept("a@example.org", "x@far.test")
	for _, verb := range []string{"show", "list", "hold", "rm"} {
		if _, errs := p.qrun(1, verb, "0000000000000"); !strings.Contains(errs, "0000000000000: no such message") {
			t.Errorf("%s: %q", verb, errs)
		}
	}
	if out, errs := p.qrun(1, "rm", id, "0000000000000"); !strings.Contains(out, id) || !strings.Contains(errs, "no such message") {
		t.Errorf("one of two: %q, %q", out, errs)
	}
}

func TestStranger(t *testing.T) {
	if err := stranger(0, 990, "/spool"); err != nil {
		t.Errorf("root: %v", err)
	}
	err := stranger(1000, 0, "/spool")
	if sysexits.Code(err) != sysexits.NoPerm || strings.Contains(err.Error(), "\n") || !strings.Contains(err.Error(), "root") {
		t.Errorf("a user: %v", err)
	}
}

// qrun runs the program and checks its exit code.
func (p *place) qrun(code int, args ...string) (out, errs string) {
	p.t.Helper()
	var o, e bytes.Buffer
	a := app()
	a.Writer, a.ErrWriter = &o, &e
	if got := boot.RunArgs(a, append([]string{"qrun", "-C", p.conf}, args...)); got != code {
		p.t.Errorf("qrun %s: exit %d, want %d: %s%s", strings.Join(args, " "), got, code, o.String(), e.String())
	}
	return o.String(), e.String()
}

func (p *place) ids(args ...string) string {
	p.t.Helper()
	var o bytes.Buffer
	a := app()
	a.Writer, a.ErrWriter = &o, io.Discard
	boot.RunArgs(a, append([]string{"qrun", "-C", p.conf, "list", "--json"}, args...))
	var ids []string
	for _, line := range strings.Split(strings.TrimSpace(o.String()), "\n") {
		var it item
		if json.Unmarshal([]byte(line), &it) == nil {
			ids = append(ids, it.ID)
		}
	}
	return strings.Join(ids, " ")
}

func TestPass(t *testing.T) {
	p := newPlace(t, "")
	id := p.accept("bob@there.test", "alice@try.test", "c@other.test")
	if out, errs := p.qrun(0); out+errs != "" {
		t.Errorf("a pass from cron prints %q %q", out, errs)
	}
	new, err := os.ReadDir(filepath.Join(p.dir, "alice", "new"))
	if err != nil || len(new) != 1 {
		t.Errorf("alice has %v, %v", new, err)
	}
	out, _ := p.qrun(0, "list")
	for _, want := range []string{id, "deferred", "to   alice@try.test  done, 1 attempt", "to   c@other.test  deferred, 1 attempt",
		"127.0.0.1 [127.0.0.1]: 4.4.1 connect to port", "connection refused", "1 message"} {
		if !strings.Contains(out, want) {
			t.Errorf("list lacks %q:\n%s", want, out)
		}
	}
	out, _ = p.qrun(0, "show", id)
	if strings.Contains(out, "\x1b") || !strings.Contains(out, "delivered alice@try.test") || !strings.Contains(out, "client   test") {
		t.Errorf("show:\n%s", out)
	}
	if out, _ := p.qrun(0, "show", "--raw", id); !strings.HasSuffix(out, "red\n\nbody\n") {
		t.Errorf("raw: %q", out)
	}
}

func TestJSON(t *testing.T) { // the contract, to the letter
	p := newPlace(t, "")
	p.accept("bob@there.test", "c@other.test")
	p.qrun(0)
	out, _ := p.qrun(0, "list", "--json")
	var got map[string]any
	if err := json.Unmarshal([]byte(out), &got); err != nil || strings.Count(out, "\n") != 1 {
		t.Fatalf("%v: %q", err, out)
	}
	keys := func(m map[string]any, want string) {
		t.Helper()
		for _, k := range strings.Fields(want) {
			if _, ok := m[k]; !ok {
				t.Errorf("no %q in %v", k, m)
			}
		}
		if len(m) != len(strings.Fields(want)) {
			t.Errorf("other keys than %s: %v", want, m)
		}
	}
	keys(got, "id state from subject size arrived expires next attempts auth recipients notes")
	if got["subject"] != "\x1b[31mred" || strings.Contains(out, "\x1b") {
		t.Errorf("subject %q", got["subject"])
	}
	rc := got["recipients"].([]any)[0].(map[string]any)
	keys(rc, "to state attempts next last")
	keys(rc["last"].(map[string]any), "time host ip tls code enhanced text")
	if got["state"] != "deferred" || rc["state"] != "deferred" || rc["attempts"] != 1.0 || got["attempts"] != 1.0 {
		t.Errorf("got %v", got)
	}
}

// What was said before stands once, where it was said last.
func TestNotesOnce(t *testing.T) {
	p := newPlace(t, "")
	id := p.acceptText("Subject: \x1b[31mred\n =?utf-8?q?=E2=82=AC?=\n\nSubject: of the body\n", "bob@there.test", "c@other.test")
	for range 3 {
		p.qrun(0, "try", id)
	}
	p.qrun(0, "hold", id)
	p.qrun(0, "try", id)
	var got item
	out, _ := p.qrun(0, "list", "--json")
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		t.Fatal(err)
	}
	if want := []string{"held: by hand", "released: to be tried now"}; !slices.Equal(got.Notes, want) || got.Attempts != 4 || got.Subject != "\x1b[31mred €" {
		t.Errorf("%q: %d attempts, notes %q, want %q", got.Subject, got.Attempts, got.Notes, want)
	}
	if out, _ = p.qrun(0, "list"); strings.Count(out, "to be tried now") != 1 {
		t.Errorf("list: %q", out)
	}
	if out, _ = p.qrun(0, "show", id); !strings.Contains(out, "\n  subject  ") || !strings.Contains(out, "red €") || strings.Contains(out, "\x1b") {
		t.Errorf("show: %q", out)
	}
}

func TestFilters(t *testing.T) {
	p := newPlace(t, "")
	a := p.accept("bob@there.test", "c@other.test")
	b := p.accept("", "Carol@Third.test", "d@other.test")
	p.qrun(0, "hold", b)
	both := a + " " + b
	tests := []struct{ args, want string }{
		{"", both}, {"--to c@other.test", a}, {"--to @other.test", both}, {"--to @third.test", b}, {"--to c*", both}, {"--to other.test", both}, {"--to c", a}, {"--to other", ""},
		{"--from <>", b}, {"--from bob@*", a}, {"--state held", b}, {"--state queued", a}, {"--state held --state queued", both},
		{"--to @third.test --state queued", ""}, {"--older 1h", ""}, {"--older 0.000001s", both}, {a, a}, {"--id " + b, b},
	}
	for _, tt := range tests {
		got := strings.Fields(p.ids(strings.Fields(tt.args)...))
		want := strings.Fields(tt.want)
		if len(got) != len(want) || len(got) > 0 && !strings.Contains(tt.want, got[0]) {
			t.Errorf("%s: %q, want %q", tt.args, got, want)
		}
	}
	for _, args := range []string{"list --state what", "list --older soon", "list --nope", "hold", "rm", "what", "list --to [a", "try"} {
		p.qrun(64, strings.Fields(args)...)
	}
	for _, args := range []string{"list nosuchid", "show nosuchid", "rm nosuchid", "list --older 3d", "list --older 1w"} {
		p.qrun(1, strings.Fields(args)...)
	}
}

func TestSurgery(t *testing.T) {
	p := newPlace(t, "")
	id := p.accept("bob@there.test", "alice@try.test")
	p.qrun(0, "hold", id)
	p.qrun(0)
	if got := p.ids("--state", "held"); got != id {
		t.Errorf("held: %q", got)
	}
	p.qrun(0, "release", id)
	p.qrun(0)
	if got := p.ids(); got != "" {
		t.Errorf("after release: %q", got)
	}
	id = p.accept("bob@there.test", "c@other.test")
	p.qrun(0)
	p.qrun(0) // not due
	out, _ := p.qrun(0, "try", id)
	if !strings.Contains(out, "2 attempts") {
		t.Errorf("try: %s", out)
	}
	p.qrun(0, "requeue", id)
	if m, err := p.spool.Read(id); err != nil || time.Until(m.Next) > 0 {
		t.Errorf("requeue: %v", err)
	}
	m, err := p.spool.Lock(id)
	if err != nil {
		t.Fatal(err)
	}
	if _, errs := p.qrun(75, "rm", id); !strings.Contains(errs, "a runner is at work on it") {
		t.Errorf("in use: %q", errs)
	}
	if got := p.ids("--state", "active"); got != id {
		t.Errorf("active: %q", got)
	}
	m.Close()
	p.qrun(0, "rm", id)
	if out, _ := p.qrun(0, "list"); out != "the queue is empty\n" {
		t.Errorf("empty: %q", out)
	}
	if out, _ := p.qrun(0, "list", "--json"); out != "" {
		t.Errorf("empty, as JSON: %q", out)
	}
}

func TestUnsend(t *testing.T) {
	p := newPlace(t, "")
	id := p.accept("bob@there.test", "c@other.test")
	p.qrun(0, "rm", "--unsend", id)
	p.qrun(75, "rm", "--unsend", id) // gone
	id = p.accept("bob@there.test", "c@other.test")
	p.qrun(0)
	if _, errs := p.qrun(75, "rm", "--unsend", id); !strings.Contains(errs, "too late") {
		t.Errorf("tried already: %q", errs)
	}
	if got := p.ids(); got != id {
		t.Errorf("it is not there any more: %q", got)
	}
}

func TestDamaged(t *testing.T) {
	p := newPlace(t, "")
	id := p.accept("bob@there.test", "alice@try.test")
	file, err := filepath.Glob(filepath.Join(p.dir, "spool", "q", "*", id))
	if err != nil || len(file) != 1 {
		t.Fatal(file, err)
	}
	b, err := os.ReadFile(file[0])
	if err != nil {
		t.Fatal(err)
	}
	good := bytes.Clone(b)
	b[len(b)-2] ^= 1
	os.WriteFile(file[0], b, 0o600)
	p.qrun(0)
	if got := p.ids("--state", "failed"); got != id {
		t.Fatalf("set aside: %q", got)
	}
	p.qrun(65, "rm", id)
	bad := filepath.Join(p.dir, "spool", "bad", id)
	if err := os.WriteFile(bad, good, 0o600); err != nil {
		t.Fatal(err)
	}
	p.qrun(0, "requeue", id)
	p.qrun(0)
	if got := p.ids(); got != "" {
		t.Errorf("repaired and requeued: %q", got)
	}
}

func TestSettings(t *testing.T) {
	for _, tt := range []struct{ more, want string }{
		{"[qrun]\nbackof = \"5m\"\n", `unknown key "backof" (did you mean "backoff"?)`},
		{"[qrun]\ntls = \"must\"\n", `must be "may" or "never"`},
		{"[qrun]\nbackoff = \"soon\"\n", "pneu.toml:7:"},
		{"relay_auth = \"nobody\"\n", "user:password"},
	} {
		p := newPlace(t, tt.more)
		for _, args := range [][]string{nil, {"--check"}} {
			if _, errs := p.qrun(78, args...); !strings.Contains(errs, tt.want) {
				t.Errorf("%q: qrun %s: %q", tt.more, args, errs)
			}
		}
	}
	p := newPlace(t, "")
	os.RemoveAll(filepath.Join(p.dir, "spool"))
	if _, errs := p.qrun(75); !strings.Contains(errs, "postmaster init") {
		t.Errorf("no spool: %q", errs)
	}
}

// taker is a server that takes what comes.
type taker struct{ got chan string }

func (s taker) NewSession(*gosmtp.Conn) (gosmtp.Session, error) { return s, nil }
func (taker) Reset()                                            {}
func (taker) Logout() error                                     { return nil }
func (taker) Mail(string, *gosmtp.MailOptions) error            { return nil }
func (taker) Rcpt(string, *gosmtp.RcptOptions) error            { return nil }
func (s taker) Data(r io.Reader) error {
	b, err := io.ReadAll(r)
	s.got <- string(b)
	return err
}

// --check needs no spool, and says nothing of settings that are right.
func TestCheck(t *testing.T) {
	p := newPlace(t, "[qrun]\nbackoff = \"1m\"\n")
	if err := os.RemoveAll(filepath.Join(p.dir, "spool")); err != nil {
		t.Fatal(err)
	}
	if out, errs := p.qrun(0, "--check"); out+errs != "" {
		t.Errorf("%q %q", out, errs)
	}
}

func TestRelay(t *testing.T) {
	p := newPlace(t, "")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := taker{make(chan string, 10)}
	srv := gosmtp.NewServer(s)
	go srv.Serve(l)
	defer srv.Close()
	b, _ := os.ReadFile(p.conf)
	text := string(b)
	i := strings.Index(text, "relay = ")
	text = text[:i] + fmt.Sprintf("relay = \"smtp://%s\"\n", l.Addr())
	os.WriteFile(p.conf, []byte(text), 0o600)
	p.accept("bob@there.test", "c@other.test")
	p.qrun(0)
	select {
	case got := <-s.got:
		if got != "Subject: \x1b[31mred\r\n\r\nbody\r\n" {
			t.Errorf("got %q", got)
		}
	default:
		t.Error("nothing came")
	}
	if got := p.ids(); got != "" {
		t.Errorf("left: %q", got)
	}
}
