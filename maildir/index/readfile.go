package index

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"pneu/maildir"
	"pneu/maildir/digest"
)

const (
	// keptBuffer is the most a reader keeps from one file to the next.
	keptBuffer = 256 << 10
	// largeUnit is what room for larger files is counted in.
	largeUnit = 1 << 20
)

// errUnsteady: the file changed while it was read.
var errUnsteady = errors.New("message is still being written")

// A fileReader reads message files into one buffer that it uses again. It is for
// one goroutine.
type fileReader struct {
	f    *maildir.Folder
	dirs *openDirs // nil: files are opened by their paths
	room *room     // nil: no other reader counts
	buf  []byte
	// large is a buffer beside the heap, where it would stay until the next
	// collection, and held how much of the room it takes.
	large []byte
	held  int
	// plain is for what was compressed, and unpacked a large such one.
	plain, unpacked []byte
}

// contents is what a file said.
type contents struct {
	raw      []byte // unpacked; valid until the next read
	cut      bool   // raw is the beginning
	size     int64  // of the message
	wire     int64  // -1: as the digest says
	received int64
	seen     sighting
}

// bareEnds counts the line ends in b without a CR; last is the byte before it.
func bareEnds(b []byte, last byte) int64 {
	if len(b) == 0 {
		return 0
	}
	n := bytes.Count(b, []byte{'\n'}) - bytes.Count(b, []byte("\r\n"))
	if b[0] == '\n' && last == '\r' {
		n--
	}
	return int64(n)
}

// room bounds what several readers hold of large files together.
type room struct {
	taking sync.Mutex // one takes at a time, so that no two wait with half of it each
	units  chan struct{}
	// unpacking is for who unpacks a large message, and may have taken room for the
	// packed one already.
	unpacking sync.Mutex
}

func newRoom(bytes int) *room {
	r := &room{units: make(chan struct{}, max(bytes/largeUnit, 1))}
	for range cap(r.units) {
		r.units <- struct{}{}
	}
	return r
}

// take waits for room for so many bytes, or for all there is.
func (r *room) take(bytes int) (units int) {
	units = min((bytes+largeUnit-1)/largeUnit, cap(r.units))
	r.taking.Lock()
	defer r.taking.Unlock()
	for range units {
		<-r.units
	}
	return units
}

func (r *room) give(units int) {
	for range units {
		r.units <- struct{}{}
	}
}

// openDirs are cur/ and new/ held open, so that the way to them is not walked for
// each of a million files.
type openDirs struct{ fd [2]int }

func openDirsOf(f *maildir.Folder) *openDirs {
	d := &openDirs{}
	for i, name := range []string{"/cur", "/new"} {
		fd, err := unix.Open(f.Path()+name, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
		if err != nil {
			fd = -1
		}
		d.fd[i] = fd
	}
	return d
}

func (d *openDirs) close() {
	for _, fd := range d.fd {
		if fd >= 0 {
			unix.Close(fd)
		}
	}
}

// open opens e's file for what package os is not needed for: it would make three
// system calls more, and an object that has to be collected.
func (r *fileReader) open(e maildir.Entry) (fd int, err error) {
	dir, path := unix.AT_FDCWD, ""
	if r.dirs != nil && r.dirs.fd[place(e.New)] >= 0 && e.File != "" && e.File[0] != '.' && strings.IndexByte(e.File, '/') < 0 {
		dir, path = r.dirs.fd[place(e.New)], e.File
	} else if path = r.f.File(e); path == "" {
		return -1, maildir.ErrName
	}
	for {
		// A pipe must not hang us, nor a link lead out of the tree.
		fd, err = unix.Openat(dir, path, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
		switch err {
		case nil:
			return fd, nil
		case unix.EINTR:
			continue
		case unix.ELOOP, unix.EMLINK: // a link, as Linux and FreeBSD say it: the folder knows whether it may be followed
			file, _, err := r.f.Open(e)
			if err != nil {
				return -1, err
			}
			defer file.Close()
			return unix.FcntlInt(file.Fd(), unix.F_DUPFD_CLOEXEC, 0)
		}
		return -1, &fs.PathError{Op: "open", Path: path, Err: err}
	}
}

// read returns what e's file holds. fs.ErrNotExist: it is called otherwise.
func (r *fileReader) read(x *Index, e maildir.Entry) (c contents, err error) {
	r.done()
	fd, err := r.open(e)
	if err != nil {
		return c, err
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := fstat(fd, &st); err != nil {
		return c, &fs.PathError{Op: "stat", Path: e.File, Err: err}
	}
	if st.Mode&unix.S_IFMT != unix.S_IFREG {
		return c, fmt.Errorf("%s: %w", e.File, maildir.ErrNotMail)
	}
	n := int(min(st.Size, digest.MaxRaw))
	buf := r.fit(n + 1)
	// The file is as long as it was if it ends where it should: with room for one
	// byte more, the read that says so is the one that brings the last of it.
	got := 0
	for got < n {
		k, err := unix.Read(fd, buf[got:])
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return c, &fs.PathError{Op: "read", Path: e.File, Err: err}
		}
		if k == 0 {
			break
		}
		got += k
	}
	c = contents{cut: int64(n) < st.Size, size: st.Size, wire: -1, received: int64(st.Mtim.Sec), seen: sightingOf(&st)}
	if got < n || got > n && !c.cut {
		return c, errUnsteady
	}
	// A file that is written in place says something else next time. Those that were
	// not touched for long are not about to be.
	if c.seen = x.seen(c.seen); c.seen.at != 0 || n > keptBuffer {
		if err := fstat(fd, &st); err != nil || !sightingOf(&st).same(c.seen) {
			return c, errors.Join(errUnsteady, err)
		}
	}
	c.raw = buf[:n]
	if maildir.Compressed(c.raw[:min(n, 16)]) {
		if u, err := r.unpack(fd, buf[:got]); err == nil {
			c.raw, c.cut, c.size, c.wire = u.raw, u.cut, u.size, u.wire
			return c, nil
		} else if !errors.Is(err, maildir.ErrCompressed) {
			return c, err
		}
		// Damaged, but a message: what is there is what a reader gets.
		if _, err := unix.Seek(fd, int64(got), io.SeekStart); err != nil {
			return c, &fs.PathError{Op: "seek", Path: e.File, Err: err}
		}
	}
	if c.cut {
		if c.wire, err = wireSize(fdReader(fd), buf[:got], new(int64)); err != nil {
			return c, &fs.PathError{Op: "read", Path: e.File, Err: err}
		}
	}
	return c, nil
}

// unpack reads what the file holds that begins with begun and goes on at fd.
func (r *fileReader) unpack(fd int, begun []byte) (c contents, err error) {
	z, err := maildir.Unpacker(io.MultiReader(bytes.NewReader(begun), fdReader(fd)))
	if err != nil {
		return c, err
	}
	defer z.Close()
	if r.plain == nil {
		r.plain = make([]byte, keptBuffer)
	}
	c.raw, c.wire = r.plain, -1
	n, err := io.ReadFull(z, c.raw)
	if err == nil { // there may be more
		if r.room != nil {
			r.room.unpacking.Lock()
		}
		if r.unpacked, err = unix.Mmap(-1, 0, digest.MaxRaw, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE); err != nil {
			r.unpacked = make([]byte, digest.MaxRaw)
		}
		more := 0
		more, err = io.ReadFull(z, r.unpacked[copy(r.unpacked, c.raw):])
		n += more
		c.raw = r.unpacked
	}
	if err == nil {
		c.wire, err = wireSize(z, c.raw, &c.size)
		c.cut = c.size > int64(n)
	} else if err == io.EOF || err == io.ErrUnexpectedEOF {
		c.raw, c.size, err = c.raw[:n], int64(n), nil
	}
	return c, err
}

// An fdReader is an open file.
type fdReader int

func (fd fdReader) Read(p []byte) (int, error) {
	for {
		n, err := unix.Read(int(fd), p)
		switch {
		case err == unix.EINTR:
			continue
		case err != nil:
			return 0, err
		case n == 0 && len(p) > 0:
			return 0, io.EOF
		}
		return n, nil
	}
}

func fstat(fd int, st *unix.Stat_t) error {
	for {
		if err := unix.Fstat(fd, st); err != unix.EINTR {
			return err
		}
	}
}

// fit returns a buffer of n bytes.
func (r *fileReader) fit(n int) []byte {
	if n <= keptBuffer {
		if n > len(r.buf) {
			r.buf = make([]byte, min(max(2*n, 64<<10), keptBuffer))
		}
		return r.buf[:n]
	}
	if r.room != nil {
		r.held = r.room.take(n)
	}
	b, err := unix.Mmap(-1, 0, n, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		return make([]byte, n)
	}
	r.large = b
	return b
}

// done gives back what a large file took.
func (r *fileReader) done() {
	if r.large != nil {
		unix.Munmap(r.large)
		r.large = nil
	}
	if r.unpacked != nil {
		unix.Munmap(r.unpacked) // nothing if it is of the heap
		r.unpacked = nil
		if r.room != nil {
			r.room.unpacking.Unlock()
		}
	}
	if r.held > 0 {
		r.room.give(r.held)
		r.held = 0
	}
}

// wireSize returns how long what was read and the rest of a file are with CRLF line ends. The
// size as it is comes by the way.
func wireSize(f io.Reader, begun []byte, size *int64) (wire int64, err error) {
	last := byte(0)
	count := func(b []byte) {
		if len(b) > 0 {
			*size += int64(len(b))
			wire += int64(len(b)) + bareEnds(b, last)
			last = b[len(b)-1]
		}
	}
	count(begun)
	b := make([]byte, keptBuffer)
	for {
		k, err := f.Read(b)
		count(b[:k])
		if err == io.EOF {
			return wire, nil
		}
		if err != nil {
			return wire, err
		}
	}
}
