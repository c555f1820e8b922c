package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

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

// RenameFolder gives a folder and those below it another name (RFC 9051, 6.3.6). With it go UIDs,
// UIDVALIDITY, the GUID (the MAILBOXID of RFC 8474), keywords and annotations. Boxes of them that
// are open end. [maildir.ErrNoFolder], [maildir.ErrExists], or [maildir.ErrName], as for INBOX:
// what a server does of that is to make a folder and to move the messages.
func (s *Store) RenameFolder(from, to string) error {
	if s.opt.ReadOnly {
		return fs.ErrPermission
	}
	f, err := s.tree.Folder(from)
	if err != nil {
		return err
	}
	outlive := s.outlive(f)
	// Boxes end afterwards: what fails must not take them from those who use them.
	if err := s.tree.RenameFolder(from, to); err != nil {
		return err
	}
	defer outlive()
	return s.end(func(name string) bool { return name == f.Name() || strings.HasPrefix(name, f.Name()+"/") })
}

// RemoveFolder removes a folder without messages: see [maildir.Store.RemoveFolder]. A Box of it
// that is open ends. [maildir.ErrNotEmpty] if there is anything in it.
func (s *Store) RemoveFolder(name string) error {
	if s.opt.ReadOnly {
		return fs.ErrPermission
	}
	f, err := s.tree.Folder(name)
	if err != nil {
		return err
	}
	c, err := f.Count()
	if err != nil {
		return err
	}
	if c.Total > 0 {
		return fmt.Errorf("folder %q: %w", name, maildir.ErrNotEmpty)
	}
	return s.remove(f, s.tree.RemoveFolder)
}

// DeleteFolder removes a folder with its messages, for good (RFC 9051, 6.3.5). Those below it stay.
// A Box of it that is open ends. A message that comes in meanwhile is not lost: then the folder
// stays, with [maildir.ErrNotEmpty], as it does with folders below it in its directory (where
// folders are not those of Maildir++), with files of the user's, and if it is INBOX.
func (s *Store) DeleteFolder(ctx context.Context, name string) error {
	if s.opt.ReadOnly {
		return fs.ErrPermission
	}
	f, err := s.tree.Folder(name)
	if err != nil {
		return err
	}
	if err := s.deletable(f); err != nil {
		return err
	}
	b, err := s.BoxOf(f)
	if err != nil {
		return err
	}
	defer b.Close()
	v, err := b.Sync(ctx)
	if err != nil {
		return err
	}
	if _, err := b.Expunge(ctx, v.ix.AllUIDs(nil)); err != nil {
		return err
	}
	return s.remove(f, s.tree.DeleteFolder)
}

// remove removes a folder that holds no messages.
func (s *Store) remove(f *maildir.Folder, how func(name string) error) error {
	outlive := s.outlive(f)
	// An open index would write files while they are removed.
	if err := s.end(func(name string) bool { return name == f.Name() }); err != nil {
		return err
	}
	if err := how(f.Name()); err != nil {
		return err
	}
	outlive()
	return nil
}

// deletable looks before messages are gone whether the folder could go as well.
func (s *Store) deletable(f *maildir.Folder) error {
	list, err := os.ReadDir(f.Path())
	if err != nil {
		return err
	}
	for _, d := range list {
		if n := d.Name(); f.Name() == "INBOX" || d.IsDir() && n != "cur" && n != "new" && n != "tmp" {
			return fmt.Errorf("folder %q: %w", f.Name(), maildir.ErrNotEmpty)
		}
	}
	return nil
}

// outlive returns what waits until a folder that takes this one's name will get another UIDVALIDITY,
// which is the second it is first used in. Only a folder of this second has to be waited for.
func (s *Store) outlive(f *maildir.Folder) (wait func()) {
	st, err := index.ReadState(f.Path())
	return func() {
		if now := s.opt.Now(); err == nil && int64(st.UIDValidity) == now.Unix() {
			time.Sleep(now.Truncate(time.Second).Add(time.Second).Sub(now))
		}
	}
}

// Usage sums up what all folders hold, by their counters: see [Store.Status] for what that costs.
// What they may hold is [maildir.Store.Quota]'s to say.
func (s *Store) Usage(ctx context.Context) (maildir.Usage, error) {
	folders, err := s.tree.Folders()
	if err != nil {
		return maildir.Usage{}, err
	}
	var u maildir.Usage
	states, errs := s.StatusAll(ctx, folders)
	for _, st := range states {
		u.Bytes += st.Bytes
		u.Messages += st.Total
	}
	return u, errors.Join(errs...)
}

// end closes the open boxes of some folders.
func (s *Store) end(which func(name string) bool) error {
	s.mu.Lock()
	var boxes []*Box
	for dir, b := range s.boxes {
		if which(b.f.Name()) {
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
// none. Folders that have one GUID are told to the log.
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
	s.sayTwins(folders, states)
	return states, errs
}

// sayTwins tells the log of folders that were copied with their indexes: they share the GUID, which
// is to be one folder's alone (RFC 8474, 4). Which of them is the copy nobody knows but who made it:
// inodes change for a backup that is put back as well, and that must keep its UIDs.
func (s *Store) sayTwins(folders []*maildir.Folder, states []State) {
	first := make(map[[16]byte]*maildir.Folder, len(folders))
	for i, st := range states {
		if st.GUID == ([16]byte{}) || !st.Sticky {
			continue
		}
		one, twice := first[st.GUID]
		if !twice {
			first[st.GUID] = folders[i]
			continue
		}
		a, err := os.Stat(one.Path())
		if err != nil {
			continue
		}
		if b, err := os.Stat(folders[i].Path()); err != nil || os.SameFile(a, b) {
			continue
		}
		if _, said := s.said.LoadOrStore(folders[i].Path()+"\x00twin", true); !said {
			s.opt.Log.Warn("one of two folders is a copy with the other's GUID and UIDs: remove pneu.* from it", "folder", folders[i].Name(), "other", one.Name())
		}
	}
}

// Subscribe subscribes to a folder, or ends that. The folder need not exist.
func (s *Store) Subscribe(name string, on bool) error {
	if s.opt.ReadOnly {
		return fs.ErrPermission
	}
	return s.tree.Subscribe(name, on)
}
