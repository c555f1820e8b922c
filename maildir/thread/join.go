package thread

// Join threads the messages of several folders together: what [BuildWith] makes of those of the
// first, then those of the second, and so on, is the Tree, in which they are numbered likewise
// from 0 on.
func Join(parts []*Facts, opt Options) *Tree { return newJoiner(parts, false).tree(opt) }

// JoinOnce is Join, but copies of a message, as its Message-ID says, are it: the facts of the
// first count, and only it has a number.
func JoinOnce(parts []*Facts, opt Options) *Joined {
	j := newJoiner(parts, true)
	tree := j.tree(opt)
	return &Joined{Tree: tree, Of: j.of, n: int32(j.n), ids: j.ids}
}

// Joined are the messages of several folders, each of them once.
type Joined struct {
	Tree *Tree
	Of   []int32 // the number that a message has in Tree, by that which Join would give it
	n    int32
	ids  idTable
}

// Find returns the number of the message whose Message-ID has that [Hash].
func (j *Joined) Find(id uint64) (n int32, ok bool) {
	n = j.ids.find(id, -1)
	return n, id != 0 && n >= 0 && n < j.n
}

// A joiner finds one number for what the parts call by their own.
type joiner struct {
	parts []*Facts
	n     int     // messages
	of    []int32 // see Joined; nil: copies have numbers of their own
	ids   idTable
	box   [][]int32 // by part and its box: the box in all and 1, 0: not known yet
}

func newJoiner(parts []*Facts, once bool) *joiner {
	j := &joiner{parts: parts, box: make([][]int32, len(parts))}
	for k, p := range parts {
		j.box[k] = make([]int32, len(p.hash))
		j.n += p.Len()
	}
	if once {
		j.of = make([]int32, 0, j.n)
	}
	j.ids = newIDTable(j.n)
	return j
}

// tree threads what the parts tell.
func (j *joiner) tree(opt Options) *Tree {
	b := newBuilder(j.mails())
	b.link()
	b.gather()
	if !opt.ByReference {
		b.bySubject()
	}
	// Only what Tree looks at.
	f := Forest{columns: columns{date: b.sec}, live: b.n, spots: make([]Spot, 0, b.n)}
	f.start, f.n, f.latest = make([]int32, 0, len(b.roots)), make([]int32, 0, len(b.roots)), make([]int64, 0, len(b.roots))
	var places []place
	for _, r := range b.roots {
		places = b.layOut(places[:0], r)
		from := len(f.spots)
		latest := b.sec[places[0].item]
		for _, p := range places {
			latest = max(latest, b.sec[p.item])
			f.spots = append(f.spots, Spot{Row: p.item, Depth: uint16(min(p.depth, maxDepth)), Bits: p.bits})
		}
		f.start, f.n, f.latest = append(f.start, int32(from)), append(f.n, int32(len(places))), append(f.latest, latest)
	}
	return f.Tree(opt.Order)
}

// mails returns all messages in the numbers of all.
func (j *joiner) mails() *mails {
	m := &mails{sec: make([]int64, 0, j.n), off: make([]int32, 1, j.n+1)}
	subj, state := make([]uint64, 0, j.n), make([]uint8, 0, j.n)
	refs := 0
	for k, p := range j.parts { // of duplicates only the first is referred to
		box := j.box[k]
		refs += len(p.refs)
		for i, b := range p.box {
			h, fresh := p.hash[b], int32(len(m.sec))
			n := fresh
			if h != 0 {
				if box[b] == 0 {
					box[b] = j.ids.find(h, fresh) + 1
				}
				n = box[b] - 1
			}
			if j.of != nil {
				j.of = append(j.of, n)
				if n != fresh {
					continue
				}
			}
			j.ids.hash = append(j.ids.hash, h)
			m.sec, subj, state = append(m.sec, p.date[i]), append(subj, p.subj[i]), append(state, p.state[i])
		}
	}
	j.n = len(m.sec)
	m.n = j.n
	m.refs = make([]int32, 0, refs)
	at := 0
	for k, p := range j.parts {
		box := j.box[k]
		for i := range p.box {
			if j.of != nil {
				at++
				if int(j.of[at-1]) != len(m.off)-1 { // a copy
					continue
				}
			}
			for _, b := range p.refs[p.off[i]:p.off[i+1]] {
				h := p.hash[b]
				if h == 0 {
					continue
				}
				if box[b] == 0 {
					fresh := int32(len(j.ids.hash))
					n := j.ids.find(h, fresh)
					if n == fresh {
						j.ids.hash = append(j.ids.hash, h)
					}
					box[b] = n + 1
				}
				m.refs = append(m.refs, box[b]-1)
			}
			m.off = append(m.off, int32(len(m.refs)))
		}
	}
	m.boxes = len(j.ids.hash)
	m.subject = func(i int) (uint64, bool) { return subj[i], state[i]&stReply != 0 }
	return m
}

// An idTable has boxes by the hashes of ids. Unlike a table it does not look at these for what
// it has not.
type idTable struct {
	hash  []uint64 // of boxes
	slots []slot   // a power of two
	used  int
}

type slot struct {
	tag uint32 // upper half of the hash
	box int32  // and 1, 0: none
}

// newIDTable makes one that has room for the ids of messages. It grows with those that are only
// referred to: parts may all name the same ones.
func newIDTable(messages int) idTable {
	size := 64
	for 3*size < 4*messages {
		size *= 2
	}
	return idTable{hash: make([]uint64, 0, messages+messages/4), slots: make([]slot, size)}
}

// find returns the box of an id. If there is none that is fresh, whose hash is appended next, if
// it is not negative.
func (t *idTable) find(h uint64, fresh int32) int32 {
	if fresh >= 0 && 4*(t.used+1) > 3*len(t.slots) {
		t.grow()
	}
	mask, tag := uint64(len(t.slots)-1), uint32(h>>32)
	for i := h & mask; ; i = (i + 1) & mask {
		switch s := t.slots[i]; {
		case s.box == 0:
			if fresh >= 0 {
				t.slots[i] = slot{tag, fresh + 1}
				t.used++
			}
			return fresh
		case s.tag == tag && t.hash[s.box-1] == h:
			return s.box - 1
		}
	}
}

// grow doubles the slots.
func (t *idTable) grow() {
	old := t.slots
	t.slots = make([]slot, 2*len(old))
	mask := uint64(len(t.slots) - 1)
	for _, s := range old {
		if s.box == 0 {
			continue
		}
		i := t.hash[s.box-1] & mask
		for t.slots[i].box != 0 {
			i = (i + 1) & mask
		}
		t.slots[i] = s
	}
}
