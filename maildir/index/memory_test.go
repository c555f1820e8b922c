package index

import (
	"cmp"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"

	"pneu/maildir"
)

// allocated returns how many bytes fn allocates for each of n.
func allocated(n int, fn func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	fn()
	runtime.ReadMemStats(&after)
	return (after.TotalAlloc - before.TotalAlloc) / uint64(n)
}

// A folder seen for the first time is a million rows, perhaps: chunks do not grow row by row,
// and the list of UIDs is not made as a whole.
func TestMemoryOfManyRows(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates as well")
	}
	const n = 16 * chunkSlots
	var file []byte
	b := newBuilder(&table{names: &overlay{}, sets: newKeywordSets([][]uint16{nil})}, State{UIDNext: 1})
	if each := allocated(n, func() {
		for i := range n {
			file = fmt.Appendf(file[:0], "1700000070.M000000P1000_%d.bench:2,S", i)
			b.add(&rowData{uid: b.st.UIDNext, file: file, size: 1, wire: 1})
		}
	}); each > 180 { // 38 of columns, 32 of the name, 4 of its end, 32 of the hash table as it grows
		t.Errorf("%d bytes for a row", each)
	}
	v := newView(b.done(), &slot{st: b.st}, &blobs{})
	if each := allocated(n, func() {
		if err := writeUIDList(io.Discard, v, true); err != nil {
			t.Error(err)
		}
	}); each > 400 { // names of which nothing stays
		t.Errorf("%d bytes for a line", each)
	}
}

func TestByArrival(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for n := range 200 {
		var b blocks
		var want []maildir.Entry
		for range n * n / 40 {
			e := maildir.Entry{File: fmt.Sprintf("%d.M%dP1.h%d", 1700000000+r.IntN(9), r.IntN(3), r.IntN(100)), New: r.IntN(2) == 0}
			if r.IntN(9) == 0 {
				e.File = fmt.Sprint("odd", r.IntN(1000))
			}
			b.add(e)
			want = append(want, e)
		}
		got := b.join(nil)
		if !slices.Equal(got, want) {
			t.Fatalf("%d: blocks are joined to %v, want %v", n, got, want)
		}
		key := func(e maildir.Entry) int64 {
			if at := e.Time(); !at.IsZero() {
				return at.UnixMicro()
			}
			return 0
		}
		byArrival(got)
		if !slices.IsSortedFunc(got, func(a, b maildir.Entry) int {
			return cmp.Or(cmp.Compare(key(a), key(b)), cmp.Compare(a.File, b.File))
		}) {
			t.Fatalf("%d: not sorted: %v", n, got)
		}
		count := map[maildir.Entry]int{}
		for i := range got {
			count[got[i]]++
			count[want[i]]--
		}
		for e, c := range count {
			if c != 0 {
				t.Fatalf("%d: %v is there %d times more", n, e, c)
			}
		}
	}
}
