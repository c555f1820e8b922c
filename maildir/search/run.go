package search

import (
	"bytes"
	"context"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
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
type answer struct{ yes, maybe *Bits }

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

// heads looks into the header records. A source that goes over all of them, whatever rows it is asked for, is asked
// once.
func (r *run) heads(t *term, want *Bits, in func(rec []byte) (yes, perhaps bool)) (split, error) {
	if want.Count() <= few(r.hi-r.lo) {
		return r.ask(want)
	}
	a := r.memo[t]
	if a == nil {
		n := r.src.Len()
		a = &answer{yes: NewBits(n), maybe: NewBits(n)}
		seen := NewBits(n)
		var beyond atomic.Int64
		err := r.src.Heads(r.ctx, r.lo, r.hi, func(row int, rec []byte) {
			if row < r.lo || row >= r.hi {
				beyond.Add(1)
			} else if !want.Has(row - r.lo) {
				return
			}
			seen.set(row)
			switch yes, perhaps := in(rec); {
			case yes:
				a.yes.set(row)
			case perhaps:
				a.maybe.set(row)
			}
		})
		if err != nil {
			return split{}, err
		}
		seen.Not()
		a.maybe.Or(seen)
		if beyond.Load() > int64(n-(r.hi-r.lo))/2 { // those of this window that were not wanted are never asked for again
			r.memo[t] = a
		}
	}
	s := split{r.window(a.yes), r.window(a.maybe)}
	s.yes.And(want)
	s.maybe.And(want)
	return s, nil
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
		if t.field == "thread" && t.thread.members == nil && r.memo[t] == nil && err == nil {
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
