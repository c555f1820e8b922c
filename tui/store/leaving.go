package store

import (
	"maps"
	"slices"

	"pneu/maildir/index"
	"pneu/maildir/search"
	mail "pneu/maildir/store"
)

// leaving are messages on their way out of the folder, which have no row any more. A few are kept one by one; those
// that a command on many rows took out as it took them, so that nobody has to go through them all at once.
type leaving struct {
	few  map[int]bool // true: unread
	many []*batch
	turn int // of many: how often some came or were put back
}

// A batch is what one command took out.
type batch struct {
	uids   []mail.UID   // ascending; they do not change
	out    *search.Bits // of them, those that are still in the folder
	unread *search.Bits
	n      int // in out
	unseen int // in out and unread
}

// has reports whether message id is leaving.
func (l *leaving) has(id int) bool {
	if _, ok := l.few[id]; ok {
		return true
	}
	for _, b := range l.many {
		if b.has(id) {
			return true
		}
	}
	return false
}

func (b *batch) has(id int) bool {
	i, ok := slices.BinarySearch(b.uids, mail.UID(id))
	return ok && b.out.Has(i)
}

// len and unseen are how many are leaving, and how many of them are unread.
func (l *leaving) len() int {
	n := len(l.few)
	for _, b := range l.many {
		n += b.n
	}
	return n
}

func (l *leaving) unseen() int {
	n := 0
	for _, unread := range l.few {
		if unread {
			n++
		}
	}
	for _, b := range l.many {
		n += b.unseen
	}
	return n
}

// drop notes that message id is not leaving any more: it has left, or stays.
func (l *leaving) drop(id int) (was bool) {
	if _, ok := l.few[id]; ok {
		delete(l.few, id)
		return true
	}
	for k, b := range l.many {
		if i, ok := slices.BinarySearch(b.uids, mail.UID(id)); ok && b.out.Has(i) {
			b.out.Clear(i)
			b.n--
			if b.unread.Has(i) {
				b.unseen--
			}
			if b.n == 0 {
				l.many = slices.Delete(slices.Clone(l.many), k, k+1)
			}
			return true
		}
	}
	return false
}

// clone is what is leaving now, for somebody outside the loop.
func (l *leaving) clone() leaving {
	c := leaving{few: maps.Clone(l.few), turn: l.turn}
	for _, b := range l.many {
		same := *b
		same.out = b.out.Clone()
		c.many = append(c.many, &same)
	}
	return c
}

// rows returns the rows of a view that are leaving, nil for none.
func (l *leaving) rows(v *mail.View) *search.Bits {
	if l.len() == 0 {
		return nil
	}
	set := search.NewBits(v.Len())
	put := func(uid mail.UID) {
		if row, ok := v.Find(uid); ok {
			set.Set(row)
		}
	}
	for id := range l.few {
		put(mail.UID(id))
	}
	for _, b := range l.many {
		for i := range b.out.Rows() {
			put(b.uids[i])
		}
	}
	return set
}

// freeze returns the box as it is, for work outside the loop that asks which rows there are.
func (b *Box) freeze() *Box {
	return &Box{Serial: b.Serial, box: b.box, now: b.now, opt: b.opt, order: b.order, hidden: b.hidden.clone(), folds: b.folds.clone()}
}

// A Picked is what a command on many rows is about.
type Picked struct {
	IDs   []int       // all messages of the rows, ascending
	Flags index.Flags // that all of them have
	view  *mail.View
	turn  int
	was   *order
	rest  *order // was without them; nil: they do not leave
	batch *batch
}

// Pick returns a function that finds the messages of the rows that show some messages. If they are to leave, it makes
// the order of what remains too. It is run outside the loop.
func (b *Box) Pick(shown map[int]bool, leave bool) func() *Picked {
	f := b.freeze()
	return func() *Picked {
		o := f.order
		rows := search.NewBits(o.view.Len())
		for id := range shown {
			k := f.convOf(id)
			switch {
			case k < 0:
			case o.threads && f.folds.opened(k):
				if !f.Gone(id) {
					row, _ := o.view.Find(mail.UID(id))
					rows.Set(row)
				}
			default:
				from, n := o.span(k)
				for at := from; at < from+n; at++ {
					if row := int(o.spot(at).Row); !rows.Has(row) && (!f.changed() || !f.Gone(int(o.uid(at)))) {
						rows.Set(row)
					}
				}
			}
		}
		p := &Picked{view: f.now, turn: f.hidden.turn, was: o, IDs: make([]int, 0, rows.Count()), Flags: ^index.Flags(0)}
		unread := search.NewBits(rows.Count())
		for row := range rows.Rows() {
			id := int(o.view.Index().UID(row))
			flags := f.Flags(id)
			if !flags.Has(index.Seen) {
				unread.Set(len(p.IDs))
			}
			p.IDs, p.Flags = append(p.IDs, id), p.Flags&flags
		}
		if !leave || o.base > 0 { // the rest of an order that is being made has no places
			return p
		}
		p.batch = &batch{uids: UIDs(p.IDs), out: search.NewBits(len(p.IDs)), unread: unread, n: len(p.IDs), unseen: unread.Count()}
		p.batch.out.SetRange(0, len(p.IDs))
		rows.Not()
		if out := f.hidden.rows(o.view); out != nil {
			rows.AndNot(out)
		}
		p.rest = o.with(rows, f.opt).close()
		return p
	}
}

// RemovePicked takes messages out of the rows: they are about to leave the folder.
func (b *Box) RemovePicked(p *Picked) {
	if p.rest == nil || p.was != b.order || p.turn != b.hidden.turn { // another order came meanwhile
		b.Remove(p.IDs...)
		return
	}
	for id := range b.hidden.few {
		if p.batch.has(id) {
			delete(b.hidden.few, id)
		}
	}
	b.hidden.many = append(slices.Clone(b.hidden.many), p.batch)
	b.hidden.turn++
	if p.view != b.now {
		for _, uid := range b.now.Since(p.view).Gone {
			b.hidden.drop(int(uid))
		}
	}
	b.use(p.rest)
}

// PickFound returns a function that finds the rows that show messages of a limit, each by the message that names it,
// and how many messages these are. It is run outside the loop.
func (b *Box) PickFound(l Limit) func() (rows map[int]bool, n int) {
	f := b.freeze()
	return func() (map[int]bool, int) {
		shown, n := make(map[int]bool), 0
		for id := range l.IDs() {
			if i := (rows{f}).Find(id); i >= 0 {
				shown[rows{f}.ID(i)] = true
				n++
			}
		}
		return shown, n
	}
}

// PickRows returns a function that finds what names the rows from to to. It is run outside the loop.
func (b *Box) PickRows(from, to int) func() map[int]bool {
	f := b.freeze()
	return func() map[int]bool {
		shown := make(map[int]bool, to-from)
		for i := from; i < to; i++ {
			if id := (rows{f}).ID(i); id >= 0 {
				shown[id] = true
			}
		}
		return shown
	}
}
