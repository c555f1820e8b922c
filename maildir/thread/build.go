package thread

import (
	"cmp"
	"slices"

	"pneu/maildir/internal/radix"
)

// mails are what threading looks at, in numbers. Boxes hold a message, or the place of one that
// is missing: 0 to n-1 are those of the messages themselves, the others are named by a reference
// alone.
type mails struct {
	n, boxes int
	refs     []int32 // boxes referred to, oldest first: of message i those from off[i] to off[i+1]
	off      []int32
	sec      []int64
	nsec     []int32 // nil: all zero
	// subject returns a number for the base subject, 0 for an empty one, and whether it is a reply.
	subject func(i int) (base uint64, reply bool)
}

func (m *mails) refsOf(i int) []int32 { return m.refs[m.off[i]:m.off[i+1]] }

// A builder has a column for each thing that is to be known of a box: a folder's first threads
// are made of all its messages, and then memory is what costs time.
//
// From gather on, a child is always a message, for those of missing ones were handed up.
type builder struct {
	*mails
	parent []int32 // -1: none
	up     []int32 // union-find: some box nearer to the root of the same tree
	roots  []int32
	child  []int32 // the first child, -1: none. Those of bySubject's own boxes are behind
	next   []int32 // by message: the next child of its parent
	loose  []bool  // by message; nil: none is
	stack  []work  // of layOut, kept for the next tree
}

func newBuilder(m *mails) *builder {
	f := &builder{mails: m, parent: make([]int32, m.boxes), up: make([]int32, m.boxes)}
	for b := range f.parent {
		f.parent[b], f.up[b] = -1, int32(b)
	}
	return f
}

// missing reports whether a box holds no message.
func (f *builder) missing(b int32) bool { return int(b) >= f.n }

// find returns the root of b's tree. Links are only added, never cut, so paths can
// be shortened.
func (f *builder) find(b int32) int32 {
	up := f.up
	for up[b] != b {
		up[b] = up[up[b]]
		b = up[b]
	}
	return b
}

// join makes p the parent of c, unless c has one or it would close a loop.
func (f *builder) join(p, c int32) {
	if p == c || f.parent[c] >= 0 || f.find(p) == c {
		return
	}
	f.parent[c], f.up[c] = p, p
}

// link is step 1.
func (f *builder) link() {
	for i := range f.n { // what each says of itself
		r := f.refsOf(i)
		for k := len(r) - 1; k >= 0; k-- {
			if r[k] != int32(i) {
				f.join(r[k], int32(i))
				break
			}
		}
	}
	for i := range f.n { // what it says of its ancestors
		prev := int32(-1)
		for _, b := range f.refsOf(i) {
			if prev >= 0 {
				f.join(prev, b)
			}
			prev = b
		}
	}
}

// gather is steps 2 to 4: children hang from the nearest message above them, and
// those without one from the topmost missing message, if it has several.
func (f *builder) gather() {
	f.child = make([]int32, f.boxes, f.boxes+f.boxes/8)
	for b := range f.child {
		f.child[b] = -1
	}
	f.next = make([]int32, f.n)
	by := f.byDate()
	for k := len(by) - 1; k >= 0; k-- { // each goes before the younger ones
		i := by[k]
		p := f.parent[i]
		if p >= 0 {
			p = f.above(p)
			f.parent[i] = p
		}
		f.next[i] = -1
		if p >= 0 {
			f.next[i], f.child[p] = f.child[p], i
		}
	}
	for _, i := range by {
		switch p := f.parent[i]; {
		case p < 0:
			f.roots = append(f.roots, i)
		case !f.missing(p) || f.child[p] != i:
		case f.next[i] < 0: // an only child
			f.roots = append(f.roots, i)
		default:
			f.roots = append(f.roots, p)
		}
	}
}

// byDate returns the messages, the oldest first, and in the order of their places where that is
// the same.
func (f *builder) byDate() []int32 {
	by := make([]int32, f.n)
	for i := range by {
		by[i] = int32(i)
	}
	if f.nsec != nil {
		slices.SortFunc(by, f.compare)
	} else {
		radix.Sort(by, f.sec)
	}
	return by
}

// above returns the nearest box at or over b that holds a message, else the topmost one.
func (f *builder) above(b int32) int32 {
	top := b
	for f.missing(top) && f.parent[top] >= 0 {
		top = f.parent[top]
	}
	for f.missing(b) && f.parent[b] >= 0 && b != top { // who asks later goes there at once
		b, f.parent[b] = f.parent[b], top
	}
	return top
}

// head returns the message that speaks for a box: its own, or the first child.
func (f *builder) head(b int32) int32 {
	if f.missing(b) {
		return f.child[b]
	}
	return b
}

// compare orders messages by date, and by their place where that is the same.
func (f *builder) compare(a, b int32) int {
	if c := cmp.Compare(f.sec[a], f.sec[b]); c != 0 {
		return c
	}
	if f.nsec != nil {
		if c := cmp.Compare(f.nsec[a], f.nsec[b]); c != 0 {
			return c
		}
	}
	return cmp.Compare(a, b)
}

// A group are the roots that have one base subject.
type group struct {
	root  int32 // the one that the others are put below
	reply bool  // it is a message, and a reply
}

// bySubject is step 5.
func (f *builder) bySubject() {
	var (
		groups  = make([]group, 0, len(f.roots))
		bases   = make([]uint64, 0, len(f.roots))
		of      = make([]int32, len(f.roots)) // group, -1: none
		replies = make([]bool, len(f.roots))
		found   table
	)
	found.room(len(f.roots), nil)
	for i, r := range f.roots {
		base, re := f.subject(int(f.head(r)))
		if base == 0 {
			of[i] = -1
			continue
		}
		replies[i] = re
		missing := f.missing(r)
		g := found.find(base, bases)
		if g < 0 {
			g = int32(len(bases))
			groups, bases = append(groups, group{r, re && !missing}), append(bases, base)
			found.put(base, g, bases)
		} else if old := &groups[g]; !f.missing(old.root) && (missing || old.reply && !re) {
			*old = group{r, re && !missing}
		}
		of[i] = g
	}
	if len(groups) == len(f.roots) {
		return
	}
	var grown, made []int32
	gone := make([]bool, f.boxes)
	for i, r := range f.roots {
		if of[i] < 0 || groups[of[i]].root == r {
			continue
		}
		g := &groups[of[i]]
		switch {
		case f.missing(g.root) && f.missing(r):
			for c := f.child[r]; c >= 0; {
				next := f.next[c]
				f.put(g.root, c)
				c = next
			}
		case f.missing(g.root):
			f.put(g.root, r)
		case replies[i] && !g.reply:
			if f.loose == nil {
				f.loose = make([]bool, f.n)
			}
			f.loose[r] = true
			f.put(g.root, r)
		default:
			d := int32(len(f.child))
			f.child = append(f.child, -1)
			f.put(d, g.root)
			f.put(d, r)
			gone[g.root] = true
			*g = group{root: d}
			made = append(made, d)
		}
		gone[r] = true
		grown = append(grown, g.root)
	}
	f.roots = slices.DeleteFunc(f.roots, func(r int32) bool { return gone[r] })
	f.roots = append(f.roots, made...)
	slices.Sort(grown)
	for _, b := range slices.Compact(grown) {
		f.sort(b)
	}
}

// put makes a root the first child of a box.
func (f *builder) put(p, c int32) { f.next[c], f.child[p] = f.child[p], c }

// sort puts the children of a box in order.
func (f *builder) sort(b int32) {
	var kids []int32
	for c := f.child[b]; c >= 0; c = f.next[c] {
		kids = append(kids, c)
	}
	slices.Reverse(kids) // put has most the wrong way round
	slices.SortFunc(kids, f.compare)
	f.child[b] = -1
	for _, c := range slices.Backward(kids) {
		f.put(b, c)
	}
}

// A place is a message in a tree that is laid out.
type place struct {
	item, depth int32
	bits        Bits
}

// work are siblings still to be laid out, from one on.
type work struct {
	from, depth int32
	bits        Bits // Loose: all are; more: others follow the last
}

// more is a bit of work alone.
const more Bits = 1 << 15

// layOut appends the tree of a root to places, in display order, without recursion: a thread may
// be as deep as the folder is long.
func (f *builder) layOut(places []place, root int32) []place {
	stack := f.stack[:0]
	first := root
	var below Bits
	if f.missing(root) { // the oldest child stands in for the missing message
		first = f.child[root]
		if f.next[first] >= 0 {
			// Its own children come before its new siblings, which are last then.
			stack = append(stack, work{f.next[first], 1, Loose})
			below = more
		}
	}
	places = append(places, place{first, 0, Last})
	if c := f.child[first]; c >= 0 {
		stack = append(stack, work{c, 1, below})
	}
	for len(stack) > 0 {
		w := &stack[len(stack)-1]
		m, p := w.from, place{w.from, w.depth, w.bits & Loose}
		if f.loose != nil && f.loose[m] {
			p.bits |= Loose
		}
		if w.from = f.next[m]; w.from < 0 {
			if w.bits&more == 0 {
				p.bits |= Last
			}
			stack = stack[:len(stack)-1]
		}
		places = append(places, p)
		if c := f.child[m]; c >= 0 {
			stack = append(stack, work{c, p.depth + 1, 0})
		}
	}
	f.stack = stack
	return places
}
