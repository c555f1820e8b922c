package store

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"

	"pneu/maildir"
	"pneu/maildir/search"
)

// Source returns the view as queries see it.
func (v *View) Source() search.Source {
	val, _ := v.once("source", func() (any, error) { return &source{v: v}, nil })
	return val.(*source)
}

// Query returns the rows that q matches: the same as if each message were asked.
func (v *View) Query(ctx context.Context, q search.Query) (*search.Bits, error) {
	return q.Run(ctx, v.Source())
}

// Each calls fn with the rows that q matches as they are found, in the given order, until
// there are limit of them (0: all) or fn returns false.
func (v *View) Each(ctx context.Context, q search.Query, order search.Order, limit int, fn func(r Row) bool) error {
	return q.Each(ctx, v.Source(), order, limit, func(n int) bool { return fn(v.Row(n)) })
}

// Select returns the rows of a set in the order of the keys.
func (v *View) Select(ctx context.Context, set *search.Bits, by ...By) (Order, error) {
	rows := make(Order, 0, set.Count())
	for n := range set.Rows() {
		rows = append(rows, int32(n))
	}
	return rows, v.sort(ctx, rows, by)
}

// Query looks for q in all folders, several at a time, and returns what is found by date,
// newest first: at most limit messages, if it is not 0. A folder that cannot be read does not
// hide the others; the error says which.
func (s *Store) Query(ctx context.Context, q search.Query, limit int) ([]Row, error) {
	folders, err := s.tree.Folders()
	if err != nil {
		return nil, err
	}
	if q, err = s.Resolve(ctx, q); err != nil {
		return nil, err
	}
	type found struct {
		rows []Row
		err  error
	}
	all := make([]found, len(folders))
	var wg sync.WaitGroup
	gate := make(chan struct{}, 4)
	for i, f := range folders {
		gate <- struct{}{}
		wg.Go(func() {
			defer func() { <-gate }()
			all[i].rows, all[i].err = s.queryIn(ctx, f, q, limit)
		})
	}
	wg.Wait()
	var rows []Row
	var errs []error
	for _, f := range all {
		rows = append(rows, f.rows...)
		if f.err != nil && !errors.Is(f.err, maildir.ErrNoFolder) {
			errs = append(errs, f.err)
		}
	}
	byDate(rows)
	if limit > 0 && len(rows) > limit {
		rows = rows[:limit]
	}
	return rows, errors.Join(errs...)
}

// byDate sorts rows of several folders, the newest first. Of some the date is in their files alone.
func byDate(rows []Row) {
	type dated struct {
		row Row
		at  int64
	}
	list := make([]dated, len(rows))
	for i, r := range rows {
		list[i] = dated{r, r.v.numberOf(int32(r.n), Date)}
	}
	slices.SortStableFunc(list, func(a, b dated) int { return cmp.Compare(b.at, a.at) })
	for i, d := range list {
		rows[i] = d.row
	}
}

// Resolve puts into a query which messages the conversations that it asks for consist of, in all
// folders: a View by itself knows of those in its own. Other queries are returned as they are.
func (s *Store) Resolve(ctx context.Context, q search.Query) (search.Query, error) {
	if len(q.Threads()) == 0 {
		return q, nil
	}
	return q.Resolve(func(t search.Conversation) ([]string, error) { return s.members(ctx, t) })
}

func (s *Store) queryIn(ctx context.Context, f *maildir.Folder, q search.Query, limit int) ([]Row, error) {
	b, err := s.BoxOf(f)
	if err != nil {
		return nil, err
	}
	defer b.Close()
	v, err := b.Sync(ctx)
	if err != nil {
		return nil, err
	}
	set, err := v.Query(ctx, q)
	if err != nil {
		return nil, err
	}
	order, err := v.Select(ctx, set, By{Key: Date, Reverse: true})
	if limit > 0 && len(order) > limit {
		order = order[:limit]
	}
	return v.Rows(order), err
}
