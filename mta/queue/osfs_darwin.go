package queue

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// commitsNames: nothing is known of file systems here, so that directories are synced, too.
func (OS) commitsNames(string) bool { return false }

// fsync asks for F_FULLFSYNC: fsync(2) leaves data in the drive's cache here. Some file
// systems do not know it.
func fsync(fd int) error {
	_, err := unix.FcntlInt(uintptr(fd), unix.F_FULLFSYNC, 0)
	if err == unix.ENOTSUP || err == unix.EINVAL || err == unix.ENOTTY {
		return syscall.Fsync(fd)
	}
	return err
}

func fdatasync(fd int) error { return fsync(fd) }
