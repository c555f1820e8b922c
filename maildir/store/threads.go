package store

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"pneu/maildir/digest"
	"pneu/maildir/thread"
)

// Threads returns all rows by conversation, in the given order of those: what [thread.Build]
// makes of the folder.
//
// The box keeps them, and brings them up to date with what came and went. Of a large folder
// they are kept in the file pneu.threads too, which may be deleted at any time.
func (v *View) Threads(ctx context.Context, order thread.Order) (*thread.Tree, error) {
	val, err := v.once(fmt.Sprint("threads ", order), func() (any, error) { return v.box.trees.tree(ctx, v, order) })
	if err != nil {
		return nil, err
	}
	return val.(*thread.Tree), nil
}

// Facts returns what threading wants to know of all rows. With that of other folders they are
// threaded together by [thread.Join]. It is taken from what Threads keeps, if that is there.
func (v *View) Facts(ctx context.Context) (*thread.Facts, error) { return v.box.trees.facts(ctx, v) }

// trees are a box's threads.
type trees struct {
	mu      sync.Mutex
	f       *thread.Forest
	mapped  []byte // what f was loaded from
	unsaved int    // changes since
}

// Of folders smaller than this threads are made anew by each process: it takes less time
// than a file would save.
const threadsKept = 256

// threadsFile is where they are kept.
const threadsFile = "pneu.threads"

func (t *trees) tree(ctx context.Context, v *View, order thread.Order) (tree *thread.Tree, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	err = t.use(ctx, v, func(f *thread.Forest) error {
		tree = f.Tree(order)
		return nil
	})
	return tree, err
}

// facts returns those of all rows.
func (t *trees) facts(ctx context.Context, v *View) (x *thread.Facts, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.f == nil {
		t.load(v)
	}
	if t.f.Len() == 0 && (v.box.s.opt.ReadOnly || !v.kept()) { // nobody would use what is made on the way
		list, err := v.facts(ctx, 0, v.Len())
		if err != nil {
			return nil, err
		}
		return thread.NewFacts(list), nil
	}
	err = t.use(ctx, v, func(f *thread.Forest) error {
		x, err = f.Facts()
		return err
	})
	return x, err
}

// use calls do with the threads of the view. Where a file of them proves to be damaged, which
// do may say with thread.ErrFile, they are made anew.
func (t *trees) use(ctx context.Context, v *View, do func(f *thread.Forest) error) error {
	err := t.try(ctx, v, do)
	if errors.Is(err, errTrees) { // the file: without it
		v.box.say("threads are made anew", err)
		t.drop()
		if !v.box.s.opt.ReadOnly {
			os.Remove(filepath.Join(v.box.f.Path(), threadsFile))
		}
		t.f = thread.NewForest(thread.Options{})
		err = t.try(ctx, v, do)
	}
	return err
}

// errTrees: what was loaded has a good checksum and makes no sense, or the disk failed.
var errTrees = errors.New("pneu.threads is damaged")

func (t *trees) try(ctx context.Context, v *View, do func(f *thread.Forest) error) error {
	if t.f == nil {
		t.load(v)
	}
	if t.mapped == nil {
		return t.bring(ctx, v, do)
	}
	return t.guard(func() error { return t.bring(ctx, v, do) })
}

// guard calls fn, which uses what was mapped, and returns errTrees if that is to blame.
func (t *trees) guard(fn func() error) (err error) {
	fault := debug.SetPanicOnFault(true)
	defer func() {
		debug.SetPanicOnFault(fault)
		p := recover()
		switch {
		case p != nil && t.mapped == nil:
			panic(p)
		case p != nil:
			err = fmt.Errorf("%w: %v", errTrees, p)
		case errors.Is(err, thread.ErrFile):
			err = fmt.Errorf("%w: %w", errTrees, err)
		}
	}()
	return fn()
}

// bring brings the threads up to date with the view, and calls do with them.
func (t *trees) bring(ctx context.Context, v *View, do func(f *thread.Forest) error) error {
	uids := v.ix.AllUIDs(make([]UID, 0, v.Len()))
	add, remove, ok := differ(t.f.Keys(), uids)
	if !ok { // an old view, or a file of another history
		f := thread.NewForest(thread.Options{})
		facts, err := v.facts(ctx, 0, v.Len())
		if err == nil {
			err = f.Update(facts, nil)
		}
		if err != nil {
			return err
		}
		if v.ix == v.box.x.View() {
			t.drop()
			t.f, t.unsaved = f, v.Len()
			t.save(v)
		}
		return do(f)
	}
	if add < len(uids) || len(remove) > 0 {
		facts, err := v.facts(ctx, add, len(uids))
		if err == nil {
			err = t.f.Update(facts, remove)
		}
		if err != nil {
			return err
		}
		t.unsaved += len(facts) + len(remove)
		t.save(v)
	}
	return do(t.f)
}

// differ returns what leads from keys to uids: the keys to remove, and from where on uids are
// to be added. It is false if that does not do.
func differ(keys []uint32, uids []UID) (add int, remove []uint32, ok bool) {
	for _, k := range keys {
		switch {
		case add < len(uids) && uint32(uids[add]) < k:
			return 0, nil, false
		case add < len(uids) && uint32(uids[add]) == k:
			add++
		default:
			remove = append(remove, k)
		}
	}
	return add, remove, true
}

// facts are what threading wants to know of the rows from to to.
func (v *View) facts(ctx context.Context, from, to int) ([]thread.Fact, error) {
	facts := make([]thread.Fact, to-from)
	err := parallel(ctx, len(facts), func(i int) {
		r := v.Row(from + i)
		r.peek(func(d digest.Digest) { facts[i] = factOf(r, d) })
	})
	return facts, err
}

func factOf(r Row, d digest.Digest) thread.Fact {
	f := thread.Fact{Key: uint32(r.UID()), ID: thread.HashBytes(d.MessageIDBytes()), Subject: d.BaseSubject(), Reply: d.Class()&digest.Reply != 0}
	if d.Truncated() {
		sum := r.summary(d)
		f.ID = thread.Hash(sum.MessageID)
		for _, id := range sum.References {
			f.Refs = append(f.Refs, thread.Hash(id))
		}
	} else {
		for id := range d.ReferencesBytes() {
			f.Refs = append(f.Refs, thread.HashBytes(id))
		}
	}
	if at, ok := d.Sent(); ok {
		f.Date = at
	} else {
		f.Date = r.v.ix.Received(r.n)
	}
	return f
}

// mark binds the file to the folder as it is numbered.
func (v *View) mark() []byte {
	st := v.State()
	return binary.BigEndian.AppendUint32(append([]byte{digest.Version}, st.GUID[:]...), st.UIDValidity)
}

// kept reports whether a file of threads is used.
func (v *View) kept() bool {
	return v.Len() >= v.box.s.keepThreads && v.State().Sticky && !v.box.s.opt.NoIndex
}

func (t *trees) load(v *View) {
	if v.kept() {
		if b, err := mapFile(filepath.Join(v.box.f.Path(), threadsFile)); err == nil && t.take(b, v.mark()) == nil {
			return
		}
	}
	t.f = thread.NewForest(thread.Options{})
}

// take loads the threads from a file that was mapped. It may be cut off, or the disk fail, while
// it is read.
func (t *trees) take(b, mark []byte) error {
	t.mapped = b
	err := t.guard(func() (err error) {
		t.f, err = thread.Load(b, mark)
		return err
	})
	if err != nil {
		t.drop()
		return err
	}
	t.unsaved = 0
	return nil
}

// save writes the file, if enough has changed to be worth it.
func (t *trees) save(v *View) {
	if t.unsaved < min(500, v.box.s.keepThreads)+v.Len()/200 || !v.kept() || v.box.s.opt.ReadOnly {
		return
	}
	if err := replace(filepath.Join(v.box.f.Path(), threadsFile), t.f.Save(nil, v.mark())); err != nil {
		v.box.s.opt.Log.Info("threads not kept", "folder", v.box.f.Name(), "err", err)
	}
	t.unsaved = 0
}

// drop lets go of the forest. Trees made of it stay.
func (t *trees) drop() {
	t.f = nil
	if t.mapped != nil {
		unmap(t.mapped)
		t.mapped = nil
	}
}

// replace writes a file that can be rebuilt: whole under its name, or not at all. It is not
// synced; what a power cut leaves of it fails its checksum.
func replace(path string, b []byte) error {
	temp := path + ".tmp"
	w, err := os.OpenFile(temp, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, fs.ErrExist) { // another process is at it, or died
		if st, serr := os.Lstat(temp); serr == nil && time.Since(st.ModTime()) > time.Minute {
			os.Remove(temp)
		}
		return err
	}
	if err != nil {
		return err
	}
	adopt(w)
	_, err = w.Write(b)
	if err = errors.Join(err, w.Close()); err == nil {
		err = os.Rename(temp, path)
	}
	if err != nil {
		os.Remove(temp)
	}
	return err
}

// adopt gives a file that root makes in another's folder to the folder's owner.
func adopt(f *os.File) {
	if os.Geteuid() != 0 {
		return
	}
	var st unix.Stat_t
	if unix.Stat(filepath.Dir(f.Name()), &st) == nil && (st.Uid != 0 || st.Gid != 0) {
		f.Chown(int(st.Uid), int(st.Gid))
	}
}

// Fact returns what threading wants to know of the message. Its key is the UID.
func (r Row) Fact() (f thread.Fact) {
	r.peek(func(d digest.Digest) { f = factOf(r, d) })
	return f
}
