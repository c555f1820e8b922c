package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"pneu/maildir"
)

// A watched Maildir, and the events as they come.
type watched struct {
	*testing.T
	dir    string
	cmd    *exec.Cmd
	events chan record
}

func (w *watched) run(args ...string) {
	w.Helper()
	cmd := w.command(args...)
	if out, err := cmd.CombinedOutput(); err != nil {
		w.Fatalf("pneu %v: %v, %s", args, err, out)
	}
}

func (w *watched) command(args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(w.dir, "pneu"), args...)
	cmd.Env = append(os.Environ(), "HOME="+w.dir, "XDG_STATE_HOME="+filepath.Join(w.dir, "state"), "PNEU_MAILDIR="+filepath.Join(w.dir, "Maildir"), "PNEU_CONFIG=")
	return cmd
}

// next returns the next event, or fails after so long that nothing else can be the reason.
func (w *watched) next(what string) record {
	w.Helper()
	select {
	case r, ok := <-w.events:
		if !ok || r.Op != what {
			w.Fatalf("%q %+v instead of %s", r.Op, r, what)
		}
		return r
	case <-time.After(30 * time.Second):
		w.Fatalf("no event %s", what)
	}
	return record{}
}

func startWatch(t *testing.T, args ...string) *watched {
	w := &watched{T: t, dir: t.TempDir(), events: make(chan record, 100)}
	ourselves(t, filepath.Join(w.dir, "pneu"))
	s, err := maildir.Create(filepath.Join(w.dir, "Maildir"))
	if err != nil {
		t.Fatal(err)
	}
	inbox, err := s.Folder("INBOX")
	if err != nil {
		t.Fatal(err)
	}
	w.cmd = w.command(append([]string{"watch", "--json"}, args...)...)
	w.cmd.Stderr = os.Stderr
	out, err := w.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := w.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.cmd.Process.Kill(); w.cmd.Wait() })
	go func() {
		defer close(w.events)
		for r := bufio.NewReader(out); ; {
			line, err := r.ReadString('\n')
			if err != nil {
				return
			}
			var e record
			if json.Unmarshal([]byte(line), &e) == nil {
				w.events <- e
			}
		}
	}()
	// What was there before is no event, so messages are filed until one is seen.
	for i := 0; ; i++ {
		if _, err := inbox.Deliver(maildir.Delivery{}, strings.NewReader(fmt.Sprintf("Subject: %d\n\nx\n", i))); err != nil {
			t.Fatal(err)
		}
		select {
		case r := <-w.events:
			if r.Op != "new" || r.Subject == "" {
				t.Fatalf("%+v", r)
			}
			for len(w.events) > 0 {
				<-w.events
			}
			return w
		case <-time.After(200 * time.Millisecond):
		}
		if i > 150 {
			t.Fatal("nothing is seen")
		}
	}
}

func TestWatch(t *testing.T) {
	w := startWatch(t, "-r")
	s, err := maildir.Open(filepath.Join(w.dir, "Maildir"))
	if err != nil {
		t.Fatal(err)
	}
	inbox, _ := s.Folder("INBOX")
	e, err := inbox.Deliver(maildir.Delivery{}, strings.NewReader("Subject: hello\nFrom: ada@example.org\n\nx\n"))
	if err != nil {
		t.Fatal(err)
	}
	r := w.next("new")
	for r.Subject != "hello" { // one of those at the start, seen late
		r = w.next("new")
	}
	if r.Path != inbox.File(e) || len(r.From) != 1 {
		t.Errorf("%+v", r)
	}
	w.run("flag", "+S", r.Path)
	if f := w.next("flags"); f.Flags != "S" || f.Was != r.Path {
		t.Errorf("%+v", f)
	}
	// A folder made later is watched too. Whether it is seen before the message comes into
	// it decides by which event, so one goes there first.
	w.run("mkdir", "A")
	a, err := s.Folder("A")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.Deliver(maildir.Delivery{}, strings.NewReader("Subject: first\n\nx\n")); err != nil {
		t.Fatal(err)
	}
	if f := w.next("new"); f.Folder != "A" {
		t.Errorf("%+v", f)
	}
	w.run("mv", "A", r.Path)
	if f := w.next("moved"); f.Folder != "A" || filepath.Base(f.Was) == "" || f.Subject != "hello" {
		t.Errorf("%+v", f)
	}
	w.run("undo")
	if f := w.next("moved"); f.Folder != "INBOX" {
		t.Errorf("%+v", f)
	}
	w.run("rm", "--purge", r.Path)
	if f := w.next("gone"); f.Folder != "INBOX" || f.ID != e.Base() {
		t.Errorf("%+v", f)
	}
	w.cmd.Process.Signal(syscall.SIGINT)
	if _, ok := <-w.events; ok {
		t.Error("events after the end")
	}
	w.cmd.Wait()
	if ws := w.cmd.ProcessState.Sys().(syscall.WaitStatus); ws.Signal() != syscall.SIGINT {
		t.Error(w.cmd.ProcessState)
	}
}

// When events were lost, a list tells what happened meanwhile.
func TestWatchOverflow(t *testing.T) {
	s, err := maildir.Create(filepath.Join(t.TempDir(), "Maildir"))
	if err != nil {
		t.Fatal(err)
	}
	inbox, _ := s.Folder("INBOX")
	deliver := func(subject string) maildir.Entry {
		e, err := inbox.Deliver(maildir.Delivery{}, strings.NewReader("Subject: "+subject+"\n\nx\n"))
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	stays, changes, goes := deliver("stays"), deliver("changes"), deliver("goes")
	var got []string
	w := &watching{known: map[string]*known{}, list: []*maildir.Folder{inbox}}
	w.emit = func(c change) error { got = append(got, c.what+" "+c.e.Base()); return nil }
	if err := w.compare(inbox, true); err != nil {
		t.Fatal(err)
	}
	comes := deliver("comes")
	if _, err := inbox.SetFlags(changes, "S", ""); err != nil {
		t.Fatal(err)
	}
	if err := inbox.Remove(goes); err != nil {
		t.Fatal(err)
	}
	if err := w.event(maildir.Event{Kind: maildir.Overflow}); err != nil {
		t.Fatal(err)
	}
	// The events of the same changes that come late tell nothing new.
	w.event(maildir.Event{Kind: maildir.Added, Folder: inbox, Entry: comes})
	w.event(maildir.Event{Kind: maildir.Gone, Folder: inbox, Entry: goes})
	if err := w.expire(time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	text := strings.Join(got, "\n")
	for _, want := range []string{"new " + comes.Base(), "flags " + changes.Base(), "gone " + goes.Base()} {
		if strings.Count(text, want) != 1 {
			t.Errorf("%q lacks %s, or has it twice", text, want)
		}
	}
	if strings.Contains(text, stays.Base()) {
		t.Errorf("%q", text)
	}
}

// Each event goes on from the path that the one before has told, whatever other programs
// do to names: mbsync puts fields into them, and there are further changes before one is
// printed.
func TestWatchPaths(t *testing.T) {
	s, err := maildir.Create(filepath.Join(t.TempDir(), "Maildir"))
	if err != nil {
		t.Fatal(err)
	}
	inbox, _ := s.Folder("INBOX")
	rename := func(from, to string) {
		t.Helper()
		if err := os.Rename(inbox.Path()+"/cur/"+from, inbox.Path()+"/cur/"+to); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"11.a:2,", "12.b:2,", "13.c:2,S", "14.d:2,", "15.e:2,"} {
		if err := os.WriteFile(inbox.Path()+"/cur/"+name, []byte("Subject: x\n\nx\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var out bytes.Buffer
	w := &watching{t: &tool{form: formJSON, out: bufio.NewWriter(&out), errw: &out}, on: map[string]bool{}, known: map[string]*known{}, list: []*maildir.Folder{inbox}}
	w.emit = w.print
	for _, name := range eventNames {
		w.on[name] = true
	}
	if err := w.compare(inbox, true); err != nil {
		t.Fatal(err)
	}
	event := func(kind maildir.EventKind, name string) {
		t.Helper()
		if err := w.event(maildir.Event{Kind: kind, Folder: inbox, Entry: maildir.Entry{File: name}}); err != nil {
			t.Fatal(err)
		}
	}
	rename("11.a:2,", "11.a,U=5:2,") // a field
	event(maildir.Gone, "11.a:2,")
	event(maildir.Added, "11.a,U=5:2,")
	rename("12.b:2,", "12.b:2,FS") // twice, by way of S
	event(maildir.Changed, "12.b:2,S")
	event(maildir.Changed, "12.b:2,FS")
	event(maildir.Changed, "13.c:2,") // and back
	event(maildir.Changed, "13.c:2,S")
	event(maildir.Gone, "14.d:2,") // out of the folder and back
	event(maildir.Added, "14.d:2,")
	rename("15.e:2,", "15.e,U=6:2,") // of which only the half is heard
	event(maildir.Gone, "15.e:2,")
	// Whether one is new or was moved is not known at once; it is told before what follows. Its
	// time is that of another.
	if err := os.WriteFile(inbox.Path()+"/cur/12.f:2,S", []byte("Subject: x\n\nx\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	event(maildir.Added, "12.f:2,")
	event(maildir.Changed, "12.f:2,S")
	event(maildir.Added, "12.g:2,")
	event(maildir.Gone, "12.g:2,")
	if err := w.expire(time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	var got []string
	for d := json.NewDecoder(&out); d.More(); {
		var r record
		if err := d.Decode(&r); err != nil {
			t.Fatal(err)
		}
		if r.Was != "" {
			r.Was = filepath.Base(r.Was)
		}
		got = append(got, r.Op+" "+r.Was+" "+filepath.Base(r.Path)+" "+r.ID)
	}
	want := []string{"flags 11.a:2, 11.a,U=5:2, 11.a,U=5", "flags 12.b:2, 12.b:2,FS 12.b", "new  12.f:2,S 12.f", "new  12.g:2, 12.g", "gone  15.e:2, 15.e", "gone  12.g:2, 12.g"}
	if !slices.Equal(got, want) {
		t.Errorf("told %q, want %q", got, want)
	}
}

// A folder that is renamed away is gone with all its messages, and another in its place is
// watched like it.
func TestWatchFolderReplaced(t *testing.T) {
	w := startWatch(t, "-r")
	s, err := maildir.Open(filepath.Join(w.dir, "Maildir"))
	if err != nil {
		t.Fatal(err)
	}
	for _, subject := range []string{"first", "second"} {
		f, err := s.CreateFolder("B")
		if err != nil {
			t.Fatal(err)
		}
		e, err := f.Deliver(maildir.Delivery{}, strings.NewReader("Subject: "+subject+"\n\nx\n"))
		if err != nil {
			t.Fatal(err)
		}
		for r := w.next("new"); r.Subject != subject; { // one of those at the start, seen late
			r = w.next("new")
		}
		if err := os.Rename(f.Path(), filepath.Join(w.dir, "away-"+subject)); err != nil {
			t.Fatal(err)
		}
		if r := w.next("gone"); r.Folder != "B" || r.ID != e.Base() {
			t.Errorf("%+v", r)
		}
	}
}
