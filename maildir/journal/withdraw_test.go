package journal

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"pneu/maildir"
)

// What is withdrawn is gone, and nothing that could be taken back.
func TestWithdraw(t *testing.T) {
	dir := t.TempDir()
	tree, err := maildir.Create(filepath.Join(dir, "Maildir"))
	if err != nil {
		t.Fatal(err)
	}
	inbox, err := tree.Folder("INBOX")
	if err != nil {
		t.Fatal(err)
	}
	j, err := Open(filepath.Join(dir, "journal"))
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	b := j.Begin("cli", "part rm")
	deliver := func() maildir.Entry {
		e, err := b.Deliver(inbox, maildir.Delivery{}, strings.NewReader("Subject: one\n\nx\n"))
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	first, second := deliver(), deliver()
	if err := b.Withdraw(inbox, first); !errors.Is(err, maildir.ErrGone) {
		t.Errorf("not the last: %v", err)
	}
	// Another program has read it meanwhile.
	if second, err = inbox.SetFlags(second, "S", ""); err != nil {
		t.Fatal(err)
	}
	if err := b.Withdraw(inbox, second); err != nil {
		t.Fatal(err)
	}
	if err := b.Commit(); err != nil {
		t.Fatal(err)
	}
	if list, err := inbox.List(); err != nil || len(list) != 1 || list[0] != first {
		t.Errorf("%v, %v", list, err)
	}
	if r, err := j.Undo(1); err != nil || len(r.Failed) > 0 {
		t.Errorf("%+v, %v", r, err)
	}
	if _, err := j.Undo(1); !errors.Is(err, ErrNothing) {
		t.Errorf("undo of all: %v", err)
	}
}

// A folder that cannot be written down is not left behind.
func TestFolderNotNoted(t *testing.T) {
	dir := t.TempDir()
	tree, err := maildir.Create(filepath.Join(dir, "Maildir"))
	if err != nil {
		t.Fatal(err)
	}
	j, err := Open(filepath.Join(dir, "journal"))
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	full := errors.New("no space left")
	j.readonly = full
	if _, err := j.Begin("cli", "mkdir").CreateFolder(tree, "a"); !errors.Is(err, full) {
		t.Error(err)
	}
	if _, err := tree.Folder("a"); !errors.Is(err, maildir.ErrNoFolder) {
		t.Error(err)
	}
}
