package index

import (
	"os"

	"golang.org/x/sys/unix"

	"pneu/maildir"
)

// openPlain opens without the detour of package os over the poller, which no
// file has a use for.
func openPlain(f *maildir.Folder, e maildir.Entry, path string) (*os.File, error) {
	for {
		fd, err := unix.Open(path, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
		switch err {
		case nil:
			unix.SetNonblock(fd, false)
			return os.NewFile(uintptr(fd), path), nil
		case unix.EINTR:
			continue
		case unix.ELOOP: // a link: the folder knows whether it may be followed
			file, _, err := f.Open(e)
			return file, err
		}
		return nil, &os.PathError{Op: "open", Path: path, Err: err}
	}
}

// lockBuild is had by one process at a time. It is a lock on cur/, which nobody
// else locks: the folder itself is the writers'.
func (x *Index) lockBuild() (unlock func(), err error) {
	fd, err := unix.Open(x.f.Path()+"/cur", unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return func() {}, nil
	}
	if err := unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB); err == unix.EWOULDBLOCK {
		unix.Close(fd)
		return nil, ErrBusy
	}
	return func() { unix.Close(fd) }, nil // where there are no locks, work is done twice
}
