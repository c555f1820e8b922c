package maildir

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// RenameFolder gives a folder and those below it another name, with all that is in them.
// Folders above the new name are made. ErrExists if the name is taken; INBOX keeps its own.
func (s *Store) RenameFolder(from, to string) error {
	f, err := s.Folder(from)
	if err != nil {
		return err
	}
	from = f.name
	if to, err = cleanName(to); err != nil {
		return err
	}
	if from == inbox || to == inbox || strings.HasPrefix(to, from+"/") {
		return fmt.Errorf("rename folder %q to %q: %w", from, to, ErrName)
	}
	if _, err := s.Folder(to); err == nil {
		return fmt.Errorf("rename folder %q to %q: %w", from, to, ErrExists)
	} else if !errors.Is(err, ErrNoFolder) {
		return err
	}
	type step struct{ from, to string }
	var steps []step
	add := func(f *Folder, name string) error {
		rels, err := s.candidates(name)
		if err == nil {
			steps = append(steps, step{f.path, filepath.Join(s.root, rels[0])})
		}
		return err
	}
	if err := add(f, to); err != nil {
		return err
	}
	if s.Layout() == Plus { // else those below are within
		all, err := s.Folders()
		if err != nil {
			return err
		}
		for _, b := range all {
			if below, ok := strings.CutPrefix(b.name, from+"/"); ok {
				if err := add(b, to+"/"+below); err != nil {
					return err
				}
			}
		}
	}
	if i := strings.LastIndexByte(to, '/'); i >= 0 {
		if _, err := s.CreateFolder(to[:i]); err != nil {
			return err
		}
	}
	for i, st := range steps {
		if _, err = os.Lstat(st.to); err == nil {
			err = ErrExists
		} else {
			err = os.Rename(st.from, st.to)
		}
		if err != nil {
			for _, back := range steps[:i] { // all or none
				err = errors.Join(err, os.Rename(back.to, back.from))
			}
			return fmt.Errorf("rename folder %q to %q: %w", from, to, err)
		}
	}
	return errors.Join(s.files.SyncDir(filepath.Dir(steps[0].to)), s.files.SyncDir(filepath.Dir(steps[0].from)))
}
