package main

import (
	"github.com/urfave/cli/v2"

	"pneu/cmd/internal/boot"
	"pneu/maildir"
)

func threadVerb() *cli.Command {
	return &cli.Command{
		Name: "thread", Usage: "order messages into conversations", ArgsUsage: "[MESSAGE...]",
		Flags: outputFlags(
			&cli.BoolFlag{Name: "roots", Usage: "only the first message of each"},
			&cli.BoolFlag{Name: "whole", Usage: "with what the messages lack of their conversations, from all folders"},
			&cli.StringSliceFlag{Name: "of", Usage: "print the whole conversation of `MESSAGE`, from all folders"},
			&cli.BoolFlag{Name: "reverse", Aliases: []string{"r"}, Usage: "the conversation with the newest message first"},
		),
		Action: verb(threadMessages),
	}
}

func threadMessages(t *tool) error {
	args, whole := t.c.Args().Slice(), t.c.Bool("whole")
	if of := t.c.StringSlice("of"); len(of) > 0 {
		if len(args) > 0 || whole {
			return boot.Usage("--of names the messages: leave out others, and --whole")
		}
		args, whole = of, true
	}
	list, err := t.all(args, wholeSequence)
	if err != nil {
		return err
	}
	if whole {
		list, err = t.conversations(list, t.c.Bool("reverse"))
	} else {
		list = threaded(list, t.c.Bool("reverse"))
	}
	if err != nil {
		return err
	}
	for _, m := range list {
		if t.c.Bool("roots") && m.depth > 0 {
			continue
		}
		if err := t.emit(m, ""); err != nil {
			return err
		}
	}
	return nil
}

// conversations returns the whole conversations that the messages are in, with what lies
// in any folder of their trees.
func (t *tool) conversations(list []*msg, newest bool) ([]*msg, error) {
	if len(list) == 0 {
		return nil, nil
	}
	places := realPlaces{}
	asked := map[string]bool{}
	stores := map[string]bool{}
	var all []*msg
	for _, m := range list {
		if m.f == nil {
			all = append(all, m)
			asked[m.path] = true
			continue
		}
		asked[places.of(m)] = true
		if s := m.f.Store(); s != nil && !stores[s.Root()] {
			stores[s.Root()] = true
			more, err := t.everywhere(s)
			if err != nil {
				return nil, err
			}
			all = append(all, more...)
		}
	}
	all = threaded(all, newest)
	var out []*msg
	for from := 0; from < len(all); {
		to, wanted := from, false
		for ; to < len(all) && (to == from || all[to].depth > 0); to++ {
			m := all[to]
			wanted = wanted || m.f == nil || asked[places.of(m)]
		}
		if wanted {
			out = append(out, all[from:to]...)
		}
		from = to
	}
	return out, nil
}

// everywhere returns all messages of a tree.
func (t *tool) everywhere(s *maildir.Store) ([]*msg, error) {
	folders, err := s.Folders()
	if err != nil {
		return nil, err
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
	return all, nil
}

// window cuts what --offset leaves out at the beginning and --limit at the end.
func window[T any](list []T, offset, limit int) []T {
	list = list[min(offset, len(list)):]
	if limit > 0 && len(list) > limit {
		list = list[:limit]
	}
	return list
}

// emitConversations prints the whole conversations of messages, newest first; offset and
// limit count them.
func (t *tool) emitConversations(found []*msg, offset, limit int) error {
	all, err := t.conversations(found, true)
	if err != nil {
		return err
	}
	var starts []int
	for i, m := range all {
		if m.depth == 0 {
			starts = append(starts, i)
		}
	}
	starts = append(starts, len(all))
	first := window(starts[:len(starts)-1], offset, limit)
	if len(first) == 0 {
		return nil
	}
	from := min(offset, len(starts)-1)
	for _, m := range all[starts[from]:starts[from+len(first)]] {
		if err := t.emit(m, ""); err != nil {
			return err
		}
	}
	return nil
}
