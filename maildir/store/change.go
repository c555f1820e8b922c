package store

import (
	"context"
	"sync"

	"pneu/maildir/index"
)

// A Change is what befell a folder between two views of it. UIDs ascend.
type Change struct {
	From, To *View
	Added    []UID
	Changed  []UID // flags, keywords or the file's name
	Gone     []UID
	// Reset: the UIDs of From mean nothing in To (its UIDVALIDITY changed). All of To is in
	// Added, all of From in Gone.
	Reset bool
}

// Empty reports whether nothing changed.
func (c Change) Empty() bool { return len(c.Added)+len(c.Changed)+len(c.Gone) == 0 && !c.Reset }

// Since returns what happened since old, an earlier view of the same folder.
func (v *View) Since(old *View) Change {
	c := Change{From: old, To: v}
	if old == v || old.ix == v.ix {
		return c
	}
	was, is := old.State(), v.State()
	if was.UIDValidity != is.UIDValidity || was.GUID != is.GUID {
		c.Reset = true
		c.Gone, c.Added = old.ix.AllUIDs(nil), v.ix.AllUIDs(nil)
		return c
	}
	// What came is behind what was there.
	from, _ := v.ix.Find(was.UIDNext)
	for n := from; n < v.Len(); n++ {
		c.Added = append(c.Added, v.ix.UID(n))
	}
	for _, n := range v.ix.Changed(was.HighestModSeq) {
		if n < from {
			c.Changed = append(c.Changed, v.ix.UID(n))
		}
	}
	if gone := old.Len() - from; gone > 0 {
		if ranges, known := v.ix.Vanished(was.HighestModSeq); known {
			for _, r := range ranges {
				for n, _ := old.ix.Find(r.Lo); n < old.Len() && old.ix.UID(n) <= r.Hi; n++ {
					c.Gone = append(c.Gone, old.ix.UID(n))
				}
			}
		} else {
			n := 0
			for o := range old.Len() {
				uid := old.ix.UID(o)
				for n < from && v.ix.UID(n) < uid {
					n++
				}
				if n == from || v.ix.UID(n) != uid {
					c.Gone = append(c.Gone, uid)
				}
			}
		}
	}
	return c
}

// Watch tells changes by whomever until ctx ends, or the box is closed; then the channel is closed. The first
// Change is from the view that Sync returns at this moment to the first one that differs; each
// goes on from the one before. Changes that come while nobody reads become one.
//
// While anyone watches, a Sync after changes by other programs costs what those are, not what
// the folder is.
func (b *Box) Watch(ctx context.Context) (<-chan Change, error) {
	views, last, err := b.watch.join(ctx, b)
	if err != nil {
		return nil, err
	}
	out := make(chan Change)
	go func() {
		defer close(out)
		defer b.watch.leave(views)
		var pending Change
		var send chan Change
		for {
			select {
			case <-ctx.Done():
				return
			case v, ok := <-views:
				if !ok {
					return
				}
				if pending, send = v.Since(last), out; pending.Empty() {
					send = nil
				}
			case send <- pending:
				last, send = pending.To, nil
			}
		}
	}()
	return out, nil
}

// watch shares one watch of the index among all of a box.
type watch struct {
	mu   sync.Mutex
	all  map[chan *View]bool
	stop context.CancelFunc
	done chan struct{} // closed when the one that was stopped has ended
}

// join returns a channel of views, the newest only, and the one they go on from.
func (w *watch) join(ctx context.Context, b *Box) (chan *View, *View, error) {
	w.mu.Lock()
	for len(w.all) == 0 && w.done != nil { // an index has one watch at a time
		done := w.done
		w.mu.Unlock()
		<-done
		w.mu.Lock()
		if w.done == done {
			w.done = nil
		}
	}
	defer w.mu.Unlock()
	if len(w.all) == 0 {
		own, stop := context.WithCancel(context.Background())
		views, err := b.x.Watch(own)
		if err != nil {
			stop()
			return nil, nil, err
		}
		w.all, w.stop, w.done = map[chan *View]bool{}, stop, make(chan struct{})
		go w.spread(b, views, w.done)
	}
	v, err := b.Sync(ctx)
	if err != nil {
		if len(w.all) == 0 {
			w.stop()
		}
		return nil, nil, err
	}
	c := make(chan *View, 1)
	w.all[c] = true
	return c, v, nil
}

func (w *watch) leave(c chan *View) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if delete(w.all, c); len(w.all) == 0 {
		w.stop()
	}
}

func (w *watch) spread(b *Box, views <-chan *index.View, done chan struct{}) {
	defer close(done)
	for ix := range views {
		v := b.wrap(ix)
		w.mu.Lock()
		for c := range w.all {
			select {
			case <-c: // an older one
			default:
			}
			c <- v
		}
		w.mu.Unlock()
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for c := range w.all {
		close(c)
	}
	w.all = nil
}

// end ends all watches: the box is closed.
func (w *watch) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.stop != nil {
		w.stop()
	}
}
