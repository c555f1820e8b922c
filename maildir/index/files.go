package index

import (
	"errors"
	"io/fs"
	"os"
	"runtime/debug"

	"golang.org/x/sys/unix"
)

// fileSystem is what the index needs of one, so that tests can stop it at every
// step. Nothing is ever truncated: a file is made under a temporary name,
// written, and renamed.
type fileSystem interface {
	Open(path string, write bool) (file, error)
	// Create makes an empty file in place of any left over from a crash.
	Create(path string) (file, error)
	Rename(from, to string) error
	Remove(path string) error
	SyncDir(dir string) error
	Stat(path string) (fileInfo, error)
}

type file interface {
	ReadAt(p []byte, off int64) (int, error)
	WriteAt(p []byte, off int64) (int, error)
	Sync() error
	Stat() (fileInfo, error)
	// Map maps the first size bytes for reading. Later writes show through.
	Map(size int64) ([]byte, error)
	Close() error
}

type fileInfo struct {
	size  int64
	ino   uint64
	dev   uint64
	nlink uint64
	mtime int64 // seconds
}

// same reports whether two infos are of one file, whatever its size.
func (a fileInfo) same(b fileInfo) bool { return a.ino == b.ino && a.dev == b.dev }

type disk struct{}

type diskFile struct{ *os.File }

func (disk) Open(path string, write bool) (file, error) {
	mode := os.O_RDONLY
	if write {
		mode = os.O_RDWR
	}
	// A FIFO by that name must not hang us, nor a link lead elsewhere.
	f, err := os.OpenFile(path, mode|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	if st, err := f.Stat(); err != nil || !st.Mode().IsRegular() {
		f.Close()
		return nil, &fs.PathError{Op: "open", Path: path, Err: errors.New("not a plain file")}
	}
	return diskFile{f}, nil
}

func (disk) Create(path string) (file, error) {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	return diskFile{f}, nil
}

func (disk) Rename(from, to string) error { return os.Rename(from, to) }
func (disk) Remove(path string) error     { return os.Remove(path) }

func (disk) SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	if err := d.Sync(); err != nil && !errors.Is(err, unix.EINVAL) {
		return err
	}
	return nil
}

func (disk) Stat(path string) (fileInfo, error) {
	var st unix.Stat_t
	if err := unix.Lstat(path, &st); err != nil {
		return fileInfo{}, &fs.PathError{Op: "stat", Path: path, Err: err}
	}
	return info(&st), nil
}

func info(st *unix.Stat_t) fileInfo {
	return fileInfo{st.Size, uint64(st.Ino), uint64(st.Dev), uint64(st.Nlink), int64(st.Mtim.Sec)}
}

func (f diskFile) Stat() (fileInfo, error) {
	var st unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &st); err != nil {
		return fileInfo{}, &fs.PathError{Op: "stat", Path: f.Name(), Err: err}
	}
	return info(&st), nil
}

func (f diskFile) Map(size int64) ([]byte, error) {
	if size <= 0 || int64(int(size)) != size {
		return nil, &fs.PathError{Op: "map", Path: f.Name(), Err: unix.EINVAL}
	}
	b, err := unix.Mmap(int(f.Fd()), 0, int(size), unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return nil, &fs.PathError{Op: "map", Path: f.Name(), Err: err}
	}
	return b, nil
}

// Renew has an NFS client forget what it has read of the file: that is done where a lock on the
// file itself is had, and not surely by opening it. Nobody locks it for himself alone.
func (f diskFile) Renew() error {
	if err := unix.Flock(int(f.Fd()), unix.LOCK_SH|unix.LOCK_NB); err != nil {
		return err
	}
	return unix.Flock(int(f.Fd()), unix.LOCK_UN)
}

// shield turns a fault in a mapping into an error: a foreign program may have cut
// the file short under us, or the disk may be failing. It is the last line, for
// no program of ours ever shortens a file.
func shield(fn func() error) (err error) {
	old := debug.SetPanicOnFault(true)
	defer func() {
		debug.SetPanicOnFault(old)
		if r := recover(); r != nil {
			if f, ok := r.(interface{ Addr() uintptr }); ok {
				_ = f
				err = ErrDamaged
				return
			}
			panic(r)
		}
	}()
	return fn()
}

// noSpace reports errors that mean the index cannot be written here, so that it
// goes on in memory. The last three are of a directory that bears a name of ours.
func noSpace(err error) bool {
	for _, e := range []error{unix.ENOSPC, unix.EDQUOT, unix.EROFS, unix.EACCES, unix.EPERM, unix.EFBIG, unix.EISDIR, unix.EEXIST, unix.ENOTEMPTY} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// passing reports errors that say nothing of a file, but that this process, or the
// machine, has too much open: nothing is found damaged or lost by them.
func passing(err error) bool {
	return errors.Is(err, unix.EMFILE) || errors.Is(err, unix.ENFILE) || errors.Is(err, unix.ENOMEM)
}

// adopt gives a file that root makes in another's folder to the folder's owner.
func adopt(f file, dir string) {
	d, ok := f.(diskFile)
	if !ok || os.Geteuid() != 0 {
		return
	}
	var st unix.Stat_t
	if unix.Stat(dir, &st) == nil && (st.Uid != 0 || st.Gid != 0) {
		d.Chown(int(st.Uid), int(st.Gid))
	}
}
