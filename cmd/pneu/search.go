package main

import (
	"errors"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"pneu/cmd/internal/boot"
	"pneu/maildir"
	"pneu/maildir/search"
)

func meFlag() cli.Flag {
	return &cli.StringSliceFlag{Name: "me", EnvVars: []string{"EMAIL"}, Usage: "what \"to:me\" means: an `ADDRESS`"}
}

func searchVerb() *cli.Command {
	return &cli.Command{
		Name: "search", Usage: "find messages, newest first", ArgsUsage: "QUERY...",
		Flags: outputFlags(maildirFlag(), meFlag(),
			&cli.IntFlag{Name: "limit", Usage: "print at most `N`"},
		),
		Action: verb(searchAll),
	}
}

func pickVerb() *cli.Command {
	return &cli.Command{
		Name: "pick", Usage: "pass on the messages a query matches", ArgsUsage: "QUERY...",
		Flags:  outputFlags(meFlag()),
		Action: verb(pick),
	}
}

// query parses the arguments as one query.
func (t *tool) query() (search.Query, error) {
	if t.c.NArg() == 0 {
		return search.Query{}, boot.Usage("say what to look for, such as 'from:ada is:unread'")
	}
	q, err := search.ParseWith(strings.Join(t.c.Args().Slice(), " "), search.Options{Me: t.c.StringSlice("me"), Current: t.current()})
	var e *search.Error
	if errors.As(err, &e) {
		return q, boot.Usage(e.Error())
	}
	if err != nil {
		return q, err
	}
	return t.resolve(q)
}

// pick filters, message by message.
func pick(t *tool) error {
	q, err := t.query()
	if err != nil {
		return err
	}
	return t.each(nil, wholeSequence, func(m *msg) error {
		match := q.Match(m)
		if m.err != nil {
			t.fail(m.path, m.err)
			return nil
		}
		if !match {
			return nil
		}
		return t.emit(m, "")
	})
}

// searchAll looks at every message of the tree. The index, when there is one, takes the place
// of this loop.
func searchAll(t *tool) error {
	q, err := t.query()
	if err != nil {
		return err
	}
	limit := t.c.Int("limit")
	if t.c.IsSet("limit") && limit < 1 {
		return boot.Usage("--limit wants a number above 0")
	}
	s, err := t.tree()
	if err != nil {
		return err
	}
	folders, err := s.Folders()
	if err != nil {
		return err
	}
	var found []*msg
	for _, f := range folders {
		entries, err := f.List()
		if err != nil {
			t.fail(f.Path(), err)
			continue
		}
		for _, e := range entries {
			m := &msg{path: f.File(e), f: f, e: e}
			match := q.Match(m)
			if m.err != nil && !errors.Is(m.err, maildir.ErrGone) {
				t.fail(m.path, m.err)
				continue
			}
			if match {
				m.Summary()
				m.forget()
				found = append(found, m)
			}
		}
	}
	slices.SortStableFunc(found, func(a, b *msg) int { return b.Date().Compare(a.Date()) })
	if limit > 0 && len(found) > limit {
		found = found[:limit]
	}
	for _, m := range found {
		if err := t.emit(m, ""); err != nil {
			return err
		}
	}
	return nil
}

// forget drops what was read of the message but its summary, which a sort needs.
func (m *msg) forget() { m.raw, m.m, m.text = nil, nil, nil }
