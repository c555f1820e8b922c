package maildir

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// renameFree renames from to to unless to exists. File systems without
// RENAME_NOREPLACE (NFS, some FUSE) get a check and a rename: names are unique
// anyway, and this guards against the odd case.
func renameFree(from, to string) error {
	err := unix.Renameat2(unix.AT_FDCWD, from, unix.AT_FDCWD, to, unix.RENAME_NOREPLACE)
	switch err {
	case nil:
		return nil
	case unix.EINVAL, unix.ENOSYS, unix.ENOTSUP:
		return renameChecked(from, to)
	}
	return &os.LinkError{Op: "rename", Old: from, New: to, Err: err}
}

// fineStamps reports whether a directory's time changes with every change to it,
// once someone has looked at it: so since Linux 6.13 on the file systems of
// ordered. Before, changes within one tick look like one.
var fineStamps = sync.OnceValue(func() bool {
	var u unix.Utsname
	if unix.Uname(&u) != nil {
		return false
	}
	var major, minor int
	fmt.Sscanf(unix.ByteSliceToString(u.Release[:]), "%d.%d", &major, &minor)
	return major > 6 || major == 6 && minor >= 13
})

// ordered knows ext4, xfs, btrfs and tmpfs. ext2 and an ext4 without journal
// share ext4's number: a tree there wants Delivery.Strict.
func ordered(dir string) bool {
	var st unix.Statfs_t
	if unix.Statfs(dir, &st) != nil {
		return false
	}
	switch int64(st.Type) {
	case unix.EXT4_SUPER_MAGIC, unix.XFS_SUPER_MAGIC, unix.BTRFS_SUPER_MAGIC, unix.TMPFS_MAGIC:
		return true
	}
	return false
}

// fineDir is ordered without tmpfs, where links and unlinks within a tick leave
// one time.
func fineDir(dir string) bool {
	var st unix.Statfs_t
	if unix.Statfs(dir, &st) != nil {
		return false
	}
	switch int64(st.Type) {
	case unix.EXT4_SUPER_MAGIC, unix.XFS_SUPER_MAGIC, unix.BTRFS_SUPER_MAGIC:
		return true
	}
	return false
}

// localDir knows file systems on disks of this machine, and stacks of them.
func localDir(dir string) bool {
	var st unix.Statfs_t
	if unix.Statfs(dir, &st) != nil {
		return false
	}
	const zfs, bcachefs, jfs = 0x2fc12fc1, 0xca451a4e, 0x3153464a
	switch int64(st.Type) {
	case unix.EXT4_SUPER_MAGIC, unix.XFS_SUPER_MAGIC, unix.BTRFS_SUPER_MAGIC, unix.TMPFS_MAGIC,
		unix.OVERLAYFS_SUPER_MAGIC, unix.F2FS_SUPER_MAGIC, unix.REISERFS_SUPER_MAGIC, zfs, bcachefs, jfs:
		return true
	}
	return false
}

// Flush starts and awaits the writing of every page: blocks are allocated when
// it returns, so that whatever commits the name later commits the content.
func (f diskFile) Flush() error {
	const all = unix.SYNC_FILE_RANGE_WAIT_BEFORE | unix.SYNC_FILE_RANGE_WRITE | unix.SYNC_FILE_RANGE_WAIT_AFTER
	for {
		err := unix.SyncFileRange(int(f.Fd()), 0, 0, all)
		switch {
		case err == nil:
			return nil
		case err == unix.EINTR:
		case err == unix.ENOSYS, err == unix.EINVAL, err == unix.ESPIPE, err == unix.EOPNOTSUPP:
			return errors.ErrUnsupported
		default:
			return &fs.PathError{Op: "flush", Path: f.Name(), Err: err}
		}
	}
}

// tempLock locks tmp/ of a folder among deliverers of derived names. It is the
// kernel's: a process that dies lets go of it. cur/ and the folder stay free
// for locks of an index.
func tempLock(tmp string) (unlock func(), err error) {
	fd, err := openDir(tmp)
	if err != nil {
		return nil, err
	}
	for {
		err := unix.Flock(fd, unix.LOCK_EX)
		if err == unix.EINTR {
			continue
		}
		if err != nil && err != unix.ENOLCK && err != unix.ENOTSUP {
			unix.Close(fd)
			return nil, &fs.PathError{Op: "lock", Path: tmp, Err: err}
		}
		return func() { unix.Close(fd) }, nil
	}
}
