package maildir

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// Usage is what a tree holds.
type Usage struct {
	Bytes    int64
	Messages int
}

// Usage sums up all folders by the sizes in the names; only a file whose name
// states none is asked for its own.
func (s *Store) Usage() (Usage, error) {
	folders, err := s.Folders()
	if err != nil {
		return Usage{}, err
	}
	var u Usage
	for _, f := range folders {
		fresh, seen, err := f.both()
		if err != nil {
			return Usage{}, fmt.Errorf("usage: %w", err)
		}
		for i, list := range [][]string{fresh, seen} {
			for _, n := range list {
				e := Entry{n, i == 0}
				size, ok := e.Size()
				if !ok {
					if st, err := os.Lstat(f.File(e)); err == nil {
						size = st.Size()
					}
				}
				u.Bytes += size
				u.Messages++
			}
		}
	}
	return u, nil
}

// A Quota is what a tree may hold; 0 is without bound.
type Quota struct {
	Bytes    int64
	Messages int64
}

// Quota returns the bounds that the file maildirsize of Maildir++ states, none if there is no such
// file. Who has them elsewhere sets them there; this package keeps count, and refuses nothing.
func (s *Store) Quota() (q Quota, err error) {
	// Neither a link nor a pipe of that name may take us in.
	r, err := os.OpenFile(s.root+"/maildirsize", os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return q, nil
	}
	if err != nil {
		return q, err
	}
	defer r.Close()
	head := make([]byte, 256)
	n, err := io.ReadFull(r, head)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return q, fmt.Errorf("quota: %w", err)
	}
	line, _, _ := strings.Cut(string(head[:n]), "\n")
	for _, f := range strings.Split(line, ",") {
		if f = strings.TrimSpace(f); f == "" {
			continue
		}
		v, err := strconv.ParseInt(f[:len(f)-1], 10, 64)
		if err != nil || v < 0 {
			continue // of another program's making: no bound that we know
		}
		switch f[len(f)-1] {
		case 'S':
			q.Bytes = v
		case 'C':
			q.Messages = v
		}
	}
	return q, nil
}

// account appends to the file maildirsize of Maildir++ if the tree has one:
// others that enforce the quota (Courier, Dovecot, maildrop) trust it. It is
// advisory: they recount when it looks wrong, so an error here is none.
func (f *Folder) account(size int64, messages int) {
	// Neither a link nor a pipe of that name may take us in.
	w, err := os.OpenFile(f.store.root+"/maildirsize", os.O_WRONLY|os.O_APPEND|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if err != nil {
		return
	}
	defer w.Close()
	if st, err := w.Stat(); err == nil && st.Mode().IsRegular() {
		fmt.Fprintf(w, "%d %d\n", size, messages)
	}
}

// accountEntry is account for a message found at path, sign being 1 or -1.
func (f *Folder) accountEntry(path string, e Entry, sign int) {
	size, ok := e.Size()
	if !ok {
		st, err := os.Lstat(path)
		if err != nil {
			return
		}
		size = st.Size()
	}
	f.account(int64(sign)*size, sign)
}
