package store

import (
	"context"
	"errors"
	"sync"

	"golang.org/x/sys/unix"

	"pneu/maildir"
	"pneu/maildir/digest"
	"pneu/maildir/index"
)

// A Box is an open folder. Its methods may be called from several goroutines.
type Box struct {
	s *Store
	f *maildir.Folder
	x *index.Index

	without error // why the index on disk is not used; x is one in memory then

	users int // under s.mu

	mu   sync.Mutex
	last *View
	held held

	words text
	trees trees
	watch watch

	orders orders
}

// open opens the index. One that cannot be used is said once, and done without.
func (b *Box) open() error {
	opt := b.s.indexOptions()
	x, err := index.Open(b.f, opt)
	if errors.Is(err, unix.EMFILE) || errors.Is(err, unix.ENFILE) || errors.Is(err, unix.ENOMEM) {
		return err // it passes; who was shown UIDs must not be shown others meanwhile
	}
	if err != nil { // of a newer version, say: the files are there all the same
		b.say("folder is used without its index", err)
		b.without = err
		opt.Memory = true
		if x, err = index.Open(b.f, opt); err != nil {
			return err
		}
		b.x = x
		return nil
	}
	if err := x.Volatile(); err != nil && !b.s.opt.ReadOnly && !b.s.opt.NoIndex {
		b.say("index cannot be written", err)
	}
	b.x = x
	return nil
}

// say tells the log of something that is done without, once for each folder.
func (b *Box) say(what string, err error) { b.s.say(b.f, what, err) }

func (s *Store) say(f *maildir.Folder, what string, err error) {
	if _, said := s.said.LoadOrStore(f.Path()+"\x00"+what, true); !said {
		s.opt.Log.Warn(what, "folder", f.Name(), "err", err)
	}
}

// Close ends this use of the folder. Views stay usable.
func (b *Box) Close() error {
	b.s.mu.Lock()
	b.users--
	last := b.users == 0 && b.s.boxes[b.f.Path()] == b
	if last {
		delete(b.s.boxes, b.f.Path())
	}
	b.s.mu.Unlock()
	if !last {
		return nil
	}
	return b.shut()
}

func (b *Box) shut() error {
	b.watch.end()
	err := b.words.close()
	b.trees.mu.Lock()
	b.trees.drop()
	b.trees.mu.Unlock()
	return errors.Join(err, b.x.Close())
}

// Folder returns the files below.
func (b *Box) Folder() *maildir.Folder { return b.f }

// Name returns the folder's name.
func (b *Box) Name() string { return b.f.Name() }

// View returns the newest state this process knows. It makes no system call; right after
// opening it may be of yesterday, and Sync is what to call.
func (b *Box) View() *View { return b.wrap(b.x.View()) }

// Refresh returns the state with what other programs of ours have done.
func (b *Box) Refresh() (*View, error) {
	ix, err := b.x.Refresh()
	if err != nil {
		return nil, err
	}
	return b.wrap(ix), nil
}

// wrap returns the View of an index's view: the same one for the same, so that what was
// derived of it is kept.
func (b *Box) wrap(ix *index.View) *View {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.last != nil && b.last.ix == ix {
		return b.last
	}
	v := &View{box: b, ix: ix}
	if ix == b.x.View() { // not one that another goroutine has overtaken
		b.last = v
	}
	return v
}

// held are digests made of files because the index has none, the newest few.
type held struct {
	mu   sync.Mutex
	byID map[UID]digest.Digest
}

const heldMax = 4096

// digest makes the digest of a message that the index has none of.
func (b *Box) digest(uid UID, e maildir.Entry) (digest.Digest, error) {
	b.held.mu.Lock()
	d, ok := b.held.byID[uid]
	b.held.mu.Unlock()
	if ok {
		return d, nil
	}
	blob, err := b.x.DigestFile(e)
	if err != nil {
		return digest.Digest{}, err
	}
	if d, err = digest.Decode(blob); err != nil {
		return digest.Digest{}, err
	}
	b.held.mu.Lock()
	if b.held.byID == nil || len(b.held.byID) >= heldMax {
		b.held.byID = map[UID]digest.Digest{}
	}
	b.held.byID[uid] = d
	b.held.mu.Unlock()
	return d, nil
}

// Sync returns the state with what anyone has done to the files. Unchanged folders cost two
// stats, however large they are.
func (b *Box) Sync(ctx context.Context) (*View, error) {
	ix, err := b.x.Sync(ctx)
	if err != nil {
		return nil, err
	}
	return b.wrap(ix), nil
}
