package search

import (
	"context"
	"errors"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// million is a Source as an index of a large folder is one: narrow columns, records one behind the other.
type million struct {
	flags    []uint8
	class    []uint16
	sent     []uint32
	size     []uint32
	uid      []uint32
	keywords []uint16
	heads    [][]byte
	blind    bool // goes over all records, whatever it is asked for
}

func newMillion(n int) *million {
	r := rand.New(rand.NewPCG(1, 1))
	s := &million{
		flags: make([]uint8, n), class: make([]uint16, n), sent: make([]uint32, n), size: make([]uint32, n),
		uid: make([]uint32, n), keywords: make([]uint16, n), heads: heads(n),
	}
	for i := range n {
		s.flags[i], s.class[i] = uint8(r.IntN(64)), uint16(r.IntN(1<<16))
		s.sent[i], s.size[i] = uint32(1_400_000_000+i*380+r.IntN(1e6)), uint32(r.IntN(1<<17))
		s.uid[i] = uint32(i + 1)
		s.keywords[i] = uint16(r.IntN(500))
	}
	return s
}

func (s *million) Len() int       { return len(s.flags) }
func (s *million) Folder() string { return "INBOX" }
func (s *million) Doc(row int) Doc {
	return headDoc{&doc{}, s.heads[row]}
}

// A headDoc answers from its header record, as the digest of a message would.
type headDoc struct {
	*doc
	head []byte
}

func (d headDoc) Head() ([]byte, bool) { return d.head, true }

var flagTable = func() (t [64]int64) {
	for i := range t {
		for k, c := range []byte("SFRDTP") {
			if i&(1<<k) != 0 {
				t[i] |= FlagBit(c)
			}
		}
	}
	return t
}()

func (s *million) Column(c Column, from int, dst []int64) bool {
	switch c {
	case Flags:
		for i, v := range s.flags[from : from+len(dst)] {
			dst[i] = flagTable[v]
		}
	case Class:
		for i, v := range s.class[from : from+len(dst)] {
			dst[i] = int64(v)
		}
	case Size, WireSize:
		widen(dst, s.size[from:])
	case Sent, Received, Saved:
		widen(dst, s.sent[from:])
	case UID:
		widen(dst, s.uid[from:])
	default:
		return false
	}
	return true
}

func widen(dst []int64, src []uint32) {
	for i, v := range src[:len(dst)] {
		dst[i] = int64(v)
	}
}

func (s *million) Keywords(match func(string) bool) (*Bits, bool) {
	b := NewBits(len(s.flags))
	if match("$Junk") {
		for i, v := range s.keywords {
			if v == 7 {
				b.Set(i)
			}
		}
	}
	return b, true
}

func (s *million) Heads(ctx context.Context, lo, hi int, fn func(int, []byte)) error {
	n := runtime.GOMAXPROCS(0)
	if s.blind {
		lo, hi = 0, len(s.heads)
	}
	var wg sync.WaitGroup
	for k := range n {
		wg.Go(func() {
			from := lo + (hi-lo)*k/n
			for i, rec := range s.heads[from : lo+(hi-lo)*(k+1)/n] {
				fn(from+i, rec)
			}
		})
	}
	wg.Wait()
	return ctx.Err()
}

func (s *million) Text(_ context.Context, needle string, fn func(int, bool)) (*Bits, error) {
	all := NewBits(s.Len())
	all.SetRange(0, s.Len())
	for i := 0; i < s.Len(); i += 1000 {
		fn(i, !strings.Contains(needle, " "))
	}
	return all, nil
}

// What comes window by window is what comes at once.
func TestEachWindow(t *testing.T) {
	src := newMillion(70_000)
	for _, s := range []string{"from:babbage subject:invoice is:unread", "-from:babbage has:patch", "subject:tuesday OR tag:$Junk", "body:word", "*", "-*"} {
		q, err := Parse(s)
		if err != nil {
			t.Fatal(err)
		}
		rows, err := q.Run(t.Context(), src)
		if err != nil {
			t.Fatal(err)
		}
		for _, src.blind = range []bool{false, true} {
			for _, order := range []Order{NewestArrived, OldestArrived} {
				want := slices.Collect(rows.Rows())
				if order == NewestArrived {
					want = slices.Collect(rows.Down())
				}
				var got []int
				if err := q.Each(t.Context(), src, order, 0, func(row int) bool { got = append(got, row); return true }); err != nil {
					t.Fatal(err)
				}
				if !slices.Equal(got, want) {
					t.Fatalf("%s: order %d: %d rows, want %d", s, order, len(got), len(want))
				}
			}
		}
	}
}

// A query that is no longer wanted ends.
func TestCancelled(t *testing.T) {
	src := newMillion(1000)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, s := range []string{"from:ada", "is:unread", "header:X-Spam"} {
		q, err := Parse(s)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := q.Run(ctx, src); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", s, err)
		}
		if err := q.Each(ctx, src, NewestArrived, 0, func(int) bool { return true }); !errors.Is(err, context.Canceled) {
			t.Errorf("each %s: %v", s, err)
		}
	}
}

func BenchmarkRun(b *testing.B) {
	if testing.Short() {
		b.Skip("makes a million rows")
	}
	src := newMillion(1_000_000)
	b.Run("parse", func(b *testing.B) {
		for b.Loop() {
			if _, err := Parse(`from:ada (subject:"jitter buffer" OR is:unread) -list:* date:7d.. size:>1M`); err != nil {
				b.Fatal(err)
			}
		}
	})
	for _, s := range []string{
		"is:unread", "is:flagged -is:replied", "date:2026-01..2026-02", "size:>100k", "has:patch", "tag:$Junk", "is:unread date:2024.. size:<10k has:attachment",
		"from:babbage", "subject:reindex", "subject:tuesday", "to:user4999@", "any:babbage", "from:me", "list:*", "id:4711.2@example.org", "from:/^user4.*@/",
		"from:babbage subject:invoice is:unread date:2024..", "from:babbage OR subject:meeting", "-from:babbage is:unread", "body:word", "invoice",
	} {
		b.Run(s, func(b *testing.B) {
			q, err := ParseWith(s, Options{Now: time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC), Me: []string{"user77@host77.example.org"}})
			if err != nil {
				b.Fatal(err)
			}
			n := 0
			b.ReportAllocs()
			for b.Loop() {
				rows, err := q.Run(b.Context(), src)
				if err != nil {
					b.Fatal(err)
				}
				n = rows.Count()
			}
			b.ReportMetric(float64(n), "rows")
		})
	}
	for _, s := range []string{"is:unread", "from:babbage", "subject:reindex", "from:babbage is:unread", "*"} {
		b.Run("first40/"+s, func(b *testing.B) {
			q, err := Parse(s)
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				if err := q.Each(b.Context(), src, NewestArrived, 40, func(int) bool { return true }); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
