package store

import (
	"fmt"
	"os"
	"slices"
	"testing"
)

// An order made of the last one is that made of nothing.
func TestOrdersAreCarried(t *testing.T) {
	each(t, 100, func(t *testing.T, w *world, s *Store) {
		b, _ := w.box(s, "INBOX")
		if err := b.Build(ctx, nil); err != nil {
			t.Fatal(err)
		}
		v := w.sync(b)
		kinds := [][]By{{{Key: Date}}, {{Date, true}}, {{Subject, false}, {Date, true}}, {{From, true}}, {{Size, false}}, {{Key: Received}}, {{To, false}, {Arrival, true}}}
		carriedOnce := 0
		for step := range 8 {
			for _, by := range kinds {
				if old, ok := b.orders.last("sort " + fmt.Sprint(by)); ok && old.v != v {
					if _, ok := v.carry(ctx, old, by); ok {
						carriedOnce++
					}
				}
				got, err := v.Sort(ctx, by...)
				if err != nil {
					t.Fatal(err)
				}
				want := make(Order, v.Len())
				for i := range want {
					want[i] = int32(i)
				}
				if err := v.sort(ctx, want, by); err != nil || !slices.Equal(got, want) {
					t.Fatalf("step %d by %v: %v\nwant %v (%v)", step, by, got, want, err)
				}
			}
			for range w.r.IntN(4) {
				w.put("INBOX")
			}
			for range w.r.IntN(3) {
				os.Remove(v.Row(w.r.IntN(v.Len())).Path())
			}
			v = w.sync(b)
		}
		if v.State().Sticky && carriedOnce == 0 {
			t.Error("no order was carried")
		}
	})
}
