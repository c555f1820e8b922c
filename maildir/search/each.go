package search

import (
	"cmp"
	"context"
	"iter"
	"math"
	"math/bits"
	"slices"
)

// Each calls fn with the rows that q matches, in the given order, until there are limit of them (0: all) or fn
// returns false. Rows come as they are found, so that the first ones do not wait for the last.
func (q Query) Each(ctx context.Context, src Source, order Order, limit int, fn func(row int) bool) error {
	n := src.Len()
	r := &run{ctx: ctx, src: src, memo: map[*term]*answer{}}
	e := &emitter{q: q, run: r, limit: limit, fn: fn}
	if limit <= 0 {
		e.limit = math.MaxInt
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
