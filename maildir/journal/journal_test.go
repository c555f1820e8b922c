package journal

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pneu/maildir"
)

type world struct {
	t       *testing.T
	j       *Journal
	store   *maildir.Store
	folders []*maildir.Folder
}

func newWorld(t *testing.T, messages int) *world {
	t.Helper()
	dir := t.TempDir()
	s, err := maildir.Create(dir + "/Maildir")
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, store: s}
	for _, n := range []string{"INBOX", "Trash", "Archive/2026"} {
		f, err := s.CreateFolder(n)
		if err != nil {
			t.Fatal(err)
		}
		w.folders = append(w.folders, f)
	}
	for i := range messages {
		name := fmt.Sprintf("17000000%02d.M%dP1.host,U=%d", i, i, i)
		sub := "new/"
		if i%2 == 1 {
			sub, name = "cur/", name+[]string{"", ":2,", ":2,SF", ":2,Sax", ";2,S"}[i%5]
		}
		path := filepath.Join(w.folders[i%3].Path(), sub+name)
		if err := os.WriteFile(path, []byte(w.text(i)), 0o600); err != nil {
			t.Fatal(err)
		}
		at := time.Unix(1600000000+int64(i), int64(i)*1001)
		os.Chtimes(path, at, at)
	}
	if w.j, err = Open(dir + "/state/pneu/journal"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.j.Close() })
	return w
}

func (w *world) text(i int) string { return fmt.Sprintf("Subject: %d\n\nbody %d\n", i, i) }

// tree maps every message file to its text and time.
func (w *world) tree() map[string]string {
	w.t.Helper()
	out := map[string]string{}
	for _, f := range w.folders {
		for _, sub := range []string{"new", "cur", "tmp"} {
			list, err := os.ReadDir(filepath.Join(f.Path(), sub))
			if err != nil {
				w.t.Fatal(err)
			}
			for _, e := range list {
				path := filepath.Join(f.Path(), sub, e.Name())
				b, err := os.ReadFile(path)
				st, err2 := os.Stat(path)
				if err := errors.Join(err, err2); err != nil {
					w.t.Fatal(err)
				}
				out[path] = string(b) + st.ModTime().String()
			}
		}
	}
	return out
}

// texts is the set of messages that exist anywhere.
func (w *world) texts() map[string]bool {
	out := map[string]bool{}
	for _, v := range w.tree() {
		body, _, _ := strings.Cut(v, "\n\n")
		out[body] = true
	}
	return out
}

func (w *world) pick(r *rand.Rand) (*maildir.Folder, maildir.Entry, bool) {
	f := w.folders[r.IntN(len(w.folders))]
	list, err := f.List()
	if err != nil {
		w.t.Fatal(err)
	}
	if len(list) == 0 {
		return nil, maildir.Entry{}, false
	}
	return f, list[r.IntN(len(list))], true
}

// act does one random action of one to three operations.
func (w *world) act(r *rand.Rand) {
	b := w.j.Begin("tui", "something")
	for range 1 + r.IntN(3) {
		f, e, ok := w.pick(r)
		if !ok {
			continue
		}
		to := w.folders[r.IntN(len(w.folders))]
		var err error
		switch r.IntN(7) {
		case 6:
			raw, rerr := os.ReadFile(f.File(e))
			if rerr != nil {
				w.t.Fatal(rerr)
			}
			_, err = b.Replace(f, e, append(raw, "edited\n"...))
		case 0, 1, 2:
			some := func() maildir.Flags { return maildir.MakeFlags([]string{"", "S", "FR", "T", "a"}[r.IntN(5)]) }
			_, err = b.SetFlags(f, e, some(), some())
		case 3, 4:
			_, err = b.Move(f, e, to)
		case 5:
			_, err = b.Copy(f, e, to)
		}
		if err != nil {
			w.t.Fatal(err)
		}
	}
	if err := b.Commit(); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) undoAll() []Failure {
	w.t.Helper()
	r, err := w.j.Undo(1 << 30)
	if err != nil && !errors.Is(err, ErrNothing) {
		w.t.Fatal(err)
	}
	return r.Failed
}

// compare passes over the field that a message loses when it leaves its folder: TestRule07Returned.
func compare(t *testing.T, what string, got, want map[string]string) {
	t.Helper()
	plain := func(m map[string]string) map[string]string {
		out := make(map[string]string, len(m))
		for path, text := range m {
			out[filepath.Join(filepath.Dir(path), maildir.Returned(maildir.Entry{File: filepath.Base(path)}).File)] = text
		}
		return out
	}
	got, want = plain(got), plain(want)
	if !maps.Equal(got, want) {
		t.Errorf("%s:\n got %q\nwant %q", what, slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(want)))
	}
}

// Random programs of operations: undo all leaves the identical tree, redo all
// the one before, and undo all once more.
func TestUndoAllRestoresTheTree(t *testing.T) {
	for seed := range uint64(60) {
		w := newWorld(t, 9)
		r := rand.New(rand.NewPCG(seed, 1))
		before := w.tree()
		for range 12 {
			w.act(r)
			if seed%2 == 1 && r.IntN(5) == 0 {
				w.j.Undo(1) // ErrNothing is fine: the action may have done nothing
			}
		}
		after := w.tree()
		if failed := w.undoAll(); len(failed) > 0 {
			t.Fatalf("seed %d: %v", seed, failed)
		}
		compare(t, fmt.Sprintf("seed %d: undo", seed), w.tree(), before)
		if _, err := w.j.Redo(1 << 30); err != nil && !errors.Is(err, ErrNothing) {
			t.Fatal(err)
		}
		if seed%2 == 0 { // else redo also does again what was undone before
			compare(t, fmt.Sprintf("seed %d: redo", seed), w.tree(), after)
		}
		if failed := w.undoAll(); len(failed) > 0 {
			t.Fatalf("seed %d: second time: %v", seed, failed)
		}
		compare(t, fmt.Sprintf("seed %d: undo, redo, undo", seed), w.tree(), before)
		if t.Failed() {
			return
		}
	}
}

// Rule 7: what mbsync and offlineimap have written into a name stays while the message is in
// its folder, and is gone when it comes back from another: they have seen it go, and deleted it
// on the other side, where by its number it would be taken for a message that is gone.
func TestRule07Returned(t *testing.T) {
	const old, back = "1700000000.M1P1.host,U=7,FMD5=abc,zz=1,S=9:2,S", "1700000000.M1P1.host,zz=1,S=9:2,S"
	tests := []struct {
		name string
		act  func(b *Batch, w *world, e maildir.Entry) error
		want string
	}{
		{"flags", func(b *Batch, w *world, e maildir.Entry) error {
			_, err := b.SetFlags(w.folders[0], e, "F", "")
			return err
		}, old},
		{"move", func(b *Batch, w *world, e maildir.Entry) error {
			_, err := b.Move(w.folders[0], e, w.folders[1])
			return err
		}, back},
		{"replace", func(b *Batch, w *world, e maildir.Entry) error {
			_, err := b.Replace(w.folders[0], e, []byte("Subject: other\n\nx\n"))
			return err
		}, back},
		{"flags, and move", func(b *Batch, w *world, e maildir.Entry) error {
			e, err := b.SetFlags(w.folders[0], e, "F", "")
			if err == nil {
				_, err = b.Move(w.folders[0], e, w.folders[1])
			}
			return err
		}, back},
	}
	for _, tt := range tests {
		w := newWorld(t, 0)
		inbox := w.folders[0]
		if err := os.WriteFile(filepath.Join(inbox.Path(), "cur", old), []byte(w.text(1)), 0o600); err != nil {
			t.Fatal(err)
		}
		before := w.texts()
		b := w.j.Begin("tui", tt.name)
		if err := errors.Join(tt.act(b, w, maildir.Entry{File: old}), b.Commit()); err != nil {
			t.Fatal(tt.name, err)
		}
		for range 2 { // and the same after redo
			r, err := w.j.Undo(1)
			if err != nil || len(r.Failed) > 0 {
				t.Fatal(tt.name, r, err)
			}
			path := filepath.Join(inbox.Path(), "cur", tt.want)
			if tree := w.tree(); len(tree) != 1 || tree[path] == "" || !maps.Equal(w.texts(), before) || !slices.Equal(r.Paths, []string{path}) {
				t.Errorf("%s: undone %q, reported %q, want %q", tt.name, slices.Collect(maps.Keys(tree)), r.Paths, tt.want)
			}
			if r, err := w.j.Redo(1); err != nil || len(r.Failed) > 0 {
				t.Fatal(tt.name, r, err)
			}
		}
	}
}

// The same with another program that renames, flags, moves and deletes: no
// message is lost that it did not delete, and what is missing is reported.
func TestUndoWithInterference(t *testing.T) {
	for seed := range uint64(60) {
		w := newWorld(t, 9)
		r := rand.New(rand.NewPCG(seed, 2))
		for range 12 {
			w.act(r)
			f, e, ok := w.pick(r)
			if !ok {
				continue
			}
			path := f.File(e)
			base := e.Base()
			switch r.IntN(5) {
			case 0:
				os.Rename(path, filepath.Join(f.Path(), "cur", base+":2,RS"))
			case 1: // moved as mblaze and mu do, base kept
				os.Rename(path, filepath.Join(w.folders[r.IntN(3)].Path(), "cur", base+":2,"))
			case 2:
				os.Remove(path)
			case 3: // mbsync gives it a number
				os.Rename(path, filepath.Join(f.Path(), "cur", base+fmt.Sprintf(",U=%d:2,S", 100+r.IntN(900))))
			}
		}
		before := w.texts()
		failed := w.undoAll()
		after := w.texts()
		for text := range before {
			if !after[text] {
				t.Errorf("seed %d: undo lost %q", seed, text)
			}
		}
		for _, f := range failed {
			if f.Err == nil || f.Error() == "" {
				t.Errorf("a failure without reason: %+v", f)
			}
		}
		if again := w.undoAll(); len(again) > 0 {
			t.Errorf("seed %d: undo twice: %v", seed, again)
		}
	}
}

func TestUndoStepByStep(t *testing.T) {
	w := newWorld(t, 1)
	inbox, trash := w.folders[0], w.folders[1]
	before := w.tree()
	list, _ := inbox.List()
	stale := inbox.File(list[0])
	b := w.j.Begin("cli", "read")
	if _, err := b.SetFlags(inbox, list[0], "S", ""); err != nil {
		t.Fatal(err)
	}
	b.Commit()
	rule := w.j.Begin("rule", "file")
	moved, err := rule.Move(inbox, list[0], trash)
	if err != nil {
		t.Fatal(err)
	}
	rule.Commit()
	if now, ok := w.j.follow(stale); !ok || now != trash.File(moved) {
		t.Errorf("Follow = %q %v, want %q", now, ok, trash.File(moved))
	}
	log, err := w.j.Log(0)
	if err != nil || len(log) != 2 || log[0].Actor != "rule" || log[1].What != "read" || len(log[1].Ops) != 1 {
		t.Fatalf("log %+v, %v", log, err)
	}
	// The person's last action is the flag; its message has been moved since.
	r, err := w.j.Undo(1)
	if err != nil || len(r.Failed) != 1 || !errors.Is(r.Failed[0].Err, maildir.ErrGone) {
		t.Fatalf("undo under a rule's move: %+v, %v", r, err)
	}
	if err := trash.MoveAs(moved, inbox, list[0]); err != nil {
		t.Fatal(err)
	}
	compare(t, "by hand", w.tree(), before)
	if _, err := w.j.Undo(1); !errors.Is(err, ErrNothing) {
		t.Errorf("nothing left, but %v", err)
	}
}

func TestPurgeAndAppend(t *testing.T) {
	w := newWorld(t, 2)
	inbox := w.folders[0]
	before := w.tree()
	b := w.j.Begin("tui", "save draft")
	if _, err := b.Deliver(inbox, maildir.Delivery{}, strings.NewReader("")); !errors.Is(err, maildir.ErrEmpty) {
		t.Errorf("nothing filed: %v", err)
	}
	e, err := b.Deliver(inbox, maildir.Delivery{Flags: "D"}, strings.NewReader("Subject: draft\n\nx\n"))
	if err := errors.Join(err, b.Commit()); err != nil {
		t.Fatal(err)
	}
	with := w.tree()
	if _, err := w.j.Undo(1); err != nil {
		t.Fatal(err)
	}
	compare(t, "undo append", w.tree(), before)
	if r, err := w.j.Redo(1); err != nil || len(r.Failed) > 0 {
		t.Fatal(r, err)
	}
	compare(t, "redo append", w.tree(), with)
	b = w.j.Begin("tui", "purge")
	if err := errors.Join(b.Purge(inbox, e), b.Commit()); err != nil {
		t.Fatal(err)
	}
	if r, err := w.j.Undo(1); err != nil || len(r.Failed) != 1 || !errors.Is(r.Failed[0].Err, errPurged) {
		t.Errorf("undo of a purge: %+v, %v", r, err)
	}
}

// A delivery or a replacement that was announced and not done any more is nothing to complain of.
func TestDeathBeforeTheName(t *testing.T) {
	w := newWorld(t, 2)
	inbox := w.folders[0]
	list, _ := inbox.List()
	before := w.tree()
	died := errors.New("the process has died")
	for _, kind := range []string{"append", "replace"} {
		b := w.j.Begin("cli", "x")
		o := Op{Kind: kind, Store: w.store.Root(), From: inbox.Path(), To: inbox.Path(), New: maildir.Entry{File: "1.never.h:2,"}}
		if kind == "replace" {
			o.Old = list[0]
		}
		func() {
			defer func() { recover() }()
			b.note(o, func() error { panic(died) })
		}()
		if r, err := w.j.Undo(1); err != nil || len(r.Failed) > 0 {
			t.Errorf("%s: %+v, %v", kind, r, err)
		}
		compare(t, kind, w.tree(), before)
	}
}

// A crash may end the file in the middle of a line, or leave an operation that
// is written down but was not done.
func TestCrashes(t *testing.T) {
	w := newWorld(t, 3)
	inbox := w.folders[0]
	list, _ := inbox.List()
	before := w.tree()
	b := w.j.Begin("cli", "x")
	if err := b.note(Op{Kind: "move", Store: w.store.Root(), From: inbox.Path(), To: w.folders[1].Path(),
		Old: list[0], New: maildir.Fresh(list[0])}, func() error { return nil }); err != nil {
		t.Fatal(err)
	}
	w.j.file.WriteString(`{"v":1,"t":"op","id":"torn`)
	if r, err := w.j.Undo(1); err != nil || len(r.Failed) > 0 || len(r.Paths) != 1 {
		t.Fatalf("undo of what was never done: %+v, %v", r, err)
	}
	compare(t, "never done", w.tree(), before)
	b = w.j.Begin("cli", "after the torn line")
	if _, err := b.SetFlags(inbox, list[0], "F", ""); err != nil {
		t.Fatal(err)
	}
	if log, err := w.j.Log(1); err != nil || log[0].What != "after the torn line" || log[0].Undone {
		t.Errorf("log %+v, %v", log, err)
	}
	if r, err := w.j.Undo(1); err != nil || len(r.Failed) > 0 {
		t.Fatal(r, err)
	}
	compare(t, "torn", w.tree(), before)
}

// The shell and the screen write at the same time, the file is put aside
// meanwhile, and names are not UTF-8.
func TestTwoWriters(t *testing.T) {
	w := newWorld(t, 0)
	inbox := w.folders[0]
	const n = 20
	for i := range 2 * n {
		os.WriteFile(fmt.Sprintf("%s/cur/1700000000.%d\xff\n:2,", inbox.Path(), i), []byte(w.text(i)), 0o600)
	}
	before := w.tree()
	list, _ := inbox.List()
	var wg sync.WaitGroup
	for k := range 2 {
		wg.Go(func() {
			j, err := Open(w.j.path)
			if err != nil {
				t.Error(err)
				return
			}
			defer j.Close()
			for _, e := range list[k*n : (k+1)*n] {
				b := j.Begin("cli", "flag")
				if _, err := b.SetFlags(inbox, e, "S", ""); err != nil {
					t.Error(err)
				}
				b.Commit()
			}
		})
	}
	wg.Wait()
	if log, err := w.j.Log(0); err != nil || len(log) != 2*n {
		t.Fatalf("%d batches, %v", len(log), err)
	}
	if r, err := w.j.Undo(2 * n); err != nil || len(r.Failed) > 0 || len(r.Batches) != 2*n {
		t.Fatal(r.Failed, err)
	}
	compare(t, "undo of both", w.tree(), before)
}

func FuzzReplay(f *testing.F) { // a damaged file is read as far as it goes, and never panics
	f.Add([]byte(`{"v":1,"t":"begin","id":"a"}` + "\n" + `{"v":1,"t":"op","id":"a","n":[1],"op":{"kind":"move","old":"cur/x","new":[1,300]}}` + "\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		h := &history{byID: map[string]*batch{}}
		if err := h.replay(strings.NewReader(string(b))); err != nil {
			t.Fatal(err)
		}
		for _, b := range h.order {
			b.record()
		}
	})
}

// follow returns where the message is now that had the path once.
func (j *Journal) follow(path string) (now string, ok bool) {
	m, err := j.Moves()
	if err != nil {
		return path, false
	}
	dir, e, ok := m.Last(path)
	if !ok {
		return path, false
	}
	f, err := maildir.At(dir)
	if err != nil {
		return path, false
	}
	if found, err := f.Find(e.Base()); err == nil {
		e = found
	}
	return f.File(e), true
}
