package maildir

import (
	"bytes"
	"encoding/binary"
	"os"
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"
)

// buffers for getdents64. 256 KB holds some 4,000 names: few calls a folder.
var buffers = sync.Pool{New: func() any { b := make([]byte, 256<<10); return &b }}

// readDir calls fn for every name in dir but those with a leading dot. It reads
// raw getdents64 records: os.ReadDir needs half as much time again, and sorts.
// The name given to fn is valid only during the call.
func readDir(dir string, fn func(name []byte, k kind) error) error {
	fd, err := openDir(dir)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	p := buffers.Get().(*[]byte)
	defer buffers.Put(p)
	for {
		n, err := unix.Getdents(fd, *p)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return &os.PathError{Op: "read", Path: dir, Err: err}
		}
		if n <= 0 {
			return nil
		}
		if err := entries((*p)[:n], fn); err != nil {
			return err
		}
	}
}

// entries calls fn for the names in what one getdents64 returned.
func entries(buf []byte, fn func(name []byte, k kind) error) error {
	const reclen, typ, name = int(unsafe.Offsetof(unix.Dirent{}.Reclen)),
		int(unsafe.Offsetof(unix.Dirent{}.Type)), int(unsafe.Offsetof(unix.Dirent{}.Name))
	for len(buf) > name {
		size := int(binary.NativeEndian.Uint16(buf[reclen:]))
		if size < name || size > len(buf) {
			break
		}
		b := buf[name:size]
		if i := bytes.IndexByte(b, 0); i >= 0 {
			b = b[:i]
		}
		t := buf[typ]
		buf = buf[size:]
		if len(b) == 0 || b[0] == '.' {
			continue
		}
		k := other
		switch t {
		case unix.DT_REG:
			k = plain
		case unix.DT_LNK:
			k = link
		case unix.DT_UNKNOWN:
			k = unknown
		}
		if err := fn(b, k); err != nil {
			return err
		}
	}
	return nil
}

// readDirAhead is readDir for large directories: one goroutine waits for the
// kernel while this one looks at the names. A directory that fits a buffer is
// read without another goroutine.
func readDirAhead(dir string, fn func(name []byte, k kind) error) error {
	fd, err := openDir(dir)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	read := func(p []byte) (int, error) {
		for {
			n, err := unix.Getdents(fd, p)
			if err == unix.EINTR {
				continue
			}
			if err != nil {
				return 0, &os.PathError{Op: "read", Path: dir, Err: err}
			}
			return max(n, 0), nil
		}
	}
	first := buffers.Get().(*[]byte)
	defer buffers.Put(first)
	n, err := read(*first)
	if err != nil {
		return err
	}
	if n < len(*first)/2 {
		for n > 0 {
			if err := entries((*first)[:n], fn); err != nil {
				return err
			}
			if n, err = read(*first); err != nil {
				return err
			}
		}
		return nil
	}
	type block struct {
		p   *[]byte
		n   int
		err error
	}
	full, free := make(chan block, ahead), make(chan *[]byte, ahead)
	for range ahead {
		p := buffers.Get().(*[]byte)
		defer buffers.Put(p)
		free <- p
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer close(full)
		for p := range free {
			n, err := read(*p)
			full <- block{p, n, err}
			if n == 0 || err != nil {
				return
			}
		}
	}()
	// The descriptor and the buffers are the goroutine's until it has ended.
	defer func() { <-done }()
	defer close(free)
	if err := entries((*first)[:n], fn); err != nil {
		return err
	}
	for b := range full {
		if b.err != nil {
			return b.err
		}
		if err := entries((*b.p)[:b.n], fn); err != nil {
			return err
		}
		free <- b.p
	}
	return nil
}

// ahead is how many buffers are between the goroutines of readDirAhead. Both
// channels hold all of them, so that neither side ever waits to give one up.
const ahead = 4

func openDir(dir string) (int, error) {
	for {
		fd, err := unix.Open(dir, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return -1, &os.PathError{Op: "open", Path: dir, Err: err}
		}
		return fd, nil
	}
}
