package index

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"sync"
	"testing"

	"pneu/maildir"
)

// scramble commits n times what a few random records say.
func scramble(t *testing.T, x *Index, r *rand.Rand, n int) {
	t.Helper()
	for k := range n {
		tx := mustBegin(t, x)
		for range 1 + r.IntN(3) {
			scrambleOne(t, tx, r, k)
		}
		if _, err := tx.commit(); err != nil {
			t.Fatal(err)
		}
		tx.end()
	}
}

func scrambleOne(t *testing.T, tx *tx, r *rand.Rand, k int) {
	u := tx.view()
	if u.Len() == 0 {
		return
	}
	some := func() []UID {
		lo := r.IntN(u.Len())
		var uids []UID
		for row := lo; row < min(u.Len(), lo+1+r.IntN(5)*r.IntN(1000)); row += 1 + r.IntN(3) {
			uids = append(uids, u.UID(row))
		}
		return uids
	}
	words := func() []string {
		return []string{"a", "b", "c", "d", fmt.Sprint("k", k%9)}[r.IntN(5):][:1]
	}
	row := r.IntN(u.Len())
	uid := u.UID(row)
	var err error
	switch r.IntN(16) {
	case 0, 1:
		for range 1 + r.IntN(20) {
			m := Message{Entry: maildir.Entry{File: fmt.Sprintf("%d.%d.n%d,S=%d:2,", k, r.Uint32(), r.Uint32(), 100+k), New: r.IntN(2) == 0},
				Size: int64(100 + k), WireSize: int64(110 + k), Received: int64(r.IntN(1e9)), Sent: int64(r.IntN(1e9)), Saved: int64(r.IntN(1e9)), Class: uint16(r.IntN(100))}
			if r.IntN(3) == 0 {
				m.Keywords, m.Extra = words(), Flagged
			}
			if r.IntN(3) == 0 {
				m.Digest, m.Head = []byte("digest"), []byte("head")
			}
			if _, err = tx.add(m); err != nil {
				break
			}
		}
	case 2, 3, 4, 5:
		_, err = tx.flags(some(), Flags(r.IntN(64)), Flags(r.IntN(64)), nil, nil, r.IntN(2) == 0)
	case 6, 7:
		_, err = tx.flags(some(), Flags(r.IntN(4)), 0, words(), words(), r.IntN(2) == 0)
	case 8, 9:
		for _, uid := range some() {
			at, _ := u.Find(uid)
			n, perr := maildir.ParseName(u.Entry(at).File)
			if perr != nil {
				t.Fatal(perr)
			}
			if n, perr = n.WithFlags([]maildir.Flags{"", "S", "FS", "aS"}[r.IntN(4)]); perr != nil {
				continue
			}
			if err = tx.rename(uid, maildir.Entry{File: n.String(), New: r.IntN(4) == 0}); err != nil {
				break
			}
		}
	case 10:
		err = tx.rename(uid, maildir.Entry{File: fmt.Sprintf("%d.%d.other:2,%s", k, r.Uint32(), []string{"S", "", "Sxyz"}[r.IntN(3)])})
	case 11:
		_, err = tx.expunge(some())
	case 12:
		err = tx.detail(uid, Detail{Size: int64(r.IntN(5000)), WireSize: int64(r.IntN(10000)), Received: 77, Sent: 78, Class: 3, Digest: []byte("d"), Head: []byte("h")})
	case 13:
		err = tx.saved(uid, int64(r.IntN(1e9)))
	case 14:
		err = tx.written(some())
	case 15:
		switch r.IntN(3) {
		case 0:
			err = tx.meta(fmt.Sprint("key", r.IntN(5)), [][]byte{nil, []byte("value"), {}}[r.IntN(3)])
		case 1:
			err = tx.raise(u.st.UIDNext+UID(r.IntN(5000)), u.st.HighestModSeq+3)
		case 2:
			if r.IntN(5) == 0 {
				tx.build().dropCache()
				tx.flushRun()
				tx.put(append(tx.out, recCache))
			}
		}
	}
	if err != nil {
		t.Fatal(err)
	}
}

// rowDump is all that a view says of a row.
type rowDump struct {
	UID                          UID
	Flags, Disk                  Flags
	State                        uint8
	Keywords                     string
	ModSeq                       uint64
	Size, Wire, Recv, Saved, Snt int64
	Class                        uint16
	Cache                        uint32
	File                         maildir.Entry
}

func dumpRow(v *View, row int) rowDump {
	c, i := v.at(row)
	return rowDump{v.UID(row), v.Flags(row), v.DiskFlags(row), v.state(row), fmt.Sprint(v.Keywords(row)), v.ModSeq(row),
		v.Size(row), v.WireSize(row), v.Received(row), v.Saved(row), v.Sent(row), v.Class(row), c.cache[i], v.Entry(row)}
}

// sameViews compares what two indexes show, with the rows of a asked for by several
// goroutines in orders of their own.
func sameViews(t *testing.T, a, b *View) {
	t.Helper()
	if a.State() != b.State() {
		t.Fatalf("state %+v, want %+v", a.State(), b.State())
	}
	var wg sync.WaitGroup
	for g := range 3 {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(uint64(g), 1))
			for n, row := range r.Perm(b.Len()) {
				if g > 0 && n == b.Len()/8 {
					return
				}
				if got, want := dumpRow(a, row), dumpRow(b, row); got != want {
					t.Errorf("row %d: %+v, want %+v", row, got, want)
					return
				}
				e := b.Entry(row)
				if at, m := a.Lookup([]byte(e.File), e.New); m != Same || at != row {
					t.Errorf("row %d: %q is found as %d in row %d", row, e.File, m, at)
					return
				}
				if at, ok := a.Find(b.UID(row)); !ok || at != row {
					t.Errorf("row %d: found in row %d, %v", row, at, ok)
					return
				}
				if n := a.KeywordSet(row); g == 0 && n >= a.KeywordSets() {
					t.Errorf("row %d: keyword set %d of %d", row, n, a.KeywordSets())
				}
			}
		})
	}
	wg.Wait()
	if got, want := a.MetaKeys(""), b.MetaKeys(""); !reflect.DeepEqual(got, want) {
		t.Errorf("keys %q, want %q", got, want)
	}
	for _, since := range []uint64{1, b.st.HighestModSeq / 2} {
		gone, ok := a.Vanished(since)
		want, wok := b.Vanished(since)
		if !reflect.DeepEqual(gone, want) || ok != wok {
			t.Errorf("vanished since %d: %v, want %v", since, gone, want)
		}
		if got, want := a.Changed(since), b.Changed(since); !reflect.DeepEqual(got, want) {
			t.Errorf("changed since %d: %v, want %v", since, got, want)
		}
	}
}

// TestLate: what is applied where somebody looks is what was applied at once.
func TestLate(t *testing.T) {
	t.Parallel()
	seeds := 3
	if raceEnabled {
		seeds = 2
	}
	for seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			r := rand.New(rand.NewPCG(uint64(seed), 7))
			f := newFolder(t)
			x := mustOpen(t, f, Options{})
			if seed > 0 { // else all is in the log
				fill(t, x, 2*chunkSlots+r.IntN(2)*chunkSlots/2, benchNames["pneu"])
				scramble(t, x, r, 20)
				if err := x.Compact(t.Context()); err != nil {
					t.Fatal(err)
				}
			} else {
				fill(t, x, chunkSlots+100, benchNames["pneu"])
			}
			for range 2 {
				scramble(t, x, r, 60)
				late := mustOpen(t, f, Options{ReadOnly: true})
				early := mustOpen(t, f, Options{ReadOnly: true, early: true})
				some := false
				for _, c := range late.View().parts {
					some = some || c.late != nil
				}
				if !some {
					t.Fatal("the log was applied at once")
				}
				for _, c := range early.View().parts {
					if c.late != nil {
						t.Fatal("the log was not applied at once")
					}
				}
				sameViews(t, late.View(), early.View())
				if errs := mustOpen(t, f, Options{ReadOnly: true}).Check(); errs != nil {
					t.Fatal(errs)
				}
				// And it goes on from there.
				x.Close()
				x = mustOpen(t, f, Options{})
			}
			scramble(t, x, r, 40)
			v := x.View()
			sameViews(t, v, mustOpen(t, f, Options{early: true}).View())
			if err := x.Compact(t.Context()); err != nil {
				t.Fatal(err)
			}
			w := x.View()
			for row := range v.Len() {
				if got, want := dumpRow(w, row), dumpRow(v, row); got != want {
					t.Fatalf("row %d after compaction: %+v, want %+v", row, got, want)
				}
			}
			if len(w.snap.last) != len(w.parts) {
				t.Fatalf("%d of %d last UIDs", len(w.snap.last), len(w.parts))
			}
			for k, c := range w.parts {
				if w.snap.last[k] != c.uid[len(c.uid)-1] {
					t.Fatalf("chunk %d ends with UID %d, not %d", k, c.uid[len(c.uid)-1], w.snap.last[k])
				}
			}
		})
	}
}
