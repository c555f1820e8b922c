package store

import (
	"cmp"
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"

	"pneu/maildir/internal/radix"
	"pneu/maildir/message"
	"pneu/maildir/thread"
)

// A Key is what messages are sorted by.
type Key int

// The keys. From, To and Cc are the first one's name, else address, in lower case; with Box
// the part before the @, as RFC 5256 has it. Subject is the base subject.
const (
	Arrival  Key = iota // the order of UIDs
	Date                // the Date field, else Received
	Received            // INTERNALDATE
	Saved               // when it came into this folder
	From
	To
	Cc
	Subject
	Size
	FromBox
	ToBox
	CcBox
	WireSize
)

// By is a key and its direction. Messages that a key does not tell apart stand in the order
// of the next one, and at last in that of arrival, whichever direction those had.
type By struct {
	Key     Key
	Reverse bool
}

// An Order is a sequence of rows. It is not to be changed.
type Order []int32

// Sort returns all rows in the order of the keys.
func (v *View) Sort(ctx context.Context, by ...By) (Order, error) {
	kind := "sort " + fmt.Sprint(by)
	val, err := v.once(kind, func() (any, error) { return v.sorted(ctx, kind, by) })
	if err != nil {
		return nil, err
	}
	return val.(Order), nil
}

// sort puts rows, which are in the order of arrival, into that of the keys. It sorts by the last
// key first: each of the sorts keeps the order of the one before.
func (v *View) sort(ctx context.Context, rows []int32, by []By) error {
	for _, b := range slices.Backward(by) {
		if err := ctx.Err(); err != nil {
			return err
		}
		if text := texts[b.Key]; text != nil {
			keys, err := v.textKeys(ctx, rows, text)
			if err != nil {
				return err
			}
			ranks := rankOf(rows, keys)
			if b.Reverse {
				reverse(ranks)
			}
			radix.Sort(rows, ranks)
			continue
		}
		if b.Key == Arrival {
			slices.Sort(rows)
			if b.Reverse {
				slices.Reverse(rows)
			}
			continue
		}
		keys := v.numbers(b.Key, len(rows) < v.Len()/8, rows)
		if err := v.complete(ctx, b.Key, rows, keys); err != nil {
			return err
		}
		if b.Reverse {
			reverse(keys)
		}
		radix.Sort(rows, keys)
	}
	return nil
}

func reverse(keys []int64) {
	for i := range keys {
		keys[i] = ^keys[i]
	}
}

// numbers returns the values of a key by row; with few only those of rows are set.
func (v *View) numbers(k Key, few bool, rows []int32) []int64 {
	if !few {
		switch k {
		case Date:
			return v.ix.AllSent(make([]int64, 0, v.Len()))
		case Received:
			return v.ix.AllReceived(make([]int64, 0, v.Len()))
		case Size:
			return v.ix.AllSizes(make([]int64, 0, v.Len()))
		}
	}
	one := v.ix.Sent
	switch k {
	case Received:
		one = v.ix.Received
	case Saved:
		one = v.ix.Saved
	case Size:
		one = v.ix.Size
	case WireSize:
		one = v.ix.WireSize
	}
	keys := make([]int64, v.Len())
	for _, n := range rows {
		keys[n] = one(int(n))
	}
	return keys
}

// complete reads from files what the index does not know yet.
func (v *View) complete(ctx context.Context, k Key, rows []int32, keys []int64) error {
	unknown := func(n int32) bool { return keys[n] < 0 }
	switch k {
	case Date:
		if v.State().Undigested == 0 {
			return nil
		}
		unknown = func(n int32) bool { return !v.ix.HasDigest(int(n)) }
	case Size, WireSize:
	default:
		return nil
	}
	return parallel(ctx, len(rows), func(i int) {
		if n := rows[i]; unknown(n) {
			switch r := v.Row(int(n)); k {
			case Date:
				keys[n] = r.Date().Unix()
			case Size:
				keys[n] = r.Size()
			case WireSize:
				keys[n] = r.WireSize()
			}
		}
	})
}

// heading is what text keys are made of: a digest, or a summary where not all fit into that.
type heading interface {
	From() []message.Addr
	To() []message.Addr
	Cc() []message.Addr
	Subject() string
}

type whole struct{ s message.Summary }

func (w whole) From() []message.Addr { return w.s.From }
func (w whole) To() []message.Addr   { return w.s.To }
func (w whole) Cc() []message.Addr   { return w.s.Cc }
func (w whole) Subject() string      { return w.s.Subject }

// texts are the keys that are compared as text.
var texts = map[Key]func(h heading) string{
	From:    func(h heading) string { return name(h.From()) },
	To:      func(h heading) string { return name(h.To()) },
	Cc:      func(h heading) string { return name(h.Cc()) },
	FromBox: func(h heading) string { return mailbox(h.From()) },
	ToBox:   func(h heading) string { return mailbox(h.To()) },
	CcBox:   func(h heading) string { return mailbox(h.Cc()) },
	Subject: func(h heading) string {
		s, _ := thread.BaseSubject(h.Subject())
		return strings.ToLower(s)
	},
}

func name(l []message.Addr) string {
	if len(l) == 0 {
		return ""
	}
	return strings.ToLower(cmp.Or(l[0].Name, l[0].Addr))
}

func mailbox(l []message.Addr) string {
	if len(l) == 0 {
		return ""
	}
	a := l[0].Addr
	if i := strings.LastIndexByte(a, '@'); i >= 0 {
		a = a[:i]
	}
	return strings.ToLower(a)
}

// textKeys returns the texts of rows, in their order.
func (v *View) textKeys(ctx context.Context, rows []int32, text func(heading) string) ([]string, error) {
	keys := make([]string, len(rows))
	err := parallel(ctx, len(rows), func(i int) { keys[i] = v.textOf(rows[i], text) })
	return keys, err
}

// rankOf returns by row the rank of its text among all, equal for equal ones.
func rankOf(rows []int32, keys []string) []int64 {
	most := int32(0)
	at := make([]int32, len(rows))
	for i, n := range rows {
		at[i] = int32(i)
		most = max(most, n)
	}
	slices.SortFunc(at, func(a, b int32) int { return strings.Compare(keys[a], keys[b]) })
	ranks := make([]int64, most+1)
	rank := int64(0)
	for i, a := range at {
		if i > 0 && keys[a] != keys[at[i-1]] {
			rank++
		}
		ranks[rows[a]] = rank
	}
	return ranks
}

// parallel runs do for 0 to n-1 on all processors, until ctx ends.
func parallel(ctx context.Context, n int, do func(i int)) error {
	return parallelBy(ctx, n, 1024, do)
}

// parallelBy is parallel, piece of them at a time.
func parallelBy(ctx context.Context, n, piece int, do func(i int)) error {
	workers := min(runtime.GOMAXPROCS(0), 1+n/piece)
	var next sync.Mutex
	at := 0
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for ctx.Err() == nil {
				next.Lock()
				from := at
				at += piece
				next.Unlock()
				if from >= n {
					return
				}
				for i := from; i < min(from+piece, n); i++ {
					do(i)
				}
			}
		})
	}
	wg.Wait()
	return ctx.Err()
}
