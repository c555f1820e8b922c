package journal

import (
	"errors"
	"strings"

	"pneu/maildir"
)

// CreateFolder returns the folder of that name and makes it, with those above it, if it is
// missing. Undo removes those that were made and are empty then.
func (b *Batch) CreateFolder(s *maildir.Store, name string) (*maildir.Folder, error) {
	for i := 0; i <= len(name); i++ {
		if i < len(name) && name[i] != '/' {
			continue
		}
		above := name[:i]
		_, err := s.Folder(above)
		if err == nil {
			continue
		}
		if !errors.Is(err, maildir.ErrNoFolder) {
			return nil, err
		}
		f, err := s.CreateFolder(above)
		if err != nil {
			return nil, err
		}
		// Written down when it is done: what a crash leaves is an empty folder, and no
		// folder of another's is ever taken for ours.
		o := Op{Kind: "mkdir", Store: s.Root(), FromFolder: f.Name(), From: f.Path(), ToFolder: f.Name(), To: f.Path()}
		if err := b.note(o, func() error { return nil }); err != nil {
			unmake(o) // it could not be taken back
			return nil, err
		}
	}
	return s.Folder(name)
}

// unmake removes a folder that was made, unless something is in it by now.
func unmake(o Op) error {
	s, err := maildir.Open(o.Store)
	if err != nil {
		return err
	}
	err = s.RemoveFolder(o.ToFolder)
	if errors.Is(err, maildir.ErrNoFolder) || errors.Is(err, maildir.ErrNotEmpty) {
		return nil // it is used by now, or gone: neither is a fault
	}
	return err
}

// remake makes it again.
func remake(o Op) error {
	s, err := maildir.Open(o.Store)
	if err == nil {
		_, err = s.CreateFolder(strings.TrimSuffix(o.ToFolder, "/"))
	}
	return err
}
