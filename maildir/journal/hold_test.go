package journal

import (
	"errors"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"pneu/maildir"
)

// A batch keeps Dovecot out from its second rename until it is committed, and
// undo and redo of one wait for Dovecot too.
func TestRule17Batches(t *testing.T) {
	w := newWorld(t, 18)
	inbox, trash := w.folders[0], w.folders[1]
	lock := inbox.Path() + "/dovecot-uidlist.lock"
	held := func() bool { _, err := os.Lstat(lock); return err == nil }
	if err := os.WriteFile(inbox.Path()+"/dovecot-uidlist", []byte("3 V1 N1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	list, err := inbox.List()
	if err != nil {
		t.Fatal(err)
	}
	var old []maildir.Entry
	for _, e := range list {
		if !e.New {
			old = append(old, e)
		}
	}
	before := w.tree()
	delete(before, lock)
	b := w.j.Begin("tui", "move")
	for i, e := range old[:2] {
		if held() {
			t.Errorf("locked before operation %d", i+1)
		}
		if _, err := b.Move(inbox, e, trash); err != nil {
			t.Fatal(err)
		}
	}
	if !held() {
		t.Error("not locked in the second operation")
	}
	if err := b.Commit(); err != nil || held() {
		t.Errorf("locked after the batch: %v, %v", held(), err)
	}
	after := w.tree()
	for name, act := range map[string]func(int, ...string) (Report, error){"undo": w.j.Undo, "redo": w.j.Redo} {
		if name == "redo" {
			w.j.Undo(1)
		}
		os.WriteFile(lock, []byte("1:elsewhere"), 0o600)
		var free atomic.Bool
		done := make(chan bool)
		time.AfterFunc(60*time.Millisecond, func() {
			free.Store(true)
			os.Remove(lock)
			close(done)
		})
		r, err := act(1)
		waited := free.Load()
		if err != nil || len(r.Failed) > 0 {
			t.Fatal(name, r, err)
		}
		if <-done; !waited || held() {
			t.Errorf("%s waited: %v, locked afterwards: %v", name, waited, held())
		}
		if name == "undo" {
			compare(t, name, w.tree(), before)
			w.j.Redo(1)
		}
	}
	compare(t, "redo", w.tree(), after)
}

// Two messages of one base: the one meant is changed, the other stays.
func TestRule14InBatches(t *testing.T) {
	w := newWorld(t, 0)
	inbox := w.folders[0]
	os.WriteFile(inbox.Path()+"/cur/1.a:2,", []byte("meant"), 0o600)
	os.WriteFile(inbox.Path()+"/cur/1.a:2,S", []byte("other"), 0o600)
	at := time.Unix(1, 0) // the older keeps its name
	os.Chtimes(inbox.Path()+"/cur/1.a:2,", at, at)
	b := w.j.Begin("tui", "x")
	e, err := b.SetFlags(inbox, maildir.Entry{File: "1.a:2,"}, "S", "")
	if err := errors.Join(err, b.Commit()); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(inbox.File(e)); err != nil || string(text) != "meant" {
		t.Errorf("%v: %q, %v", e, text, err)
	}
	if n, err := inbox.Count(); err != nil || n.Total != 2 || n.Unread != 0 {
		t.Errorf("%+v, %v", n, err)
	}
	if r, err := w.j.Undo(1); err != nil || len(r.Failed) > 0 {
		t.Error(r, err)
	}
	if text, err := os.ReadFile(inbox.Path() + "/cur/1.a:2,"); err != nil || string(text) != "meant" {
		t.Errorf("after undo: %q, %v", text, err)
	}
}

// What undo took out of a folder stays for redo, but not for ever.
func TestKeptIsForgotten(t *testing.T) {
	w := newWorld(t, 1)
	b := w.j.Begin("cli", "import")
	_, err := b.Deliver(w.folders[0], maildir.Delivery{Time: time.Unix(1, 0)}, strings.NewReader("Subject: old import\n\nx\n"))
	if err := errors.Join(err, b.Commit()); err != nil {
		t.Fatal(err)
	}
	if _, err := w.j.Undo(1); err != nil {
		t.Fatal(err)
	}
	count := func() int {
		k, err := maildir.At(w.j.path + ".kept")
		if err != nil {
			t.Fatal(err)
		}
		n, err := k.Count()
		if err != nil {
			t.Fatal(err)
		}
		return n.Total
	}
	again, err := Open(w.j.path)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if again.forget(time.Now().Add(keepFor - time.Hour)); count() != 1 {
		t.Fatal("forgotten too early: by the message's time?")
	}
	if again.forget(time.Now().Add(keepFor + time.Hour)); count() != 0 {
		t.Error("kept for ever")
	}
	if r, err := w.j.Redo(1); err != nil || len(r.Failed) != 1 || !errors.Is(r.Failed[0].Err, maildir.ErrGone) {
		t.Errorf("redo of what is forgotten: %+v, %v", r, err)
	}
	if len(w.tree()) != 1 {
		t.Errorf("tree %v", w.tree())
	}
}
