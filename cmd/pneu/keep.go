package main

import (
	"os"
	"path/filepath"

	"pneu/maildir"
	"pneu/maildir/journal"
	"pneu/maildir/store"
)

// A keeper does for the journal what file names cannot hold: keywords, and the flags of
// many messages at once. It opens the tree of each message when it is met, for actions
// that are taken back may be of any.
type keeper struct {
	open   func(root string) (*store.Store, error) // nil: opened as opt says, and closed
	opt    store.Options
	stores map[string]*store.Store
	noted  map[string]*store.Noted
}

func (k *keeper) of(f *maildir.Folder) (*store.Noted, error) {
	root := f.Store().Root()
	if n := k.noted[root]; n != nil {
		return n, nil
	}
	if k.noted == nil {
		k.stores, k.noted = map[string]*store.Store{}, map[string]*store.Noted{}
	}
	if k.open != nil {
		s, err := k.open(root)
		if err != nil {
			return nil, err
		}
		k.noted[root] = s.Journal()
		return k.noted[root], nil
	}
	s, err := store.Open(root, k.opt)
	if err != nil {
		return nil, err
	}
	k.stores[root], k.noted[root] = s, s.Journal()
	return k.noted[root], nil
}

// Of returns the keywords of a message.
func (k *keeper) Of(f *maildir.Folder, e maildir.Entry) ([]string, error) {
	n, err := k.of(f)
	if err != nil {
		return nil, err
	}
	return n.Of(f, e)
}

// Change adds and removes keywords.
func (k *keeper) Change(f *maildir.Folder, e maildir.Entry, add, remove []string) (maildir.Entry, error) {
	n, err := k.of(f)
	if err != nil {
		return e, err
	}
	return n.Change(f, e, add, remove)
}

// Carry gives a message the keywords of another.
func (k *keeper) Carry(from *maildir.Folder, e maildir.Entry, to *maildir.Folder, as maildir.Entry) (maildir.Entry, error) {
	n, err := k.of(to)
	if err != nil {
		return as, err
	}
	return n.Carry(from, e, to, as)
}

// Number returns the number of a message, none where it has no index.
func (k *keeper) Number(f *maildir.Folder, e maildir.Entry) journal.Bulk {
	n, err := k.of(f)
	if err != nil {
		return journal.Bulk{}
	}
	return n.Number(f, e)
}

// Flag changes flags and keywords of many messages.
func (k *keeper) Flag(f *maildir.Folder, of journal.Bulk, bases []string, c journal.Change) ([]string, error) {
	n, err := k.of(f)
	if err != nil {
		return nil, err
	}
	return n.Flag(f, of, bases, c)
}

// Move moves many messages.
func (k *keeper) Move(from, to *maildir.Folder, list []journal.Moving) error {
	n, err := k.of(from)
	if err != nil {
		return err
	}
	return n.Move(from, to, list)
}

// Drop removes copies.
func (k *keeper) Drop(from, to *maildir.Folder, list []journal.Dropping) error {
	n, err := k.of(to)
	if err != nil {
		return err
	}
	return n.Drop(from, to, list)
}

func (k *keeper) close() error {
	var err error
	for _, s := range k.stores {
		if cerr := s.Close(); err == nil {
			err = cerr
		}
	}
	return err
}

// names looks up the keywords of a message, of which its file's name has letters at best. A
// folder without an index has no more, and gets none for being looked at.
func (t *tool) names(m *msg) {
	if m.f == nil || m.keywords != nil {
		return
	}
	if m.v != nil {
		m.keywords = m.row().Keywords()
		return
	}
	dir := m.f.Path()
	indexed, asked := t.indexed[dir]
	if !asked {
		_, err := os.Stat(filepath.Join(dir, "pneu.log"))
		indexed = err == nil
		if t.indexed == nil {
			t.indexed = map[string]bool{}
		}
		t.indexed[dir] = indexed
	}
	if !indexed {
		return
	}
	if words, err := t.reader().Of(m.f, m.e); err == nil { // else the letters will do
		m.keywords = words
	}
}

// reader returns what looks up keywords.
func (t *tool) reader() *keeper {
	if t.keeper == nil {
		t.keeper = &keeper{opt: store.Options{ReadOnly: true}}
	}
	return t.keeper
}

// journal opens the journal for changing messages; done is to be called at the end.
func (t *tool) journal() (j *journal.Journal, done func(), err error) {
	j, _, done, err = t.journalled()
	return j, done, err
}

// journalled also returns what does the changes to many messages.
func (t *tool) journalled() (j *journal.Journal, k *keeper, done func(), err error) {
	if j, err = openJournal(true); err != nil {
		return nil, nil, nil, err
	}
	k = &keeper{}
	if !noIndex() { // else keywords need one all the same
		k.open = t.storeAt
	}
	j.UseKeywords(k)
	j.UseNumbers(k)
	j.UseMover(k)
	t.changes = k
	return j, k, func() {
		if err := k.close(); err != nil {
			t.note("%v", err)
		}
		j.Close()
	}, nil
}
