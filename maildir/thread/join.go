package thread

// Join threads the messages of several folders together: what [BuildWith] makes of those of the
// first, then those of the second, and so on, is the Tree, in which they are numbered likewise
// from 0 on.
func Join(parts []*Facts, opt Options) *Tree {
	j := newJoiner(parts)
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

// A joiner finds one number for what the parts call by their own.
type joiner struct {
	parts []*Facts
	n     int      // messages
	first []int32  // of each part, and the end
	hash  []uint64 // of all boxes; the first n are those of messages
	slots []slot
	box   [][]int32 // by part and its box: the box in all and 1, 0: not known yet
}

// A slot is of a hash table that is looked at often, with much that is not in it.
type slot struct {
	tag uint32 // upper half of the hash
	box int32  // and 1, 0: none
}

func newJoiner(parts []*Facts) *joiner {
	j := &joiner{parts: parts, first: make([]int32, len(parts)+1), box: make([][]int32, len(parts))}
	boxes := 0
	for k, p := range parts {
		j.first[k+1] = j.first[k] + int32(p.Len())
		j.box[k] = make([]int32, len(p.hash))
		boxes += len(p.hash)
	}
	j.n = int(j.first[len(parts)])
	j.hash = make([]uint64, j.n, j.n+(boxes-min(boxes, j.n)))
	size := 64
	for 3*size < 4*boxes {
		size *= 2
	}
	j.slots = make([]slot, size)
	return j
}

// find returns the box of an id. If there is none it becomes the box given.
func (j *joiner) find(h uint64, fresh int32) int32 {
	mask, tag := uint64(len(j.slots)-1), uint32(h>>32)
	for i := h & mask; ; i = (i + 1) & mask {
		switch s := j.slots[i]; {
		case s.box == 0:
			j.slots[i] = slot{tag, fresh + 1}
			return fresh
		case s.tag == tag && j.hash[s.box-1] == h:
			return s.box - 1
		}
	}
}

// mails returns all messages in the numbers of all.
func (j *joiner) mails() *mails {
	m := &mails{n: j.n, sec: make([]int64, 0, j.n), off: make([]int32, 1, j.n+1)}
	subj, state := make([]uint64, 0, j.n), make([]uint8, 0, j.n)
	refs := 0
	for k, p := range j.parts { // of duplicates only the first is referred to
		m.sec, subj, state = append(m.sec, p.date...), append(subj, p.subj...), append(state, p.state...)
		refs += len(p.refs)
		for i, b := range p.box {
			h := p.hash[b]
			if h == 0 || j.box[k][b] != 0 {
				continue
			}
			g := j.first[k] + int32(i)
			j.hash[g] = h
			j.box[k][b] = j.find(h, g) + 1
		}
	}
	m.refs = make([]int32, 0, refs)
	for k, p := range j.parts {
		box := j.box[k]
		for i := range p.box {
			for _, b := range p.refs[p.off[i]:p.off[i+1]] {
				h := p.hash[b]
				if h == 0 {
					continue
				}
				if box[b] == 0 {
					fresh := int32(len(j.hash))
					g := j.find(h, fresh)
					if g == fresh {
						j.hash = append(j.hash, h)
					}
					box[b] = g + 1
				}
				m.refs = append(m.refs, box[b]-1)
			}
			m.off = append(m.off, int32(len(m.refs)))
		}
	}
	m.boxes = len(j.hash)
	m.subject = func(i int) (uint64, bool) { return subj[i], state[i]&stReply != 0 }
	return m
}
