package index

import (
	"context"
	"errors"
	"sync"
	"time"

	"pneu/maildir"
)

// A minder keeps the state of the directories known over changes of our own: it
// listens, sees that the state is still the one in the journal, lets the changes
// happen, and notes the state that they led to. What others do meanwhile is heard
// too and applied.
type minder struct {
	x       *Index
	t       *tx
	l       *listener // nil: nothing is known afterwards
	stirred bool
}

// mind begins one. The caller holds sync.mu.
func (x *Index) mind(t *tx) *minder {
	g := &minder{x: x, t: t}
	if x.sync.live != nil {
		x.sync.used = true
		if x.sync.sure {
			g.l = x.sync.live
		}
		return g
	}
	d := t.view().State().Dir
	if g.l = x.listenSure(d); g.l != nil {
		x.linger(g.l)
		x.sync.rested = x.now().UnixNano()-d.Scanned > int64(leaveEvery)
	}
	return g
}

// lingerTime is how long a listener stays after changes of ours. Changes come in numbers, and
// the kernel takes 5 to 20 ms to let go of a listener, in which it lets nothing else be done.
// It stays no longer because there are few listeners for a user.
const lingerTime = 250 * time.Millisecond

// linger keeps a listener of a view that is right. The caller holds sync.mu.
func (x *Index) linger(l *listener) {
	s := &x.sync
	s.live, s.sure, s.lingers, s.used = l, true, true, true
	var end func()
	end = func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.live != l || !s.lingers {
			return
		}
		if s.used {
			s.used = false
			time.AfterFunc(lingerTime, end)
			return
		}
		x.unlinger()
	}
	time.AfterFunc(lingerTime, end)
}

// leaveEvery is how long nothing may have been done to a folder for a listener to be left
// to the kernel: it is one of few until the kernel has come to it, and changes that
// follow one another, each made by a process of its own, would have all of them.
const leaveEvery = time.Second

// unlinger lets go of a listener that lingers. The caller holds sync.mu.
func (x *Index) unlinger() {
	x.sync.live.letGo()
	x.sync.live, x.sync.sure, x.sync.lingers = nil, false, false
}

// letGo is close for who does not wait for it.
func (l *listener) letGo() { go l.close() }

// listenSure returns a listener if d is what the directories are now; else nil.
func (x *Index) listenSure(d DirState) *listener {
	if x.remote() || d.Scanned == 0 || !d.NewSettled || !d.CurSettled {
		return nil
	}
	l, err := listen(x.f, false)
	if err != nil {
		return nil
	}
	s, err := x.stamps()
	if isNew, cur := d.agrees(s); err != nil || !isNew || !cur {
		l.letGo()
		return nil
	}
	return l
}

// end brings the index to what was heard, and notes the state.
func (g *minder) end(ctx context.Context) error {
	if g.l == nil {
		return nil
	}
	ev := touched{}
	g.t.heard = true
	after, quiet, err := g.x.quiet(g.l, ev, false)
	if errors.Is(err, errUnheard) {
		g.x.sync.sure = false
		return nil // the next Sync reads
	}
	if err != nil {
		return err
	}
	r := &reading{v: g.t.view(), stirred: g.stirred}
	r.all()
	r.overlay(ev, g.x.f)
	if err := g.x.apply(ctx, g.t, r, true); err != nil {
		return err
	}
	g.x.state(g.t, after, r, quiet)
	return nil
}

// doubt has the next Sync read the directories, whatever their times are. The caller
// holds sync.mu.
func (x *Index) doubt(t *tx) {
	x.sync.sure = false
	d := t.slot.st.Dir
	d.NewSettled, d.CurSettled = false, false
	t.dir(d)
}

// Observe returns an observer for stores whose folders have indexes: changes made
// through maildir directly become records instead of a reading of the directory
// later. Open returns the open index of a folder, nil if it has none; it is asked
// at every change.
func Observe(open func(*maildir.Folder) *Index) maildir.Observer {
	return &observer{open: open, at: map[*Index]*observed{}}
}

type observer struct {
	open func(*maildir.Folder) *Index
	mu   sync.Mutex
	at   map[*Index]*observed
}

// observed is an index whose folder is being changed.
type observed struct {
	depth int
	l     *listener
}

// Begin listens, if the index is right; what it returns applies what was heard.
// Neither waits: if another has the index, the next Sync reads the directory.
func (o *observer) Begin(f *maildir.Folder) (end func()) {
	x := o.open(f)
	if x == nil {
		return func() {}
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	w := o.at[x]
	if w == nil {
		w = &observed{}
		o.at[x] = w
		w.l = x.listenNow()
	}
	w.depth++
	return func() { o.end(x, w) }
}

func (o *observer) end(x *Index, w *observed) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if w.depth--; w.depth > 0 {
		return
	}
	delete(o.at, x)
	if w.l == nil {
		return
	}
	defer w.l.letGo()
	if !x.sync.mu.TryLock() {
		return
	}
	defer x.sync.mu.Unlock()
	t, err := x.tryBegin()
	if err != nil {
		return
	}
	defer t.end()
	if x.heard(context.Background(), t, w.l) == nil {
		t.commit()
	}
}
