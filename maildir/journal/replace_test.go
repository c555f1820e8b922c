package journal

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"pneu/maildir"
)

// A message that was changed keeps flags and times, and its old path leads to it.
func TestReplace(t *testing.T) {
	w := newWorld(t, 3)
	inbox := w.folders[0]
	path := filepath.Join(inbox.Path(), "cur", "1700000009.M9P1.host:2,FS")
	when := time.Unix(1600000009, 123456789)
	if err := errors.Join(os.WriteFile(path, []byte("Subject: old\n\nx\n"), 0o600), os.Chtimes(path, when, when)); err != nil {
		t.Fatal(err)
	}
	before := w.tree()
	b := w.j.Begin("cli", "sed")
	e, err := b.Replace(inbox, maildir.Entry{File: filepath.Base(path)}, []byte("Subject: new\n\nx\n"))
	if err := errors.Join(err, b.Commit()); err != nil {
		t.Fatal(err)
	}
	st, err := os.Stat(inbox.File(e))
	if err != nil || !st.ModTime().Equal(when) || e.Flags() != "FS" || e.Base() == "1700000009.M9P1.host" {
		t.Errorf("%v, %v, %v", e, st, err)
	}
	if now, ok := w.j.follow(path); !ok || now != inbox.File(e) {
		t.Errorf("the old path leads to %s", now)
	}
	// Another program flags it: undo brings back the old text with that flag.
	if e, err = inbox.SetFlags(e, "R", ""); err != nil {
		t.Fatal(err)
	}
	r, err := w.j.Undo(1)
	if err != nil || len(r.Failed) > 0 || len(r.Paths) != 1 || !strings.HasSuffix(r.Paths[0], "1700000009.M9P1.host:2,FRS") {
		t.Fatalf("%+v, %v", r, err)
	}
	if err := os.Rename(r.Paths[0], path); err != nil {
		t.Fatal(err)
	}
	compare(t, "undo", w.tree(), before)
	if r, err = w.j.Redo(1); err != nil || len(r.Failed) > 0 {
		t.Fatalf("%+v, %v", r, err)
	}
	if b, _ := os.ReadFile(r.Paths[0]); string(b) != "Subject: new\n\nx\n" {
		t.Errorf("redo: %q", b)
	}
	// The one that was kept is no longer there.
	if err := os.RemoveAll(w.j.path + ".kept"); err != nil {
		t.Fatal(err)
	}
	if r, err = w.j.Undo(1); err != nil || len(r.Failed) != 1 {
		t.Errorf("undo without what was kept: %+v, %v", r, err)
	}
	if b, _ := os.ReadFile(inbox.File(e)); len(r.Paths) > 0 || string(b) == "" && len(w.tree()) != len(before) {
		t.Errorf("a message was lost: %+v", r)
	}
}

// Folders that were made go, if nobody has used them.
func TestCreateFolder(t *testing.T) {
	w := newWorld(t, 3)
	make2 := func() (a, c *maildir.Folder) {
		t.Helper()
		b := w.j.Begin("cli", "mv -p")
		a, err := b.CreateFolder(w.store, "A/B")
		c, err2 := b.CreateFolder(w.store, "C")
		if err := errors.Join(err, err2, b.Commit()); err != nil {
			t.Fatal(err)
		}
		return a, c
	}
	names := func() (out []string) {
		list, err := w.store.Folders()
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range list {
			out = append(out, f.Name())
		}
		return out
	}
	before := names()
	make2()
	r, err := w.j.Undo(1)
	if err != nil || len(r.Failed)+len(r.Paths) > 0 || r.Batches[0].Messages() != 0 {
		t.Fatalf("%+v, %v", r, err)
	}
	if got := names(); !slices.Equal(got, before) {
		t.Errorf("%q stay", got)
	}
	if _, err := w.j.Redo(1); err != nil {
		t.Fatal(err)
	}
	if got := names(); len(got) != len(before)+3 {
		t.Errorf("redo: %q", got)
	}
	w.j.Undo(1)
	a, c := make2()
	if _, err := a.Deliver(maildir.Delivery{}, strings.NewReader("Subject: x\n\nx\n")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(c.Path(), "pneu.log"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if r, err = w.j.Undo(1); err != nil || len(r.Failed) > 0 {
		t.Fatalf("%+v, %v", r, err)
	}
	if got := names(); !slices.Contains(got, "A/B") || slices.Contains(got, "C") {
		t.Errorf("%q stay", got)
	}
	if n, err := a.Count(); err != nil || n.Total != 1 {
		t.Errorf("%v, %v", n, err)
	}
}

// fakeKeywords keeps them in memory.
type fakeKeywords map[string][]string

func (k fakeKeywords) Of(_ *maildir.Folder, e maildir.Entry) ([]string, error) {
	return k[e.Base()], nil
}

func (k fakeKeywords) Change(_ *maildir.Folder, e maildir.Entry, add, remove []string) (maildir.Entry, error) {
	have := slices.DeleteFunc(slices.Clone(k[e.Base()]), func(s string) bool { return containsFold(remove, s) })
	k[e.Base()] = append(have, add...)
	return e, nil
}

func (k fakeKeywords) Carry(_ *maildir.Folder, e maildir.Entry, _ *maildir.Folder, as maildir.Entry) (maildir.Entry, error) {
	if words := k[e.Base()]; words != nil {
		k[as.Base()] = slices.Clone(words)
	}
	return as, nil
}

func TestKeywords(t *testing.T) {
	w := newWorld(t, 1)
	k := fakeKeywords{}
	inbox := w.folders[0]
	list, err := inbox.List()
	if err != nil {
		t.Fatal(err)
	}
	e := list[0]
	b := w.j.Begin("cli", "flag +$Junk")
	if _, err := b.SetKeywords(inbox, e, []string{"$Junk"}, nil); !errors.Is(err, errNoKeywords) {
		t.Errorf("without a place for them: %v", err)
	}
	w.j.UseKeywords(k)
	k[e.Base()] = []string{"$MDNSent", "Work"}
	before := maps.Clone(k)
	change := func(add, remove []string) {
		t.Helper()
		b := w.j.Begin("cli", "flag")
		_, err := b.SetKeywords(inbox, e, add, remove)
		if err := errors.Join(err, b.Commit()); err != nil {
			t.Fatal(err)
		}
	}
	change([]string{"$Junk", "work", "$junk"}, []string{"$mdnsent", "$Muted"})
	if got := k[e.Base()]; !slices.Equal(got, []string{"Work", "$Junk"}) {
		t.Errorf("%q", got)
	}
	change([]string{"Work"}, nil) // has it: nothing to undo
	r, err := w.j.Undo(1)
	if err != nil || len(r.Failed) > 0 || len(r.Paths) != 1 {
		t.Fatalf("%+v, %v", r, err)
	}
	slices.Sort(k[e.Base()])
	if !maps.EqualFunc(before, k, slices.Equal[[]string]) {
		t.Errorf("undo: %q", k)
	}
	if _, err = w.j.Redo(1); err != nil || !containsFold(k[e.Base()], "$Junk") || len(k[e.Base()]) != 2 {
		t.Errorf("redo: %q, %v", k, err)
	}
	log, err := w.j.Log(1)
	if err != nil || !slices.Equal(log[0].Ops[0].Add, []string{"$Junk"}) || !slices.Equal(log[0].Ops[0].Remove, []string{"$MDNSent"}) {
		t.Errorf("%+v, %v", log, err)
	}
}
