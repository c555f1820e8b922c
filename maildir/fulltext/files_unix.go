//go:build unix

package fulltext

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// plainOnly are the bits by which open(2) neither follows a link nor waits.
const plainOnly = unix.O_NOFOLLOW | unix.O_NONBLOCK

func lock(f *os.File, wait bool) error {
	how := unix.LOCK_EX
	if !wait {
		how |= unix.LOCK_NB
	}
	for {
		err := unix.Flock(int(f.Fd()), how)
		switch {
		case err == nil:
			return nil
		case errors.Is(err, unix.EINTR):
		case errors.Is(err, unix.EWOULDBLOCK):
			return ErrBusy
		default:
			return &fs.PathError{Op: "lock", Path: f.Name(), Err: err}
		}
	}
}

// mapFile maps a file of the given size. unmap may be called once, when no one
// reads data any more.
func mapFile(f *os.File, size int) (data []byte, unmap func([]byte), err error) {
	if size == 0 {
		return nil, func([]byte) {}, nil
	}
	data, err = unix.Mmap(int(f.Fd()), 0, size, unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return nil, nil, &fs.PathError{Op: "map", Path: f.Name(), Err: err}
	}
	return data, func(b []byte) { unix.Munmap(b) }, nil
}

// forget tells the kernel that the pages of a map need not stay in memory.
func forget(data []byte) {
	if len(data) > 0 {
		unix.Madvise(data, unix.MADV_DONTNEED)
	}
}

// adopt gives a file that root has made in another's folder to the folder's owner. One that was
// there already may be a link to something else.
func adopt(f *os.File) {
	if os.Geteuid() != 0 {
		return
	}
	var st unix.Stat_t
	if unix.Stat(filepath.Dir(f.Name()), &st) == nil && (st.Uid != 0 || st.Gid != 0) {
		f.Chown(int(st.Uid), int(st.Gid))
	}
}
