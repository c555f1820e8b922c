package thread

import (
	"cmp"
	"errors"
	"slices"

	"pneu/maildir/internal/radix"
)

// A Forest threads a folder that changes. After any sequence of updates it holds what
// [BuildWith] makes of the messages that are left, given by ascending keys; an update takes
// time by what it touches: the messages tied to those that came or went by references, and
// those that share the base subject of a thread with them.
//
// It knows ids and subjects by their hashes alone. Two of a folder's millions being equal by
// chance is less likely than a disk's silent error; who contrives it joins threads, which a
// References field does more easily.
//
// A Forest is used by one goroutine at a time.
type Forest struct {
	byReference bool

	columns // numbers of messages ascend with keys; those that went keep theirs

	// Of messages.
	next []int32 // in the list of the cluster
	in   []int32 // thread

	// Of boxes.
	up         []int32 // union-find over clusters: what references tie together
	head, tail []int32 // of a cluster's messages, at its root

	// Of threads.
	start, n []int32 // in spots; n is 0 of a thread that is no more
	latest   []int64
	base     []uint64 // base subject of its root; 0: none, or not used
	groups   table    // by base
	spots    []Spot   // Row is the message's number

	live  int
	local []int32 // of build: box to its box and 1, 0 in between
}

// Hash returns the number of an id. That of none is 0.
func Hash(id string) uint64 { return hash(id) }

// HashBytes is Hash.
func HashBytes(id []byte) uint64 { return hash(id) }

func hash[T string | []byte](id T) uint64 {
	h, some := uint64(14695981039346656037), false // FNV-1a; then mixed, for tables look at the low bits
	for i := range len(id) {
		if c := id[i]; c != '"' { // as normal leaves it
			h, some = (h^uint64(c))*1099511628211, true
		}
	}
	if !some {
		return 0
	}
	h ^= h >> 32
	h *= 0xd6e8feb86659fd93
	h ^= h >> 32
	return max(h, 1)
}

// NewForest returns an empty one. Of opt only ByReference counts.
func NewForest(opt Options) *Forest {
	return &Forest{byReference: opt.ByReference, columns: newColumns()}
}

// Len returns the number of messages.
func (f *Forest) Len() int { return f.live }

// Keys returns the keys of the messages, ascending.
func (f *Forest) Keys() []uint32 {
	if f.live == len(f.key) {
		return f.key
	}
	keys := make([]uint32, 0, f.live)
	for i, k := range f.key {
		if f.state[i]&stGone == 0 {
			keys = append(keys, k)
		}
	}
	return keys
}

// ErrOrder is returned for facts whose keys do not ascend, or are not above all before.
var ErrOrder = errors.New("threading: keys out of order")

// Update takes messages out and adds others, whose keys are above all that were ever added.
// Keys to remove that are not there are passed over.
func (f *Forest) Update(add []Fact, remove []uint32) error {
	last, any := uint32(0), len(f.key) > 0
	if any {
		last = f.key[len(f.key)-1]
	}
	for i := range add {
		if any && add[i].Key <= last {
			return ErrOrder
		}
		last, any = add[i].Key, true
	}
	first := len(f.key)
	f.grow(add)
	for i := range add {
		f.add(&add[i])
	}
	dirty := make([]bool, len(f.hash)) // clusters, by their root
	var clusters []int32
	mark := func(c int32) {
		if !dirty[c] {
			dirty[c] = true
			clusters = append(clusters, c)
		}
	}
	for m := first; m < len(f.key); m++ {
		mark(f.find(f.box[m]))
	}
	for _, k := range remove {
		if m, ok := slices.BinarySearch(f.key, k); ok && f.state[m]&stGone == 0 {
			f.state[m] |= stGone
			f.live--
			mark(f.find(f.box[m]))
		}
	}
	if len(clusters) == 0 {
		return nil
	}
	stale := map[int32]bool{}    // threads that will be made anew
	touched := map[uint64]bool{} // base subjects whose thread will be
	ours := len(clusters)
	if first > 0 {
		msgs := f.gather(clusters, func(m int32) {
			if t := f.in[m]; t >= 0 {
				stale[t] = true
			}
		})
		for t := range stale {
			touched[f.base[t]] = true
		}
		if !f.byReference {
			b := f.build(msgs)
			b.link()
			b.gather()
			for _, r := range b.roots {
				base, _ := b.subject(int(b.head(r)))
				touched[base] = true
			}
		}
		delete(touched, 0)
		for base := range touched {
			if t := f.groups.find(base, f.base); t >= 0 && f.n[t] > 0 {
				stale[t] = true
			}
		}
		for t := range stale {
			for _, s := range f.spots[f.start[t] : f.start[t]+f.n[t]] {
				mark(f.find(f.box[s.Row]))
			}
		}
	}
	mine := make(map[int32]bool, ours)
	if first > 0 {
		for _, c := range clusters[:ours] {
			mine[c] = true
		}
	}
	var msgs []int32
	if first == 0 && len(remove) == 0 { // all of them, and sorting is what takes time
		msgs = make([]int32, len(f.key))
		for m := range msgs {
			msgs[m] = int32(m)
		}
	} else {
		msgs = f.gather(clusters, nil)
	}
	b := f.build(msgs)
	b.link()
	b.gather()
	if !f.byReference {
		b.bySubject()
	}
	for t := range stale {
		f.n[t] = 0
	}
	var places []place
	for _, r := range b.roots {
		base, _ := b.subject(int(b.head(r)))
		if f.byReference {
			base = 0
		}
		if first > 0 && !touched[base] && (base != 0 || !mine[f.find(f.box[msgs[b.head(r)]])]) {
			continue // it is as it was, and perhaps not whole here
		}
		places = b.layOut(places[:0], r)
		f.plant(places, msgs, base)
	}
	return nil
}

// grow makes room for many messages: arrays that grow by themselves are copied again and again.
func (f *Forest) grow(add []Fact) {
	n := len(add)
	if n < 1000 {
		return
	}
	f.columns.grow(add)
	f.next, f.in, f.spots = slices.Grow(f.next, n), slices.Grow(f.in, n), slices.Grow(f.spots, n)
	f.up, f.head, f.tail = slices.Grow(f.up, n), slices.Grow(f.head, n), slices.Grow(f.tail, n)
}

// add appends a message and ties clusters together.
func (f *Forest) add(x *Fact) {
	m := f.columns.add(x)
	for b := len(f.up); b < len(f.hash); b++ {
		f.up, f.head, f.tail = append(f.up, int32(b)), append(f.head, -1), append(f.tail, -1)
	}
	f.next, f.in = append(f.next, -1), append(f.in, -1)
	b := f.box[m]
	c := f.find(b)
	if f.head[c] < 0 {
		f.head[c] = m
	} else {
		f.next[f.tail[c]] = m
	}
	f.tail[c] = m
	for _, r := range f.refs[f.off[m]:] {
		f.join(b, r)
	}
	f.live++
}

func (f *Forest) find(b int32) int32 {
	for f.up[b] != b {
		f.up[b] = f.up[f.up[b]]
		b = f.up[b]
	}
	return b
}

// join makes one cluster of two.
func (f *Forest) join(a, b int32) {
	a, b = f.find(a), f.find(b)
	if a == b {
		return
	}
	if a > b { // the older one stays, so that paths are short where threads grow
		a, b = b, a
	}
	f.up[b] = a
	switch {
	case f.head[b] < 0:
	case f.head[a] < 0:
		f.head[a], f.tail[a] = f.head[b], f.tail[b]
	default:
		f.next[f.tail[a]] = f.head[b]
		f.tail[a] = f.tail[b]
	}
}

// gather returns the messages of clusters that are left, ascending, and drops the others from
// their lists. each, if not nil, is called for all.
func (f *Forest) gather(clusters []int32, each func(m int32)) []int32 {
	var msgs []int32
	for _, c := range clusters {
		prev := int32(-1)
		for m := f.head[c]; m >= 0; m = f.next[m] {
			if each != nil {
				each(m)
			}
			if f.state[m]&stGone == 0 {
				msgs = append(msgs, m)
				prev = m
			} else if prev < 0 {
				f.head[c] = f.next[m]
			} else {
				f.next[prev] = f.next[m]
			}
		}
		f.tail[c] = prev
	}
	slices.Sort(msgs)
	return msgs
}

// build prepares threading of some messages, which are whole clusters.
func (f *Forest) build(msgs []int32) *builder {
	if more := len(f.hash) - len(f.local); more > 0 {
		f.local = append(f.local, make([]int32, more)...)
	}
	m := &mails{n: len(msgs), boxes: len(msgs), sec: make([]int64, len(msgs)), off: make([]int32, len(msgs)+1)}
	total := 0
	for i, g := range msgs {
		m.sec[i] = f.date[g]
		total += int(f.off[g+1] - f.off[g])
		if b := f.box[g]; f.hash[b] != 0 && f.local[b] == 0 {
			f.local[b] = int32(i + 1)
		}
	}
	m.refs = make([]int32, 0, total)
	for i, g := range msgs {
		for _, b := range f.refs[f.off[g]:f.off[g+1]] {
			if f.local[b] == 0 {
				m.boxes++
				f.local[b] = int32(m.boxes)
			}
			m.refs = append(m.refs, f.local[b]-1)
		}
		m.off[i+1] = int32(len(m.refs))
	}
	for _, g := range msgs {
		f.local[f.box[g]] = 0
		for _, b := range f.refs[f.off[g]:f.off[g+1]] {
			f.local[b] = 0
		}
	}
	m.subject = func(i int) (uint64, bool) { return f.subj[msgs[i]], f.state[msgs[i]]&stReply != 0 }
	return newBuilder(m)
}

// plant makes a thread of a tree that is laid out.
func (f *Forest) plant(places []place, msgs []int32, base uint64) {
	t := int32(len(f.start))
	latest := f.date[msgs[places[0].item]]
	f.start, f.n = append(f.start, int32(len(f.spots))), append(f.n, int32(len(places)))
	for _, p := range places {
		m := msgs[p.item]
		latest = max(latest, f.date[m])
		f.in[m] = t
		f.spots = append(f.spots, Spot{Row: m, Depth: uint16(min(p.depth, maxDepth)), Bits: p.bits})
	}
	f.latest, f.base = append(f.latest, latest), append(f.base, base)
	if base != 0 {
		f.groups.put(base, t, f.base)
	}
}

// maxDepth is where depth ends being counted: it is for people to look at.
const maxDepth = 1<<16 - 1

// A Spot is a message in its place in a Tree.
type Spot struct {
	Row   int32 // rank of its key among all
	Depth uint16
	Bits  Bits
}

// Bits are what a Node says in Last and Loose.
type Bits uint16

// The bits.
const (
	Last  Bits = 1 << iota // no sibling follows
	Loose                  // a child by its subject or for want of its parent
)

// A Span is a thread in a Tree.
type Span struct {
	From, N int32 // its spots
	Latest  int64 // date of its newest message
}

// A Tree are the threads of all messages in display order, and those in it parents first.
type Tree struct {
	Spots   []Spot
	Threads []Span
}

// Tree lays the threads out in the given order.
func (f *Forest) Tree(order Order) *Tree {
	live := make([]int32, 0, len(f.start))
	for t, n := range f.n {
		if n > 0 {
			live = append(live, int32(t))
		}
	}
	first := func(t int32) int32 { return f.spots[f.start[t]].Row }
	keys := make([]int64, len(f.start))
	by := func(key func(t int32) int64) {
		for _, t := range live {
			keys[t] = key(t)
		}
		radix.Sort(live, keys)
	}
	if order == Given {
		by(func(t int32) int64 {
			least := first(t)
			for _, s := range f.spots[f.start[t] : f.start[t]+f.n[t]] {
				least = min(least, s.Row)
			}
			return int64(least)
		})
	} else if order == Root || !f.merge(live) {
		by(func(t int32) int64 { return int64(first(t)) })
		if order == Root {
			by(func(t int32) int64 { return f.date[first(t)] })
		} else {
			by(func(t int32) int64 { return f.latest[t] })
		}
	}
	if order == Newest {
		slices.Reverse(live)
	}
	var rank []int32 // nil: that of the message's number
	if f.live < len(f.key) {
		rank = make([]int32, len(f.key))
		k := int32(0)
		for m := range f.key {
			rank[m] = k
			if f.state[m]&stGone == 0 {
				k++
			}
		}
	}
	tree := &Tree{Spots: make([]Spot, 0, f.live), Threads: make([]Span, len(live))}
	for i, t := range live {
		from := len(tree.Spots)
		tree.Threads[i] = Span{From: int32(from), N: f.n[t], Latest: f.latest[t]}
		tree.Spots = append(tree.Spots, f.spots[f.start[t]:f.start[t]+f.n[t]]...)
		if rank != nil {
			for k := from; k < len(tree.Spots); k++ {
				tree.Spots[k].Row = rank[tree.Spots[k].Row]
			}
		}
	}
	return tree
}

// merge sorts threads by their last messages if most stand in that order, as those of a saved
// Forest do: the few made since are behind them.
func (f *Forest) merge(live []int32) bool {
	compare := func(a, b int32) int {
		if c := cmp.Compare(f.latest[a], f.latest[b]); c != 0 {
			return c
		}
		return cmp.Compare(f.spots[f.start[a]].Row, f.spots[f.start[b]].Row)
	}
	sorted := min(1, len(live))
	for sorted < len(live) && compare(live[sorted-1], live[sorted]) <= 0 {
		sorted++
	}
	if len(live)-sorted > len(live)/16 {
		return false
	}
	late := slices.Clone(live[sorted:])
	slices.SortFunc(late, compare)
	for to, i := len(live)-1, sorted-1; len(late) > 0; to-- {
		if last := late[len(late)-1]; i < 0 || compare(live[i], last) <= 0 {
			live[to] = last
			late = late[:len(late)-1]
		} else {
			live[to] = live[i]
			i--
		}
	}
	return true
}

// Nodes returns the tree as Build does, with rows for keys.
func (t *Tree) Nodes() []Node {
	nodes := make([]Node, len(t.Spots))
	var path []int
	for i, s := range t.Spots {
		d := int(s.Depth)
		path = append(path[:min(d, len(path))], i)
		nodes[i] = Node{Key: int(s.Row), Depth: d, Parent: -1, Root: path[0], Size: 1, Last: s.Bits&Last != 0, Loose: s.Bits&Loose != 0}
		if d > 0 && len(path) > 1 {
			nodes[i].Parent = path[len(path)-2]
		}
	}
	for i := len(nodes) - 1; i >= 0; i-- {
		if p := nodes[i].Parent; p >= 0 {
			nodes[p].Size += nodes[i].Size
		}
	}
	return nodes
}

// A table finds numbers by a hash that stands in an array at that number. Numbers are
// replaced, never removed.
type table struct {
	slots []int32 // number+1, 0 for none; a power of two
	used  int
}

func (t *table) find(h uint64, of []uint64) int32 {
	if len(t.slots) == 0 {
		return -1
	}
	mask := uint64(len(t.slots) - 1)
	for i := h & mask; ; i = (i + 1) & mask {
		s := t.slots[i] - 1
		if s < 0 || of[s] == h {
			return s
		}
	}
}

// room lets n more be put.
func (t *table) room(n int, of []uint64) {
	size := max(64, len(t.slots))
	for 4*(t.used+n) > 3*size {
		size *= 2
	}
	if size == len(t.slots) {
		return
	}
	old := t.slots
	t.slots = make([]int32, size)
	mask := uint64(size - 1)
	for _, s := range old {
		if s > 0 {
			i := of[s-1] & mask
			for t.slots[i] != 0 {
				i = (i + 1) & mask
			}
			t.slots[i] = s
		}
	}
}

func (t *table) put(h uint64, n int32, of []uint64) {
	t.room(1, of)
	mask := uint64(len(t.slots) - 1)
	for i := h & mask; ; i = (i + 1) & mask {
		s := t.slots[i] - 1
		if s < 0 {
			t.used++
		}
		if s < 0 || of[s] == h {
			t.slots[i] = n + 1
			return
		}
	}
}
