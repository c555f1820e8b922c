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
	folders, err := s.Folders()
	if err != nil {
		return q, err
	}
	var all []*msg
	for _, f := range folders {
		entries, err := f.List()
		if err != nil {
			t.fail(f.Path(), err)
			continue
		}
		for _, e := range entries {
			all = append(all, &msg{path: f.File(e), f: f, e: e})
		}
	}
	all = threaded(all, false)
	return q.Resolve(func(c search.Conversation) ([]string, error) {
		var ids []string
		for from := 0; from < len(all); {
			to := from + 1
			for to < len(all) && all[to].thread == all[from].thread {
				to++
			}
			whole := all[from:to]
			from = to
			if !slices.ContainsFunc(whole, func(m *msg) bool {
				defer m.forget()
				return c.ID != "" && m.Summary().MessageID == c.ID || c.ID == "" && c.Query.Match(m)
			}) {
				continue
			}
			for _, m := range whole {
				if id := m.Summary().MessageID; id != "" {
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
