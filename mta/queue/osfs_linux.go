package queue

import (
	"slices"
	"syscall"
)

// Magic numbers of statfs(2) of the file systems on which the fsync of a new
// file commits its name as well: ext4, xfs, btrfs, f2fs, zfs. On tmpfs nothing
// is ever durable.
var commitNames = []int64{0xef53, 0x58465342, 0x9123683e, 0xf2f52010, 0x2fc12fc1, 0x01021994}

// commitsNames reports whether dir lies on one of these.
func (OS) commitsNames(dir string) bool {
	var st syscall.Statfs_t
	return syscall.Statfs(dir, &st) == nil && slices.Contains(commitNames, int64(uint32(st.Type)))
}

func fsync(fd int) error { return syscall.Fsync(fd) }

func fdatasync(fd int) error { return syscall.Fdatasync(fd) }
