package main

import (
	"errors"

	"pneu/maildir"
	"pneu/maildir/digest"
	"pneu/maildir/search"
	"pneu/maildir/store"
	"pneu/maildir/thread"
)

// A tract is all messages of some folders, numbered: those of the first folder in the order of
// its rows, then those of the second. It costs little to have many that nobody asks for.
type tract struct {
	t      *tool
	parts  []tractPart
	first  []int32 // number of the first message of each part, and the end
	facts  []*thread.Facts
	places realPlaces
}

// A tractPart is a folder.
type tractPart struct {
	b    *box
	v    *store.View
	list []ref // of one without index, and of what is in no folder (b is nil)
}

func (p *tractPart) len() int {
	if p.v != nil {
		return p.v.Len()
	}
	return len(p.list)
}

// tractOf returns all messages of the trees that the messages of a list are in, and those
// that are in none.
func (t *tool) tractOf(list []ref) (*tract, error) {
	var loose tractPart
	var parts []tractPart
	met := map[string]bool{}
	for i := range list {
		r := &list[i]
		if r.b == nil {
			loose.list = append(loose.list, *r)
			continue
		}
		s := r.b.f.Store()
		if s == nil || met[s.Root()] {
			continue
		}
		met[s.Root()] = true
		more, err := t.partsOf(s)
		if err != nil {
			return nil, err
		}
		parts = append(parts, more...)
	}
	return t.tract(append([]tractPart{loose}, parts...))
}

// partsOf returns the folders of a tree. One that cannot be read is told of, and left out.
func (t *tool) partsOf(s *maildir.Store) ([]tractPart, error) {
	folders, err := s.Folders()
	if err != nil {
		return nil, err
	}
	parts := make([]tractPart, 0, len(folders))
	for _, f := range folders {
		p := tractPart{b: t.boxOf(f)}
		if t.look(p.b, true) != nil {
			t.readAll(p.b)
			p.v = p.b.v
		} else if p.list, err = filesOf(p.b); err != nil {
			t.failFolder(f, err)
			continue
		}
		parts = append(parts, p)
	}
	return parts, nil
}

// filesOf returns the messages of a folder without its index.
func filesOf(b *box) ([]ref, error) {
	entries, err := b.f.List()
	list := make([]ref, len(entries))
	for i, e := range entries {
		list[i] = ref{path: b.f.File(e), b: b, m: &msg{path: b.f.File(e), f: b.f, e: e}}
	}
	return list, err
}

// tract numbers the messages of parts and finds out what threads them.
func (t *tool) tract(parts []tractPart) (*tract, error) {
	a := &tract{t: t, parts: parts, first: make([]int32, len(parts)+1), facts: make([]*thread.Facts, len(parts)), places: realPlaces{}}
	for i := range parts {
		a.first[i+1] = a.first[i] + int32(parts[i].len())
	}
	errs := make([]error, len(parts))
	inPiecesOf(1, len(parts), func(i int) { a.facts[i], errs[i] = parts[i].facts(t) })
	return a, errors.Join(errs...)
}

func (p *tractPart) facts(t *tool) (*thread.Facts, error) {
	if p.v != nil {
		return p.v.Facts(t.context())
	}
	facts := make([]thread.Fact, len(p.list))
	for i := range p.list {
		facts[i] = p.list[i].fact()
		facts[i].Key = uint32(i) + 1
	}
	return thread.NewFacts(facts), nil
}

func (a *tract) len() int { return int(a.first[len(a.parts)]) }

// ref returns a message by its number.
func (a *tract) ref(n int32) ref {
	lo, hi := 0, len(a.parts) // the last part that begins at n or before, and is not empty
	for hi-lo > 1 {
		if mid := (lo + hi) / 2; a.first[mid] <= n {
			lo = mid
		} else {
			hi = mid
		}
	}
	p := &a.parts[lo]
	n -= a.first[lo]
	if p.v == nil {
		return p.list[n]
	}
	r := ref{b: p.b, v: p.v, n: n}
	r.spell()
	return r
}

// mark sets the numbers of a list of messages, whichever way they were named.
func (a *tract) mark(list []ref) *search.Bits {
	set := search.NewBits(a.len())
	at := map[*box]int{}
	for i := range a.parts {
		if p := &a.parts[i]; p.b != nil {
			at[p.b] = i
		} else {
			set.SetRange(int(a.first[i]), int(a.first[i+1])) // it is here only if it was named
		}
	}
	names := map[string]map[string]bool{} // bases, by directory
	for i := range list {
		r := &list[i]
		if r.b == nil {
			continue
		}
		dir := a.places.dir(r.b.f)
		if k, ok := at[r.b]; ok && r.v != nil && r.v == a.parts[k].v && dir == r.b.f.Path() {
			set.Set(int(a.first[k] + r.n))
			continue
		}
		if names[dir] == nil {
			names[dir] = map[string]bool{}
		}
		names[dir][r.msg().e.Base()] = true
	}
	if len(names) == 0 {
		return set
	}
	for i := range a.parts {
		p := &a.parts[i]
		if p.b == nil {
			continue
		}
		asked := names[a.places.dir(p.b.f)]
		if p.v == nil {
			for n := range p.list {
				if asked[p.list[n].m.e.Base()] {
					set.Set(int(a.first[i]) + n)
				}
			}
			continue
		}
		for base := range asked {
			if row, ok := p.v.FindBase(base); ok {
				set.Set(int(a.first[i]) + row)
			}
		}
	}
	return set
}

// found sets the numbers of the messages that a query finds.
func (a *tract) found(q search.Query) (*search.Bits, error) {
	set := search.NewBits(a.len())
	rows, errs := make([]*search.Bits, len(a.parts)), make([]error, len(a.parts))
	for i := range a.parts {
		p := &a.parts[i]
		if p.v != nil && q.NeedsBody() {
			a.t.readTexts(p.b)
		}
		for n := range p.list {
			m := p.list[n].msg()
			if q.Match(m) {
				set.Set(int(a.first[i]) + n)
			}
			m.forget()
		}
	}
	inPiecesOf(1, len(a.parts), func(i int) {
		if v := a.parts[i].v; v != nil {
			rows[i], errs[i] = v.Query(a.t.context(), q)
		}
	})
	for i, found := range rows {
		if found != nil {
			for row := range found.Rows() {
				set.Set(int(a.first[i]) + row)
			}
		}
	}
	return set, errors.Join(errs...)
}

// withID sets the numbers of the messages that have a Message-ID.
func (a *tract) withID(id string) *search.Bits {
	set := search.NewBits(a.len())
	for i, x := range a.facts {
		for n := range x.With(thread.Hash(id)) {
			m := a.first[i] + int32(n)
			if a.id(m) == id {
				set.Set(int(m))
			}
		}
	}
	return set
}

// id returns a message's Message-ID.
func (a *tract) id(n int32) string {
	r := a.ref(n)
	if r.digested() {
		if d, err := digest.Decode(r.v.Index().Blob(int(r.n))); err == nil && !d.Truncated() {
			return string(d.MessageIDBytes())
		}
	}
	return r.summary().MessageID
}

// conversations calls fn with each conversation that has a message of the set.
func (a *tract) conversations(order thread.Order, set *search.Bits, fn func(spots []thread.Spot) error) error {
	tree := thread.Join(a.facts, thread.Options{Order: order})
	for _, th := range tree.Threads {
		spots := tree.Spots[th.From : th.From+th.N]
		for _, s := range spots {
			if set.Has(int(s.Row)) {
				if err := fn(spots); err != nil {
					return err
				}
				break
			}
		}
	}
	return nil
}

// emit prints messages of one conversation.
func (a *tract) emit(spots []thread.Spot) error {
	list, order := make([]ref, len(spots)), make([]knot, len(spots))
	for i, s := range spots {
		list[i], order[i] = a.ref(s.Row), knot{at: int32(i), depth: int(s.Depth)}
	}
	return a.t.emitKnots(list, order)
}
