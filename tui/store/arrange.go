package store

import (
	"context"
	"maps"
	"slices"
	"sort"

	"pneu/maildir/digest"
	"pneu/maildir/search"
	mail "pneu/maildir/store"
	"pneu/maildir/thread"
)

// An order says in which order conversations are shown, and what is in them. It does not change.
//
// A conversation is a number k from 0 on. Those that were put in order come first; behind them may come single
// messages by arrival, the rest, of which nothing is kept but that there are so many.
type order struct {
	view    *mail.View
	threads bool
	spots   []thread.Spot
	convs   []thread.Span // of spots, which they follow one another in; nil: every spot is one
	convOf  []int32       // by row less base: the conversation, or -1
	base    int           // rows below it are the rest
	oldest  bool          // the rest has its oldest first
	first   int           // all of convs or spots: where the rest begins
}

// n is the number of conversations.
func (o *order) n() int { return o.first + o.base }

// span returns the place of conversation k in spots; n is 1 and from behind all of them in the rest.
func (o *order) span(k int) (from, n int) {
	switch {
	case k >= o.first:
		return len(o.spots) + k - o.first, 1
	case o.convs == nil:
		return k, 1
	}
	return int(o.convs[k].From), int(o.convs[k].N)
}

// spot returns the message at a place.
func (o *order) spot(at int) thread.Spot {
	if at < len(o.spots) {
		return o.spots[at]
	}
	return thread.Spot{Row: int32(o.turn(at - len(o.spots)))}
}

// turn returns the row of a place in the rest, and the place of a row.
func (o *order) turn(i int) int {
	if o.oldest {
		return i
	}
	return o.base - 1 - i
}

// find returns the conversation of a row, -1 if it is in none.
func (o *order) find(row int) int {
	if row < o.base {
		return o.first + o.turn(row)
	}
	if row -= o.base; row < len(o.convOf) {
		return int(o.convOf[row])
	}
	return -1
}

// uid returns the message at a place.
func (o *order) uid(at int) mail.UID { return o.view.Index().UID(int(o.spot(at).Row)) }

// close fills in what follows from spots and convs.
func (o *order) close() *order {
	o.first = len(o.convs)
	if o.convs == nil {
		o.first = len(o.spots)
	}
	o.convOf = make([]int32, o.view.Len()-o.base)
	if len(o.spots) < len(o.convOf) {
		for i := range o.convOf {
			o.convOf[i] = -1
		}
	}
	if o.convs == nil {
		for k, s := range o.spots {
			o.convOf[int(s.Row)-o.base] = int32(k)
		}
		return o
	}
	for k, c := range o.convs {
		for _, s := range o.spots[c.From : c.From+c.N] {
			o.convOf[int(s.Row)-o.base] = int32(k)
		}
	}
	return o
}

// A Snapshot is what Arrange needs of a Box, so that it can run outside the loop.
type Snapshot struct {
	serial int64
	view   *mail.View
	opt    Options
	limit  Limit
	hidden leaving
	keep   *search.Bits // the rows that are in the order; nil: all
}

// Snapshot returns what Arrange needs.
func (b *Box) Snapshot() *Snapshot {
	return &Snapshot{serial: b.Serial, view: b.now, opt: b.opt, limit: b.limit, hidden: b.hidden.clone()}
}

// kept returns the rows of the view that are under the limit and stay in the folder, nil for all of them.
func (s *Snapshot) kept() *search.Bits {
	keep := s.limit.rows(s.view)
	if out := s.hidden.rows(s.view); out != nil {
		if out.Not(); keep == nil {
			return out
		}
		keep.And(out)
	}
	return keep
}

// has reports whether a row is in the order.
func (s *Snapshot) has(row int) bool { return s.keep == nil || s.keep.Has(row) }

// Arranged is the result of Arrange.
type Arranged struct {
	Serial int64
	Err    error
	order  *order
	query  string
	opt    Options
	turn   int // of what is leaving
}

// Most messages whose files are read for the sake of an order.
const readForOrder = 200

// complete reports whether the index knows enough to put all messages in order.
func (s *Snapshot) complete() bool {
	return s.view.Len() <= atOnce || s.view.State().Undigested <= readForOrder
}

// recent is how many of the newest messages are put into conversations before all are.
const recent = 512

// Arrange puts messages in order. While the index is being made that is the order in which they came.
func (s *Snapshot) Arrange(ctx context.Context) Arranged {
	a := Arranged{Serial: s.serial, query: s.limit.Query, opt: s.opt, turn: s.hidden.turn}
	s.keep = s.kept()
	switch {
	case s.limit.Set != nil && !s.complete():
		a.order = s.arrived()
	case !s.complete():
		a.order = s.provisional(ctx)
	case s.opt.Sort != ByDate:
		a.order, a.Err = s.sorted(ctx)
	case s.opt.Threads:
		a.order, a.Err = s.threads(ctx)
	default:
		a.order, a.Err = s.flat(ctx)
	}
	return a
}

// arrived is the messages of the limit as they came.
func (s *Snapshot) arrived() *order {
	o := &order{view: s.view}
	for row := range s.view.Len() {
		if s.has(row) {
			o.spots = append(o.spots, thread.Spot{Row: int32(row)})
		}
	}
	if !s.opt.Oldest {
		slices.Reverse(o.spots)
	}
	return o.close()
}

// sorted is single messages in another order than that by date, which decides among equals.
func (s *Snapshot) sorted(ctx context.Context) (*order, error) {
	by := mail.By{Key: s.opt.Sort.key(s.opt.Sent), Reverse: s.opt.Oldest != s.opt.Sort.falls()}
	rows, err := s.view.Sort(ctx, by, mail.By{Key: mail.Date, Reverse: true})
	if err != nil {
		return nil, err
	}
	o := &order{view: s.view, spots: make([]thread.Spot, 0, len(rows))}
	for _, row := range rows {
		if s.has(int(row)) {
			o.spots = append(o.spots, thread.Spot{Row: row})
		}
	}
	return o.close(), nil
}

// flat is single messages by date, the later arrival first among equals, or all the other way round.
func (s *Snapshot) flat(ctx context.Context) (*order, error) {
	sorted, err := s.view.Sort(ctx, mail.By{Key: mail.Date})
	if err != nil {
		return nil, err
	}
	ix, n := s.view.Index(), len(sorted)
	ahead := sort.Search(n, func(i int) bool { return ix.Sent(int(sorted[i])) > s.opt.future() })
	if ahead < n { // dates in the future are not believed
		late := slices.Clone(sorted[ahead:])
		at := func(row int32) int64 { return s.opt.date(ix, int(row)) }
		slices.SortStableFunc(late, func(a, b int32) int { return int(max(-1, min(1, at(a)-at(b)))) })
		merged := make(mail.Order, 0, n)
		for _, row := range sorted[:ahead] {
			for len(late) > 0 && at(late[0]) < at(row) {
				merged, late = append(merged, late[0]), late[1:]
			}
			merged = append(merged, row)
		}
		sorted = append(merged, late...)
	}
	o := &order{view: s.view, spots: make([]thread.Spot, 0, n)}
	for _, row := range sorted {
		if s.has(int(row)) {
			o.spots = append(o.spots, thread.Spot{Row: row})
		}
	}
	if !s.opt.Oldest {
		slices.Reverse(o.spots)
	}
	return o.close(), nil
}

// threads is conversations. Of one that is under the limit in part, that part is shown.
func (s *Snapshot) threads(ctx context.Context) (*order, error) {
	by := thread.Newest
	if s.opt.Oldest {
		by = thread.Oldest
	}
	tree, err := s.view.Threads(ctx, by)
	if err != nil {
		return nil, err
	}
	o := &order{view: s.view, threads: true, spots: tree.Spots, convs: tree.Threads}
	if o.convs == nil {
		o.convs = []thread.Span{}
	}
	if s.keep != nil || s.ahead(tree.Threads) {
		o.narrow(s.keep, func(row int) int64 { return s.opt.date(s.view.Index(), row) })
		o.sort(s.opt.Oldest)
	}
	return o.close(), nil
}

// ahead reports whether a conversation has a date in the future.
func (s *Snapshot) ahead(convs []thread.Span) bool {
	last := len(convs) - 1
	return last >= 0 && max(convs[0].Latest, convs[last].Latest) > s.opt.future()
}

// narrow leaves some rows in conversations, nil for all, with the dates of what is left.
func (o *order) narrow(keep *search.Bits, date func(row int) int64) {
	spots := make([]thread.Spot, 0, len(o.spots))
	convs := make([]thread.Span, 0, len(o.convs))
	var above []uint16 // depths of the messages left that the next one stands below
	for _, c := range o.convs {
		kept := thread.Span{From: int32(len(spots))}
		above = above[:0]
		for _, sp := range o.spots[c.From : c.From+c.N] {
			for len(above) > 0 && above[len(above)-1] >= sp.Depth {
				above = above[:len(above)-1]
			}
			if keep != nil && !keep.Has(int(sp.Row)) {
				continue
			}
			above = append(above, sp.Depth)
			if kept.N > 0 {
				sp.Depth = uint16(max(1, len(above)-1))
			} else {
				sp.Depth = 0
			}
			if at := date(int(sp.Row)); kept.N == 0 || at > kept.Latest {
				kept.Latest = at
			}
			spots = append(spots, sp)
			kept.N++
		}
		if kept.N > 0 {
			convs = append(convs, kept)
		}
	}
	o.spots, o.convs = spots, convs
}

// in returns what is left of an order in a later view. What came since has no place in it.
func (o *order) in(v *mail.View, opt Options) *order {
	was, is := o.view.Index().AllUIDs(nil), v.Index().AllUIDs(nil)
	to, keep := make([]int32, len(was)), search.NewBits(len(was))
	n := 0
	for row, uid := range was {
		for n < len(is) && is[n] < uid {
			n++
		}
		if n < len(is) && is[n] == uid {
			to[row] = int32(n)
			keep.Set(row)
		}
	}
	left := o.with(keep, opt)
	left.view = v
	for i := range left.spots {
		left.spots[i].Row = to[left.spots[i].Row]
	}
	return left.close()
}

// with returns the order with some of its rows only; close has to be called.
func (o *order) with(keep *search.Bits, opt Options) *order {
	left := &order{view: o.view, threads: o.threads, oldest: o.oldest, spots: o.spots, convs: o.convs}
	if o.convs != nil {
		left.narrow(keep, func(row int) int64 { return opt.date(o.view.Index(), row) })
		return left
	}
	left.spots = make([]thread.Spot, 0, len(o.spots))
	for _, sp := range o.spots {
		if keep.Has(int(sp.Row)) {
			left.spots = append(left.spots, sp)
		}
	}
	return left
}

// sort puts conversations in order by their dates.
func (o *order) sort(oldest bool) {
	later := func(a, b thread.Span) int {
		d := a.Latest - b.Latest
		if !oldest {
			d = -d
		}
		return int(max(-1, min(1, d)))
	}
	if slices.IsSortedFunc(o.convs, later) {
		return
	}
	slices.SortStableFunc(o.convs, later)
	spots := make([]thread.Spot, 0, len(o.spots))
	for i, c := range o.convs {
		o.convs[i].From = int32(len(spots))
		spots = append(spots, o.spots[c.From:c.From+c.N]...)
	}
	o.spots = spots
}

// provisional is what can be shown at once: the newest messages as conversations, as far as they are known, the
// others by arrival.
func (s *Snapshot) provisional(ctx context.Context) *order {
	if s.limit.Set != nil {
		return s.arrived()
	}
	o := &order{view: s.view, threads: s.opt.Threads, oldest: s.opt.Oldest, base: s.view.Len()}
	ix, from := s.view.Index(), max(0, s.view.Len()-recent)
	if s.opt.Oldest || !s.opt.Threads || s.view.Len() == 0 {
		return o.close()
	}
	for row := from; row < s.view.Len(); row++ {
		if !ix.HasDigest(row) { // they would stand elsewhere as soon as they are known
			return o.close()
		}
	}
	facts := make([]thread.Fact, 0, recent)
	for row := from; row < s.view.Len(); row++ {
		f := thread.Fact{Key: uint32(ix.UID(row)), Date: s.opt.date(ix, row)}
		if d, err := s.view.Row(row).Digest(); err == nil {
			f.ID, f.Subject, f.Reply = thread.Hash(d.MessageID()), d.BaseSubject(), d.Class()&digest.Reply != 0
			for _, id := range d.References() {
				f.Refs = append(f.Refs, thread.Hash(id))
			}
		}
		facts = append(facts, f)
	}
	forest := thread.NewForest(thread.Options{})
	if err := forest.Update(facts, nil); err != nil || ctx.Err() != nil {
		return o.close()
	}
	tree := forest.Tree(thread.Newest)
	o.base, o.spots, o.convs = from, tree.Spots, tree.Threads
	for i := range o.spots {
		o.spots[i].Row += int32(from)
	}
	return o.close()
}

// folds says which rows conversations have: what is folded and unfolded, and what has gone since they were put in
// order. It keeps conversations that are not as the others are, and so costs what those are.
type folds struct {
	open bool         // all are unfolded, but for those that differ
	turn map[int]bool // folded or unfolded unlike the others
	odd  map[int]int  // rows of conversations that have another number of them than the others
	keys []int        // of odd, ascending
	more []int        // by key: how many more rows than others all of them up to it have
	done bool         // keys and more are up to date
}

// clone is f for somebody outside the loop.
func (f *folds) clone() folds {
	return folds{open: f.open, turn: maps.Clone(f.turn), odd: maps.Clone(f.odd)}
}

func (f *folds) reset(open bool) { *f = folds{open: open, turn: map[int]bool{}, odd: map[int]int{}} }

// usual is the number of rows of a conversation that nothing is special about.
func (f *folds) usual(o *order, k int) int {
	if !f.open {
		return 1
	}
	_, n := o.span(k)
	return n
}

// rows is the number of rows of conversation k.
func (f *folds) rows(o *order, k int) int {
	if n, ok := f.odd[k]; ok {
		return n
	}
	return f.usual(o, k)
}

// opened reports whether conversation k is unfolded.
func (f *folds) opened(k int) bool { return f.open != f.turn[k] }

// sum brings keys and more up to date.
func (f *folds) sum(o *order) {
	if f.done {
		return
	}
	f.done = true
	f.keys, f.more = f.keys[:0], f.more[:0]
	for k := range f.odd {
		f.keys = append(f.keys, k)
	}
	slices.Sort(f.keys)
	sum := 0
	for _, k := range f.keys {
		sum += f.odd[k] - f.usual(o, k)
		f.more = append(f.more, sum)
	}
}

// at is the first row of conversation k, or where it would be.
func (f *folds) at(o *order, k int) int {
	f.sum(o)
	row := k
	if f.open {
		if k < o.n() {
			row, _ = o.span(k)
		} else {
			row = len(o.spots) + o.base
		}
	}
	if i, _ := slices.BinarySearch(f.keys, k); i > 0 {
		row += f.more[i-1]
	}
	return row
}

// conv is the conversation that row i is of.
func (f *folds) conv(o *order, i int) int {
	if !f.open && len(f.odd) == 0 {
		return i
	}
	return sort.Search(o.n(), func(k int) bool { return f.at(o, k+1) > i })
}

// set notes the rows of conversation k.
func (f *folds) set(o *order, k, rows int) {
	f.done = false
	if rows == f.usual(o, k) {
		delete(f.odd, k)
	} else {
		f.odd[k] = rows
	}
}
