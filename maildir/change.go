package maildir

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// follow runs act on e. If the file is not there, another program has renamed
// it: the message is looked up by its base and act runs again. EEXIST and ENOENT
// are normal here; what stays is ErrGone.
func (f *Folder) follow(e Entry, act func(e Entry) error) error {
	if _, err := ParseName(e.File); err != nil {
		return err
	}
	var err error
	for range rounds {
		if err = act(e); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		now, ferr := f.Find(e.Base())
		if ferr != nil {
			return ferr
		}
		// The same name again: renamed away and back, or something else is missing.
		e = now
	}
	return fmt.Errorf("%s, tried %d times: %w", e.File, rounds, err)
}

// rename moves a file to a free name. If the name is a second link to the same
// message (a program linked and has not unlinked yet), the old one goes.
func rename(from, to string) error {
	err := renameFree(from, to)
	if !errors.Is(err, fs.ErrExist) {
		return err
	}
	a, errA := os.Lstat(from)
	b, errB := os.Lstat(to)
	if errA != nil {
		return errA // ENOENT: the other rename of the two was quicker
	}
	if errB == nil && os.SameFile(a, b) {
		return unlinkTwin(from, to, a)
	}
	return fmt.Errorf("%s: %w", to, ErrExists)
}

// unlinkTwin removes from, a second link to the message at to. It goes aside
// first: should to be renamed or removed meanwhile, from is not the last one.
func unlinkTwin(from, to string, st fs.FileInfo) error {
	aside := filepath.Join(filepath.Dir(filepath.Dir(from)), "tmp", freshUnique(time.Time{}))
	if err := renameFree(from, aside); err != nil {
		return err
	}
	if !sameAs(to, st) {
		return renameFree(aside, from)
	}
	return os.Remove(aside)
}

// Open opens the message for reading, and returns the entry it has by then. It
// opens plain files only; a link must lead to one inside the tree.
func (f *Folder) Open(e Entry) (*os.File, Entry, error) {
	var file *os.File
	err := f.follow(e, func(now Entry) error {
		path := f.File(now)
		// O_NONBLOCK: a pipe that someone put here must not hold us.
		r, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
		if errors.Is(err, syscall.ELOOP) {
			r, err = f.store.openLink(path)
		}
		if errors.Is(err, syscall.ENXIO) { // a socket
			return fmt.Errorf("%s: %w", path, ErrNotMail)
		}
		if err != nil {
			return err
		}
		if st, err := r.Stat(); err != nil || !st.Mode().IsRegular() {
			r.Close()
			return errors.Join(fmt.Errorf("%s: %w", path, ErrNotMail), err)
		}
		file, e = r, now
		return nil
	})
	if err != nil {
		return nil, Entry{}, fmt.Errorf("open message: %w", err)
	}
	return file, e, nil
}

// SetFlags adds and removes flags with one rename, and takes a message out of
// new/. Flags that another program changed meanwhile stay, as does all we do not
// know in the name. A message that is taken out of new/ keeps its info part.
func (f *Folder) SetFlags(e Entry, add, remove Flags) (Entry, error) {
	var to Entry
	defer f.changing()()
	var h Hold
	defer h.Release()
	act := func(now Entry) error {
		n, err := ParseName(now.File)
		if err != nil {
			return err
		}
		if n, err = n.WithFlags(n.Flags().Change(add, remove)); err != nil {
			return err
		}
		if to = (Entry{File: n.String()}); to == now {
			_, err := os.Lstat(f.File(now))
			return err
		}
		if now.New {
			h.take(singleWait, []*Folder{f})
		}
		return rename(f.File(now), f.File(to))
	}
	err := f.follow(e, func(now Entry) error {
		err := act(now)
		if !errors.Is(err, ErrExists) {
			return err
		}
		// Another message of that base (rule 14): one of the two gets a new one.
		old, fresh, ok, _ := f.apart(now, to)
		if !ok {
			return err
		}
		if old == now {
			now = fresh
		}
		return act(now)
	})
	if err != nil {
		return Entry{}, fmt.Errorf("set flags: %w", err)
	}
	return to, nil
}

// Move puts the message into another folder, with its flags, its time and its
// place in new/ or cur/, under a fresh base. Within one folder it does nothing.
func (f *Folder) Move(e Entry, to *Folder) (Entry, error) {
	if to.path == f.path {
		return f.Find(e.Base())
	}
	var as Entry
	err := f.follow(e, func(now Entry) error {
		as = Fresh(now)
		return f.moveAs(now, to, as)
	})
	if err != nil {
		return Entry{}, fmt.Errorf("move to %q: %w", to.name, err)
	}
	return as, nil
}

// MoveAs puts the message into to (which may be f) under exactly the name of as:
// what undo needs. ErrExists if another message has that name.
func (f *Folder) MoveAs(e Entry, to *Folder, as Entry) error {
	if _, err := ParseName(as.File); err != nil {
		return err
	}
	if e == as && f.path == to.path {
		return nil
	}
	return f.moveAs(e, to, as)
}

func (f *Folder) moveAs(e Entry, to *Folder, as Entry) error {
	defer f.changing()()
	if to.path != f.path {
		defer to.changing()()
	}
	from := f.File(e)
	if st, err := os.Lstat(from); err != nil {
		return err
	} else if !st.Mode().IsRegular() {
		return fmt.Errorf("%s: %w", from, ErrNotMail)
	}
	err := rename(from, to.File(as))
	if errors.Is(err, syscall.EXDEV) {
		err = f.carryOff(e, to, as)
	}
	if err == nil && f.store.root != to.store.root {
		f.accountEntry(to.File(as), as, -1)
		to.accountEntry(to.File(as), as, 1)
	}
	return err
}

// Copy puts a second link, or across file systems a second file, into another
// folder under a fresh base.
func (f *Folder) Copy(e Entry, to *Folder) (Entry, error) {
	var as Entry
	err := f.follow(e, func(now Entry) error {
		as = Fresh(now)
		return f.CopyAs(now, to, as)
	})
	if err != nil {
		return Entry{}, fmt.Errorf("copy to %q: %w", to.name, err)
	}
	return as, nil
}

// CopyAs is Copy to exactly the name of as.
func (f *Folder) CopyAs(e Entry, to *Folder, as Entry) error {
	if _, err := ParseName(as.File); err != nil {
		return err
	}
	defer to.changing()()
	from := f.File(e)
	if st, err := os.Lstat(from); err != nil {
		return err
	} else if !st.Mode().IsRegular() {
		return fmt.Errorf("%s: %w", from, ErrNotMail)
	}
	err := os.Link(from, to.File(as))
	switch {
	case errors.Is(err, fs.ErrExist):
		return fmt.Errorf("%s: %w", to.File(as), ErrExists)
	case errors.Is(err, fs.ErrNotExist):
		return err
	case err != nil:
		// Other file system, too many links, links not allowed: a file of its own.
		err = f.carry(e, to, as)
	}
	if err == nil {
		to.accountEntry(to.File(as), as, 1)
	}
	return err
}

// carry copies the content of e to a new durable file with its time.
func (f *Folder) carry(e Entry, to *Folder, as Entry) error {
	_, _, err := f.carried(e, to, as)
	return err
}

// carried is carry; it returns which file was read, and which one made.
func (f *Folder) carried(e Entry, to *Folder, as Entry) (was, is fs.FileInfo, err error) {
	r, _, err := f.Open(e)
	if err != nil {
		return nil, nil, err
	}
	defer r.Close()
	if was, err = r.Stat(); err != nil {
		return nil, nil, err
	}
	d := Delivery{Time: was.ModTime(), carried: true}
	p, err := to.prepare(d, r)
	if err != nil {
		return nil, nil, err
	}
	fsys := to.store.files
	if is, err = os.Lstat(p.path); err == nil {
		err = fsys.Rename(p.path, to.File(as))
	}
	if err != nil {
		p.file.Close()
		fsys.Remove(p.path)
		return nil, nil, err
	}
	if err := to.settle(d, p, as); err != nil {
		fsys.Remove(to.File(as))
		return nil, nil, err
	}
	return was, is, nil
}

// carryOff is rename to another file system: a copy, and then the old file goes. If
// another program renamed that meanwhile, or it may not go, the copy goes in its
// place, so that nothing was done: who called tries again. If another program took
// it, the copy stays: one too many, if that program moved it, never one too few.
func (f *Folder) carryOff(e Entry, to *Folder, as Entry) error {
	was, is, err := f.carried(e, to, as)
	if err != nil {
		return err
	}
	if err = os.Remove(f.File(e)); err == nil {
		return nil
	}
	there := false
	ferr := f.follow(e, func(now Entry) error {
		st, err := os.Lstat(f.File(now))
		there = err == nil && os.SameFile(st, was) && st.ModTime().Equal(was.ModTime())
		return err
	})
	if !there {
		if ferr == nil || errors.Is(ferr, ErrGone) { // nil: another message of that base
			return nil
		}
		return err
	}
	to.follow(as, func(now Entry) error {
		st, err := os.Lstat(to.File(now))
		if err != nil || !os.SameFile(st, is) {
			return err
		}
		return os.Remove(to.File(now))
	})
	return err
}

// Remove deletes the message for good. ErrGone if someone else did.
func (f *Folder) Remove(e Entry) error {
	defer f.changing()()
	err := f.follow(e, func(now Entry) error {
		path := f.File(now)
		st, err := os.Lstat(path)
		if err != nil {
			return err
		}
		if st.IsDir() {
			return fmt.Errorf("%s: %w", path, ErrNotMail)
		}
		if err := os.Remove(path); err != nil {
			return err
		}
		size, ok := now.Size()
		if !ok {
			size = st.Size()
		}
		f.account(-size, -1)
		return nil
	})
	if err != nil {
		return fmt.Errorf("remove: %w", err)
	}
	return nil
}
