package search

import (
	"bytes"
	"cmp"
	"context"
	"iter"
	"math/bits"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"pneu/maildir/thread"
)

// A run is one query over one source. Each node of the tree gives two sets: the rows it matches for sure, and those
// that the columns cannot decide; how and, or and not join them is Kleene's logic of three values. What is undecided
// at the root is asked of the messages themselves.
//
// Rows lo to hi-1 are looked at, lo being a multiple of 64; sets are relative to lo.
type run struct {
	ctx    context.Context
	src    Source
	lo, hi int
	memo   map[*term]*answer // of what is asked once for all rows
}

// An answer is what a source said for all its rows.
type answer struct {
	yes, maybe *Bits
	members    map[int64]bool
}

// A split is the outcome of a node: no row is in both.
type split struct{ yes, maybe *Bits }

// few is how many rows are better asked one by one than by a scan over rows of them.
func few(rows int) int { return max(16, rows/128) }

func (r *run) empty() *Bits { return NewBits(r.hi - r.lo) }

// window returns the rows of the run out of a set of all.
func (r *run) window(all *Bits) *Bits {
	w := r.empty()
	copy(w.words, all.words[r.lo>>6:])
	if k := w.n & 63; k != 0 {
		w.words[len(w.words)-1] &= 1<<k - 1
	}
	return w
}

// eval decides the rows of want.
func (r *run) eval(e expr, want *Bits) (split, error) {
	switch e := e.(type) {
	case nil:
		return split{want.Clone(), r.empty()}, nil
	case and:
		alive, maybe := want.Clone(), r.empty()
		for _, x := range e.plan {
			if !alive.Any() {
				break
			}
			s, err := r.eval(x, alive)
			if err != nil {
				return split{}, err
			}
			maybe.Or(s.maybe)
			s.yes.Or(s.maybe)
			alive = s.yes
		}
		maybe.And(alive)
		alive.AndNot(maybe)
		return split{alive, maybe}, nil
	case or:
		open, yes, maybe := want.Clone(), r.empty(), r.empty()
		for _, x := range e.plan {
			if !open.Any() {
				break
			}
			s, err := r.eval(x, open)
			if err != nil {
				return split{}, err
			}
			yes.Or(s.yes)
			maybe.Or(s.maybe)
			open.AndNot(s.yes)
		}
		maybe.AndNot(yes)
		return split{yes, maybe}, nil
	case xor:
		a, err := r.eval(e[0], want)
		if err != nil {
			return split{}, err
		}
		b, err := r.eval(e[1], want)
		if err != nil {
			return split{}, err
		}
		a.maybe.Or(b.maybe)
		for i := range a.yes.words {
			a.yes.words[i] ^= b.yes.words[i]
		}
		a.yes.AndNot(a.maybe)
		return a, nil
	case not:
		s, err := r.eval(e.of, want)
		if err != nil {
			return split{}, err
		}
		no := want.Clone()
		no.AndNot(s.yes)
		no.AndNot(s.maybe)
		return split{no, s.maybe}, nil
	}
	return r.term(e.(*term), want)
}

// cost orders the terms of a list: what a column knows first, files last.
func cost(e expr) int {
	most := func(of []expr) int {
		n := 0
		for _, x := range of {
			n = max(n, cost(x))
		}
		return n + 1
	}
	switch e := e.(type) {
	case and:
		return most(e.of)
	case or:
		return most(e.of)
	case xor:
		return most(e[:])
	case not:
		return cost(e.of)
	case *term:
		switch e.field {
		case "all", "none", "in", "seq":
			return 0
		case "tag":
			return 1
		case "is", "flag", "size", "wire", "uid", "modseq", "received", "saved", "sent", "date", "older", "newer":
			return 2
		case "from", "to", "cc", "bcc", "replyto", "rcpt", "any", "subject", "list", "id":
			if e.text.re != nil {
				return 40
			}
			return 20
		case "text":
			return 120
		case "body":
			return 100
		case "thread":
			if e.thread.members == nil {
				return 200
			}
			return 30
		case "lang", "attachment":
			return 300
		case "type":
			return 310
		case "has":
			if e.class != 0 {
				return 2
			}
			return 400
		}
		return 320
	}
	return 0
}

func (r *run) all(want *Bits) (split, error) { return split{want.Clone(), r.empty()}, nil }
func (r *run) none() (split, error)          { return split{r.empty(), r.empty()}, nil }
func (r *run) ask(want *Bits) (split, error) { return split{r.empty(), want.Clone()}, nil }
func (r *run) given(b bool, want *Bits) (split, error) {
	if b {
		return r.all(want)
	}
	return r.none()
}

// term decides one term from what the source has in columns, or leaves it open.
func (r *run) term(t *term, want *Bits) (split, error) {
	switch t.field {
	case "all":
		return r.all(want)
	case "none":
		return r.none()
	case "in":
		return r.given(inFolder(r.src.Folder(), t.value), want)
	case "seq":
		s := r.empty()
		for _, set := range t.set {
			if first := max(int(min(set.First, 1<<40)), 1) - 1; first < r.hi {
				s.SetRange(max(first-r.lo, 0), max(int(min(set.Last, uint64(r.hi)))-r.lo, 0))
			}
		}
		s.And(want)
		return split{s, r.empty()}, nil
	case "tag":
		return r.keyword(t.isKeyword, t, want)
	case "has":
		if t.class != 0 {
			return r.column(t, Class, want)
		}
		if t.value == "keyword" {
			return r.keyword(func(string) bool { return true }, t, want)
		}
	case "is", "flag":
		if t.class != 0 {
			return r.column(t, Class, want)
		}
		if t.mask&^usualFlags != 0 {
			return r.column(t, Name, want)
		}
		return r.column(t, Flags, want)
	case "size", "wire", "uid", "modseq", "received", "saved", "sent", "date", "older", "newer":
		return r.column(t, t.column, want)
	case "id":
		end := append([]byte{0}, t.text.needle...)
		return r.heads(t, want, func(rec []byte) (bool, bool) { return bytes.HasSuffix(rec, end), false })
	case "from", "to", "cc", "bcc", "replyto", "rcpt", "any", "subject", "list":
		return r.heads(t, want, t.text.inRecords(t.heads))
	case "text":
		s, err := r.heads(t, want, t.text.inRecords(t.heads))
		if err != nil {
			return s, err
		}
		rest := want.Clone()
		rest.AndNot(s.yes)
		b, err := r.body(t, rest)
		s.yes.Or(b.yes)
		s.maybe.Or(b.maybe)
		s.maybe.AndNot(s.yes)
		return s, err
	case "body":
		return r.body(t, want)
	case "thread":
		return r.thread(t, want)
	}
	return r.ask(want)
}

func (r *run) keyword(match func(string) bool, t *term, want *Bits) (split, error) {
	a := r.memo[t]
	if a == nil {
		a = &answer{}
		if rows, ok := r.src.Keywords(match); ok {
			a.yes = rows
		}
		r.memo[t] = a
	}
	if a.yes == nil {
		return r.ask(want)
	}
	s := r.window(a.yes)
	s.And(want)
	return split{s, r.empty()}, nil
}

// chunk is how many values of a column are fetched at a time: few enough to stay in the processor's cache.
const chunk = 1024

// column compares one column, and for dates without a Date field a second one.
func (r *run) column(t *term, c Column, want *Bits) (split, error) {
	s := split{r.empty(), r.empty()}
	decide, fallback := r.test(t, c)
	var unknown atomic.Bool
	err := r.parallel(len(want.words), chunk/64, func(lo, hi int) {
		var buf, second [chunk]int64
		for ; lo < hi && !unknown.Load(); lo += chunk / 64 {
			words := want.words[lo:min(lo+chunk/64, hi)]
			if !anyWord(words) {
				continue
			}
			n := min(len(words)*64, want.n-lo*64)
			vals := buf[:n]
			if !r.src.Column(c, r.lo+lo*64, vals) {
				unknown.Store(true)
				return
			}
			if fallback {
				for i, v := range vals {
					if v == Never {
						if !r.src.Column(Received, r.lo+lo*64, second[:n]) {
							unknown.Store(true)
							return
						}
						for i := i; i < n; i++ {
							if vals[i] == Never {
								vals[i] = second[i]
							}
						}
						break
					}
				}
			}
			for k, w := range words {
				if w != 0 {
					from := k * 64
					yes, maybe := decide(vals[from:min(from+64, n)])
					s.yes.words[lo+k], s.maybe.words[lo+k] = yes&w, maybe&w
				}
			}
		}
	})
	if unknown.Load() {
		return r.ask(want)
	}
	return s, err
}

func anyWord(words []uint64) bool {
	for _, w := range words {
		if w != 0 {
			return true
		}
	}
	return false
}

// test returns what decides up to 64 values at once, and whether rows without a date take that of their arrival.
func (r *run) test(t *term, c Column) (decide func([]int64) (yes, maybe uint64), fallback bool) {
	switch c {
	case Flags, Name:
		mask, want := t.mask, t.want
		if mask&^(usualFlags|FlagNew) != 0 {
			return func(vals []int64) (yes, maybe uint64) {
				for i, v := range vals {
					yes |= bit(v&mask == want) << i
					maybe |= bit(v&FlagMore != 0) << i
				}
				return yes &^ maybe, maybe
			}, false
		}
		return func(vals []int64) (yes, maybe uint64) {
			for i, v := range vals {
				yes |= bit(v&mask == want) << (i & 63)
			}
			return yes, 0
		}, false
	case Class:
		mask := int64(t.class)
		return func(vals []int64) (yes, maybe uint64) {
			for i, v := range vals {
				yes |= bit(v&mask != 0) << (i & 63)
				maybe |= bit(v == Unknown) << (i & 63)
			}
			return yes &^ maybe, maybe
		}, false
	case UID:
		return func(vals []int64) (yes, maybe uint64) {
			for i, v := range vals {
				if v == Unknown {
					maybe |= 1 << i
				} else if inSet(t.set, uint64(v)) {
					yes |= 1 << i
				}
			}
			return yes, maybe
		}, false
	case Sent, Received, Saved:
		lo, hi, near := int64(Never+1), int64(maxInt), int64(0)
		if !t.from.IsZero() {
			lo = t.from.Unix()
		}
		if !t.to.IsZero() {
			hi = t.to.Unix()
		}
		if t.day && c == Sent { // the day is that of the writer, whose zone the column does not have
			near = int64(widestZone / time.Second)
		}
		fallback = t.field == "date" || t.field == "older" || t.field == "newer"
		if near == 0 {
			return func(vals []int64) (yes, maybe uint64) {
				for i, v := range vals {
					yes |= bit(uint64(v-lo) < uint64(hi-lo)) << (i & 63) // lo <= v < hi
					maybe |= bit(v == Unknown) << (i & 63)
				}
				return yes, maybe
			}, fallback
		}
		return func(vals []int64) (yes, maybe uint64) {
			for i, v := range vals {
				yes |= bit(uint64(v-lo) < uint64(hi-lo)) << (i & 63)
				if v == Unknown || v != Never && (abs(v-lo) <= near || abs(v-hi) <= near) {
					maybe |= 1 << i
				}
			}
			return yes &^ maybe, maybe
		}, fallback
	}
	lo, hi := t.min, t.max
	if hi < 0 {
		hi = maxInt
	}
	return func(vals []int64) (yes, maybe uint64) {
		for i, v := range vals {
			yes |= bit(uint64(v-lo) <= uint64(hi-lo)) << (i & 63)
			maybe |= bit(v == Unknown) << (i & 63)
		}
		return yes, maybe // lo is not negative, so no row is in both
	}, false
}

// bit is 1 for true: without a branch, since which way a random row goes cannot be foretold.
func bit(b bool) uint64 {
	var n uint64
	if b {
		n = 1
	}
	return n
}

const (
	maxInt     = 1<<63 - 1
	widestZone = 101 * time.Hour // "+9959" is the most that can be written
)

var usualFlags = FlagBits("DFPRST")

func abs(n int64) int64 {
	if n < 0 {
		return -n
	}
	return n
}

// heads looks into the header records.
func (r *run) heads(t *term, want *Bits, in func(rec []byte) (yes, perhaps bool)) (split, error) {
	if want.Count() <= few(r.hi-r.lo) {
		return r.ask(want)
	}
	s := split{r.empty(), r.empty()}
	seen := r.empty()
	err := r.src.Heads(r.ctx, r.lo, r.hi, func(row int, rec []byte) {
		if row < r.lo || row >= r.hi {
			return
		}
		row -= r.lo
		if !want.Has(row) {
			return
		}
		seen.set(row)
		switch yes, perhaps := in(rec); {
		case yes:
			s.yes.set(row)
		case perhaps:
			s.maybe.set(row)
		}
	})
	unseen := want.Clone()
	unseen.AndNot(seen)
	s.maybe.Or(unseen)
	return s, err
}

// body looks into the index of the texts. It is asked once for all rows.
func (r *run) body(t *term, want *Bits) (split, error) {
	needle := t.text.needle
	if t.text.re != nil {
		needle = []byte(t.text.must)
	}
	if t.text.any || len(needle) == 0 && t.text.re != nil {
		return r.ask(want)
	}
	if len(needle) == 0 {
		return r.all(want)
	}
	a := r.memo[t]
	if a == nil {
		if want.Count() <= 16 {
			return r.ask(want)
		}
		n := r.src.Len()
		a = &answer{yes: NewBits(n), maybe: NewBits(n)}
		sure := t.text.re == nil
		covered, err := r.src.Text(r.ctx, string(needle), func(row int, exact bool) {
			if exact && sure {
				a.yes.Set(row)
			} else {
				a.maybe.Set(row)
			}
		})
		if err != nil {
			return split{}, err
		}
		rest := NewBits(n)
		rest.SetRange(0, n)
		if covered != nil {
			rest.AndNot(covered)
		}
		a.maybe.Or(rest)
		a.maybe.AndNot(a.yes)
		r.memo[t] = a
	}
	s := split{r.window(a.yes), r.window(a.maybe)}
	s.yes.And(want)
	s.maybe.And(want)
	return s, nil
}

// thread decides by the members a caller has named, or else by the conversations within this source.
func (r *run) thread(t *term, want *Bits) (split, error) {
	if m := t.thread.members; m != nil {
		return r.heads(t, want, func(rec []byte) (bool, bool) {
			id := rec[bytes.LastIndexByte(rec, 0)+1:]
			return m[string(id)], false
		})
	}
	a := r.memo[t]
	if a == nil {
		var err error
		if a, err = r.conversations(t.thread); err != nil {
			return split{}, err
		}
		r.memo[t] = a
	}
	s := r.window(a.yes)
	s.And(want)
	return split{s, r.empty()}, nil
}

// conversations returns the rows of all conversations with a message that t asks for.
func (r *run) conversations(t *threadTerm) (*answer, error) {
	n := r.src.Len()
	a := &answer{yes: NewBits(n), maybe: NewBits(n)}
	roots := make([]int64, n)
	if !r.src.Column(Thread, 0, roots) || slices.Contains(roots, Unknown) {
		if err := r.threads(roots); err != nil {
			return nil, err
		}
	}
	q := t.Query
	if t.ID != "" {
		q = Query{&term{field: "thread", thread: &threadTerm{members: t.near}}}
	}
	first, err := q.Run(r.ctx, r.src)
	if err == nil && t.ID != "" && !first.Any() { // only answers to it are here, perhaps
		first, err = Query{&term{field: "near", thread: t}}.Run(r.ctx, r.src)
	}
	if err != nil {
		return nil, err
	}
	found := make(map[int64]bool)
	for row := range first.Rows() {
		found[roots[row]] = true
	}
	for row, root := range roots {
		if found[root] {
			a.yes.Set(row)
		}
	}
	return a, nil
}

// threads works conversations out from the messages, where the source has no column of them.
func (r *run) threads(roots []int64) error {
	items := make([]thread.Item, 0, len(roots))
	for row := range roots {
		if row%256 == 0 && r.ctx.Err() != nil {
			return r.ctx.Err()
		}
		roots[row] = int64(row)
		d := r.src.Doc(row)
		if d == nil {
			continue
		}
		s := d.Summary()
		refs := s.References
		if len(refs) == 0 && s.InReplyTo != "" {
			refs = []string{s.InReplyTo}
		}
		items = append(items, thread.Item{ID: s.MessageID, Refs: refs, Subject: s.Subject, Date: s.Date, Key: row})
	}
	nodes := thread.Build(items)
	for _, n := range nodes {
		roots[n.Key] = int64(nodes[n.Root].Key)
	}
	return nil
}

// parallel cuts n words into pieces of a multiple of step and calls f with each.
func (r *run) parallel(n, step int, f func(lo, hi int)) error {
	workers := min(runtime.GOMAXPROCS(0), n/(16*step)) // a goroutine costs as much as some thousand rows
	if workers < 2 {
		f(0, n)
		return r.ctx.Err()
	}
	per := (n/workers + step) / step * step
	var wg sync.WaitGroup
	for lo := 0; lo < n; lo += per {
		wg.Go(func() { f(lo, min(lo+per, n)) })
	}
	wg.Wait()
	return r.ctx.Err()
}

// Run returns the rows of src that q matches: those whose Doc it matches, whatever the source knows of them. An
// error is that of ctx or of the source; the result is then incomplete.
func (q Query) Run(ctx context.Context, src Source) (*Bits, error) {
	n := src.Len()
	r := &run{ctx: ctx, src: src, hi: n, memo: map[*term]*answer{}}
	want := NewBits(n)
	want.SetRange(0, n)
	s, err := r.eval(q.root, want)
	if err != nil {
		return NewBits(n), err
	}
	rows := slices.Collect(s.maybe.Rows())
	match := make([]bool, len(rows))
	err = r.match(q, rows, match)
	for i, row := range rows {
		if match[i] {
			s.yes.Set(row)
		}
	}
	return s.yes, err
}

// match asks the messages in rows, several at a time.
func (r *run) match(q Query, rows []int, match []bool) error {
	if len(rows) == 0 {
		return r.ctx.Err()
	}
	var err error
	walk(q.root, false, func(t *term, _ bool) {
		if t.thread != nil && t.thread.members == nil && r.memo[t] == nil && err == nil {
			r.memo[t], err = r.conversations(t.thread)
		}
	})
	if err != nil {
		return err
	}
	var next atomic.Int64
	work := func() {
		for {
			i := int(next.Add(1)) - 1
			if i >= len(rows) || r.ctx.Err() != nil {
				return
			}
			if d := r.src.Doc(rows[i]); d != nil {
				match[i] = q.root == nil || q.root.match(&view{d: d, run: r, row: rows[i]})
			}
		}
	}
	workers := min(runtime.GOMAXPROCS(0), len(rows)/2)
	if workers < 2 {
		work()
		return r.ctx.Err()
	}
	var wg sync.WaitGroup
	for range workers {
		wg.Go(work)
	}
	wg.Wait()
	return r.ctx.Err()
}

// Each calls fn with the rows that q matches, in the given order, until there are limit of them (0: all) or fn
// returns false. Rows come as they are found, so that the first ones do not wait for the last.
func (q Query) Each(ctx context.Context, src Source, order Order, limit int, fn func(row int) bool) error {
	n := src.Len()
	r := &run{ctx: ctx, src: src, memo: map[*term]*answer{}}
	e := &emitter{q: q, run: r, limit: limit, fn: fn}
	if limit <= 0 {
		e.limit = maxInt
	}
	down := order == NewestArrived || order == NewestSent
	if order == NewestSent || order == OldestSent {
		r.hi = n
		want := NewBits(n)
		want.SetRange(0, n)
		s, err := r.eval(q.root, want)
		if err != nil {
			return err
		}
		rows, err := r.bySent(s, down)
		if err != nil {
			return err
		}
		return e.emit(slices.Values(rows), s, 0)
	}
	// Windows of rows, each four times as long as the one before: the first is done in milliseconds, and who wants all
	// pays for few of them.
	size := firstWindow
	for at := 0; at < n && e.limit > 0; size *= 4 {
		r.lo, r.hi = at, min(at+size, n)
		if down {
			r.lo, r.hi = max(0, n-at-size)&^63, n-at
		}
		at += r.hi - r.lo
		want := r.empty()
		want.SetRange(0, r.hi-r.lo)
		s, err := r.eval(q.root, want)
		if err != nil {
			return err
		}
		both := s.yes.Clone()
		both.Or(s.maybe)
		rows := both.Rows()
		if down {
			rows = both.Down()
		}
		if err := e.emit(rows, s, r.lo); err != nil {
			return err
		}
	}
	return nil
}

const firstWindow = 64 << 10

// bySent returns the rows of s in the order of their dates.
func (r *run) bySent(s split, down bool) ([]int, error) {
	both := s.yes.Clone()
	both.Or(s.maybe)
	type dated struct {
		row  int
		date int64
	}
	list := make([]dated, 0, both.Count())
	var buf, second [64]int64
	for i, w := range both.words {
		if w == 0 {
			continue
		}
		if r.ctx.Err() != nil {
			return nil, r.ctx.Err()
		}
		n := min(64, both.n-i*64)
		known := r.src.Column(Sent, i*64, buf[:n])
		arrived := r.src.Column(Received, i*64, second[:n])
		for ; w != 0; w &= w - 1 {
			k := bits.TrailingZeros64(w)
			d := dated{i*64 + k, Unknown}
			if known {
				d.date = buf[k]
			}
			if d.date == Never && arrived {
				d.date = second[k]
			}
			if d.date == Unknown || d.date == Never {
				if doc := r.src.Doc(d.row); doc != nil {
					d.date = (&view{d: doc}).sent().Unix()
				}
			}
			list = append(list, d)
		}
	}
	slices.SortFunc(list, func(a, b dated) int {
		c := cmp.Or(cmp.Compare(a.date, b.date), cmp.Compare(a.row, b.row))
		if down {
			return -c
		}
		return c
	})
	rows := make([]int, len(list))
	for i, d := range list {
		rows[i] = d.row
	}
	return rows, nil
}

// An emitter passes on rows in their order, asking messages where a row is undecided.
type emitter struct {
	q     Query
	run   *run
	limit int
	fn    func(row int) bool
}

func (e *emitter) emit(rows iter.Seq[int], s split, base int) error {
	var open, batch []int // of batch, those to be asked
	size := 8
	flush := func() (bool, error) {
		match := make([]bool, len(open))
		if err := e.run.match(e.q, open, match); err != nil {
			return false, err
		}
		k := 0
		for _, row := range batch {
			if k < len(open) && open[k] == row {
				k++
				if !match[k-1] {
					continue
				}
			}
			if !e.fn(row) {
				e.limit = 0
				return false, nil
			}
			if e.limit--; e.limit == 0 {
				return false, nil
			}
		}
		open, batch = open[:0], batch[:0]
		size = min(size*2, 512)
		return true, nil
	}
	for row := range rows {
		batch = append(batch, row+base)
		if s.maybe.Has(row) {
			open = append(open, row+base)
		}
		if len(open) == 0 || len(open) >= size || len(batch)-len(open) >= e.limit {
			if more, err := flush(); !more {
				return err
			}
		}
	}
	_, err := flush()
	return err
}
