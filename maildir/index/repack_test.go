package index

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"pneu/maildir"
)

// bulky adds n messages of which much is kept, and returns their UIDs.
func bulky(t *testing.T, x *Index, from, n int) (uids []UID) {
	t.Helper()
	tx := mustBegin(t, x)
	defer tx.end()
	for k := range n {
		uid, err := tx.add(Message{
			Entry:  maildir.Entry{File: fmt.Sprintf("%d.1.h:2,", from+k)},
			Digest: bytes.Repeat([]byte{byte(from + k)}, 500+(from+k)%90),
			Head:   fmt.Appendf(nil, "head of %d", from+k),
		})
		if err != nil {
			t.Fatal(err)
		}
		uids = append(uids, uid)
	}
	if _, err := tx.commit(); err != nil {
		t.Fatal(err)
	}
	return uids
}

func expunge(t *testing.T, x *Index, uids []UID) {
	t.Helper()
	tx := mustBegin(t, x)
	defer tx.end()
	tx.expunge(uids)
	if _, err := tx.commit(); err != nil {
		t.Fatal(err)
	}
}

// sameKept compares what a view keeps of messages with what bulky gave it.
func sameKept(t *testing.T, v *View, want map[UID]int) {
	t.Helper()
	if v.Len() != len(want) || v.State().Undigested != 0 {
		t.Fatalf("%d rows, %d without a digest; want %d", v.Len(), v.State().Undigested, len(want))
	}
	for row := range v.Len() {
		n, ok := want[v.UID(row)]
		if b := v.Blob(row); !ok || len(b) != 500+n%90 || b[0] != byte(n) {
			t.Fatalf("UID %d: digest of %d bytes, message %d", v.UID(row), len(b), n)
		}
	}
	heads := map[UID]string{}
	if err := v.blob.scan(v, func(b []byte) bool {
		return scanHeads(b, v, func(row int, rec []byte) bool {
			heads[v.UID(row)] = string(rec)
			return true
		})
	}); err != nil {
		t.Fatal(err)
	}
	for uid, n := range want {
		if heads[uid] != fmt.Sprintf("head of %d", n) {
			t.Fatalf("UID %d: head %q of message %d", uid, heads[uid], n)
		}
	}
}

// TestRepack: what messages that are gone had in pneu.cache and pneu.head is given back,
// and nobody who has the folder open misses anything.
func TestRepack(t *testing.T) {
	t.Parallel()
	size := func(f *maildir.Folder) (n int64) {
		for _, name := range []string{cacheName, headName} {
			info, err := os.Stat(filepath.Join(f.Path(), name))
			if err != nil {
				t.Fatal(err)
			}
			n += info.Size()
		}
		return n
	}
	for _, c := range []struct {
		name   string
		gone   int // of 1000
		limit  int64
		packed bool
	}{
		{"most are gone", 700, 100 << 10, true},
		{"all are gone", 1000, 100 << 10, true},
		{"less than half is gone", 400, 100 << 10, false},
		{"not worth it", 700, 0, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFolder(t)
			opt := Options{repack: c.limit}
			x := mustOpen(t, f, opt)
			want := map[UID]int{}
			for k, uid := range bulky(t, x, 0, 1000) {
				want[uid] = k
			}
			if err := x.Compact(t.Context()); err != nil {
				t.Fatal(err)
			}
			other := mustOpen(t, f, opt)
			old := other.View()
			sameKept(t, old, want)
			was := map[UID]int{}
			var gone []UID
			for uid, k := range want {
				was[uid] = k
				if k%10*100 < c.gone {
					gone = append(gone, uid)
					delete(want, uid)
				}
			}
			expunge(t, x, gone)
			before := size(f)
			if err := x.Compact(t.Context()); err != nil {
				t.Fatal(err)
			}
			if packed := size(f) < before/2; packed != c.packed {
				t.Errorf("%d bytes, were %d", size(f), before)
			}
			sameKept(t, x.View(), want)
			sameKept(t, old, was)
			// Others go on with what is there now.
			for k, uid := range bulky(t, other, 1000, 50) {
				want[uid] = 1000 + k
			}
			sameKept(t, other.View(), want)
			for _, y := range []*Index{x, mustOpen(t, f, Options{ReadOnly: true})} {
				v, err := y.Refresh()
				if err != nil {
					t.Fatal(err)
				}
				sameKept(t, v, want)
				if errs := append(y.check(), y.CheckKept(t.Context(), nil)...); len(errs) > 0 {
					t.Error(errs)
				}
			}
			// A second time there is nothing to give back.
			before = size(f)
			if err := x.Compact(t.Context()); err != nil {
				t.Fatal(err)
			}
			if size(f) != before {
				t.Errorf("%d bytes, were %d", size(f), before)
			}
		})
	}
}

// TestRepackDamaged: what cannot be read is not taken along, and is known to be missing.
func TestRepackDamaged(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	x := mustOpen(t, f, Options{repack: 10 << 10})
	uids := bulky(t, x, 0, 100)
	path := filepath.Join(f.Path(), cacheName)
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	b[pageSize+90*(blobHeader+550)] ^= 1
	file, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if _, err := file.WriteAt(b, 0); err != nil {
		t.Fatal(err)
	}
	left := filepath.Join(f.Path(), headName+tmpSuffix)
	if err := os.WriteFile(left, b, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := x.Compact(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(left); err == nil {
		t.Error("what a killed process left is still there")
	}
	expunge(t, x, uids[:70])
	if err := x.Compact(t.Context()); err != nil {
		t.Fatal(err)
	}
	if v := x.View(); v.State().Undigested != 1 || v.Len() != 30 {
		t.Errorf("%+v", v.State())
	}
	if errs := append(x.check(), x.CheckKept(t.Context(), nil)...); len(errs) > 0 {
		t.Error(errs)
	}
}
