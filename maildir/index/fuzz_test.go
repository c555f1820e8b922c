package index

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"pneu/maildir"
)

// samples are the files of a small index that has some of everything.
func samples(tb testing.TB) (f *maildir.Folder, files map[string][]byte) {
	f = newFolder(tb)
	x := mustOpen(tb, f, Options{})
	fill(tb, x, 40, benchNames["pneu"])
	x.writer <- struct{}{}
	x.mu.Lock()
	if err := x.compact(); err != nil {
		tb.Fatal(err)
	}
	x.mu.Unlock()
	<-x.writer
	t, err := x.begin(tb.Context())
	if err != nil {
		tb.Fatal(err)
	}
	t.add(Message{Entry: maildir.Entry{File: "x\ny:2,Sab", New: true}, Size: -1, Keywords: []string{"k"}, Digest: []byte("digest"), Head: []byte("head")})
	t.flags([]UID{1, 2, 5}, Seen, Draft, []string{"a"}, nil, true)
	t.rename(3, maildir.Entry{File: "other:2,S"})
	t.rename(4, maildir.Entry{File: t.view().Base(3) + ":2,"})
	t.expunge([]UID{7, 8})
	t.meta("key", []byte("value"))
	t.saved(9, 1)
	t.detail(10, Detail{Size: 3, WireSize: 4})
	if _, err := t.commit(); err != nil {
		tb.Fatal(err)
	}
	t.end()
	files = map[string][]byte{}
	for _, name := range []string{logName, idxName, cacheName, headName} {
		if files[name], err = os.ReadFile(filepath.Join(f.Path(), name)); err != nil {
			tb.Fatal(err)
		}
	}
	return f, files
}

// reseal makes the checksums right again, so that what lies behind them is tried.
func reseal(name string, b []byte) {
	switch {
	case len(b) < pageSize:
	case name == logName:
		copy(b, withSum(b[:60]))
		for _, at := range []int{slotAt, slotAt + sector, reserveAt, reserveAt + sector} {
			copy(b[at:], withSum(b[at:at+sector-4]))
		}
		for at := pageSize; at+batchHeader <= len(b); {
			n := int(uint32(b[at]) | uint32(b[at+1])<<8 | uint32(b[at+2])<<16)
			if at+batchHeader+n > len(b) {
				break
			}
			sum := withSum(append([]byte{}, b[at+8:at+batchHeader+n]...))
			copy(b[at+4:at+8], sum[len(sum)-4:])
			at = (at + batchHeader + n + 7) &^ 7
		}
	case name == idxName:
		copy(b, withSum(b[:60]))
		copy(b[sector:], withSum(b[sector:2*sector-4]))
		copy(b, withSum(b[:pageSize-4]))
	default:
		copy(b, withSum(b[:60]))
	}
}

func withSum(b []byte) []byte {
	s := checksum(b)
	return append(append([]byte{}, b...), byte(s), byte(s>>8), byte(s>>16), byte(s>>24))
}

// FuzzFiles overwrites one file of an index in one place. Nothing may panic,
// hang or allocate beyond what the files hold, and a writer goes on afterwards.
func FuzzFiles(f *testing.F) {
	folder, files := samples(f)
	for which := range uint8(4) {
		for _, at := range []uint16{0, 8, 16, 30, 512, 520, 544, 600, 1024, 1030, 1536, 4096, 4100, 4112, 4120, 5000} {
			f.Add(which, at, []byte{0xff, 0xff, 0xff, 0xff}, uint16(0), true)
			f.Add(which, at, []byte{0}, uint16(0), false)
		}
		f.Add(which, uint16(0), []byte{}, uint16(5000), false)
		f.Add(which, uint16(0), []byte{}, uint16(100), true)
	}
	names := []string{logName, idxName, cacheName, headName}
	f.Fuzz(func(t *testing.T, which uint8, at uint16, with []byte, cut uint16, seal bool) {
		for name, b := range files {
			if name == names[which%4] {
				b = append([]byte{}, b...)
				if int(at) < len(b) {
					copy(b[at:], with)
				}
				if cut > 0 {
					b = b[:min(len(b), int(cut))]
				}
				if seal {
					reseal(name, b)
				}
			}
			os.Remove(filepath.Join(folder.Path(), name))
			if err := os.WriteFile(filepath.Join(folder.Path(), name), b, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		sameEarly(t, folder)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		x, err := Open(folder, Options{})
		if err != nil {
			return // a newer version
		}
		defer x.Close()
		readAll(x.View())
		tx, err := x.begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		_, err = tx.add(Message{Entry: maildir.Entry{File: "later.1.h"}, Digest: []byte("d")})
		if err == nil {
			tx.flagsRanges([]UIDRange{{1, 1<<32 - 2}}, Seen, 0, []string{"w"}, nil, false)
			tx.expunge([]UID{1, 2, 3})
			_, err = tx.commit()
		}
		tx.end()
		if err == nil {
			readAll(x.View())
		}
		if runtime.ReadMemStats(&after); after.TotalAlloc-before.TotalAlloc > 64<<20 {
			t.Errorf("%d bytes allocated", after.TotalAlloc-before.TotalAlloc)
		}
	})
}

// sameEarly: what is applied where somebody looks is what is applied at once, and what is
// damaged to one is so to the other.
func sameEarly(t *testing.T, f *maildir.Folder) {
	t.Helper()
	late, err := Open(f, Options{ReadOnly: true})
	if err != nil {
		return
	}
	defer late.Close()
	early, err := Open(f, Options{ReadOnly: true, early: true})
	if err != nil {
		t.Fatal(err)
	}
	defer early.Close()
	a, lost := late.Damage()
	b, lostToo := early.Damage()
	if (a == nil) != (b == nil) || lost != lostToo {
		t.Fatalf("damage %v, lost %v; applied at once %v, %v", a, lost, b, lostToo)
	}
	v, w := late.View(), early.View()
	if lost || v.Len() != w.Len() { // a new folder has a GUID of its own
		if !lost {
			t.Fatalf("%d rows, %d", v.Len(), w.Len())
		}
		return
	}
	for row := range v.Len() {
		if got, want := dumpRow(v, row), dumpRow(w, row); got != want {
			t.Fatalf("row %d: %+v, want %+v", row, got, want)
		}
	}
}

// readAll asks a view for everything.
func readAll(v *View) {
	for row := range v.Len() {
		e := v.Entry(row)
		v.Lookup([]byte(e.File), e.New)
		v.FindBase(v.Base(row))
		v.Find(v.UID(row))
		v.Keywords(row)
		v.HasKeyword(row, "a")
		v.Saved(row)
		v.Blob(row)
		v.WireSize(row)
	}
	v.HeadScan(func(int, []byte) bool { return true })
	v.Changed(0)
	v.Vanished(v.st.FloorModSeq)
	v.MetaKeys("")
	v.Meta("key")
	v.PendingRows()
	v.UndigestedRows()
}

func FuzzName(f *testing.F) {
	for _, name := range benchNames {
		f.Add([]byte(name(1)), int64(1001), int64(1031))
	}
	f.Add([]byte("1:2,S:1,;2,"), int64(-1), int64(-1))
	f.Fuzz(func(t *testing.T, name []byte, size, wire int64) {
		n, err := maildir.ParseName(string(name))
		if err != nil || len(name) > maxName {
			return
		}
		if k := baseLen(name); string(name[:k]) != n.Base {
			t.Fatalf("base of %q is %q, want %q", name, name[:k], n.Base)
		}
		stored, disk, state := classify(name)
		if got := string(stored) + infoOf(state, disk); got != string(name) || Flags(disk) != FlagsOf(n.Flags()) {
			t.Fatalf("%q stored as %q with flags %v", name, got, Flags(disk))
		}
		// The same head twice and another between: what is shared is found again.
		var w nameWriter
		for _, s := range [][]byte{stored, []byte("1.M2.h,S=5"), stored} {
			w.add(s, size, wire)
		}
		s := snapshot{blocks: w.blocks}
		s.sec[secNames] = w.heap
		for _, h := range w.list {
			s.hosts = append(s.hosts, []byte(h))
		}
		for k := range 3 {
			var r nameReader
			s.seek(&r, k)
			if got := r.next(size, wire); k != 1 && string(got) != string(stored) {
				t.Fatalf("%q read back as %q", stored, got)
			}
		}
	})
}
