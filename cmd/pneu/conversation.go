package main

import (
	"slices"

	"pneu/maildir/digest"
	"pneu/maildir/message"
	"pneu/maildir/search"
)

// current is the message "thread:{.}" is about: the current one of the session's sequence,
// or nil where there is none.
func (t *tool) current() *message.Summary {
	s, err := t.sequence()
	if err != nil || len(s.paths) == 0 {
		return nil
	}
	m, err := t.find(s.paths[min(max(s.cur, 1), len(s.paths))-1])
	if err != nil {
		return nil
	}
	sum := m.Summary()
	if m.err != nil {
		return nil
	}
	return sum
}

// resolve puts into a query which messages its conversations consist of, by looking at all
// folders of the tree.
func (t *tool) resolve(q search.Query) (search.Query, error) {
	if len(q.Threads()) == 0 {
		return q, nil
	}
	s, err := t.tree()
	if err != nil {
		return q, err
	}
	all, err := t.everywhere(s)
	if err != nil {
		return q, err
	}
	order := t.threads(all, false)
	return q.Resolve(func(c search.Conversation) ([]string, error) {
		asked, err := t.askedBy(c, all)
		if err != nil {
			return nil, err
		}
		var ids []string
		for from := 0; from < len(order); {
			to := from + 1
			for to < len(order) && order[to].root == order[from].root {
				to++
			}
			whole := order[from:to]
			from = to
			if !slices.ContainsFunc(whole, func(k knot) bool { return asked[k.at] }) {
				continue
			}
			for _, k := range whole {
				if id := all[k.at].summary().MessageID; id != "" {
					ids = append(ids, id)
				}
			}
		}
		return ids, nil
	})
}

// askedBy tells which of all messages those are whose conversations are asked for.
func (t *tool) askedBy(c search.Conversation, all []ref) ([]bool, error) {
	asked := make([]bool, len(all))
	if c.ID != "" {
		inPieces(len(all), func(i int) { asked[i] = all[i].hasID(c.ID) })
		return asked, nil
	}
	sets := map[*box]*search.Bits{}
	for i := range all {
		r := &all[i]
		if r.v == nil || r.v != r.b.v {
			m := r.msg()
			asked[i] = c.Query.Match(m)
			m.forget()
			continue
		}
		set, met := sets[r.b]
		if !met {
			if c.Query.NeedsBody() {
				t.readTexts(r.b)
			}
			var err error
			if set, err = r.v.Query(t.context(), c.Query); err != nil {
				return nil, err
			}
			sets[r.b] = set
		}
		asked[i] = set.Has(int(r.n))
	}
	return asked, nil
}

// hasID reports whether it has that Message-ID.
func (r *ref) hasID(id string) bool {
	if r.digested() {
		if d, err := digest.Decode(r.v.Index().Blob(int(r.n))); err == nil {
			return string(d.MessageIDBytes()) == id
		}
	}
	return r.summary().MessageID == id
}

// Message is the whole message, read when a query first asks what only that tells: links,
// types of parts (search.Parsed).
func (m *msg) Message() *message.Message {
	p, err := m.load()
	if err != nil {
		return nil
	}
	return p
}
