package index

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
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

// A list that several users share is theirs afterwards, whatever the umask.
func TestExportKeepsMode(t *testing.T) {
	path := filepath.Join(t.TempDir(), "dovecot-uidlist")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o666); err != nil {
		t.Fatal(err)
	}
	if err := writeAside(path, path+".pneu", func(io.Writer) error { return nil }); err != nil {
		t.Fatal(err)
	}
	if st, err := os.Stat(path); err != nil || st.Mode().Perm() != 0o666 {
		t.Error(st.Mode(), err)
	}
}

// What another put by the name of our lock's file stays his, if root comes.
func TestLockFileOfAnother(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root makes files that are another's")
	}
	f := newFolder(t)
	const owner = 4711
	if err := os.Chown(f.Path(), owner, owner); err != nil {
		t.Skip(err)
	}
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Link(secret, filepath.Join(f.Path(), lockName)); err != nil {
		t.Skip(err)
	}
	x := mustOpen(t, f, Options{Safe: true})
	syncIndex(t, x)
	var st unix.Stat_t
	if err := unix.Stat(secret, &st); err != nil || st.Uid != 0 {
		t.Errorf("%v, it belongs to %d", err, st.Uid)
	}
}
