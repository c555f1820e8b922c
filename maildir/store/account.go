package store

import (
	"context"
	"maps"
	"sync"

	"pneu/maildir/digest"
	"pneu/maildir/search"
	"pneu/maildir/thread"
)

// Conversations are the threads of all folders together, at one moment: an answer in Sent
// stands below the question in INBOX. A message of which several folders have a copy, as its
// Message-ID says, is in them once.
type Conversations struct {
	// Tree has the messages by number.
	Tree   *thread.Tree
	copies func(n int32) []Row
	at     []int32 // thread by number
	key    func(id uint64) uint32
	rank   []int32 // number by key, -1 of what is gone
}

// Rows returns a message's copies.
func (c *Conversations) Rows(n int32) []Row { return c.copies(n) }

// Thread returns the messages of the thread that has message n.
func (c *Conversations) Thread(n int32) []thread.Spot {
	t := c.Tree.Threads[c.at[n]]
	return c.Tree.Spots[t.From : t.From+t.N]
}

// Find returns the number of a message by its Message-ID.
func (c *Conversations) Find(id string) (n int32, ok bool) {
	key := c.key(thread.Hash(id))
	if key == 0 || int(key) >= len(c.rank) || c.rank[key] < 0 {
		return 0, false
	}
	return c.rank[key], true
}

// account is what a Store keeps of the threads of all folders.
type account struct {
	mu    sync.Mutex
	f     *thread.Forest
	parts map[string]*part  // folders by directory
	byID  map[uint64]uint32 // key of the message with an id
	of    [][]place         // by key: where its copies are
}

// part is a folder as the account knows it.
type part struct {
	v    *View
	uids []UID
	keys []uint32
}

type place struct {
	p   *part
	uid UID
}

// Conversations returns the threads of all folders as they are now. The first call reads what
// is kept of every message; later ones take time by what changed. Folders that cannot be read
// are left out, and the log says so.
func (s *Store) Conversations(ctx context.Context, order thread.Order) (*Conversations, error) {
	folders, err := s.tree.Folders()
	if err != nil {
		return nil, err
	}
	a := &s.account
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.f == nil {
		a.f, a.parts, a.byID, a.of = thread.NewForest(thread.Options{}), map[string]*part{}, map[uint64]uint32{}, [][]place{nil}
	}
	var c collect
	left := make(map[string]bool, len(a.parts))
	for dir := range a.parts {
		left[dir] = true
	}
	for _, f := range folders {
		b, err := s.BoxOf(f)
		if err != nil {
			return nil, err
		}
		v, err := b.Sync(ctx)
		if err == nil {
			err = a.update(ctx, &c, f.Path(), v)
			delete(left, f.Path())
		} else if ctx.Err() == nil {
			b.say("folder is left out of conversations", err)
			err = nil
		}
		b.Close()
		if err != nil {
			a.f = nil // half done: anew next time
			return nil, err
		}
	}
	for dir := range left {
		p := a.parts[dir]
		for i := range p.uids {
			a.gone(&c, p, i)
		}
		delete(a.parts, dir)
	}
	remove := c.live(a)
	if err := a.f.Update(c.add, remove); err != nil {
		a.f = nil
		return nil, err
	}
	if len(remove) > 0 {
		dead := make(map[uint32]bool, len(remove))
		for _, k := range remove {
			dead[k] = true
		}
		maps.DeleteFunc(a.byID, func(_ uint64, k uint32) bool { return dead[k] })
	}
	return a.show(order), nil
}

// collect is what is to be told to the forest.
type collect struct {
	add    []thread.Fact
	remove []uint32
}

// live returns the keys to remove: a message whose only copy went, while another came, stays.
func (c *collect) live(a *account) []uint32 {
	out := c.remove[:0]
	for _, k := range c.remove {
		if len(a.of[k]) == 0 {
			out = append(out, k)
		}
	}
	return out
}

// update compares a folder with what is known of it.
func (a *account) update(ctx context.Context, c *collect, dir string, v *View) error {
	p := a.parts[dir]
	if p != nil && p.v.ix == v.ix {
		return nil
	}
	if p != nil && (p.v.numbering() != v.numbering() || !v.State().Sticky) {
		for i := range p.uids {
			a.gone(c, p, i)
		}
		p = nil
	}
	if p == nil {
		p = &part{}
		a.parts[dir] = p
	}
	now := v.ix.AllUIDs(make([]UID, 0, v.Len()))
	keys := make([]uint32, 0, len(now))
	old := 0
	var fresh []int32
	for n, uid := range now {
		for old < len(p.uids) && p.uids[old] < uid {
			a.gone(c, p, old)
			old++
		}
		if old < len(p.uids) && p.uids[old] == uid {
			keys = append(keys, p.keys[old])
			old++
			continue
		}
		keys = append(keys, 0)
		fresh = append(fresh, int32(n))
	}
	for ; old < len(p.uids); old++ {
		a.gone(c, p, old)
	}
	facts := make([]thread.Fact, len(fresh))
	if err := parallel(ctx, len(fresh), func(i int) {
		r := v.Row(int(fresh[i]))
		r.peek(func(d digest.Digest) { facts[i] = factOf(r, d) })
	}); err != nil {
		return err
	}
	for i, x := range facts {
		n := fresh[i]
		key, known := a.byID[x.ID]
		if !known || x.ID == 0 {
			key = uint32(len(a.of))
			a.of = append(a.of, nil)
			if x.ID != 0 {
				a.byID[x.ID] = key
			}
			x.Key = key
			c.add = append(c.add, x)
		}
		a.of[key] = append(a.of[key], place{p, now[n]})
		keys[n] = key
	}
	p.v, p.uids, p.keys = v, now, keys
	return nil
}

// gone takes a copy away.
func (a *account) gone(c *collect, p *part, i int) {
	key := p.keys[i]
	at := a.of[key]
	for k := range at {
		if at[k] == (place{p, p.uids[i]}) {
			a.of[key] = append(at[:k:k], at[k+1:]...)
			break
		}
	}
	if len(a.of[key]) == 0 {
		c.remove = append(c.remove, key)
	}
}

// show makes a picture of what is, which later updates do not change.
func (a *account) show(order thread.Order) *Conversations {
	keys := append([]uint32(nil), a.f.Keys()...)
	of := append([][]place(nil), a.of...)
	views := make(map[*part]*View, len(a.parts))
	for _, p := range a.parts {
		views[p] = p.v
	}
	c := &Conversations{Tree: a.f.Tree(order), at: make([]int32, len(keys))}
	for i, t := range c.Tree.Threads {
		for _, s := range c.Tree.Spots[t.From : t.From+t.N] {
			c.at[s.Row] = int32(i)
		}
	}
	rank := make([]int32, len(of))
	for i := range rank {
		rank[i] = -1
	}
	for n, k := range keys {
		rank[k] = int32(n)
	}
	c.rank = rank
	c.key = func(id uint64) uint32 {
		a.mu.Lock()
		defer a.mu.Unlock()
		return a.byID[id]
	}
	c.copies = func(n int32) []Row {
		var rows []Row
		for _, at := range of[keys[n]] {
			if v := views[at.p]; v != nil {
				if row, ok := v.Find(at.uid); ok {
					rows = append(rows, v.Row(row))
				}
			}
		}
		return rows
	}
	return c
}

// members returns the Message-IDs of the messages that a term thread: of a query asks for.
func (s *Store) members(ctx context.Context, t search.Conversation) ([]string, error) {
	c, err := s.Conversations(ctx, thread.Newest)
	if err != nil {
		return nil, err
	}
	var first []int32
	if t.ID != "" {
		if n, ok := c.Find(t.ID); ok {
			first = append(first, n)
		}
	} else {
		rows, err := s.Query(ctx, t.Query, 0)
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			var id string
			r.peek(func(d digest.Digest) { id = d.MessageID() })
			if n, ok := c.Find(id); ok {
				first = append(first, n)
			}
		}
	}
	var ids []string
	if t.ID != "" {
		ids = append(ids, t.ID)
	}
	seen := map[int32]bool{}
	for _, n := range first {
		if seen[c.at[n]] {
			continue
		}
		seen[c.at[n]] = true
		for _, spot := range c.Thread(n) {
			if rows := c.Rows(spot.Row); len(rows) > 0 {
				rows[0].peek(func(d digest.Digest) {
					if id := d.MessageID(); id != "" {
						ids = append(ids, id)
					}
				})
			}
		}
	}
	return ids, nil
}
