package store

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"pneu/maildir"
)

// Locate finds the message a path names or once named: in its folder first, then, by its base,
// in all folders, for other programs move files without renaming them. [maildir.ErrGone] if it
// is nowhere.
func (s *Store) Locate(ctx context.Context, path string) (*maildir.Folder, maildir.Entry, error) {
	at, err := s.LocateAll(ctx, []string{path})
	if err != nil {
		return nil, maildir.Entry{}, err
	}
	return at[0].Folder, at[0].Entry, at[0].Err
}

// A Place is where a message is, or Err why that is not known.
type Place struct {
	Folder *maildir.Folder
	Entry  maildir.Entry
	Err    error
}

// LocateAll is Locate for many paths: each folder is opened once. No directory is read unless a
// folder's index does not know it as it is.
func (s *Store) LocateAll(ctx context.Context, paths []string) ([]Place, error) {
	out := make([]Place, len(paths))
	l := &locator{s: s, ctx: ctx, views: map[string]*View{}}
	defer l.close()
	for i, p := range paths {
		if err := ctx.Err(); err != nil {
			return out, err
		}
		out[i].Folder, out[i].Entry, out[i].Err = l.locate(p)
	}
	return out, nil
}

type locator struct {
	s       *Store
	ctx     context.Context
	boxes   []*Box
	views   map[string]*View // by directory; nil: cannot be read
	folders []*maildir.Folder
	listed  bool
}

func (l *locator) close() {
	for _, b := range l.boxes {
		b.Close()
	}
}

func (l *locator) locate(path string) (*maildir.Folder, maildir.Entry, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, maildir.Entry{}, err
	}
	sub, file := filepath.Split(abs)
	sub = filepath.Clean(sub)
	e := maildir.Entry{File: file, New: filepath.Base(sub) == "new"}
	if !e.New && filepath.Base(sub) != "cur" {
		return nil, e, maildir.ErrNotMail
	}
	if _, err := maildir.ParseName(file); err != nil {
		return nil, e, err
	}
	here, err := maildir.At(filepath.Dir(sub))
	if err == nil {
		if st, err := os.Lstat(abs); err == nil && st.Mode().IsRegular() {
			return here, e, nil
		}
		if now, ok := l.look(here, e.Base()); ok {
			return here, now, nil
		}
	} else if !errors.Is(err, maildir.ErrNoFolder) {
		return nil, e, err
	}
	if !l.listed {
		l.listed = true
		if l.folders, err = l.s.tree.Folders(); err != nil {
			return nil, e, err
		}
	}
	for _, f := range l.folders {
		if here != nil && f.Path() == here.Path() {
			continue
		}
		if now, ok := l.look(f, e.Base()); ok {
			return f, now, nil
		}
	}
	return nil, e, maildir.ErrGone
}

// look finds a base in a folder.
func (l *locator) look(f *maildir.Folder, base string) (maildir.Entry, bool) {
	v, asked := l.views[f.Path()]
	if !asked {
		if b, err := l.s.BoxOf(f); err == nil {
			l.boxes = append(l.boxes, b)
			v, _ = b.Sync(l.ctx)
		}
		l.views[f.Path()] = v
	}
	if v == nil { // the files themselves, then
		e, err := f.Find(base)
		return e, err == nil
	}
	row, ok := v.FindBase(base)
	if !ok {
		return maildir.Entry{}, false
	}
	e, err := f.Current(v.ix.Entry(row))
	return e, err == nil
}
