package thread

import (
	"cmp"
	"slices"
)

// A box holds a message, or the place of one that is missing.
type box struct {
	item     int32 // index of the message; -1 for a missing one
	parent   int32 // -1 for none
	up       int32 // union-find: some box nearer to the root of the same tree
	top      int32 // memo of gather for missing ones, -2 before
	children []int32
	loose    bool
}

// mails are what threading looks at, in numbers. Boxes 0 to n-1 are those of the messages
// themselves; the others are named by a reference alone.
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

type builder struct {
	*mails
	boxes []box
	roots []int32
	stack []work // of layOut, kept for the next tree
}

func newBuilder(m *mails) *builder {
	f := &builder{mails: m, boxes: make([]box, m.boxes, m.boxes+m.boxes/8)}
	for b := range f.boxes {
		item := b
		if b >= m.n {
			item = -1
		}
		f.boxes[b] = box{item: int32(item), parent: -1, up: int32(b), top: -2}
	}
	return f
}

// add makes the box of one more missing message.
func (f *builder) add() int32 {
	n := int32(len(f.boxes))
	f.boxes = append(f.boxes, box{item: -1, parent: -1, up: n, top: -2})
	return n
}

// find returns the root of b's tree. Links are only added, never cut, so paths can
// be shortened.
func (f *builder) find(b int32) int32 {
	for f.boxes[b].up != b {
		f.boxes[b].up = f.boxes[f.boxes[b].up].up
		b = f.boxes[b].up
	}
	return b
}

// join makes p the parent of c, unless c has one or it would close a loop.
func (f *builder) join(p, c int32) {
	if p == c || f.boxes[c].parent >= 0 || f.find(p) == c {
		return
	}
	f.boxes[c].parent, f.boxes[c].up = p, p
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
	tops := make([]int32, 0, 64) // missing roots that hold something
	for i := range f.n {
		b := int32(i)
		p := f.boxes[b].parent
		if p >= 0 {
			p = f.above(p)
		}
		if p < 0 {
			f.roots = append(f.roots, b)
			continue
		}
		if f.boxes[p].item < 0 && len(f.boxes[p].children) == 0 {
			tops = append(tops, p)
		}
		f.boxes[p].children = append(f.boxes[p].children, b)
	}
	for _, p := range tops {
		if c := f.boxes[p].children; len(c) == 1 {
			f.roots = append(f.roots, c[0])
		} else {
			f.roots = append(f.roots, p)
		}
	}
	for i := range f.boxes {
		f.sort(f.boxes[i].children)
	}
	// No two roots have one head, so none are equal.
	type rooted struct {
		sec     int64
		head, r int32
	}
	list := make([]rooted, len(f.roots))
	for i, r := range f.roots {
		h := f.head(r)
		list[i] = rooted{f.sec[h], h, r}
	}
	slices.SortFunc(list, func(a, b rooted) int {
		if a.sec != b.sec {
			return cmp.Compare(a.sec, b.sec)
		}
		return f.compare(a.head, b.head)
	})
	for i := range list {
		f.roots[i] = list[i].r
	}
}

// above returns the nearest box at or over b that holds a message, else the topmost one.
func (f *builder) above(b int32) int32 {
	var path []int32
	for f.boxes[b].item < 0 && f.boxes[b].top == -2 && f.boxes[b].parent >= 0 {
		path = append(path, b)
		b = f.boxes[b].parent
	}
	if f.boxes[b].top >= 0 {
		b = f.boxes[b].top
	}
	for _, p := range path {
		f.boxes[p].top = b
	}
	return b
}

// head returns the item that speaks for a box: its message, or that of its first child.
func (f *builder) head(b int32) int32 {
	for f.boxes[b].item < 0 {
		b = f.boxes[b].children[0]
	}
	return f.boxes[b].item
}

// compare orders items by date, and by their place where that is the same.
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

func (f *builder) sort(boxes []int32) {
	if len(boxes) > 1 {
		slices.SortFunc(boxes, func(a, b int32) int { return f.compare(f.head(a), f.head(b)) })
	}
}

// bySubject is step 5.
func (f *builder) bySubject() {
	type subject struct {
		base  uint64
		reply bool
	}
	subj := make([]subject, len(f.roots))
	table := make(map[uint64]int32) // base subject to root
	reply := make(map[uint64]bool)  // whether that root is a reply
	for i, r := range f.roots {
		base, re := f.subject(int(f.head(r)))
		subj[i] = subject{base, re}
		if base == 0 {
			continue
		}
		old, ok := table[base]
		dummy := f.boxes[r].item < 0
		if !ok || f.boxes[old].item >= 0 && (dummy || reply[base] && !re) {
			table[base], reply[base] = r, re && !dummy
		}
	}
	grown := map[int32]bool{}
	gone := map[int32]bool{}
	var made []int32
	for i, r := range f.roots {
		base, re := subj[i].base, subj[i].reply
		if base == 0 || table[base] == r {
			continue
		}
		to := table[base]
		toDummy, dummy := f.boxes[to].item < 0, f.boxes[r].item < 0
		switch {
		case toDummy && dummy:
			f.boxes[to].children = append(f.boxes[to].children, f.boxes[r].children...)
		case toDummy:
			f.boxes[to].children = append(f.boxes[to].children, r)
		case re && !reply[base]:
			f.boxes[r].loose = true
			f.boxes[to].children = append(f.boxes[to].children, r)
		default:
			d := f.add()
			f.boxes[d].children = []int32{to, r}
			table[base], reply[base] = d, false
			gone[to] = true
			made = append(made, d)
			to = d
		}
		gone[r] = true
		grown[to] = true
	}
	f.roots = slices.DeleteFunc(f.roots, func(r int32) bool { return gone[r] })
	f.roots = append(f.roots, made...)
	for b := range grown {
		f.sort(f.boxes[b].children)
	}
}
