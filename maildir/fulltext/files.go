package fulltext

import (
	"errors"
	"io"
	"io/fs"
	"os"
)

// files is every change to the file system that this package makes. The tests
// put a breaker in its place.
type files interface {
	// Create makes a file that must not exist yet.
	Create(path string) (file, error)
	// Open opens a file for reading and for writing at its end, and makes it if it does not exist.
	Open(path string) (file, error)
	Rename(from, to string) error
	Remove(path string) error
	SyncDir(dir string) error
}

type file interface {
	io.Writer
	io.ReaderAt
	Stat() (os.FileInfo, error)
	Truncate(size int64) error
	Sync() error
	Close() error
	// Lock waits for the file's exclusive lock, or returns ErrBusy. Close lets go of it, and so does the kernel
	// when the process dies.
	Lock(wait bool) error
}

// disk is the file system itself.
type disk struct{}

type diskFile struct{ *os.File }

func (disk) Create(path string) (file, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	adopt(f)
	return diskFile{f}, nil
}

func (disk) Open(path string) (file, error) {
	f, err := openPlain(path, os.O_APPEND|os.O_RDWR)
	if errors.Is(err, fs.ErrNotExist) {
		if f, err = openPlain(path, os.O_CREATE|os.O_EXCL|os.O_APPEND|os.O_RDWR); err == nil {
			adopt(f)
		}
	}
	if errors.Is(err, fs.ErrExist) { // another process was quicker
		f, err = openPlain(path, os.O_CREATE|os.O_APPEND|os.O_RDWR)
	}
	if err != nil {
		return nil, err
	}
	return diskFile{f}, nil
}

// openPlain opens a file of ours. A FIFO by its name must not hang us, nor a link have
// us read or write another's file.
func openPlain(path string, mode int) (*os.File, error) {
	f, err := os.OpenFile(path, mode|plainOnly, 0o600)
	if err != nil {
		return nil, err
	}
	if st, err := f.Stat(); err != nil || !st.Mode().IsRegular() {
		f.Close()
		return nil, &fs.PathError{Op: "open", Path: path, Err: errNotPlain}
	}
	return f, nil
}

var errNotPlain = errors.New("not a plain file")

// readPlain is os.ReadFile for a file of ours of which no more than limit bytes count.
func readPlain(path string, limit int64) ([]byte, error) {
	f, err := openPlain(path, os.O_RDONLY)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, limit))
}

func (f diskFile) Lock(wait bool) error { return lock(f.File, wait) }

func (disk) Rename(from, to string) error { return os.Rename(from, to) }
func (disk) Remove(path string) error     { return os.Remove(path) }

func (disk) SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
