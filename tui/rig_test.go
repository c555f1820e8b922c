package tui

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/charmbracelet/x/vt"

	"pneu/maildir/journal"
	"pneu/maildir/message"
	mstore "pneu/maildir/store"
	"pneu/tui/look"
	"pneu/tui/queueview"
	"pneu/tui/term"
)

var update = flag.Bool("update", false, "rewrite the golden screens")

// clock is the time of all tests until one moves it.
var clock = time.Date(2026, 11, 21, 9, 45, 0, 0, time.UTC)

// A rig runs an App without a terminal: commands run at once, keys are names, the screen is what an emulator shows.
type rig struct {
	t    testing.TB
	a    *App
	dir  string
	out  *outbox
	mu   sync.Mutex
	time time.Time
	ch   chan term.Msg
	quit bool
	busy int
}

type rigOptions struct {
	w, h    int
	mail    func(t testing.TB, dir string)
	theme   look.Options
	queue   []queueview.Item
	folder  string
	editor  []string
	noQueue bool
}

func newRig(t testing.TB, o rigOptions) *rig {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "Maildir")
	if o.mail == nil {
		o.mail = trialMail
	}
	notices := NewNotices()
	st, err := mstore.Create(dir, mstore.Options{Log: slog.New(notices)})
	if err != nil {
		t.Fatal(err)
	}
	o.mail(t, dir)
	j, err := journal.Open(filepath.Join(filepath.Dir(dir), "journal"))
	if err != nil {
		t.Fatal(err)
	}
	noted := st.Journal()
	j.UseKeywords(noted)
	j.UseNumbers(noted)
	j.UseMover(noted)
	r := &rig{t: t, dir: dir, time: clock, ch: make(chan term.Msg, 1024), out: &outbox{items: o.queue}}
	opt := Options{
		Store: st, Folder: o.folder, Journal: j, Noted: noted, Notices: notices, Sender: r.out, Theme: look.NewTheme(o.theme), Now: r.now,
		Me:      []message.Addr{{Name: "Me", Addr: "me@example.org"}},
		SaveDir: filepath.Dir(dir), TempDir: filepath.Dir(dir), SentFile: filepath.Join(filepath.Dir(dir), "held.json"),
		Editor: o.editor, Shell: "/bin/sh",
	}
	if !o.noQueue {
		opt.Queue = r.out
	}
	r.a = New(opt)
	r.a.after = r.after
	t.Cleanup(func() { r.a.Close(); st.Close(); j.Close() })
	r.run(r.a.Init())
	if o.w == 0 {
		o.w, o.h = 80, 24
	}
	r.send(term.Size{W: o.w, H: o.h})
	r.settle()
	return r
}

func (r *rig) now() time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.time
}

// later moves the clock and lets a second pass for the App.
func (r *rig) later(d time.Duration) {
	r.mu.Lock()
	r.time = r.time.Add(d)
	r.mu.Unlock()
	r.send(ticked{})
	r.settle()
}

func (r *rig) run(c term.Cmd) {
	if c == nil {
		return
	}
	r.mu.Lock()
	r.busy++
	r.mu.Unlock()
	go func() {
		if msg := c(); msg != nil {
			r.ch <- msg
		}
		r.mu.Lock()
		r.busy--
		r.mu.Unlock()
	}()
}

func (r *rig) send(msg term.Msg) {
	switch msg := msg.(type) {
	case term.Batched:
		for _, c := range msg {
			r.run(c)
		}
	case term.Quit:
		r.quit = true
	case term.Suspend, term.Redraw:
	case term.Exec:
		if out, err := msg.Command.CombinedOutput(); err != nil {
			r.t.Logf("%v: %s", err, out)
			r.run(func() term.Msg { return msg.Done(err) })
		} else {
			r.run(func() term.Msg { return msg.Done(nil) })
		}
	default:
		r.run(r.a.Update(msg))
	}
}

// settle takes results until nothing is under way.
func (r *rig) settle() {
	for {
		r.mu.Lock()
		quiet := r.busy <= int(r.a.jobs.idle.Load())
		r.mu.Unlock()
		if quiet && len(r.ch) == 0 {
			return
		}
		select {
		case msg := <-r.ch:
			r.send(msg)
		case <-time.After(200 * time.Microsecond):
		}
	}
}

// after is the passing of time: short waits are over at once, seconds are moved by hand.
func (r *rig) after(d time.Duration, msg term.Msg) term.Cmd {
	if d >= time.Second {
		return nil
	}
	return func() term.Msg { return msg }
}

// keys presses keys, by name, and waits for what they lead to.
func (r *rig) keys(names ...string) {
	r.t.Helper()
	for _, n := range names {
		k := term.Named(n)
		if n == "space" {
			k = term.Rune(' ')
		} else if len([]rune(n)) == 1 {
			k = term.Rune([]rune(n)[0])
		}
		r.send(k)
	}
	r.settle()
}

// typed presses a key for every character.
func (r *rig) typed(s string) {
	r.t.Helper()
	for _, k := range term.Split([]rune(s), false) {
		r.send(k)
	}
	r.settle()
}

// until waits for text on the screen.
func (r *rig) until(pattern string) {
	r.t.Helper()
	re := regexp.MustCompile(pattern)
	end := time.Now().Add(20 * time.Second)
	for !re.MatchString(r.screen()) {
		if time.Now().After(end) {
			r.t.Fatalf("never saw %q:\n%s", pattern, r.screen())
		}
		time.Sleep(5 * time.Millisecond)
		r.settle()
	}
}

func (r *rig) want(patterns ...string) {
	r.t.Helper()
	for _, p := range patterns {
		r.until(p)
	}
}

func (r *rig) wantNot(pattern string) {
	r.t.Helper()
	if s := r.screen(); regexp.MustCompile(pattern).MatchString(s) {
		r.t.Fatalf("%q is on the screen:\n%s", pattern, s)
	}
}

// emulate shows a frame on an emulated terminal.
func emulate(frame string, w, h int) *vt.Emulator {
	e := vt.NewEmulator(w, h)
	_, _ = e.WriteString(strings.ReplaceAll(frame, "\n", "\r\n"))
	return e
}

// screen is the text on the screen, without blanks at the ends of lines.
func (r *rig) screen() string {
	e := emulate(r.a.View(), r.a.size.W, r.a.size.H)
	return trim(e.String())
}

func trim(s string) string {
	lines := strings.Split(s, "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " \r")
	}
	return strings.Join(lines, "\n") + "\n"
}

// golden compares the screen with a file; with styles, a line of marks follows each line that has any.
func (r *rig) golden(name string, styles bool) {
	r.t.Helper()
	e := emulate(r.a.View(), r.a.size.W, r.a.size.H)
	got := trim(e.String())
	if styles {
		got = withStyles(e)
	}
	path := filepath.Join("testdata", name+".screen")
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			r.t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			r.t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		r.t.Fatal(err)
	}
	if got != string(want) {
		r.t.Errorf("%s is another screen (go test -update rewrites it):\n%s\nwant:\n%s", name, got, want)
	}
}

// withStyles writes below each line which cells are bold, dim, underlined, reversed or in a colour.
func withStyles(e *vt.Emulator) string {
	var b strings.Builder
	for y, line := range strings.Split(strings.TrimRight(trim(e.String()), "\n"), "\n") {
		b.WriteString(line + "\n")
		marks := make([]byte, 0, e.Width())
		for x := range e.Width() {
			m := byte(' ')
			if c := e.CellAt(x, y); c != nil {
				s := c.Style
				switch {
				case s.Attrs&(1<<5) != 0:
					m = 'r'
				case s.Fg != nil:
					m = 'c'
				case s.Underline != 0:
					m = 'u'
				case s.Attrs&1 != 0:
					m = 'b'
				case s.Attrs&2 != 0:
					m = 'd'
				}
			}
			marks = append(marks, m)
		}
		if s := strings.TrimRight(string(marks), " "); s != "" {
			b.WriteString("~" + s + "\n")
		}
	}
	return b.String()
}

// An outbox is a Sender and a Queue that keep what they were given.
type outbox struct {
	mu      sync.Mutex
	sent    []outgoing
	unsent  []string
	refuse  error
	late    bool
	items   []queueview.Item
	actions []string
}

type outgoing struct {
	id, from string
	rcpts    []string
	msg      string
	hold     time.Duration
}

func (o *outbox) Send(_ context.Context, msg []byte, from string, rcpts []string, hold time.Duration) (string, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.refuse != nil {
		return "", o.refuse
	}
	id := fmt.Sprintf("Q%d", len(o.sent)+1)
	o.sent = append(o.sent, outgoing{id, from, rcpts, string(msg), hold})
	return id, nil
}

func (o *outbox) Unsend(id string) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.late {
		return errors.New(id + ": an attempt has begun")
	}
	o.unsent = append(o.unsent, id)
	return nil
}

func (o *outbox) List(context.Context) ([]queueview.Item, error) { return o.items, nil }

func (o *outbox) did(what, id string) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.actions = append(o.actions, what+" "+id)
	return nil
}

func (o *outbox) Try(id string) error     { return o.did("try", id) }
func (o *outbox) Hold(id string) error    { return o.did("hold", id) }
func (o *outbox) Release(id string) error { return o.did("release", id) }
func (o *outbox) Remove(id string) error  { return o.did("remove", id) }

// put writes a message file as another program would. sub is "cur/name:2,S" or "new/name".
func put(t testing.TB, folder, sub, text string) {
	t.Helper()
	for _, d := range []string{"cur", "new", "tmp"} {
		if err := os.MkdirAll(filepath.Join(folder, d), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	temp := filepath.Join(folder, "tmp", "put")
	if err := os.WriteFile(temp, []byte(strings.ReplaceAll(text, "\n", "\r\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(temp, filepath.Join(folder, sub)); err != nil {
		t.Fatal(err)
	}
}

// files lists the message files of a folder.
func files(t testing.TB, folder string) []string {
	t.Helper()
	var out []string
	for _, d := range []string{"new", "cur"} {
		es, err := os.ReadDir(filepath.Join(folder, d))
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		for _, e := range es {
			out = append(out, d+"/"+e.Name())
		}
	}
	return out
}
