package queue

import (
	"io"
	"io/fs"
	"os"
	"syscall"
	"time"
)

// OS is the system's file system. It goes to the system calls directly: an
// *os.File brings a poller and a finaliser to each file, which a program that
// lives for a millisecond feels.
type OS struct {
	// Give hands what root creates to another user, whose spool it is: a
	// runner of that user could not read it.
	Give     bool
	UID, GID uint32
}

// Open implements [FS].
func (o OS) Open(name string, flag int, perm uint32) (File, error) {
	for {
		fd, err := syscall.Open(name, flag|syscall.O_CLOEXEC|syscall.O_NOFOLLOW, perm)
		if err == syscall.EINTR {
			continue
		}
		if err != nil {
			return nil, &fs.PathError{Op: "open", Path: name, Err: err}
		}
		if o.Give && flag&syscall.O_CREAT != 0 {
			if err := syscall.Fchown(fd, int(o.UID), int(o.GID)); err != nil {
				syscall.Close(fd)
				return nil, wrap("chown", name, err)
			}
		}
		return &osFile{fd: fd, name: name}, nil
	}
}

// Mkdir implements [FS].
func (o OS) Mkdir(name string, perm uint32) error {
	err := syscall.Mkdir(name, perm)
	if err == nil && o.Give {
		err = syscall.Lchown(name, int(o.UID), int(o.GID))
	}
	return wrap("mkdir", name, err)
}

// Rename implements [FS].
func (OS) Rename(from, to string) error { return wrap("rename", from, syscall.Rename(from, to)) }

// Remove implements [FS].
func (OS) Remove(name string) error { return wrap("remove", name, syscall.Unlink(name)) }

// Names implements [FS].
func (OS) Names(dir string) ([]string, error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return f.Readdirnames(-1)
}

// Stat implements [FS].
func (OS) Stat(name string) (Info, error) {
	var st syscall.Stat_t
	if err := syscall.Lstat(name, &st); err != nil {
		return Info{}, wrap("stat", name, err)
	}
	return info(&st), nil
}

// SetTime implements [FS].
func (OS) SetTime(name string, t time.Time) error {
	ts := syscall.NsecToTimespec(t.UnixNano())
	return wrap("set time", name, syscall.UtimesNano(name, []syscall.Timespec{ts, ts}))
}

// SyncDir implements [FS].
func (OS) SyncDir(dir string) error {
	fd, err := syscall.Open(dir, syscall.O_RDONLY|syscall.O_CLOEXEC|syscall.O_DIRECTORY, 0)
	if err != nil {
		return wrap("open", dir, err)
	}
	err = syscall.Fsync(fd)
	syscall.Close(fd)
	return wrap("sync", dir, err)
}

type osFile struct {
	fd   int
	name string
}

func (f *osFile) Write(p []byte) (int, error) {
	done := 0
	for done < len(p) {
		n, err := syscall.Write(f.fd, p[done:])
		if n > 0 {
			done += n
		}
		if err == syscall.EINTR {
			continue
		}
		if err != nil {
			return done, wrap("write", f.name, err)
		}
	}
	return done, nil
}

func (f *osFile) WriteAt(p []byte, off int64) (int, error) {
	done := 0
	for done < len(p) {
		n, err := syscall.Pwrite(f.fd, p[done:], off+int64(done))
		if n > 0 {
			done += n
		}
		if err == syscall.EINTR {
			continue
		}
		if err != nil {
			return done, wrap("write", f.name, err)
		}
	}
	return done, nil
}

func (f *osFile) ReadAt(p []byte, off int64) (int, error) {
	done := 0
	for done < len(p) {
		n, err := syscall.Pread(f.fd, p[done:], off+int64(done))
		if err == syscall.EINTR {
			continue
		}
		if err != nil {
			return done, wrap("read", f.name, err)
		}
		if n == 0 {
			return done, io.EOF
		}
		done += n
	}
	return done, nil
}

func (f *osFile) Close() error    { return wrap("close", f.name, syscall.Close(f.fd)) }
func (f *osFile) Sync() error     { return wrap("sync", f.name, again(fsync, f.fd)) }
func (f *osFile) Datasync() error { return wrap("sync", f.name, again(fdatasync, f.fd)) }

func (f *osFile) Lock(wait bool) error {
	how := syscall.LOCK_EX
	if !wait {
		how |= syscall.LOCK_NB
	}
	err := again(func(fd int) error { return syscall.Flock(fd, how) }, f.fd)
	if err == syscall.EWOULDBLOCK {
		return ErrBusy
	}
	return wrap("lock", f.name, err)
}

func (f *osFile) Stat() (Info, error) {
	var st syscall.Stat_t
	if err := syscall.Fstat(f.fd, &st); err != nil {
		return Info{}, wrap("stat", f.name, err)
	}
	return info(&st), nil
}

func again(call func(int) error, fd int) error {
	for {
		if err := call(fd); err != syscall.EINTR {
			return err
		}
	}
}

func info(st *syscall.Stat_t) Info {
	modified, changed := times(st)
	return Info{
		Size: st.Size, ModTime: time.Unix(modified.Unix()), Changed: time.Unix(changed.Unix()), Inode: st.Ino, Links: uint64(st.Nlink),
		UID: st.Uid, GID: st.Gid, Regular: st.Mode&syscall.S_IFMT == syscall.S_IFREG,
	}
}

func wrap(op, name string, err error) error {
	if err == nil {
		return nil
	}
	return &fs.PathError{Op: op, Path: name, Err: err}
}
