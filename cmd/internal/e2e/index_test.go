package e2e

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"pneu/maildir/index"
	"pneu/maildir/search"
	"pneu/maildir/store"
)

// Mail that arrives while a reader has the folder open leaves it nothing to look
// for: neither directories nor files need be read to list and to search it.
func TestDeliveriesReachIndex(t *testing.T) {
	s := newSystem(t, "")
	root := filepath.Join(s.dir, "mail/alice/Maildir")
	first := "From: bob@e2e.test\nTo: alice@e2e.test\nSubject: before\n\nyesterday\n"
	s.must([]byte(first), "sendmail", "-f", "bob@e2e.test", "alice@e2e.test")
	s.must(nil, "qrun")
	mail, err := store.Open(root, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer mail.Close()
	box, err := mail.Box("INBOX")
	if err != nil {
		t.Fatal(err)
	}
	defer box.Close()
	if err := errors.Join(box.Build(t.Context(), nil), box.EnsureText(t.Context(), nil)); err != nil {
		t.Fatal(err)
	}
	const n = 200
	for i := range n {
		to := "alice@e2e.test"
		if i%50 == 0 {
			to = "alice+nowhere@e2e.test"
		}
		text := fmt.Sprintf("From: bob@e2e.test\nTo: alice@e2e.test\nSubject: number %d\n\nxylophone %[1]d\n", i)
		s.must([]byte(text), "sendmail", "-odq", "-f", "bob@e2e.test", to)
	}
	s.must(nil, "qrun")
	v, err := box.Refresh() // not Sync: the directories are not asked
	if err != nil {
		t.Fatal(err)
	}
	st := v.State()
	if v.Len() != n+1 || st.Undigested != 0 || !v.TextCoverage().Complete() {
		t.Errorf("%d messages, %d without digest, texts of %+v", v.Len(), st.Undigested, v.TextCoverage())
	}
	last := store.UID(0)
	for row := range v.Len() {
		r := v.Row(row)
		if r.UID() <= last || row > 0 && !strings.HasPrefix(r.Subject(), "number ") {
			t.Errorf("row %d: UID %d after %d, %q", row, r.UID(), last, r.Subject())
		}
		last = r.UID()
	}
	q, err := search.Parse("xylophone")
	if err != nil {
		t.Fatal(err)
	}
	if set, err := v.Query(t.Context(), q); err != nil || set.Count() != n {
		t.Errorf("found %d, %v", set.Count(), err)
	}
	if f := box.Folder(); f.Fine() { // where every change has a time of its own
		isNew, err1 := f.Stamp(true)
		cur, err2 := f.Stamp(false)
		if d := st.Dir; err1 != nil || err2 != nil || d.New != int64(isNew) || d.Cur != int64(cur) || !d.NewSettled || !d.CurSettled {
			t.Error("the next look has to read the directories")
		}
	}
	if out := s.must(nil, "pneu", "ls", root); strings.Count(out, "\n") != n+1 {
		t.Errorf("pneu ls lists %d messages", strings.Count(out, "\n"))
	}
}

// With index = false nothing but the message is written.
func TestDeliveriesWithoutIndex(t *testing.T) {
	s := newSystem(t, "[deliver]\nindex = false\n")
	root := filepath.Join(s.dir, "mail/alice/Maildir")
	s.must([]byte("Subject: one\n\nx\n"), "sendmail", "alice@e2e.test")
	s.must(nil, "qrun")
	mail, err := store.Open(root, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer mail.Close()
	box, err := mail.Box("INBOX")
	if err != nil {
		t.Fatal(err)
	}
	defer box.Close()
	if _, err := box.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.must([]byte("Subject: two\n\nx\n"), "sendmail", "alice@e2e.test")
	s.must(nil, "qrun")
	if st, err := index.ReadState(root); err != nil || st.Total != 1 {
		t.Errorf("index has %d messages, %v", st.Total, err)
	}
	if len(s.mail("alice")) != 2 {
		t.Error("not delivered")
	}
}
