package main

import (
	"pneu/maildir/message"
	"pneu/maildir/search"
	"pneu/maildir/thread"
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
	parts, err := t.partsOf(s)
	if err != nil {
		return q, err
	}
	a, err := t.tract(parts)
	if err != nil {
		return q, err
	}
	return q.Resolve(func(c search.Conversation) (ids []string, err error) {
		var asked *search.Bits
		if c.ID != "" {
			asked = a.withID(c.ID)
		} else if asked, err = a.found(c.Query); err != nil {
			return nil, err
		}
		err = a.conversations(thread.Newest, asked, func(spots []thread.Spot) error {
			for _, s := range spots {
				if id := a.id(s.Row); id != "" {
					ids = append(ids, id)
				}
			}
			return nil
		})
		return ids, err
	})
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
