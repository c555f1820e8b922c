package search

import (
	"bytes"
	"slices"

	"pneu/maildir/thread"
)

// thread decides by the members a caller has named, or else by the conversations within this source.
func (r *run) thread(t *term, want *Bits) (split, error) {
	if m := t.thread.members; m != nil {
		return r.heads(t, want, func(rec []byte) (bool, bool) {
			id := rec[bytes.LastIndexByte(rec, 0)+1:]
			return m[string(id)], false
		})
	}
	a := r.memo[t]
	if a == nil {
		var err error
		if a, err = r.conversations(t.thread); err != nil {
			return split{}, err
		}
		r.memo[t] = a
	}
	s := r.window(a.yes)
	s.And(want)
	return split{s, r.empty()}, nil
}

// conversations returns the rows of all conversations with a message that t asks for.
func (r *run) conversations(t *threadTerm) (*answer, error) {
	n := r.src.Len()
	a := &answer{yes: NewBits(n), maybe: NewBits(n)}
	roots := make([]int64, n)
	if !r.src.Column(Thread, 0, roots) || slices.Contains(roots, Unknown) {
		if err := r.threads(roots); err != nil {
			return nil, err
		}
	}
	q := t.Query
	if t.ID != "" {
		q = Query{&term{field: "thread", thread: &threadTerm{members: t.near}}}
	}
	first, err := q.Run(r.ctx, r.src)
	if err == nil && t.ID != "" && !first.Any() { // only answers to it are here, perhaps
		first, err = Query{&term{field: "near", thread: t}}.Run(r.ctx, r.src)
	}
	if err != nil {
		return nil, err
	}
	found := make(map[int64]bool)
	for row := range first.Rows() {
		found[roots[row]] = true
	}
	for row, root := range roots {
		if found[root] {
			a.yes.Set(row)
		}
	}
	return a, nil
}

// threads works conversations out from the messages, where the source has no column of them.
func (r *run) threads(roots []int64) error {
	items := make([]thread.Item, 0, len(roots))
	for row := range roots {
		if row%256 == 0 && r.ctx.Err() != nil {
			return r.ctx.Err()
		}
		roots[row] = int64(row)
		d := r.src.Doc(row)
		if d == nil {
			continue
		}
		s := d.Summary()
		refs := s.References
		if len(refs) == 0 && s.InReplyTo != "" {
			refs = []string{s.InReplyTo}
		}
		items = append(items, thread.Item{ID: s.MessageID, Refs: refs, Subject: s.Subject, Date: s.Date, Key: row})
	}
	nodes := thread.Build(items)
	for _, n := range nodes {
		roots[n.Key] = int64(nodes[n.Root].Key)
	}
	return nil
}
