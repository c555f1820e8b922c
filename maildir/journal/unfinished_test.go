package journal_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pneu/maildir"
	"pneu/maildir/journal"
)

// What a batch did that did not end is told until somebody ends it, or it is taken back.
func TestUnfinished(t *testing.T) {
	dir := t.TempDir()
	tree, err := maildir.Create(filepath.Join(dir, "Maildir"))
	if err != nil {
		t.Fatal(err)
	}
	inbox, err := tree.Folder("INBOX")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "journal")
	j, err := journal.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { j.Close() }()
	file := func(what string, n int) *journal.Batch {
		b := j.Begin("cli", what)
		for i := range n {
			if _, err := b.Deliver(inbox, maildir.Delivery{}, strings.NewReader(fmt.Sprintf("Subject: %d\n\nx\n", i))); err != nil {
				t.Fatal(err)
			}
		}
		return b
	}
	want := func(text string) []journal.Record {
		t.Helper()
		list, err := j.Unfinished("import ")
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, r := range list {
			got = append(got, fmt.Sprintf("%s: %d", r.What, len(r.Ops)))
		}
		if s := strings.Join(got, ", "); s != text {
			t.Errorf("unfinished: %q, want %q", s, text)
		}
		return list
	}
	want("")
	if err := file("import a", 1).Commit(); err != nil {
		t.Fatal(err)
	}
	file("new", 1)
	want("")
	file("import b", 2).Leave()
	want("import b: 2")
	file("import c", 1) // killed
	list := want("import b: 2, import c: 1")
	// Put aside, and there still.
	j.Close()
	if err := os.Rename(path, path+".old"); err != nil {
		t.Fatal(err)
	}
	if j, err = journal.Open(path); err != nil {
		t.Fatal(err)
	}
	file("import d", 1)
	want("import b: 2, import c: 1, import d: 1")
	for _, r := range list {
		if err := j.End(r.ID); err != nil {
			t.Fatal(err)
		}
	}
	want("import d: 1")
	if _, err := j.Undo(1); err != nil {
		t.Fatal(err)
	}
	want("")
}
