package store

import (
	"context"
	"io/fs"

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

// Status returns a folder's counters. If nothing has changed since its index was written,
// that costs two stats and one read, however large the folder is.
func (s *Store) Status(ctx context.Context, f *maildir.Folder) (State, error) {
	if !s.opt.NoIndex {
		s.mu.Lock()
		open := s.boxes[f.Path()]
		s.mu.Unlock()
		if open == nil {
			if st, err := index.ReadState(f.Path()); err == nil && unchanged(f, st.Dir) {
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
func unchanged(f *maildir.Folder, d index.DirState) bool {
	if d.Scanned == 0 || !d.NewSettled || !d.CurSettled {
		return false
	}
	n, err := f.Stamp(true)
	if err != nil || int64(n) != d.New {
		return false
	}
	c, err := f.Stamp(false)
	return err == nil && int64(c) == d.Cur
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
