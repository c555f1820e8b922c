package queue

import (
	"io"
	"time"
)

// FS is the file system below a spool. [OS] is the real one; tests put in one
// that stops the program after any step and keeps only what was synced.
type FS interface {
	// Open opens a file with the flags of open(2); a final symbolic link is
	// never followed.
	Open(name string, flag int, perm uint32) (File, error)
	Mkdir(name string, perm uint32) error
	Rename(from, to string) error
	Remove(name string) error
	// Names lists a folder, in no order.
	Names(dir string) ([]string, error)
	Stat(name string) (Info, error)
	// SetTime sets a file's modification time.
	SetTime(name string, t time.Time) error
	// SyncDir commits the names in a folder.
	SyncDir(dir string) error
}

// File is an open file.
type File interface {
	io.Writer
	io.ReaderAt
	io.WriterAt
	io.Closer
	// Sync commits content, attributes and, on most file systems, the name
	// of a new file; Datasync content and what is needed to read it.
	Sync() error
	Datasync() error
	// Lock takes the exclusive lock of flock(2), at once or not at all
	// (ErrBusy) unless wait is set. Close, and the end of the process, free it.
	Lock(wait bool) error
	Stat() (Info, error)
}

// Info is what stat(2) says, as far as it matters here.
type Info struct {
	Size    int64
	ModTime time.Time
	Changed time.Time // of content or attributes, by the system's clock
	Inode   uint64
	Links   uint64
	UID     uint32
	GID     uint32
	Regular bool
}
