package thread

import (
	"iter"
	"slices"
)

// A Fact is what threading wants to know of a message, in numbers.
type Fact struct {
	Key     uint32
	ID      uint64   // Hash of the Message-ID
	Refs    []uint64 // and of References, as in Item
	Subject uint64   // a hash of the base subject in lower case, 0 for an empty one
	Reply   bool     // as BaseSubject says
	Date    int64    // seconds since 1970
}

const (
	stReply = 1 << iota
	stGone
)

// columns are facts of many messages, whose ids have become boxes: one for each id that a message
// has or refers to, and one for each message without an id.
type columns struct {
	// Of messages, by number.
	key   []uint32
	date  []int64
	subj  []uint64
	state []uint8
	box   []int32
	off   []uint32 // one more than messages
	refs  []int32  // boxes

	// Of boxes.
	hash []uint64 // 0: no id
	ids  table
}

func newColumns() columns { return columns{off: []uint32{0}} }

// grow makes room.
func (c *columns) grow(add []Fact) {
	n, refs := len(add), 0
	for i := range add {
		refs += min(len(add[i].Refs), maxRefs)
	}
	c.key, c.date, c.subj, c.state = slices.Grow(c.key, n), slices.Grow(c.date, n), slices.Grow(c.subj, n), slices.Grow(c.state, n)
	c.box, c.off, c.refs, c.hash = slices.Grow(c.box, n), slices.Grow(c.off, n), slices.Grow(c.refs, refs), slices.Grow(c.hash, n)
	c.ids.room(n, c.hash)
}

// add appends a message and returns its number.
func (c *columns) add(x *Fact) int32 {
	m := int32(len(c.key))
	st := uint8(0)
	if x.Reply {
		st = stReply
	}
	c.key, c.date, c.subj, c.state = append(c.key, x.Key), append(c.date, x.Date), append(c.subj, x.Subject), append(c.state, st)
	c.box = append(c.box, c.boxOf(x.ID))
	refs := x.Refs
	if len(refs) > maxRefs {
		c.refer(refs[0])
		refs = refs[len(refs)-maxRefs+1:]
	}
	for _, h := range refs {
		c.refer(h)
	}
	c.off = append(c.off, uint32(len(c.refs)))
	return m
}

func (c *columns) refer(h uint64) {
	if h != 0 {
		c.refs = append(c.refs, c.boxOf(h))
	}
}

// boxOf returns the box of an id, and a new one for none.
func (c *columns) boxOf(h uint64) int32 {
	if h != 0 {
		if b := c.ids.find(h, c.hash); b >= 0 {
			return b
		}
	}
	b := int32(len(c.hash))
	c.hash = append(c.hash, h)
	if h != 0 {
		c.ids.put(h, b, c.hash)
	}
	return b
}

// Facts are those of the messages of one folder, to be joined with those of others.
type Facts struct {
	columns
}

// NewFacts returns those that are given.
func NewFacts(list []Fact) *Facts {
	x := &Facts{newColumns()}
	x.grow(list)
	for i := range list {
		x.add(&list[i])
	}
	return x
}

// Len returns the number of messages.
func (x *Facts) Len() int { return len(x.key) }

// Keys returns the keys of the messages. They are not to be changed.
func (x *Facts) Keys() []uint32 { return x.key }

// With returns the numbers of the messages whose Message-ID has that [Hash].
func (x *Facts) With(id uint64) iter.Seq[int] {
	return func(yield func(int) bool) {
		for i, b := range x.box {
			if x.hash[b] == id && id != 0 && !yield(i) {
				return
			}
		}
	}
}

// Facts returns what the Forest was told of its messages, in the order of their keys. It shares
// no memory with the Forest. If that was loaded, there may be an error: nobody who makes threads
// writes such a file.
func (f *Forest) Facts() (*Facts, error) {
	x := &Facts{columns{hash: slices.Clone(f.hash)}}
	if f.live == len(f.key) {
		x.key, x.date, x.subj, x.state = slices.Clone(f.key), slices.Clone(f.date), slices.Clone(f.subj), slices.Clone(f.state)
		x.box, x.off, x.refs = slices.Clone(f.box), slices.Clone(f.off), slices.Clone(f.refs)
	} else {
		n := f.live
		x.key, x.date, x.subj, x.state = make([]uint32, 0, n), make([]int64, 0, n), make([]uint64, 0, n), make([]uint8, 0, n)
		x.box, x.off, x.refs = make([]int32, 0, n), make([]uint32, 1, n+1), make([]int32, 0, len(f.refs))
		for m, st := range f.state {
			if st&stGone != 0 {
				continue
			}
			from, to := f.off[m], f.off[m+1]
			if from > to || uint64(to) > uint64(len(f.refs)) {
				return nil, ErrFile
			}
			x.key, x.date, x.subj, x.state = append(x.key, f.key[m]), append(x.date, f.date[m]), append(x.subj, f.subj[m]), append(x.state, st)
			x.box, x.refs = append(x.box, f.box[m]), append(x.refs, f.refs[from:to]...)
			x.off = append(x.off, uint32(len(x.refs)))
		}
	}
	if !x.sound() {
		return nil, ErrFile
	}
	return x, nil
}

// sound reports whether all numbers are those of what is there.
func (x *Facts) sound() bool {
	boxes := uint32(len(x.hash))
	worst := uint32(0)
	for _, b := range x.box {
		worst = max(worst, uint32(b))
	}
	for _, b := range x.refs {
		worst = max(worst, uint32(b))
	}
	prev := uint32(0)
	for _, off := range x.off {
		if off < prev {
			return false
		}
		prev = off
	}
	return (worst < boxes || boxes == 0 && len(x.box)+len(x.refs) == 0) && x.off[0] == 0 && int(prev) == len(x.refs)
}
