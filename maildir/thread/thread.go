// Package thread puts messages into conversations, as THREAD=REFERENCES of RFC 5256
// does: by References and In-Reply-To first, then by base subject.
//
// Two things are done differently. Links that messages state for themselves are made
// before those that follow from the References of others, so the outcome does not
// depend on the order messages are given in. And no dummies are returned: where the
// parent of several messages is missing, the oldest of them takes its place and the
// others are its children, marked Loose.
//
// Time is n log n, whatever the references say.
package thread

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// maxRefs is how many references of a message are looked at: the first and the last ones.
const maxRefs = 256

// An Item is what threading wants to know of a message.
type Item struct {
	ID      string   // Message-ID without brackets
	Refs    []string // References, else In-Reply-To, oldest first
	Subject string   // decoded
	Date    time.Time
	Key     int // the caller's name for it
}

// A Node is a message in its place. Nodes come in display order, each thread
// together, parents before their children, siblings by date.
type Node struct {
	Key    int       // that of its Item
	Depth  int       // 0 for a root
	Parent int       // index of the parent in the result, -1 for a root
	Root   int       // index of the thread's first node
	Size   int       // messages in this subtree, itself included
	Last   bool      // no sibling follows
	Loose  bool      // a child by its subject or for want of its parent, not by reference
	Latest time.Time // newest date in this subtree
}

// An Order says which thread comes first.
type Order int

const (
	Newest Order = iota // the thread with the newest message first
	Oldest              // the thread whose newest message is oldest first
	Given               // by the thread's first message in the order of the items
	Root                // by the date of the thread's root, oldest first: RFC 5256
)

// Options say how threads are built.
type Options struct {
	Order Order
	// ByReference leaves threads apart that have nothing in common but a subject.
	ByReference bool
}

// Build threads the items, newest thread first.
func Build(items []Item) []Node { return BuildWith(items, Options{}) }

// BuildBy threads the items in the given order of threads.
func BuildBy(items []Item, order Order) []Node { return BuildWith(items, Options{Order: order}) }

// BuildWith threads the items.
func BuildWith(items []Item, opt Options) []Node {
	f := newForest(items)
	f.link()
	f.gather()
	if !opt.ByReference {
		f.bySubject()
	}
	return f.order(opt.Order)
}

// A box holds a message, or the place of one that is missing.
type box struct {
	item     int   // index of the message; -1 for a missing one
	parent   int32 // -1 for none
	up       int32 // union-find: some box nearer to the root of the same tree
	top      int32 // memo of gather for missing ones, -2 before
	children []int32
	loose    bool
}

type forest struct {
	items []Item
	boxes []box
	byID  map[string]int32
	roots []int32
}

func newForest(items []Item) *forest {
	f := &forest{items: items, byID: make(map[string]int32, len(items))}
	f.boxes = make([]box, 0, len(items)+len(items)/4)
	for i := range items {
		b := f.add(i)
		if id := normal(items[i].ID); id != "" {
			if _, dup := f.byID[id]; !dup { // of duplicates only the first is referred to
				f.byID[id] = b
			}
		}
	}
	return f
}

func (f *forest) add(item int) int32 {
	n := int32(len(f.boxes))
	f.boxes = append(f.boxes, box{item: item, parent: -1, up: n, top: -2})
	return n
}

// normal removes the quotes that make two spellings of one id.
func normal(id string) string {
	if strings.IndexByte(id, '"') >= 0 {
		return strings.ReplaceAll(id, `"`, "")
	}
	return id
}

func (f *forest) box(id string) int32 {
	b, ok := f.byID[id]
	if !ok {
		b = f.add(-1)
		f.byID[id] = b
	}
	return b
}

// find returns the root of b's tree. Links are only added, never cut, so paths can
// be shortened.
func (f *forest) find(b int32) int32 {
	for f.boxes[b].up != b {
		f.boxes[b].up = f.boxes[f.boxes[b].up].up
		b = f.boxes[b].up
	}
	return b
}

// join makes p the parent of c, unless c has one or it would close a loop.
func (f *forest) join(p, c int32) {
	if p == c || f.boxes[c].parent >= 0 || f.find(p) == c {
		return
	}
	f.boxes[c].parent, f.boxes[c].up = p, p
}

func (f *forest) refs(i int) []string {
	r := f.items[i].Refs
	if len(r) > maxRefs {
		r = append([]string{r[0]}, r[len(r)-maxRefs+1:]...)
	}
	return r
}

// link is step 1.
func (f *forest) link() {
	for i := range f.items { // what each says of itself
		r := f.refs(i)
		for k := len(r) - 1; k >= 0; k-- {
			if id := normal(r[k]); id != "" {
				if p := f.box(id); p != int32(i) {
					f.join(p, int32(i))
					break
				}
			}
		}
	}
	for i := range f.items { // what it says of its ancestors
		prev := int32(-1)
		for _, id := range f.refs(i) {
			if id = normal(id); id == "" {
				continue
			}
			b := f.box(id)
			if prev >= 0 {
				f.join(prev, b)
			}
			prev = b
		}
	}
}

// gather is steps 2 to 4: children hang from the nearest message above them, and
// those without one from the topmost missing message, if it has several.
func (f *forest) gather() {
	tops := make([]int32, 0, 64) // missing roots that hold something
	for i := range f.items {
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
	slices.SortStableFunc(f.roots, func(a, b int32) int { return f.compare(f.head(a), f.head(b)) })
}

// above returns the nearest box at or over b that holds a message, else the topmost one.
func (f *forest) above(b int32) int32 {
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
func (f *forest) head(b int32) int {
	for f.boxes[b].item < 0 {
		b = f.boxes[b].children[0]
	}
	return f.boxes[b].item
}

// compare orders items by date, and by their place where that is the same.
func (f *forest) compare(a, b int) int {
	return cmp.Or(f.items[a].Date.Compare(f.items[b].Date), cmp.Compare(a, b))
}

func (f *forest) sort(boxes []int32) {
	if len(boxes) > 1 {
		slices.SortFunc(boxes, func(a, b int32) int { return f.compare(f.head(a), f.head(b)) })
	}
}

// bySubject is step 5.
func (f *forest) bySubject() {
	type subject struct {
		base  string
		reply bool
	}
	subj := make([]subject, len(f.roots))
	table := make(map[string]int32) // base subject to root
	reply := make(map[string]bool)  // whether that root is a reply
	for i, r := range f.roots {
		base, re := BaseSubject(f.items[f.head(r)].Subject)
		base = strings.ToLower(base)
		subj[i] = subject{base, re}
		if base == "" {
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
		if base == "" || table[base] == r {
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
			d := f.add(-1)
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
