package main

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"pneu/maildir"
)

// A list of thousands of paths from before a move costs about what good paths cost: reading
// the journal and the folders for each would take a minute.
func TestManyStalePaths(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("XDG_STATE_HOME", filepath.Join(dir, "state"))
	store, err := maildir.Create(filepath.Join(dir, "Maildir"))
	if err != nil {
		t.Fatal(err)
	}
	inbox, _ := store.Folder("INBOX")
	to, err := store.CreateFolder("Archive")
	if err != nil {
		t.Fatal(err)
	}
	const n = 3000
	for i := range n {
		name := filepath.Join(inbox.Path(), "cur", fmt.Sprintf("%d.M1P1.host:2,S", 1700000000+i))
		if err := os.WriteFile(name, []byte("Subject: x\n\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	list, err := inbox.List()
	if err != nil || len(list) != n {
		t.Fatal(len(list), err)
	}
	j, err := openJournal(true)
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	b := j.Begin("cli", "mv")
	want := make([]string, n)
	for i, e := range list {
		now, err := b.Move(inbox, e, to)
		if err != nil {
			t.Fatal(err)
		}
		want[i] = to.File(now)
	}
	if err := b.Commit(); err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	tool := &tool{dirs: map[string]*maildir.Folder{}}
	for i, e := range list {
		m, err := tool.find(inbox.File(e))
		if err != nil || m.path != want[i] {
			t.Fatalf("%s: %v, %v; want %s", e.File, m, err, want[i])
		}
	}
	if took := time.Since(begin); took > 30*time.Second { // a look at the journal for each takes minutes
		t.Errorf("%v for %d paths", took, n)
	}
}

// What a locator read is no reason to miss what came after.
func TestLocatorSeesChanges(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("XDG_STATE_HOME", filepath.Join(dir, "state"))
	store, err := maildir.Create(filepath.Join(dir, "Maildir"))
	if err != nil {
		t.Fatal(err)
	}
	inbox, _ := store.Folder("INBOX")
	other, err := store.CreateFolder("Other")
	if err != nil {
		t.Fatal(err)
	}
	tool := &tool{dirs: map[string]*maildir.Folder{}}
	stale := filepath.Join(inbox.Path(), "new", "1700000000.M1P1.host")
	places := []string{
		"", filepath.Join(inbox.Path(), "cur", "1700000000.M1P1.host:2,ab"), filepath.Join(inbox.Path(), "cur", "1700000000.M1P1.host,U=7:2,FPRS"),
		"", filepath.Join(other.Path(), "cur", "1700000000.M1P1.host:2,DF"), filepath.Join(other.Path(), "new", "1700000000.M1P1.host"), "", stale,
	}
	for range 3 {
		at := ""
		for _, to := range places {
			switch {
			case to == "":
				if at != "" {
					err = os.Remove(at)
				}
			case at == "":
				err = os.WriteFile(to, []byte("Subject: x\n\n"), 0o600)
			default:
				err = os.Rename(at, to)
			}
			if err != nil {
				t.Fatal(err)
			}
			at = to
			m, err := tool.find(stale)
			if to == "" && err == nil || to != "" && (err != nil || m.path != to) {
				t.Fatalf("at %q: found %v, %v", to, m, err)
			}
		}
		if err := os.Remove(at); err != nil {
			t.Fatal(err)
		}
	}
}
