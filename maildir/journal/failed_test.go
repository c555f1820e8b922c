package journal

import (
	"os"
	"path/filepath"
	"testing"

	"pneu/maildir"
)

// A batch whose first operation could not be written down begins with the next one.
func TestBatchAfterFailedWrite(t *testing.T) {
	dir := t.TempDir()
	s, err := maildir.Create(filepath.Join(dir, "Maildir"))
	if err != nil {
		t.Fatal(err)
	}
	f, err := s.Folder("INBOX")
	if err != nil {
		t.Fatal(err)
	}
	e := maildir.Entry{File: "1.M1P1.h:2,"}
	if err := os.WriteFile(f.File(e), []byte("Subject: x\n\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	j, err := Open(filepath.Join(dir, "journal"))
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	b := j.Begin("cli", "flag +F")
	whole := j.file
	if j.file, err = os.Open(j.path); err != nil { // nothing can be written
		t.Fatal(err)
	}
	if _, err := b.SetFlags(f, e, "F", ""); err == nil {
		t.Fatal("no error")
	}
	if err := b.All(func(note func([]Op) error) ([]int, error) { return nil, note([]Op{{Kind: "flags"}}) }); err == nil {
		t.Fatal("no error of many")
	}
	j.file.Close()
	j.file = whole
	if _, err := b.SetFlags(f, e, "F", ""); err != nil {
		t.Fatal(err)
	}
	if err := b.Commit(); err != nil {
		t.Fatal(err)
	}
	if r, err := j.Undo(1); err != nil || len(r.Failed) > 0 || len(r.Paths) != 1 || r.Paths[0] != f.File(e) {
		t.Errorf("%+v, %v", r, err)
	}
}
