package maildir

import (
	"fmt"
	"os"
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
