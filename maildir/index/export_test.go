package index

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// UIDs of an index in memory are nobody's: Dovecot is not given them.
func TestExportWithoutIndex(t *testing.T) {
	f := newFolder(t)
	if err := os.WriteFile(filepath.Join(f.Path(), "cur", "1.M1P1.h:2,S"), []byte("Subject: x\n\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	x := mustOpen(t, f, Options{Memory: true})
	if err := x.ExportDovecot(t.Context()); !errors.Is(err, errMemory) {
		t.Errorf("%v", err)
	}
	if _, err := os.Stat(filepath.Join(f.Path(), "dovecot-uidlist")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a list was written: %v", err)
	}
}
