package store

import (
	"sort"
	"time"

	"pneu/maildir/thread"
)

// A View is an order of rows.
type View struct {
	threads bool
	rows    []ref
	rowOf   []int32 // by id: the row that shows the message, or -1
	// Conversations: members[first[id]:first[id]+size[id]] of a conversation named by its first message.
	members []member
	convOf  []int32 // by id: index in convs, or -1
	convs   []conv
}

type ref struct {
	id    int32
	conv  int32 // -1: a message alone
	depth int16
	kind  kind
}

type kind uint8

const (
	single kind = iota // a message
	folded             // a conversation in one row
	opened             // the first message of an unfolded conversation
	child              // another message of it
)

type member struct {
	id    int32
	depth int16
}

type conv struct {
	from, n int32
	latest  time.Time
}

// A Snapshot is what Arrange needs of a Box, so that it can run outside the loop.
type Snapshot struct {
	serial int64
	opt    Options
	limit  Limit
	ids    []int32
	heads  []*Head
	times  []time.Time
	open   map[int32]bool // first messages of unfolded conversations
}

// Snapshot copies what Arrange needs.
func (b *Box) Snapshot() *Snapshot {
	s := &Snapshot{serial: b.Serial, opt: b.opt, limit: b.limit, open: map[int32]bool{}}
	s.heads = append([]*Head(nil), b.heads...)
	s.times = make([]time.Time, len(b.entries))
	s.ids = make([]int32, 0, b.left)
	for id := range b.entries {
		if b.gone[id] {
			continue
		}
		s.times[id] = b.time(id)
		if b.limit.IDs == nil || b.limit.IDs[id] {
			s.ids = append(s.ids, int32(id))
		}
	}
	if b.view != nil {
		for _, r := range b.view.rows {
			if r.kind == opened {
				s.open[r.id] = true
			}
		}
	}
	return s
}

// Arranged is the result of Arrange.
type Arranged struct {
	Serial int64
	View   *View
	Limit  Limit
}

// Arrange sorts and threads.
func (s *Snapshot) Arrange() Arranged {
	if !s.opt.Threads {
		sort.SliceStable(s.ids, func(i, j int) bool { return s.less(s.ids[i], s.ids[j]) })
		return Arranged{s.serial, s.flatOf(s.ids), s.limit}
	}
	// Messages found by a limit bring their conversation's place, not the whole conversation.
	items := make([]thread.Item, 0, len(s.ids))
	for _, id := range s.ids {
		it := thread.Item{Key: int(id), Date: s.times[id]}
		if h := s.heads[id]; h != nil {
			it.ID, it.Refs, it.Subject = h.MessageID, h.References, h.Subject
		}
		items = append(items, it)
	}
	order := thread.Newest
	if s.opt.Oldest {
		order = thread.Oldest
	}
	nodes := thread.BuildBy(items, order)
	v := &View{threads: true, members: make([]member, 0, len(nodes)), convOf: fill(len(s.heads))}
	for i := 0; i < len(nodes); {
		n := max(1, nodes[i].Size)
		c := conv{from: int32(len(v.members)), latest: nodes[i].Latest}
		for j := i; j < i+n && j < len(nodes); j++ {
			id := int32(nodes[j].Key)
			v.members = append(v.members, member{id, int16(min(nodes[j].Depth, 1000))})
			v.convOf[id] = int32(len(v.convs))
			c.n++
		}
		v.convs = append(v.convs, c)
		i += n
	}
	v.build(s.open)
	return Arranged{s.serial, v, s.limit}
}

// less is the order of messages: newest first, the later arrival first among equals.
func (s *Snapshot) less(a, b int32) bool {
	ta, tb := s.times[a], s.times[b]
	if s.opt.Oldest {
		a, b, ta, tb = b, a, tb, ta
	}
	if !ta.Equal(tb) {
		return ta.After(tb)
	}
	return a > b
}

// flat is the order of arrival, newest first: all that names tell.
func (s *Snapshot) flat() *View {
	ids := make([]int32, len(s.ids))
	for i, id := range s.ids {
		if s.opt.Oldest {
			ids[i] = id
		} else {
			ids[len(ids)-1-i] = id
		}
	}
	return s.flatOf(ids)
}

func (s *Snapshot) flatOf(ids []int32) *View {
	v := &View{rows: make([]ref, len(ids)), rowOf: fill(len(s.heads))}
	for i, id := range ids {
		v.rows[i] = ref{id: id, conv: -1}
		v.rowOf[id] = int32(i)
	}
	return v
}

func fill(n int) []int32 {
	s := make([]int32, n)
	for i := range s {
		s[i] = -1
	}
	return s
}

// build makes the rows of conversations, unfolded where open says so.
func (v *View) build(open map[int32]bool) {
	v.rows = v.rows[:0]
	for ci, c := range v.convs {
		v.rows = v.addConv(v.rows, int32(ci), c, c.n > 1 && open[v.members[c.from].id])
	}
	v.rowOf = fill(len(v.convOf))
	v.index()
}

func (v *View) addConv(rows []ref, ci int32, c conv, unfold bool) []ref {
	first := v.members[c.from]
	if !unfold {
		return append(rows, ref{id: first.id, conv: ci, kind: folded})
	}
	rows = append(rows, ref{id: first.id, conv: ci, kind: opened})
	for _, m := range v.members[c.from+1 : c.from+c.n] {
		rows = append(rows, ref{id: m.id, conv: ci, depth: m.depth, kind: child})
	}
	return rows
}

// index notes the row of each message.
func (v *View) index() {
	for i := range v.rowOf {
		v.rowOf[i] = -1
	}
	for i, r := range v.rows {
		v.rowOf[r.id] = int32(i)
		if r.kind == folded {
			c := v.convs[r.conv]
			for _, m := range v.members[c.from : c.from+c.n] {
				v.rowOf[m.id] = int32(i)
			}
		}
	}
}
