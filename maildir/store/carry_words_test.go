package store

import (
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	"pneu/maildir"
	"pneu/maildir/journal"
)

// A message that is replaced, and one that is copied again, keep also the keywords that have no
// letter; and so does the one that comes back.
func TestReplacedMessageKeepsKeywords(t *testing.T) {
	w := newWorld(t, 3)
	s := w.open(Options{})
	j, err := journal.Open(filepath.Join(t.TempDir(), "journal"))
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	n := s.Journal()
	j.UseKeywords(n)
	j.UseNumbers(n)
	j.UseMover(n)
	f, to := w.folder("INBOX"), w.folder("Sent")
	list, err := f.List()
	if err != nil {
		t.Fatal(err)
	}
	e := list[0]
	var words []string
	for n := range 30 {
		words = append(words, fmt.Sprintf("word%02d", n))
	}
	b := j.Begin("cli", "flag")
	if e, err = b.SetKeywords(f, e, words, nil); err != nil {
		t.Fatal(err)
	}
	was := e.Base()
	b = j.Begin("cli", "sed")
	if e, err = b.Replace(f, e, []byte("Subject: another\n\nx\n")); err != nil {
		t.Fatal(err)
	}
	check := func(when, base string) {
		t.Helper()
		for _, f := range []string{"INBOX", "Sent"} {
			e, err := w.folder(f).Find(base)
			if err != nil {
				continue
			}
			if got, err := n.Of(w.folder(f), e); err != nil || !slices.Equal(got, words) {
				t.Errorf("%s: %q, %v", when, got, err)
			}
			return
		}
		t.Errorf("%s: %s is gone", when, base)
	}
	check("replaced", e.Base())
	if _, err := j.Undo(1); err != nil {
		t.Fatal(err)
	}
	check("undone", was)
	if _, err := j.Redo(1); err != nil {
		t.Fatal(err)
	}
	check("done again", e.Base())
	b = j.Begin("cli", "cp")
	dup := n.File(ctx, b, f, []maildir.Entry{e}, to, Copied, "")
	check("copied", dup[0].Entry.Base())
	if _, err := j.Undo(1); err != nil {
		t.Fatal(err)
	}
	if _, err := j.Redo(1); err != nil {
		t.Fatal(err)
	}
	check("copied again", dup[0].Entry.Base())
}
