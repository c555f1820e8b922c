package store

import (
	"slices"

	"pneu/maildir/index"
	mail "pneu/maildir/store"
)

// lateMost is how many messages may have left the folder while an order was made: their rows are counted in the loop.
const lateMost = 5000

// SetView takes an order that Arrange made. It reports false for one of another folder, or of what is not wanted any
// more.
func (b *Box) SetView(a Arranged) bool {
	if a.order == nil || a.Serial != b.Serial || a.query != b.limit.Query || a.opt.Threads != b.opt.Threads || a.opt.Oldest != b.opt.Oldest || a.opt.Sort != b.opt.Sort || a.turn != b.hidden.turn {
		return false
	}
	if a.order.view.Len()-b.now.Len() > lateMost { // they left while it was made
		return false
	}
	b.use(a.order)
	return true
}

// use shows another order.
func (b *Box) use(o *order) {
	was, folds := b.order, b.folds
	b.order = o
	open := folds.open && o.threads
	b.folds.reset(open)
	if was != nil && open == folds.open { // those that were unfolded stay so
		for k := range folds.turn {
			from, n := was.span(k)
			for at := from; at < from+n; at++ {
				if to := b.convOf(int(was.uid(at))); to >= 0 && !b.folds.turn[to] {
					b.folds.turn[to] = true
					b.recount(to)
					break
				}
			}
		}
	}
	b.recountLeaving()
	b.touch()
}

// recountLeaving counts the rows of conversations again that messages left or are about to leave.
func (b *Box) recountLeaving() {
	for id := range b.hidden.few {
		b.recount(b.convOf(id))
	}
	if b.order.base > 0 { // others are without what commands on many took out
		for _, many := range b.hidden.many {
			for i := range many.out.Rows() {
				b.recount(b.convOf(int(many.uids[i])))
			}
		}
	}
	if b.order.view != b.now {
		b.recountAll(b.now.Since(b.order.view).Gone)
	}
}

// Took says what Take found.
type Took struct {
	Rows  bool // there are messages that have no row yet
	Gone  bool // messages left that had a row
	News  int  // unread ones that came
	Reset bool // the folder is another one: it has to be opened again
}

// Take takes a newer state of the folder.
func (b *Box) Take(v *mail.View) Took {
	if !b.fresh(v) {
		return Took{}
	}
	return b.take(b.news(v))
}

// fresh reports whether v is a newer state of the folder than that which is known.
func (b *Box) fresh(v *mail.View) bool {
	if v == nil || v == b.now || v.Box() != b.box {
		return false
	}
	was, is := b.now.State(), v.State()
	return was.UIDValidity != is.UIDValidity || was.GUID != is.GUID || is.HighestModSeq >= was.HighestModSeq
}

// A News is what a newer state of the folder says.
type News struct {
	is, since *mail.View
	change    mail.Change
	unread    int    // messages that came
	was, rest *order // the order, and what is left of it; nil: the same
}

func (b *Box) news(v *mail.View) *News {
	n := &News{is: v, since: b.now, change: v.Since(b.now), was: b.order}
	if n.change.Reset {
		return n
	}
	for _, uid := range n.change.Added {
		if row, ok := v.Find(uid); ok && !v.Index().Flags(row).Has(index.Seen) {
			n.unread++
		}
	}
	return n
}

// News returns a function that finds out what a newer state says, and makes the order without what left. It is run
// outside the loop.
func (b *Box) News(v *mail.View) func() *News {
	f := b.freeze()
	return func() *News {
		if !f.fresh(v) {
			return nil
		}
		n := f.news(v)
		had := func(uid mail.UID) bool { return f.convOf(int(uid)) >= 0 }
		if !n.change.Reset && f.order.base == 0 && slices.ContainsFunc(n.change.Gone, had) {
			n.rest = f.order.in(v, f.opt)
		}
		return n
	}
}

// TakeNews takes what News found. It reports false if that is not about the order on the screen any more.
func (b *Box) TakeNews(n *News) (t Took, ok bool) {
	switch {
	case n == nil:
		return t, true
	case n.since != b.now || n.rest != nil && n.was != b.order:
		return t, false
	}
	return b.take(n), true
}

func (b *Box) take(n *News) (t Took) {
	if n.change.Reset {
		return Took{Reset: b.now.Len() > 0}
	}
	b.now = n.is
	t.News, t.Rows = n.unread, len(n.change.Added) > 0
	for _, uid := range n.change.Gone {
		b.hidden.drop(int(uid))
		delete(b.heads, int(uid))
	}
	if n.rest != nil {
		t.Gone = true
		b.use(n.rest)
		return t
	}
	t.Gone = b.recountAll(n.change.Gone)
	b.touch()
	return t
}

// Remove takes messages out of the rows: they are about to leave the folder.
func (b *Box) Remove(ids ...int) {
	convs := map[int]bool{}
	for _, id := range ids {
		if !b.Gone(id) {
			b.hidden.few[id] = b.Unseen(id)
			convs[b.convOf(id)] = true
		}
	}
	for k := range convs {
		b.recount(k)
	}
	b.touch()
}

// Restore puts messages back that Remove or RemovePicked took out and that did not leave. Those that are not in the
// order any more have a row with the next Arrange.
func (b *Box) Restore(ids ...int) {
	for _, id := range ids {
		if b.hidden.drop(id) {
			b.recount(b.convOf(id))
		}
	}
	if len(ids) > 0 {
		b.hidden.turn++ // an order that is being made is without them
	}
	b.touch()
}

// convOf returns the conversation a message is shown in, -1 for none.
func (b *Box) convOf(id int) int {
	if id < 0 {
		return -1
	}
	row, ok := b.order.view.Find(mail.UID(id))
	if !ok {
		return -1
	}
	return b.order.find(row)
}

// recount counts the rows of conversation k again.
func (b *Box) recount(k int) {
	if k < 0 {
		return
	}
	n := len(b.live(k, 0))
	if n > 1 && !b.folds.opened(k) {
		n = 1
	}
	b.folds.set(b.order, k, n)
}

// recountAll counts the rows of the conversations of some messages again, and reports whether there are any.
func (b *Box) recountAll(uids []mail.UID) (any bool) {
	seen := -1
	for _, uid := range uids {
		if k := b.convOf(int(uid)); k != seen {
			b.recount(k)
			seen, any = k, any || k >= 0
		}
	}
	return any
}

// Fold folds or unfolds the conversation of message id. It reports whether there was something to do.
func (b *Box) Fold(id int, open bool) bool {
	k := b.convOf(id)
	if k < 0 || !b.order.threads || b.folds.opened(k) == open || len(b.live(k, 2)) < 2 {
		return false
	}
	if open == b.folds.open {
		delete(b.folds.turn, k)
	} else {
		b.folds.turn[k] = true
	}
	b.recount(k)
	b.touch()
	return true
}

// FoldAll folds or unfolds all conversations.
func (b *Box) FoldAll(open bool) {
	if !b.order.threads {
		return
	}
	b.folds.reset(open)
	b.recountLeaving()
	b.touch()
}

// Unfolded reports whether the row of message id belongs to an unfolded conversation.
func (b *Box) Unfolded(id int) bool {
	k := b.convOf(id)
	return k >= 0 && b.order.threads && b.folds.opened(k) && len(b.live(k, 2)) > 1
}
