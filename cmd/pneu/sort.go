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

// A sortKey is what messages can be sorted by: a number or a text.
type sortKey struct {
	number func(r *ref) int64
	text   func(r *ref) string
}

var keys = map[string]sortKey{
	"date":     {number: (*ref).date},
	"received": {number: (*ref).received},
	"size":     {number: (*ref).size},
	"from":     {text: func(r *ref) string { return firstName(r.summary().From) }},
	"to":       {text: func(r *ref) string { return firstName(r.summary().To) }},
	"subject":  {text: func(r *ref) string { return baseSubject(r.summary().Subject) }},
	"folder":   {text: func(r *ref) string { return r.msg().Folder() }},
}

// sortRefs returns the places in a list in the order of the keys; what none tells apart stays
// in its order.
func sortRefs(list []ref, by []sortKey, reverse bool) []int32 {
	type item struct {
		key int64 // the first one, if it is a number
		at  int32
	}
	items := make([]item, len(list))
	numbers, texts := make([][]int64, len(by)), make([][]string, len(by))
	first := 0 // of by, that items do not have
	if by[0].number != nil {
		first = 1
	}
	for k, key := range by[first:] {
		k += first
		if key.number != nil {
			numbers[k] = make([]int64, len(list))
		} else {
			texts[k] = make([]string, len(list))
		}
	}
	for i := range list {
		r := &list[i]
		if items[i].at = int32(i); first > 0 {
			items[i].key = by[0].number(r)
		}
		for k := first; k < len(by); k++ {
			if key := by[k]; key.number != nil {
				numbers[k][i] = key.number(r)
			} else {
				texts[k][i] = key.text(r)
			}
		}
		if r.m != nil {
			r.m.forget()
		}
	}
	slices.SortFunc(items, func(a, b item) int {
		c := cmp.Compare(a.key, b.key)
		for k := first; c == 0 && k < len(by); k++ {
			if numbers[k] != nil {
				c = cmp.Compare(numbers[k][a.at], numbers[k][b.at])
			} else {
				c = strings.Compare(texts[k][a.at], texts[k][b.at])
			}
		}
		switch {
		case c == 0:
			return int(a.at - b.at)
		case reverse:
			return -c
		}
		return c
	})
	out := make([]int32, len(list))
	for i, it := range items {
		out[i] = it.at
	}
	return out
}

func firstName(l []message.Addr) string {
	if len(l) == 0 {
		return ""
	}
	return strings.ToLower(cmp.Or(l[0].Name, l[0].Addr))
}

func base(m *msg) string { return baseSubject(m.Summary().Subject) }

func baseSubject(s string) string {
	s, _ = thread.BaseSubject(s)
	return strings.ToLower(s)
}

func sortMessages(t *tool) error {
	args := t.c.Args().Slice()
	var by []sortKey
	threads := false
	for len(args) > 0 {
		if args[0] == "thread" {
			threads = true
		} else if k, ok := keys[args[0]]; ok {
			by = append(by, k)
		} else {
			break
		}
		args = args[1:]
	}
	if len(by) == 0 && !threads {
		return boot.Usage("say what to sort by: date, received, from, to, subject, size, folder or thread")
	}
	list, err := t.allRefs(args, wholeSequence)
	if err != nil {
		return err
	}
	var order []int32
	if threads {
		for _, k := range t.threads(list, t.c.Bool("reverse")) {
			order = append(order, k.at)
		}
	} else {
		order = sortRefs(list, by, t.c.Bool("reverse"))
	}
	for _, i := range order {
		if err := t.emitRef(&list[i]); err != nil {
			return err
		}
	}
	return nil
}
