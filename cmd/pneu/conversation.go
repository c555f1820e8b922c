package main

import (
	"slices"

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
		var ids []string
		for from := 0; from < len(order); {
			to := from + 1
			for to < len(order) && order[to].root == order[from].root {
				to++
			}
			whole := order[from:to]
			from = to
			if !slices.ContainsFunc(whole, func(k knot) bool {
				if c.ID != "" {
					return all[k.at].summary().MessageID == c.ID
				}
				m := all[k.at].msg()
				defer m.forget()
				return c.Query.Match(m)
			}) {
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

// Message is the whole message, read when a query first asks what only that tells: links,
// types of parts (search.Parsed).
func (m *msg) Message() *message.Message {
	p, err := m.load()
	if err != nil {
		return nil
	}
	return p
}
