package main

import (
	"cmp"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"pneu/cmd/internal/boot"
	"pneu/maildir/message"
	"pneu/maildir/thread"
)

func sortVerb() *cli.Command {
	return &cli.Command{
		Name: "sort", Usage: "sort messages", ArgsUsage: "KEY... [MESSAGE...]",
		Flags:  outputFlags(&cli.BoolFlag{Name: "reverse", Aliases: []string{"r"}, Usage: "the other way round"}),
		Action: verb(sortMessages),
	}
}

// keys are what messages can be sorted by.
var keys = map[string]func(a, b *msg) int{
	"date":     func(a, b *msg) int { return a.Date().Compare(b.Date()) },
	"received": func(a, b *msg) int { return a.Received().Compare(b.Received()) },
	"from":     func(a, b *msg) int { return cmp.Compare(firstName(a.Summary().From), firstName(b.Summary().From)) },
	"to":       func(a, b *msg) int { return cmp.Compare(firstName(a.Summary().To), firstName(b.Summary().To)) },
	"subject":  func(a, b *msg) int { return cmp.Compare(base(a), base(b)) },
	"size":     func(a, b *msg) int { return cmp.Compare(a.Size(), b.Size()) },
	"folder":   func(a, b *msg) int { return cmp.Compare(a.Folder(), b.Folder()) },
}

func firstName(l []message.Addr) string {
	if len(l) == 0 {
		return ""
	}
	return strings.ToLower(cmp.Or(l[0].Name, l[0].Addr))
}

func base(m *msg) string {
	s, _ := thread.BaseSubject(m.Summary().Subject)
	return strings.ToLower(s)
}

func sortMessages(t *tool) error {
	args := t.c.Args().Slice()
	var by []func(a, b *msg) int
	threads := false
	for len(args) > 0 {
		if args[0] == "thread" {
			threads = true
		} else if f, ok := keys[args[0]]; ok {
			by = append(by, f)
		} else {
			break
		}
		args = args[1:]
	}
	if len(by) == 0 && !threads {
		return boot.Usage("say what to sort by: date, received, from, to, subject, size, folder or thread")
	}
	list, err := t.all(args, wholeSequence)
	if err != nil {
		return err
	}
	for _, m := range list {
		m.Summary()
		m.forget()
	}
	if threads {
		list = threaded(list, t.c.Bool("reverse"))
	} else {
		slices.SortStableFunc(list, func(a, b *msg) int {
			for _, f := range by {
				if c := f(a, b); c != 0 {
					if t.c.Bool("reverse") {
						return -c
					}
					return c
				}
			}
			return 0
		})
	}
	for _, m := range list {
		m.thread = ""
		if err := t.emit(m, ""); err != nil {
			return err
		}
	}
	return nil
}

// threaded puts messages in the order of their conversations: those with the oldest news
// first, as sort does, or with newest the other way.
func threaded(list []*msg, newest bool) []*msg {
	items := make([]thread.Item, len(list))
	for i, m := range list {
		s := m.Summary()
		items[i] = thread.Item{ID: s.MessageID, Refs: s.References, Subject: s.Subject, Date: m.Date(), Key: i}
		m.forget()
	}
	order := thread.Oldest
	if newest {
		order = thread.Newest
	}
	nodes := thread.BuildBy(items, order)
	out := make([]*msg, 0, len(list))
	for _, n := range nodes {
		m, root := list[n.Key], list[nodes[n.Root].Key]
		m.depth = n.Depth
		m.thread = cmp.Or(root.Summary().MessageID, root.e.Base(), root.path)
		out = append(out, m)
	}
	return out
}
