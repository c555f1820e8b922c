package index

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// flock takes the lock against other writers.
func (x *Index) flock(ctx context.Context, wait bool) error {
	if x.lock == nil {
		if err := x.openLock(); err != nil {
			return err
		}
	}
	pause := 200 * time.Microsecond
	for {
		err := unix.Flock(int(x.lock.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		switch {
		case err == nil && x.lockHolds():
			return nil
		case err == nil:
			x.lock.Close()
			x.lock = nil
			if err := x.openLock(); err != nil {
				return err
			}
			continue
		case err == unix.EINTR:
			continue
		case err == unix.EBADF || err == unix.ENOLCK || err == unix.ENOTSUP || err == unix.EINVAL:
			// NFS locks only what is open for writing.
			if filepath.Base(x.lock.Name()) == lockName {
				return &fs.PathError{Op: "lock", Path: x.lock.Name(), Err: err}
			}
			x.lock.Close()
			x.lock = nil
			if err := x.openLockFile(); err != nil {
				return err
			}
			continue
		case err != unix.EWOULDBLOCK:
			return &fs.PathError{Op: "lock", Path: x.lock.Name(), Err: err}
		}
		if !wait {
			return ErrBusy
		}
		t := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			t.Stop()
			return context.Cause(ctx)
		case <-t.C:
		}
		pause = min(2*pause, 10*time.Millisecond)
	}
}

// lockHolds reports whether what is locked is what others lock too: the folder may
// have been replaced by another one, or the lock's file by a new one.
func (x *Index) lockHolds() bool {
	var mine, there unix.Stat_t
	return unix.Fstat(int(x.lock.Fd()), &mine) == nil && unix.Stat(x.lock.Name(), &there) == nil &&
		mine.Ino == there.Ino && mine.Dev == there.Dev
}

func (x *Index) openLock() error {
	if x.opt.Safe {
		return x.openLockFile()
	}
	f, err := os.OpenFile(x.dir, os.O_RDONLY|unix.O_DIRECTORY, 0)
	x.lock = f
	return err
}

func (x *Index) openLockFile() error {
	path := filepath.Join(x.dir, lockName)
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL|unix.O_NOFOLLOW, 0o600)
	if err == nil {
		adopt(diskFile{f}, x.dir)
	} else if errors.Is(err, fs.ErrExist) { // it may be a link to another's file
		f, err = os.OpenFile(path, os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW, 0o600)
	}
	if err != nil {
		return err
	}
	x.lock = f
	return nil
}

func (x *Index) unflock() {
	if x.lock != nil {
		unix.Flock(int(x.lock.Fd()), unix.LOCK_UN)
	}
}
