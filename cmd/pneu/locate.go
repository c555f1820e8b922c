package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"time"

	"pneu/maildir"
	"pneu/maildir/journal"
)

// A locator finds messages whose paths are stale. What it read of folders and of the
// journal it keeps: a list made before ten thousand messages were moved has as many
// stale paths, and each would cost a look through every folder.
type locator struct {
	listings map[string]*listing // by the folder's path
	folders  map[string][]*maildir.Folder
	moves    *journal.Moves
	read     os.FileInfo // the journal's file, when moves was read
}

// A listing is a folder as it was.
type listing struct {
	byBase map[string]maildir.Entry
	begins map[string]bool // bases up to the first comma: fields behind it come and go
	stamps [2]time.Time    // of new and cur
	sure   bool            // nothing can have changed since without changing the stamps
}

// locate returns where the message is now that had the path once. The journal that another
// process writes meanwhile is read again before a message is given up.
func (l *locator) locate(t *tool, path string) (*maildir.Folder, maildir.Entry, error) {
	f, e, err := l.search(t, path)
	if errors.Is(err, maildir.ErrGone) && l.outdated() {
		l.moves, l.folders = nil, nil
		f, e, err = l.search(t, path)
	}
	return f, e, err
}

// outdated reports whether the journal has grown since it was read.
func (l *locator) outdated() bool {
	st, err := os.Stat(journalPath())
	return err == nil && (l.read == nil || !os.SameFile(st, l.read) || st.Size() != l.read.Size())
}

// search returns where the message is now that was at dir/new or dir/cur: in its folder,
// where the journal says it was moved, or, for other programs keep the name when they
// move a file, in any folder of the tree.
func (l *locator) search(t *tool, path string) (*maildir.Folder, maildir.Entry, error) {
	dir, base := filepath.Dir(filepath.Dir(path)), maildir.Entry{File: filepath.Base(path)}.Base()
	here, err := t.folderAt(dir)
	if err != nil && !errors.Is(err, maildir.ErrNoFolder) {
		return nil, maildir.Entry{}, err
	}
	if here != nil {
		if e, ok := l.known(here, base); ok {
			return here, e, nil
		}
	}
	if e, ok := t.inIndex(here, base); ok {
		return here, e, nil
	}
	if to, e, ok := l.moved(path); ok {
		if f, err := t.folderAt(to); err == nil {
			if e, err := l.look(f, e.Base()); err == nil {
				return f, e, nil
			}
		}
	}
	if here == nil {
		return nil, maildir.Entry{}, maildir.ErrNoFolder
	}
	e, err := l.look(here, base)
	if err == nil || !errors.Is(err, maildir.ErrGone) {
		return here, e, err
	}
	if here.Store() == nil {
		return nil, maildir.Entry{}, maildir.ErrGone
	}
	all, err := l.tree(here.Store())
	if err != nil {
		return nil, maildir.Entry{}, err
	}
	for _, f := range all {
		if f.Path() == here.Path() {
			continue
		}
		if e, err := l.look(f, base); err == nil {
			return f, e, nil
		}
	}
	return nil, maildir.Entry{}, maildir.ErrGone
}

// inIndex returns the message if the folder's index has it and it is there.
func (t *tool) inIndex(f *maildir.Folder, base string) (maildir.Entry, bool) {
	if f == nil {
		return maildir.Entry{}, false
	}
	v := t.look(t.boxOf(f), false)
	if v == nil {
		return maildir.Entry{}, false
	}
	row, ok := v.FindBase(base)
	if !ok {
		return maildir.Entry{}, false
	}
	e := v.Index().Entry(row)
	st, err := os.Lstat(f.File(e))
	return e, err == nil && st.Mode().IsRegular()
}

// moved is where the journal says the message went.
func (l *locator) moved(path string) (dir string, e maildir.Entry, ok bool) {
	if l.moves == nil {
		st, err := os.Stat(journalPath())
		if err != nil {
			return "", e, false
		}
		j, err := openJournal(false)
		if err != nil {
			return "", e, false
		}
		defer j.Close()
		if l.moves, err = j.Moves(); err != nil {
			return "", e, false
		}
		l.read = st
	}
	return l.moves.Last(path)
}

// tree returns the folders of a tree, listed once.
func (l *locator) tree(s *maildir.Store) ([]*maildir.Folder, error) {
	if list, ok := l.folders[s.Root()]; ok {
		return list, nil
	}
	list, err := s.Folders()
	if err == nil {
		if l.folders == nil {
			l.folders = map[string][]*maildir.Folder{}
		}
		l.folders[s.Root()] = list
	}
	return list, err
}

// known returns the message if the listing has it and it is still there.
func (l *locator) known(f *maildir.Folder, base string) (maildir.Entry, bool) {
	if n := l.listings[f.Path()]; n != nil {
		if e, ok := n.byBase[base]; ok {
			if st, err := os.Lstat(f.File(e)); err == nil && st.Mode().IsRegular() {
				return e, true
			}
		}
	}
	return maildir.Entry{}, false
}

// look finds a message in a folder. Only a listing that must still hold is believed
// when it lacks the message.
func (l *locator) look(f *maildir.Folder, base string) (maildir.Entry, error) {
	if e, ok := l.known(f, base); ok {
		return e, nil
	}
	begin, _, _ := strings.Cut(base, ",")
	n := l.listings[f.Path()]
	if n == nil || !n.sure || n.stamps != stamps(f) || n.begins[begin] {
		// The folder's own search is the judge; a listing helps those that come next.
		e, err := f.Find(base)
		if err == nil || !errors.Is(err, maildir.ErrGone) {
			return e, err
		}
		l.list(f)
	}
	return maildir.Entry{}, maildir.ErrGone
}

func (l *locator) list(f *maildir.Folder) {
	n := &listing{byBase: map[string]maildir.Entry{}, begins: map[string]bool{}, stamps: stamps(f)}
	began := time.Now()
	entries, err := f.List()
	if err != nil {
		return
	}
	for _, e := range entries {
		base := e.Base()
		n.byBase[base] = e
		begin, _, _ := strings.Cut(base, ",")
		n.begins[begin] = true
	}
	// A change in the same tick of the file system's clock leaves the stamp as it was.
	n.sure = n.stamps == stamps(f) && began.Sub(n.stamps[0]) > tick && began.Sub(n.stamps[1]) > tick
	if l.listings == nil {
		l.listings = map[string]*listing{}
	}
	l.listings[f.Path()] = n
}

// tick is more than the grain of file times on kernels that count ticks.
const tick = 20 * time.Millisecond

// stamps are the times that new and cur changed last.
func stamps(f *maildir.Folder) (s [2]time.Time) {
	for i, sub := range []string{"new", "cur"} {
		if st, err := os.Stat(filepath.Join(f.Path(), sub)); err == nil {
			s[i] = st.ModTime()
		}
	}
	return s
}
