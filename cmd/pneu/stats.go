package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"pneu/cmd/internal/boot"
	"pneu/maildir/message"
	"pneu/maildir/safe"
)

func statsVerb() *cli.Command {
	return &cli.Command{
		Name: "stats", Usage: "count messages by sender, folder, month or another key", ArgsUsage: "[MESSAGE...]",
		Flags: outputFlags(
			&cli.StringSliceFlag{Name: "by", Usage: "count by `KEY`; may be given several times"},
			&cli.StringFlag{Name: "sort", Usage: "order by `COLUMN`: count, unread, size, first, last or key"},
			&cli.BoolFlag{Name: "reverse", Aliases: []string{"r"}, Usage: "the other way round"},
			&cli.IntFlag{Name: "limit", DefaultText: "all", Usage: "print at most `N`"},
		),
		Action: verb(stats),
	}
}

// A statKey says under which keys a message is counted; none leaves it out.
type statKey struct {
	of      func(m *msg) []string
	ordered bool // the keys have an order of their own: that of time, or of size
	thread  bool
}

// statKeys are what messages can be counted by.
var statKeys = map[string]statKey{
	"from":    {of: func(m *msg) []string { return bareAddrs(m.Summary().From) }},
	"to":      {of: func(m *msg) []string { return bareAddrs(m.Summary().To) }},
	"domain":  {of: func(m *msg) []string { return domains(m.Summary().From) }},
	"list":    {of: func(m *msg) []string { return some(m.Summary().List) }},
	"folder":  {of: func(m *msg) []string { return some(cmp.Or(m.dest, m.Folder())) }},
	"subject": {of: func(m *msg) []string { return some(base(m)) }},
	"flag":    {of: statFlags},
	"thread":  {thread: true},
	"hour":    {of: dateKey("15"), ordered: true},
	"weekday": {of: statWeekday, ordered: true},
	"day":     {of: dateKey("2006-01-02"), ordered: true},
	"month":   {of: dateKey("2006-01"), ordered: true},
	"year":    {of: dateKey("2006"), ordered: true},
	"size":    {of: statSize, ordered: true},
}

func some(s string) []string {
	if s == "" {
		return nil
	}
	return []string{s}
}

func bareAddrs(list []message.Addr) []string {
	var out []string
	for _, a := range list {
		if a := strings.ToLower(a.Addr); a != "" && !slices.Contains(out, a) {
			out = append(out, a)
		}
	}
	return out
}

func domains(list []message.Addr) []string {
	var out []string
	for _, a := range bareAddrs(list) {
		if d := a[strings.LastIndexByte(a, '@')+1:]; !slices.Contains(out, d) {
			out = append(out, d)
		}
	}
	return out
}

// dateKey is in the zone of the reader: a day is the reader's, not the writer's.
func dateKey(layout string) func(m *msg) []string {
	return func(m *msg) []string {
		if d := m.Date(); !d.IsZero() {
			return []string{d.Local().Format(layout)}
		}
		return nil
	}
}

func statWeekday(m *msg) []string {
	d := m.Date().Local()
	if d.IsZero() {
		return nil
	}
	// Monday first (ISO 8601); the digit makes the order of text that of days.
	return []string{fmt.Sprintf("%d %s", (int(d.Weekday())+6)%7+1, d.Format("Mon"))}
}

func statFlags(m *msg) []string {
	var out []string
	for _, c := range m.Flags() {
		out = append(out, string(c))
	}
	if m.Unread() {
		out = append(out, "unread")
	}
	return out
}

// statSize are classes a factor of ten apart.
func statSize(m *msg) []string {
	n := m.Size()
	for i, class := range []string{"0 <1k", "1 <10k", "2 <100k", "3 <1M", "4 <10M"} {
		limit := int64(1000)
		for range i {
			limit *= 10
		}
		if n < limit {
			return []string{class}
		}
	}
	return []string{"5 >=10M"}
}

// A stat is the sum for one key.
type stat struct {
	V      int      `json:"v"`
	By     []string `json:"by"`
	Key    []string `json:"key"`
	Count  int      `json:"count"`
	Unread int      `json:"unread"`
	Size   int64    `json:"size"`
	First  *string  `json:"first"`
	Last   *string  `json:"last"`

	first, last time.Time
}

func (s *stat) add(m *msg) {
	s.Count++
	if m.Unread() {
		s.Unread++
	}
	s.Size += m.Size()
	if d := m.Date(); !d.IsZero() {
		if s.first.IsZero() || d.Before(s.first) {
			s.first = d
		}
		if d.After(s.last) {
			s.last = d
		}
	}
}

func stats(t *tool) error {
	by := t.c.StringSlice("by")
	if len(by) == 0 {
		return boot.Usage("say what to count by: " + statNames())
	}
	var keys []statKey
	threads, ordered := false, true
	for _, name := range by {
		k, ok := statKeys[name]
		if !ok {
			return boot.Usage(fmt.Sprintf("there is no key %q (there are %s)", name, statNames()))
		}
		keys = append(keys, k)
		threads, ordered = threads || k.thread, ordered && k.ordered
	}
	order, ok := statOrders[cmp.Or(t.c.String("sort"), "count")]
	if !ok {
		return boot.Usage("--sort wants count, unread, size, first, last or key")
	}
	if t.c.IsSet("limit") && t.c.Int("limit") < 1 {
		return boot.Usage("--limit wants a number above 0")
	}
	if ordered && !t.c.IsSet("sort") {
		order = statOrders["key"]
	}
	sums := map[string]*stat{}
	total := stat{V: 1, By: by, Key: []string{}}
	count := func(m *msg, conversation string) {
		total.add(m)
		for _, key := range combine(keys, m, conversation) {
			id := strings.Join(key, "\x00")
			s := sums[id]
			if s == nil {
				s = &stat{V: 1, By: by, Key: key}
				sums[id] = s
			}
			s.add(m)
		}
	}
	t.slow = true
	if threads { // only all of them tell which belong together
		list, err := t.all(t.c.Args().Slice(), wholeSequence)
		if err != nil {
			return err
		}
		subject := ""
		for _, m := range t.threaded(list, false) {
			if m.depth == 0 {
				subject = m.Summary().Subject + " <" + m.thread + ">"
			}
			count(m, subject)
		}
	} else if err := t.each(t.c.Args().Slice(), wholeSequence, func(m *msg) error {
		m.Summary()
		if m.err != nil {
			t.fail(m.path, m.err)
			return nil
		}
		count(m, "")
		m.forget()
		return nil
	}); err != nil {
		return err
	}
	list := make([]*stat, 0, len(sums))
	for _, s := range sums {
		list = append(list, s)
	}
	slices.SortFunc(list, func(a, b *stat) int {
		c := cmp.Or(order(a, b), slices.Compare(a.Key, b.Key))
		if t.c.Bool("reverse") {
			c = -c
		}
		return c
	})
	if n := t.c.Int("limit"); n > 0 && len(list) > n {
		list = list[:n]
	}
	return t.emitStats(list, &total)
}

// statOrders put what is most first, and keys from A to Z.
var statOrders = map[string]func(a, b *stat) int{
	"count":  func(a, b *stat) int { return cmp.Compare(b.Count, a.Count) },
	"unread": func(a, b *stat) int { return cmp.Compare(b.Unread, a.Unread) },
	"size":   func(a, b *stat) int { return cmp.Compare(b.Size, a.Size) },
	"first":  func(a, b *stat) int { return a.first.Compare(b.first) },
	"last":   func(a, b *stat) int { return b.last.Compare(a.last) },
	"key":    func(a, b *stat) int { return slices.Compare(a.Key, b.Key) },
}

func statNames() string {
	var names []string
	for n := range statKeys {
		names = append(names, n)
	}
	slices.Sort(names)
	return strings.Join(names[:len(names)-1], ", ") + " or " + names[len(names)-1]
}

// combine makes the keys of a message: one of each kind, in every combination.
func combine(keys []statKey, m *msg, conversation string) [][]string {
	out := [][]string{nil}
	for _, k := range keys {
		values := []string{conversation}
		if !k.thread {
			values = k.of(m)
		}
		var longer [][]string
		for _, head := range out {
			for _, v := range values {
				longer = append(longer, append(slices.Clone(head), v))
			}
		}
		out = longer
	}
	return out
}

// emitStats prints a table with the sum of all at its end, or records.
func (t *tool) emitStats(list []*stat, total *stat) error {
	for _, s := range list {
		s.First, s.Last = stamp(s.first), stamp(s.last)
		switch t.form {
		case formJSON:
			b, err := encode(s)
			if err != nil {
				return err
			}
			t.out.Write(b)
		case formTemplate:
			if err := t.emitStat(s); err != nil {
				return err
			}
		case formNull:
			t.out.WriteString(strings.Join(s.Key, "\t") + "\x00")
		default:
			t.statLine(s, strings.Join(s.Key, "  "))
		}
		if err := t.wrote(); err != nil {
			return err
		}
	}
	if t.form == formPath && len(list) > 1 {
		t.statLine(total, "(all)")
	}
	return nil
}

func (t *tool) emitStat(s *stat) error {
	var b strings.Builder
	key := safe.Line(strings.Join(s.Key, "  ")).String()
	err := t.tmpl.Execute(&b, map[string]any{"key": key, "count": s.Count, "unread": s.Unread, "size": s.Size,
		"first": s.first, "last": s.last})
	if err != nil {
		return boot.Usage("--format: " + explain(err))
	}
	line := b.String()
	if t.tty {
		line = safe.Body(line).String()
	}
	t.out.WriteString(line + "\n")
	return nil
}

func (t *tool) statLine(s *stat, key string) {
	day := func(d time.Time) string {
		if d.IsZero() {
			return "         -"
		}
		return d.Local().Format("2006-01-02")
	}
	fmt.Fprintf(t.out, "%7d %6d %6s  %s  %s  %s\n", s.Count, s.Unread, fmtBytes(s.Size), day(s.first), day(s.last), safe.Line(key))
}

func stamp(d time.Time) *string {
	if d.IsZero() {
		return nil
	}
	return ptr(d.UTC().Format(time.RFC3339))
}
