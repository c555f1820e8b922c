package maildir

import (
	"errors"
	"os"
	"time"
)

// files is what a delivery does to a file system, step by step. The tests put a
// recorder and a breaker in its place; programs always have disk.
type files interface {
	// Create makes a file that must not exist yet.
	Create(path string) (file, error)
	// Rename moves a file, in one step, to a name that is free; else fs.ErrExist.
	Rename(from, to string) error
	Remove(path string) error
	// Sync makes a file durable that is already there.
	Sync(path string) error
	// SyncDir makes the names in a directory durable.
	SyncDir(path string) error
	// Ordered reports whether the file system under dir commits a file's name,
	// size and blocks together when it is synced (sequence C is safe).
	Ordered(dir string) bool
}

type file interface {
	Write(p []byte) (int, error)
	SetTime(t time.Time) error
	// Flush writes the data out and waits, without a commit of the journal.
	// errors.ErrUnsupported if the system cannot.
	Flush() error
	Sync() error
	Close() error
}

// disk is the file system itself.
type disk struct{}

type diskFile struct{ *os.File }

func (disk) Create(path string) (file, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	return diskFile{f}, nil
}

func (f diskFile) SetTime(t time.Time) error { return os.Chtimes(f.Name(), t, t) }

func (disk) Remove(path string) error { return os.Remove(path) }

func (disk) Sync(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

func (disk) SyncDir(path string) error { return disk{}.Sync(path) }

func (disk) Rename(from, to string) error { return renameFree(from, to) }

func (disk) Ordered(dir string) bool { return ordered(dir) }

// renameChecked is renameFree where the system has no such call.
func renameChecked(from, to string) error {
	if _, err := os.Lstat(to); err == nil {
		return &os.LinkError{Op: "rename", Old: from, New: to, Err: os.ErrExist}
	}
	return os.Rename(from, to)
}
