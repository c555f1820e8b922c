package journal

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pneu/maildir"
)

// Who has one Maildir before him takes back what was done there, however it is called, and not
// what he did to another one since.
func TestUndoWithin(t *testing.T) {
	w := newWorld(t, 6)
	dir := filepath.Dir(w.store.Root())
	other, err := maildir.Create(filepath.Join(dir, "Other"))
	if err != nil {
		t.Fatal(err)
	}
	inbox, err := other.CreateFolder("INBOX")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := inbox.Deliver(maildir.Delivery{}, strings.NewReader("Subject: there\n\n")); err != nil {
		t.Fatal(err)
	}
	flag := func(f *maildir.Folder, what string) {
		t.Helper()
		list, err := f.List()
		if err != nil {
			t.Fatal(err)
		}
		b := w.j.Begin("cli", what)
		if _, err := b.SetFlags(f, list[0], maildir.MakeFlags("F"), ""); err != nil {
			t.Fatal(err)
		}
		if err := b.Commit(); err != nil {
			t.Fatal(err)
		}
	}
	flag(w.folders[0], "here")
	flag(inbox, "there")

	link := filepath.Join(dir, "link")
	if err := os.Symlink("Maildir", link); err != nil {
		t.Fatal(err)
	}
	for _, root := range []string{w.store.Root(), link} {
		r, err := w.j.Undo(5, root)
		if err != nil || len(r.Batches) != 1 || r.Batches[0].What != "here" {
			t.Fatalf("undo in %s: %+v, %v", root, r, err)
		}
		if _, err := w.j.Undo(1, root); !errors.Is(err, ErrNothing) {
			t.Fatalf("undo in %s again: %v", root, err)
		}
		if _, err := w.j.Redo(1, other.Root()); !errors.Is(err, ErrNothing) {
			t.Fatalf("redo in another tree: %v", err)
		}
		if r, err := w.j.Redo(5, root); err != nil || len(r.Batches) != 1 || r.Batches[0].What != "here" {
			t.Fatalf("redo in %s: %+v, %v", root, r, err)
		}
	}
	if _, err := w.j.Undo(1, filepath.Join(dir, "nowhere")); !errors.Is(err, ErrNothing) {
		t.Errorf("undo in a tree that is not there: %v", err)
	}
	if r, err := w.j.Undo(1); err != nil || r.Batches[0].What != "there" {
		t.Errorf("undo anywhere: %+v, %v", r, err)
	}
}
