package store

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"pneu/maildir"
	"pneu/maildir/search"
)

// A text that was taken of a file before it was finished is not found any more, and that of the
// finished file is: before the index of texts was told, and after.
func TestRevisedText(t *testing.T) {
	root := filepath.Join(t.TempDir(), "Maildir")
	tree, err := maildir.Create(root)
	if err != nil {
		t.Fatal(err)
	}
	f, err := tree.Folder("INBOX")
	if err != nil {
		t.Fatal(err)
	}
	const n = 40 // more than are asked one by one
	path := func(i int) string {
		return filepath.Join(f.Path(), "cur", fmt.Sprintf("17000000%02d.M1P1.host:2,S", i))
	}
	write := func(i int, text string, at time.Time) {
		t.Helper()
		if err := os.WriteFile(path(i), []byte("Subject: s\n\n"+text+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path(i), at, at); err != nil {
			t.Fatal(err)
		}
	}
	now := time.Date(2026, 11, 1, 10, 0, 0, 0, time.UTC)
	for i := range n {
		write(i, "begun", now)
	}
	s, err := Open(root, Options{Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	b, err := s.Box("INBOX")
	if err != nil {
		t.Fatal(err)
	}
	found := func(word string) (uids []UID) {
		t.Helper()
		v, err := b.Sync(ctx)
		if err != nil {
			t.Fatal(err)
		}
		q, err := search.Parse("body:" + word)
		if err != nil {
			t.Fatal(err)
		}
		set, err := v.Query(ctx, q)
		if err != nil {
			t.Fatal(err)
		}
		for row := range set.Rows() {
			uids = append(uids, v.Row(row).UID())
		}
		return uids
	}
	want := func(step, word string, uids ...UID) {
		t.Helper()
		if got := found(word); !slices.Equal(got, uids) {
			t.Errorf("%s: %q is found in %v, want %v", step, word, got, uids)
		}
	}
	ensure := func() {
		t.Helper()
		if err := b.EnsureText(ctx, nil); err != nil {
			t.Fatal(err)
		}
		if c := b.View().TextCoverage(); !c.Complete() {
			t.Errorf("covered: %+v", c)
		}
	}
	ensure()
	if got := len(found("begun")); got != n {
		t.Fatalf("%d messages have the word, want %d", got, n)
	}
	// Found when their time has come.
	write(3, "finished", now)
	write(7, "finished too", now.Add(time.Second))
	now = now.Add(time.Minute)
	want("revised", "finished", 4, 8)
	if c := b.View().TextCoverage(); c.Indexed != n-2 || b.View().Row(3).HasText() || !b.View().Row(4).HasText() {
		t.Errorf("covered: %+v, the revised one %v, another %v", c, b.View().Row(3).HasText(), b.View().Row(4).HasText())
	}
	if got := len(found("begun")); got != n-2 {
		t.Errorf("%d messages have the old word, want %d", got, n-2)
	}
	ensure()
	want("indexed", "finished", 4, 8)
	want("indexed", "too", 8)
	if got := len(found("begun")); got != n-2 {
		t.Errorf("indexed: %d messages have the old word, want %d", got, n-2)
	}
	// Found when it is opened.
	write(3, "written over", now.Add(-time.Hour))
	r, err := b.View().Row(3).Open()
	if err != nil {
		t.Fatal(err)
	}
	r.Close()
	want("opened", "over", 4)
	ensure()
	want("indexed again", "over", 4)
	want("indexed again", "finished", 8)
}
