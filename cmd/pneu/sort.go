package main

import (
	"cmp"
	"math"
	"math/bits"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"pneu/cmd/internal/boot"
	"pneu/maildir/message"
	"pneu/maildir/store"
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
	all    func(v *store.View) []int64 // the numbers of all messages, nil if not all are known
	text   func(r *ref) string
}

var keys = map[string]sortKey{
	"date":     {number: (*ref).date, all: allDates},
	"received": {number: (*ref).received},
	"size":     {number: (*ref).size},
	"from":     {text: func(r *ref) string { return firstName(r.summary().From) }},
	"to":       {text: func(r *ref) string { return firstName(r.summary().To) }},
	"subject":  {text: func(r *ref) string { return baseSubject(r.summary().Subject) }},
	"folder":   {text: func(r *ref) string { return r.msg().Folder() }},
}

func allDates(v *store.View) []int64 {
	if v.State().Undigested > 0 {
		return nil
	}
	return v.Index().AllSent(nil)
}

// numbers calls fn with the number of each message.
func (k sortKey) numbers(list []ref, fn func(i int, n int64)) {
	var v *store.View
	var all []int64
	known := map[*store.View][]int64{}
	for i := range list {
		r := &list[i]
		if r.v != v && k.all != nil {
			v, all = r.v, nil
			if v != nil && len(list) > v.Len()/8 { // else it is more work than one by one
				have := false
				if all, have = known[v]; !have {
					all = k.all(v)
					known[v] = all
				}
			}
		}
		if all != nil {
			fn(i, all[r.n])
		} else {
			fn(i, k.number(r))
		}
		if r.m != nil {
			r.m.forget()
		}
	}
}

// sortByNumber is sortRefs for one key that is a number.
func sortByNumber(list []ref, key sortKey, reverse bool) []int32 {
	values := make([]uint64, len(list))
	least, most := int64(math.MaxInt64), int64(math.MinInt64)
	key.numbers(list, func(i int, n int64) {
		values[i] = uint64(n)
		least, most = min(least, n), max(most, n)
	})
	order := make([]int32, len(list))
	// Number and place are sorted as one, unless numbers are too far from each other.
	places := bits.Len(uint(len(list)))
	if len(list) > 0 && bits.Len64(uint64(most)-uint64(least))+places <= 64 {
		for i, n := range values {
			if reverse {
				n = uint64(most) - n
			} else {
				n -= uint64(least)
			}
			values[i] = n<<places | uint64(i)
		}
		slices.Sort(values)
		for i, n := range values {
			order[i] = int32(n & (1<<places - 1))
		}
		return order
	}
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortStableFunc(order, func(a, b int32) int {
		c := cmp.Compare(int64(values[a]), int64(values[b]))
		if reverse {
			return -c
		}
		return c
	})
	return order
}

// sortRefs returns the places in a list in the order of the keys; what none tells apart stays
// in its order.
func sortRefs(list []ref, by []sortKey, reverse bool) []int32 {
	if len(by) == 1 && by[0].number != nil {
		return sortByNumber(list, by[0], reverse)
	}
	numbers, texts := make([][]int64, len(by)), make([][]string, len(by))
	for k, key := range by {
		if key.number != nil {
			numbers[k] = make([]int64, len(list))
			key.numbers(list, func(i int, n int64) { numbers[k][i] = n })
			continue
		}
		texts[k] = make([]string, len(list))
		for i := range list {
			r := &list[i]
			if texts[k][i] = key.text(r); r.m != nil {
				r.m.forget()
			}
		}
	}
	order := make([]int32, len(list))
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortStableFunc(order, func(a, b int32) int {
		c := 0
		for k := 0; c == 0 && k < len(by); k++ {
			if numbers[k] != nil {
				c = cmp.Compare(numbers[k][a], numbers[k][b])
			} else {
				c = strings.Compare(texts[k][a], texts[k][b])
			}
		}
		if reverse {
			return -c
		}
		return c
	})
	return order
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
	return t.emitRefs(list, order)
}
