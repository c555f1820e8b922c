package store

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"strings"

	"pneu/maildir"
	"pneu/maildir/index"
)

// A Folder is a folder in the tree.
type Folder struct {
	*maildir.Folder
	// Role is Drafts, Sent, Trash, Archive or Junk (RFC 6154), or "".
	Role string
	// Subscribed as mail readers mean it (RFC 9051, 6.3.7).
	Subscribed bool
}

// Folders lists the folders: INBOX first, the rest by name.
func (s *Store) Folders() ([]Folder, error) {
	list, err := s.tree.Folders()
	if err != nil {
		return nil, err
	}
	subscribed, err := s.tree.Subscriptions()
	if err != nil {
		s.opt.Log.Warn("subscriptions not read", "err", err)
	}
	sub := make(map[string]bool, len(subscribed))
	for _, name := range subscribed {
		sub[name] = true
	}
	role := maildir.Roles(list)
	out := make([]Folder, len(list))
	for i, f := range list {
		out[i] = Folder{Folder: f, Role: role[f.Name()], Subscribed: sub[f.Name()]}
	}
	return out, nil
}

// CreateFolder makes a folder, if it is missing.
func (s *Store) CreateFolder(name string) (*maildir.Folder, error) {
	if s.opt.ReadOnly {
		return nil, fs.ErrPermission
	}
	return s.tree.CreateFolder(name)
}

// RenameFolder gives a folder and those below it another name. Boxes of them that are open end.
func (s *Store) RenameFolder(from, to string) error {
	if s.opt.ReadOnly {
		return fs.ErrPermission
	}
	if err := s.end(from); err != nil {
		return err
	}
	return s.tree.RenameFolder(from, to)
}

// RemoveFolder removes a folder without messages: see [maildir.Store.RemoveFolder].
func (s *Store) RemoveFolder(name string) error {
	if s.opt.ReadOnly {
		return fs.ErrPermission
	}
	if err := s.end(name); err != nil {
		return err
	}
	return s.tree.RemoveFolder(name)
}

// end closes the open boxes of a folder and of those below it.
func (s *Store) end(name string) error {
	s.mu.Lock()
	var boxes []*Box
	for dir, b := range s.boxes {
		if b.f.Name() == name || strings.HasPrefix(b.f.Name(), name+"/") {
			boxes = append(boxes, b)
			delete(s.boxes, dir)
		}
	}
	s.mu.Unlock()
	var err error
	for _, b := range boxes {
		err = errors.Join(err, b.shut())
	}
	return err
}

// Status returns a folder's counters. If nothing has changed since its index was written,
// that costs two stats and one read, however large the folder is.
func (s *Store) Status(ctx context.Context, f *maildir.Folder) (State, error) {
	if !s.opt.NoIndex {
		s.mu.Lock()
		open := s.boxes[f.Path()]
		s.mu.Unlock()
		if open == nil {
			if st, err := index.ReadState(f.Path()); err == nil && unchanged(f, st.Dir, s.opt.Safe) {
				return st, nil
			}
		}
	}
	b, err := s.BoxOf(f)
	if err != nil {
		return State{}, err
	}
	defer b.Close()
	v, err := b.Sync(ctx)
	if err != nil {
		return State{}, err
	}
	return v.State(), nil
}

// unchanged reports whether the directories are as they were at the last scan.
func unchanged(f *maildir.Folder, d index.DirState, safe bool) bool {
	if d.Scanned == 0 || !d.NewSettled || !d.CurSettled {
		return false
	}
	for _, isNew := range []bool{true, false} {
		sub, want := "/cur", d.Cur
		if isNew {
			sub, want = "/new", d.New
		}
		if safe { // opened anew: a mere stat is answered from the client's memory
			if at, err := f.Stamp(isNew); err != nil || int64(at) != want {
				return false
			}
			continue
		}
		st, err := os.Stat(f.Path() + sub)
		if err != nil || st.ModTime().UnixNano() != want {
			return false
		}
	}
	return true
}

// StatusAll returns the counters of many folders; errs has, at the same place, why there are
// none.
func (s *Store) StatusAll(ctx context.Context, folders []*maildir.Folder) (states []State, errs []error) {
	states, errs = make([]State, len(folders)), make([]error, len(folders))
	if err := parallelBy(ctx, len(folders), 8, func(i int) {
		states[i], errs[i] = s.Status(ctx, folders[i])
	}); err != nil {
		for i := range errs {
			if errs[i] == nil && states[i] == (State{}) {
				errs[i] = err
			}
		}
	}
	return states, errs
}

// Subscribe subscribes to a folder, or ends that. The folder need not exist.
func (s *Store) Subscribe(name string, on bool) error {
	if s.opt.ReadOnly {
		return fs.ErrPermission
	}
	return s.tree.Subscribe(name, on)
}
