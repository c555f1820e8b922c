package thread

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// Whatever is threaded, the builder makes the trees that come from following RFC 5256 word by word.
func TestBuilderIsPlain(t *testing.T) {
	for seed := range uint64(3000) {
		r := rand.New(rand.NewPCG(seed, 11))
		n := r.IntN(30)
		if seed%50 == 0 {
			n = 300
		}
		ids, subjects := 3+r.IntN(2*n+1), 1+r.IntN(n+1)
		items := make([]Item, n)
		for i := range items {
			items[i] = random(r, i, ids, subjects)
			if seed%2 == 0 {
				items[i].Date = items[i].Date.Add(time.Duration(r.IntN(3)))
			}
		}
		m := resolve(items)
		if seed%2 == 1 {
			m.nsec = nil
		}
		b, p := newBuilder(m), newPlain(m)
		b.link()
		p.link()
		b.gather()
		p.gather()
		if seed%5 > 0 {
			b.bySubject()
			p.bySubject()
		}
		var got, want []string
		for _, root := range b.roots {
			s := ""
			for _, x := range b.layOut(nil, root) {
				s += fmt.Sprintf("%*d %d %v %v\n", 4+x.depth, x.item, x.depth, x.bits&Last != 0, x.bits&Loose != 0)
			}
			got = append(got, s)
		}
		for _, root := range p.roots {
			s := ""
			places := p.layOut(nil, root)
			depth := make([]int32, len(places))
			for i, x := range places {
				if x.parent >= 0 {
					depth[i] = depth[x.parent] + 1
				}
				s += fmt.Sprintf("%*d %d %v %v\n", 4+depth[i], x.item, depth[i], x.last, x.loose)
			}
			want = append(want, s)
		}
		if !slices.Equal(got, want) {
			t.Fatalf("seed %d:\n%s\nwant\n%s", seed, got, want)
		}
	}
}

// A plainBox holds a message, or the place of one that is missing.
type plainBox struct {
	item     int32 // index of the message; -1 for a missing one
	parent   int32 // -1 for none
	up       int32 // union-find: some box nearer to the root of the same tree
	top      int32 // memo of gather for missing ones, -2 before
	children []int32
	loose    bool
}

// plain is threading written down as RFC 5256 tells it, a struct for each box and a slice for its
// children: what builder does in less time.
type plain struct {
	*mails
	boxes []plainBox
	roots []int32
	stack []plainWork // of layOut, kept for the next tree
}

func newPlain(m *mails) *plain {
	f := &plain{mails: m, boxes: make([]plainBox, m.boxes, m.boxes+m.boxes/8)}
	for b := range f.boxes {
		item := b
		if b >= m.n {
			item = -1
		}
		f.boxes[b] = plainBox{item: int32(item), parent: -1, up: int32(b), top: -2}
	}
	return f
}

// add makes the box of one more missing message.
func (f *plain) add() int32 {
	n := int32(len(f.boxes))
	f.boxes = append(f.boxes, plainBox{item: -1, parent: -1, up: n, top: -2})
	return n
}

// find returns the root of b's tree. Links are only added, never cut, so paths can
// be shortened.
func (f *plain) find(b int32) int32 {
	for f.boxes[b].up != b {
		f.boxes[b].up = f.boxes[f.boxes[b].up].up
		b = f.boxes[b].up
	}
	return b
}

// join makes p the parent of c, unless c has one or it would close a loop.
func (f *plain) join(p, c int32) {
	if p == c || f.boxes[c].parent >= 0 || f.find(p) == c {
		return
	}
	f.boxes[c].parent, f.boxes[c].up = p, p
}

// link is step 1.
func (f *plain) link() {
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
func (f *plain) gather() {
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
func (f *plain) above(b int32) int32 {
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
func (f *plain) head(b int32) int32 {
	for f.boxes[b].item < 0 {
		b = f.boxes[b].children[0]
	}
	return f.boxes[b].item
}

// compare orders items by date, and by their place where that is the same.
func (f *plain) compare(a, b int32) int {
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

func (f *plain) sort(boxes []int32) {
	if len(boxes) > 1 {
		slices.SortFunc(boxes, func(a, b int32) int { return f.compare(f.head(a), f.head(b)) })
	}
}

// bySubject is step 5.
func (f *plain) bySubject() {
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

// A plainPlace is a message in a tree that is laid out.
type plainPlace struct {
	item        int32
	parent      int32 // index among the places, -1 for a root
	last, loose bool
}

// plainWork is a tree still to be laid out.
type plainWork struct {
	box         int32
	parent      int32
	last, loose bool
}

// layOut appends the tree of a root to places, in display order.
func (f *plain) layOut(places []plainPlace, root int32) []plainPlace {
	stack := append(f.stack[:0], plainWork{root, -1, true, false})
	for len(stack) > 0 {
		w := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		b := &f.boxes[w.box]
		if b.item < 0 { // the oldest child stands in for the missing message
			kids := b.children
			for k := len(kids) - 1; k > 0; k-- {
				stack = append(stack, plainWork{kids[k], int32(len(places)), k == len(kids)-1, true})
			}
			// Its own children come before its new siblings, which are last then.
			first := &f.boxes[kids[0]]
			places = append(places, plainPlace{first.item, w.parent, w.last, false})
			for k := len(first.children) - 1; k >= 0; k-- {
				stack = append(stack, plainWork{first.children[k], int32(len(places) - 1), false, false})
			}
			continue
		}
		places = append(places, plainPlace{b.item, w.parent, w.last, w.loose || b.loose})
		for k := len(b.children) - 1; k >= 0; k-- {
			stack = append(stack, plainWork{b.children[k], int32(len(places) - 1), k == len(b.children)-1, false})
		}
	}
	f.stack = stack
	return places
}
