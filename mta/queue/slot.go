package queue

import (
	"errors"
	"io"
	"io/fs"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// A Slot is the right to one connection to a destination: a locked file in
// dest/, which the kernel unlocks however the process ends.
type Slot struct{ f File }

// Slot takes one of limit slots of a destination; [ErrBusy] if none is free.
func (s *Spool) Slot(dest string, limit int) (*Slot, error) {
	dir := s.destDir(dest)
	for i := range max(limit, 1) {
		f, err := s.openDest(dir, dir+"/slot."+strconv.Itoa(i), syscall.O_RDWR|syscall.O_CREAT)
		if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
			return s.sharedSlot(dest)
		}
		if err != nil {
			return nil, &stepError{"take slot", err}
		}
		err = f.Lock(false)
		if err == nil {
			return &Slot{f}, nil
		}
		f.Close()
		if !errors.Is(err, ErrBusy) {
			return nil, &stepError{"take slot", err}
		}
	}
	return nil, &stepError{"all slots of " + dest, ErrBusy}
}

// sharedSlot is for a full disk, which mail must be able to leave: one
// connection at a time to all destinations that have no files yet.
func (s *Spool) sharedSlot(dest string) (*Slot, error) {
	f, err := s.fs.Open(s.opt.Dir+"/dest", syscall.O_RDONLY, 0)
	if err == nil {
		if err = f.Lock(false); err == nil {
			return &Slot{f}, nil
		}
		f.Close()
	}
	return nil, &stepError{"take slot for " + dest + " on a full disk", err}
}

// Release gives the slot back.
func (l *Slot) Release() error { return l.f.Close() }

func (s *Spool) openDest(dir, name string, flag int) (File, error) {
	f, err := s.fs.Open(name, flag, 0o600)
	for _, d := range []string{s.opt.Dir + "/dest", dir} {
		if !missing(err) {
			return f, err
		}
		if err := s.fs.Mkdir(d, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
			return nil, err
		}
		f, err = s.fs.Open(name, flag, 0o600)
	}
	return f, err
}

// destDir is a destination's folder. Its name is a stranger's: only letters,
// digits, inner dots, - and _ stay, and a long one is cut to a digest.
func (s *Spool) destDir(dest string) string {
	b := make([]byte, 0, len(dest))
	for i := 0; i < len(dest); i++ {
		c := dest[i]
		switch {
		case c >= 'A' && c <= 'Z':
			c += 'a' - 'A'
			fallthrough
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9', c == '-', c == '_', c == '.' && i > 0:
			b = append(b, c)
		default:
			b = append(b, '%', "0123456789abcdef"[c>>4], "0123456789abcdef"[c&15])
		}
	}
	name := string(b)
	if len(name) > 200 {
		name = name[:180] + strings.TrimPrefix(Derive("", name), "-")
	}
	if name == "" {
		name = "%"
	}
	return s.opt.Dir + "/dest/" + name
}

// Health is what is known about a destination, shared by all runners. It is
// advice: losing it loses no mail.
type Health struct {
	Fails int       // attempts that failed in a row
	Next  time.Time // no attempt before
	Last  string    // the last answer, for people
}

// Health returns what is known about a destination: nothing bad, if nothing
// is known or the file is damaged.
func (s *Spool) Health(dest string) (Health, error) {
	f, err := s.fs.Open(s.destDir(dest)+"/health", syscall.O_RDONLY, 0)
	if missing(err) {
		return Health{}, nil
	}
	if err != nil {
		return Health{}, &stepError{"read health", err}
	}
	defer f.Close()
	b := make([]byte, 4096)
	n, err := f.ReadAt(b, 0)
	if err != nil && err != io.EOF {
		return Health{}, &stepError{"read health", err}
	}
	return parseHealth(string(b[:n])), nil
}

func parseHealth(text string) (h Health) {
	for line := range strings.Lines(text) {
		key, v, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		switch key {
		case "fails":
			h.Fails, _ = strconv.Atoi(v)
		case "next":
			h.Next, _ = time.Parse(time.RFC3339Nano, v)
		case "last":
			h.Last, _ = strconv.Unquote(v)
		}
	}
	h.Fails = max(h.Fails, 0)
	return h
}

// SetHealth notes what was learnt about a destination; the zero Health
// forgets it.
func (s *Spool) SetHealth(dest string, h Health) error {
	dir := s.destDir(dest)
	if h == (Health{}) {
		if err := s.fs.Remove(dir + "/health"); err != nil && !missing(err) {
			return &stepError{"write health", err}
		}
		return nil
	}
	last := h.Last
	if len(last) > 500 {
		last = last[:500]
	}
	text := "fails " + strconv.Itoa(h.Fails) + "\nnext " + h.Next.UTC().Format(timeForm) + "\nlast " + strconv.QuoteToASCII(last) + "\n"
	tmp := dir + "/health." + NewID(time.Now())
	f, err := s.openDest(dir, tmp, syscall.O_WRONLY|syscall.O_CREAT|syscall.O_EXCL)
	if err != nil {
		return &stepError{"write health", err}
	}
	_, err = f.Write([]byte(text))
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = s.fs.Rename(tmp, dir+"/health") // whole or not at all
	}
	if err != nil {
		s.fs.Remove(tmp)
		return &stepError{"write health", err}
	}
	return nil
}
