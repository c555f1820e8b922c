package store

import (
	"cmp"
	"context"
	"slices"
	"sort"
	"strings"
	"sync"

	"pneu/maildir/digest"
)

// orders are the newest of each kind that a box was asked for: the next one is made of it, for
// what came and went is little.
type orders struct {
	mu  sync.Mutex
	all map[string]carried
}

type carried struct {
	v     *View
	order Order
}

// ordersKept bounds how many kinds are kept.
const ordersKept = 8

func (o *orders) keep(kind string, c carried) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.all == nil || len(o.all) >= ordersKept {
		o.all = map[string]carried{}
	}
	if had, ok := o.all[kind]; !ok || had.v.State().HighestModSeq <= c.v.State().HighestModSeq {
		o.all[kind] = c
	}
}

func (o *orders) last(kind string) (carried, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	c, ok := o.all[kind]
	return c, ok
}

// carry makes the order of v of an older one, if that is worth it.
func (v *View) carry(ctx context.Context, old carried, by []By) (Order, bool) {
	was, is := old.v.State(), v.State()
	if old.v.numbering() != v.numbering() || !is.Sticky || was.HighestModSeq > is.HighestModSeq || was.UIDNext > is.UIDNext || was.Undigested > 0 {
		return nil, false
	}
	from, _ := v.ix.Find(was.UIDNext) // the rows from here on came since
	added := v.Len() - from
	if added > 64+v.Len()/64 || from > len(old.order) {
		return nil, false
	}
	kept := old.order
	if from < len(kept) {
		now := make([]int32, len(kept)) // rows by old ones, -1 of what is gone
		uids, were := v.ix.AllUIDs(make([]UID, 0, v.Len())), old.v.ix.AllUIDs(make([]UID, 0, len(kept)))
		n := 0
		for o, uid := range were {
			if now[o] = -1; n < from && uids[n] == uid {
				now[o] = int32(n)
				n++
			}
		}
		if n != from {
			return nil, false
		}
		kept = make(Order, 0, v.Len())
		for _, o := range old.order {
			if now[o] >= 0 {
				kept = append(kept, now[o])
			}
		}
	}
	fresh := make([]int32, added)
	for i := range fresh {
		fresh[i] = int32(from + i)
	}
	if v.sort(ctx, fresh, by) != nil {
		return nil, false
	}
	out := make(Order, 0, v.Len())
	at := 0
	for _, n := range fresh {
		// Behind its equals: it came later.
		to := at + sort.Search(len(kept)-at, func(i int) bool { return v.compare(kept[at+i], n, by) > 0 })
		out = append(append(out, kept[at:to]...), n)
		at = to
	}
	return append(out, kept[at:]...), true
}

// compare compares two rows as sort does, save that equals stay equal.
func (v *View) compare(a, b int32, by []By) int {
	for _, k := range by {
		c := 0
		if text := texts[k.Key]; text != nil {
			c = strings.Compare(v.textOf(a, text), v.textOf(b, text))
		} else if k.Key == Arrival {
			c = cmp.Compare(a, b)
		} else {
			c = cmp.Compare(v.numberOf(a, k.Key), v.numberOf(b, k.Key))
		}
		if k.Reverse {
			c = -c
		}
		if c != 0 {
			return c
		}
	}
	return 0
}

func (v *View) textOf(n int32, text func(heading) string) (s string) {
	r := v.Row(int(n))
	r.peek(func(d digest.Digest) {
		if d.Truncated() {
			s = text(whole{r.summary(d)})
		} else {
			s = text(d)
		}
	})
	return s
}

func (v *View) numberOf(n int32, k Key) int64 {
	r := v.Row(int(n))
	switch k {
	case Received:
		return v.ix.Received(r.n)
	case Saved:
		return v.ix.Saved(r.n)
	case Size:
		return r.Size()
	case WireSize:
		return r.WireSize()
	}
	if v.ix.HasDigest(r.n) {
		return v.ix.Sent(r.n)
	}
	return r.Date().Unix()
}

// sorted returns all rows in the order of the keys.
func (v *View) sorted(ctx context.Context, kind string, by []By) (Order, error) {
	if old, ok := v.box.orders.last(kind); ok {
		if order, ok := v.carry(ctx, old, by); ok {
			v.box.orders.keep(kind, carried{v, order})
			return order, nil
		}
	}
	order := make(Order, v.Len())
	for i := range order {
		order[i] = int32(i)
	}
	if err := v.sort(ctx, order, by); err != nil {
		return nil, err
	}
	v.box.orders.keep(kind, carried{v, order})
	return slices.Clip(order), nil
}
