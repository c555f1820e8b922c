package maildir

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"time"
)

// guesses are the infos tried before a directory is read.
var guesses = []string{":2,S", ":2,", ":2,RS", ":2,FS", "", ":2,F", ":2,ST"}

// Find returns the message of that base, whatever its flags and whether in new/
// or cur/. A base that has got further fields since is found too.
func (f *Folder) Find(base string) (Entry, error) {
	if n, err := ParseName(base); err != nil || n.Sep != 0 {
		return Entry{}, fmt.Errorf("find %q: %w", base, ErrName)
	}
	for _, e := range f.likely(base) {
		if st, err := os.Lstat(f.File(e)); err == nil && st.Mode().IsRegular() {
			return e, nil
		}
	}
	e, err := f.find(base, true, false)
	if u := unique(base); errors.Is(err, ErrGone) && u != "" {
		e, err = f.find(u, false, false)
	}
	if err != nil {
		return Entry{}, fmt.Errorf("find %q: %w", base, err)
	}
	return e, nil
}

func (f *Folder) likely(base string) []Entry {
	list := make([]Entry, 0, len(guesses)+1)
	list = append(list, Entry{base, true})
	for _, g := range guesses {
		list = append(list, Entry{base + g, false})
	}
	return list
}

// find reads new/ and cur/ for a base: exactly want, or one whose unique part is
// want. It says ErrGone only if neither directory changed while it was read.
func (f *Folder) find(want string, exact, onlyNew bool) (Entry, error) {
	dirs := []bool{true, false}
	if onlyNew {
		dirs = dirs[:1]
	}
	var before, after [2]time.Time
	for round := range rounds {
		for i, isNew := range dirs {
			var err error
			if after[i], err = stamp(f.dir(isNew)); err != nil {
				return Entry{}, f.missing(err)
			}
		}
		if round > 0 && after == before && settle(f.dir(false), after[1]) && settle(f.dir(true), after[0]) {
			break
		}
		before = after
		for _, isNew := range dirs {
			e, err := f.search(isNew, want, exact)
			if err != nil || e.File != "" {
				return e, f.missing(err)
			}
		}
	}
	return Entry{}, ErrGone
}

func (f *Folder) search(isNew bool, want string, exact bool) (found Entry, err error) {
	dir := f.dir(isNew)
	prefix := want
	if !exact {
		prefix, _, _ = strings.Cut(want, ",")
	}
	err = readDir(dir, func(name []byte, k kind) error {
		// The others are passed over before anything is allocated.
		if len(name) < len(prefix) || string(name[:len(prefix)]) != prefix {
			return nil
		}
		e := Entry{string(name), isNew}
		base := e.Base()
		if !exact {
			base = unique(base)
		}
		if base != want || k != plain && !f.mail(dir, e.File, k) {
			return nil
		}
		found = e
		return errStop
	})
	if err == errStop {
		err = nil
	}
	return found, err
}
