package main

import (
	"errors"
	"strings"

	"github.com/urfave/cli/v2"

	"pneu/cmd/internal/boot"
	"pneu/maildir/search"
)

func meFlag() cli.Flag {
	return &cli.StringSliceFlag{Name: "me", EnvVars: []string{"EMAIL"}, Usage: "what \"to:me\" means: an `ADDRESS`"}
}

func searchVerb() *cli.Command {
	return &cli.Command{
		Name: "search", Usage: "find messages, newest first", ArgsUsage: "QUERY...",
		Flags: outputFlags(maildirFlag(), meFlag(),
			&cli.IntFlag{Name: "limit", DefaultText: "all", Usage: "print at most `N`"},
			&cli.IntFlag{Name: "offset", Usage: "leave out the first `N`"},
			&cli.BoolFlag{Name: "threads", Usage: "print whole conversations, which --limit and --offset count then"},
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
	return t.eachRef(nil, wholeSequence, func(r *ref) error {
		match := t.matches(q, r)
		if r.m != nil && r.m.err != nil {
			t.fail(r.path, r.m.err)
			return nil
		}
		if !match {
			return nil
		}
		return t.emitRef(r)
	})
}

// searchAll asks the index of every folder.
func searchAll(t *tool) error {
	q, err := t.query()
	if err != nil {
		return err
	}
	limit := t.c.Int("limit")
	if t.c.IsSet("limit") && limit < 1 {
		return boot.Usage("--limit wants a number above 0")
	}
	offset := t.c.Int("offset")
	if offset < 0 {
		return boot.Usage("--offset wants a number")
	}
	s, err := t.tree()
	if err != nil {
		return err
	}
	folders, err := s.Folders()
	if err != nil {
		return err
	}
	found, err := t.matching(q, folders)
	if err != nil {
		return err
	}
	if t.c.Bool("threads") {
		return t.emitConversations(found, offset, limit)
	}
	for _, i := range window(sortRefs(found, []sortKey{keys["date"]}, true), offset, limit) {
		if err := t.emitRef(&found[i]); err != nil {
			return err
		}
	}
	return nil
}

// forget drops what was read of the message but its summary, which a sort needs.
func (m *msg) forget() { m.raw, m.m, m.text = nil, nil, nil }
