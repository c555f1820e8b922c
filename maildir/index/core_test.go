package index

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"pneu/maildir"
)

// newFolder makes an empty folder.
func newFolder(t testing.TB) *maildir.Folder {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "mail")
	for _, d := range []string{"cur", "new", "tmp"} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	f, err := maildir.At(dir)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func mustOpen(t testing.TB, f *maildir.Folder, opt Options) *Index {
	t.Helper()
	x, err := Open(f, opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { x.Close() })
	return x
}

func mustBegin(t testing.TB, x *Index) *tx {
	t.Helper()
	tx, err := x.begin(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tx.end) // before Close, which waits for it
	return tx
}

func mustCommit(t testing.TB, tx *tx) *View {
	t.Helper()
	v, err := tx.commit()
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestCommitAndReopen(t *testing.T) {
	f := newFolder(t)
	x := mustOpen(t, f, Options{})
	tx := mustBegin(t, x)
	for k := range 10 {
		uid, err := tx.add(Message{
			Entry: maildir.Entry{File: fmt.Sprintf("170000000%d.M%dP7Q1R00000000deadbeef.host.example,S=10%d,W=12%d:2,S", k, k, k, k)},
			Size:  int64(100 + k), WireSize: int64(120 + k), Received: 1700000000, Sent: -5, Saved: 1800000000,
			Class: 3, Keywords: []string{"a", "B"}, Digest: []byte(fmt.Sprint("digest ", k)), Head: []byte("head"),
		})
		if err != nil || uid != UID(k+1) {
			t.Fatal(uid, err)
		}
	}
	v := mustCommit(t, tx)
	tx.end()
	check := func(what string, v *View) {
		t.Helper()
		if v.Len() != 10 {
			t.Fatalf("%s: %d rows", what, v.Len())
		}
		for row := range 10 {
			if v.UID(row) != UID(row+1) || v.Size(row) != int64(100+row) || v.WireSize(row) != int64(120+row) || v.Sent(row) != -5 ||
				v.Saved(row) != 1800000000 || !slices.Equal(v.Keywords(row), []string{"B", "a"}) || v.Flags(row) != Seen {
				t.Errorf("%s: row %d is wrong", what, row)
			}
			want := fmt.Sprintf("170000000%d.M%dP7Q1R00000000deadbeef.host.example,S=10%d,W=12%d:2,S", row, row, row, row)
			if e := v.Entry(row); e.File != want || e.New {
				t.Errorf("%s: row %d is %v", what, row, e)
			}
			if got, m := v.Lookup([]byte(want), false); got != row || m != Same {
				t.Errorf("%s: row %d looked up: %d, %v", what, row, got, m)
			}
			if b := string(v.Blob(row)); b != fmt.Sprint("digest ", row) {
				t.Errorf("%s: row %d has digest %q", what, row, b)
			}
		}
		n := 0
		if err := v.HeadScan(func(row int, rec []byte) bool { n++; return string(rec) == "head" }); err != nil || n != 10 {
			t.Errorf("%s: %d heads, %v", what, n, err)
		}
	}
	check("committed", v)
	check("reopened", mustOpen(t, f, Options{}).View())
	x.mu.Lock()
	if err := x.compact(); err != nil {
		t.Fatal(err)
	}
	x.mu.Unlock()
	check("compacted", x.View())
	y := mustOpen(t, f, Options{ReadOnly: true})
	check("compacted and reopened", y.View())
	tx = mustBegin(t, x)
	if _, err := tx.expunge([]UID{3, 4, 9}); err != nil {
		t.Fatal(err)
	}
	if _, err := tx.flags([]UID{1, 2, 5}, Flagged, Seen, nil, []string{"a"}, true); err != nil {
		t.Fatal(err)
	}
	mustCommit(t, tx)
	tx.end()
	v, err := y.Refresh()
	if err != nil || v.Len() != 7 || v.State().Unseen != 3 || v.State().Pending != 3 || v.UID(2) != 5 || v.Flags(2) != Flagged {
		t.Errorf("other process: %d rows, %+v, %v", v.Len(), v.State(), err)
	}
	if gone, ok := v.Vanished(1); !ok || !slices.Equal(gone, []UIDRange{{3, 4}, {9, 9}}) {
		t.Errorf("vanished: %v %v", gone, ok)
	}
	st, err := ReadState(f.Path())
	if want := v.State(); err != nil || st != want {
		t.Errorf("read state: %+v, %v; want %+v", st, err, want)
	}
}

// TestHeadScan: every row is visited with its own text, whatever block it lies in, and no row that
// has gone.
func TestHeadScan(t *testing.T) {
	f := newFolder(t)
	x := mustOpen(t, f, Options{})
	tx := mustBegin(t, x)
	const n = 9000 // several blocks
	text := func(k int) string { return fmt.Sprintf("%0*d needle%d end", k%300, k, k%100) }
	want := map[string]bool{}
	for k := range n {
		if _, err := tx.add(Message{Entry: maildir.Entry{File: fmt.Sprintf("%d.1.h", k)}, Digest: []byte("d"), Head: []byte(text(k))}); err != nil {
			t.Fatal(err)
		}
		if k != 7 && k != 107 {
			want[fmt.Sprintf("%d.1.h %s", k, text(k))] = true
		}
	}
	tx.expunge([]UID{8, 108})
	v := mustCommit(t, tx)
	tx.end()
	var mu sync.Mutex
	got := map[string]bool{}
	err := v.HeadScan(func(row int, rec []byte) bool {
		mu.Lock()
		defer mu.Unlock()
		got[v.Base(row)+" "+string(rec)] = true
		return true
	})
	if err != nil || !maps.Equal(got, want) {
		t.Errorf("visited %d rows, want %d; %v", len(got), len(want), err)
	}
}
