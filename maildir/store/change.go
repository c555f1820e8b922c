package store

import (
	"context"
	"time"

	"pneu/maildir"
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

// settle is how long Watch waits for more of the same burst.
const settle = 5 * time.Millisecond

// Watch tells changes by whomever until ctx ends; then the channel is closed. The first
// Change is from the view that Sync returns now to the first one that differs; each goes on
// from the one before. Changes that come while nobody reads become one.
func (b *Box) Watch(ctx context.Context) (<-chan Change, error) {
	events, err := maildir.Watch(ctx, b.f)
	if err != nil {
		return nil, err
	}
	last, err := b.Sync(ctx)
	if err != nil {
		return nil, err
	}
	out := make(chan Change)
	go func() {
		defer close(out)
		var pending Change
		var send chan Change
		var wait <-chan time.Time
		for {
			select {
			case <-ctx.Done():
				return
			case _, ok := <-events:
				if !ok {
					return
				}
				if wait == nil {
					wait = time.After(settle)
				}
			case <-wait:
				wait = nil
				v, err := b.Sync(ctx)
				if err != nil {
					if ctx.Err() == nil {
						b.s.opt.Log.Warn("watch", "folder", b.f.Name(), "err", err)
					}
					continue
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
