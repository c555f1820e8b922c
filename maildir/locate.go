package maildir

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// LocatePath finds the message a path names, or named before its flags changed:
// the folder is what holds its cur or new.
func LocatePath(path string) (*Folder, Entry, error) {
	dir, e, err := takeApart(path)
	if err != nil {
		return nil, Entry{}, err
	}
	f, err := At(dir)
	if err != nil {
		return nil, Entry{}, err
	}
	e, err = f.current(e)
	if err != nil {
		return nil, Entry{}, fmt.Errorf("%s: %w", path, err)
	}
	return f, e, nil
}

// Locate finds the message a path names or once named: in its folder first,
// then, by its base, in all folders of the tree, for other programs move files
// without renaming them.
func (s *Store) Locate(path string) (*Folder, Entry, error) {
	dir, e, err := takeApart(path)
	if err != nil {
		return nil, Entry{}, err
	}
	folders, err := s.Folders()
	if err != nil {
		return nil, Entry{}, err
	}
	var tried *Folder
	for _, f := range folders {
		if f.path == dir || sameDir(f.path, dir) {
			tried = f
			now, err := f.current(e)
			if err == nil {
				return f, now, nil
			}
			if !errors.Is(err, ErrGone) && !errors.Is(err, ErrNoFolder) {
				return nil, Entry{}, fmt.Errorf("%s: %w", path, err)
			}
		}
	}
	for _, f := range folders {
		if f == tried {
			continue
		}
		if now, err := f.Find(e.Base()); err == nil {
			return f, now, nil
		}
	}
	return nil, Entry{}, fmt.Errorf("%s: %w", path, ErrGone)
}

// takeApart splits a path into the folder's directory and the entry.
func takeApart(path string) (dir string, e Entry, err error) {
	path, err = filepath.Abs(path)
	if err != nil {
		return "", Entry{}, err
	}
	dir, file := filepath.Split(path)
	dir = filepath.Clean(dir)
	sub := filepath.Base(dir)
	if sub != "cur" && sub != "new" {
		return "", Entry{}, fmt.Errorf("%s: %w: its directory is neither cur nor new", path, ErrNotMail)
	}
	if _, err := ParseName(file); err != nil {
		return "", Entry{}, err
	}
	return filepath.Dir(dir), Entry{file, sub == "new"}, nil
}

// Current returns the entry of the message by now: e itself if it is still there,
// else what [Folder.Find] finds.
func (f *Folder) Current(e Entry) (Entry, error) {
	if _, err := ParseName(e.File); err != nil {
		return Entry{}, err
	}
	return f.current(e)
}

// current returns e if it is still there, else what became of it in its folder.
func (f *Folder) current(e Entry) (Entry, error) {
	if st, err := os.Lstat(f.File(e)); err == nil {
		k := unknown
		if st.Mode().IsRegular() {
			k = plain
		}
		if !f.mail(f.dir(e.New), e.File, k) {
			return Entry{}, ErrNotMail
		}
		return e, nil
	}
	return f.Find(e.Base())
}

func sameDir(a, b string) bool {
	sa, errA := os.Stat(a)
	sb, errB := os.Stat(b)
	return errA == nil && errB == nil && os.SameFile(sa, sb)
}
