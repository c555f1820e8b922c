package store

import (
	"context"
	"errors"
	"hash/maphash"
	"os"
	"path/filepath"
	"strings"

	"pneu/maildir"
)

// Locate finds the message a path names or once named: in its folder first, then, by its base,
// in all folders, for other programs move files without renaming them. [maildir.ErrGone] if it
// is nowhere.
func (s *Store) Locate(ctx context.Context, path string) (*maildir.Folder, maildir.Entry, error) {
	f := s.Finder()
	defer f.Close()
	return f.Locate(ctx, path)
}

// A Place is where a message is, or Err why that is not known.
type Place struct {
	Folder *maildir.Folder
	Entry  maildir.Entry
	Err    error
}

// LocateAll is Locate for many paths: each folder is opened once.
func (s *Store) LocateAll(ctx context.Context, paths []string) ([]Place, error) {
	out := make([]Place, len(paths))
	f := s.Finder()
	defer f.Close()
	for i, p := range paths {
		if err := ctx.Err(); err != nil {
			return out, err
		}
		out[i].Folder, out[i].Entry, out[i].Err = f.Locate(ctx, p)
	}
	return out, nil
}

// A Finder finds messages by the paths of their files. It opens each folder once and keeps it
// as it was then, so that thousands of paths cost a search in memory each. It is used by one
// goroutine at a time.
type Finder struct {
	s       *Store
	boxes   []*Box
	views   map[string]*View // by directory; nil: cannot be read
	folders []*maildir.Folder
	listed  bool
	dirs    map[string]*maildir.Folder // what maildir.At said; nil: no folder
	uniques map[*View]map[uint64]int32 // rows by what stays of a base whatever fields are added
	seed    maphash.Seed
}

// Finder returns a new Finder.
func (s *Store) Finder() *Finder {
	return &Finder{s: s, views: map[string]*View{}, dirs: map[string]*maildir.Folder{},
		uniques: map[*View]map[uint64]int32{}, seed: maphash.MakeSeed()}
}

// Close closes the folders. Rows stay usable.
func (f *Finder) Close() error {
	var err error
	for _, b := range f.boxes {
		err = errors.Join(err, b.Close())
	}
	f.boxes = nil
	return err
}

// View returns a folder as it was when the Finder first met it.
func (f *Finder) View(ctx context.Context, folder *maildir.Folder) (*View, error) {
	v, asked := f.views[folder.Path()]
	if v != nil {
		return v, nil
	}
	if asked {
		return nil, maildir.ErrNoFolder
	}
	b, err := f.s.BoxOf(folder)
	if err == nil {
		f.boxes = append(f.boxes, b)
		v, err = b.Sync(ctx)
	}
	if ctx.Err() == nil {
		f.views[folder.Path()] = v
	}
	return v, err
}

// Row returns the row of the message that a path names or, before its flags changed, named. It
// is false if the path's folder has none.
func (f *Finder) Row(ctx context.Context, path string) (Row, bool) {
	dir, e, err := split(path)
	if err != nil {
		return Row{}, false
	}
	folder := f.at(dir)
	if folder == nil {
		return Row{}, false
	}
	v, err := f.View(ctx, folder)
	if err != nil {
		return Row{}, false
	}
	n, ok := v.FindBase(e.Base())
	if !ok {
		n, ok = f.unique(v, e.Base())
	}
	return v.Row(n), ok
}

// unique returns the row of a message whose base got or lost fields (",U=" of mbsync) since.
func (f *Finder) unique(v *View, base string) (int, bool) {
	rows := f.uniques[v]
	if rows == nil {
		rows = make(map[uint64]int32, v.Len())
		for n := range v.Len() {
			rows[maphash.String(f.seed, maildir.Unique(v.ix.Base(n)))] = int32(n)
		}
		f.uniques[v] = rows
	}
	u := maildir.Unique(base)
	n, ok := rows[maphash.String(f.seed, u)]
	return int(n), ok && u != "" && maildir.Unique(v.ix.Base(int(n))) == u
}

// at returns the folder in a directory, nil if there is none.
func (f *Finder) at(dir string) *maildir.Folder {
	folder, asked := f.dirs[dir]
	if !asked {
		if found, err := maildir.At(dir); err == nil {
			folder = found
		}
		f.dirs[dir] = folder
	}
	return folder
}

// split parts a path into the folder's directory and the entry.
func split(path string) (dir string, e maildir.Entry, err error) {
	if !filepath.IsAbs(path) {
		if path, err = filepath.Abs(path); err != nil {
			return "", e, err
		}
	}
	at := strings.LastIndexByte(path, '/')
	dir, e.File = path[:max(at, 0)], path[at+1:]
	switch {
	case strings.HasSuffix(dir, "/new"):
		e.New = true
	case !strings.HasSuffix(dir, "/cur"):
		return "", e, maildir.ErrNotMail
	}
	if _, err := maildir.ParseName(e.File); err != nil {
		return "", e, err
	}
	return filepath.Clean(dir[:len(dir)-len("/cur")]), e, nil
}

// Locate is Store.Locate.
func (f *Finder) Locate(ctx context.Context, path string) (*maildir.Folder, maildir.Entry, error) {
	dir, e, err := split(path)
	if err != nil {
		return nil, e, err
	}
	here := f.at(dir)
	if here != nil {
		if now, ok := f.look(ctx, here, e); ok {
			return here, now, nil
		}
	}
	if !f.listed {
		if f.folders, err = f.s.tree.Folders(); err != nil {
			return nil, e, err
		}
		f.listed = true
	}
	for _, other := range f.folders {
		if here != nil && other.Path() == here.Path() {
			continue
		}
		if now, ok := f.look(ctx, other, maildir.Entry{File: e.Base()}); ok {
			return other, now, nil
		}
	}
	return nil, e, errors.Join(maildir.ErrGone, ctx.Err())
}

// look finds a message in a folder, by the base of its name.
func (f *Finder) look(ctx context.Context, folder *maildir.Folder, e maildir.Entry) (maildir.Entry, bool) {
	if st, err := os.Lstat(folder.File(e)); err == nil && st.Mode().IsRegular() {
		return e, true
	}
	v, err := f.View(ctx, folder)
	if err != nil { // the files themselves, then
		now, err := folder.Find(e.Base())
		return now, err == nil
	}
	row, ok := v.FindBase(e.Base())
	if !ok {
		if row, ok = f.unique(v, e.Base()); !ok {
			return maildir.Entry{}, false
		}
	}
	now, err := folder.Current(v.ix.Entry(row))
	return now, err == nil
}
