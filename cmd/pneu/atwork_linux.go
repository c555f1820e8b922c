package main

import (
	"hash/fnv"
	"io"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// atWork has a batch known as one that somebody is at, until the file it returns is closed, by
// the kernel if need be: a process that was killed is at nothing. The journal itself cannot have
// that lock, for on NFS it would be in the way of the lock on all of it.
func atWork(id string) (io.Closer, error) {
	f, err := openAtWork()
	if err != nil {
		return nil, err
	}
	l := lockOf(id)
	if err := unix.FcntlFlock(f.Fd(), unix.F_OFD_SETLK, &l); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// isAtWork reports whether somebody is at a batch.
func isAtWork(id string) bool {
	f, err := openAtWork()
	if err != nil {
		return false
	}
	defer f.Close()
	l := lockOf(id)
	return unix.FcntlFlock(f.Fd(), unix.F_OFD_GETLK, &l) == nil && l.Type != unix.F_UNLCK
}

func openAtWork() (*os.File, error) {
	return os.OpenFile(filepath.Join(stateDir(), "imports"), os.O_RDWR|os.O_CREATE, 0o600)
}

// lockOf is the lock of a batch: an octet of a file that has none.
func lockOf(id string) unix.Flock_t {
	h := fnv.New64a()
	io.WriteString(h, id)
	return unix.Flock_t{Type: unix.F_WRLCK, Whence: io.SeekStart, Start: int64(h.Sum64() >> 2), Len: 1}
}
