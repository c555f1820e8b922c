package index

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// LookupAll says of each name what Lookup says, whatever has happened since the snapshot.
func TestLookupAll(t *testing.T) {
	f := newFolder(t)
	put := func(dir, name string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(f.Path(), dir, name), []byte("Subject: s\n\ntext\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 100 {
		put("cur", fmt.Sprintf("1700000%03d.M1P1.host:2,S", i))
		put("new", fmt.Sprintf("1700001%03d.M1P1.host", i))
	}
	x, err := Open(f, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer x.Close()
	if _, err := x.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := x.Compact(t.Context()); err != nil {
		t.Fatal(err)
	}
	was, err := x.Refresh()
	if err != nil {
		t.Fatal(err)
	}
	for i := range 30 {
		old := filepath.Join(f.Path(), "cur", fmt.Sprintf("1700000%03d.M1P1.host:2,S", i))
		switch i % 3 {
		case 0:
			err = os.Rename(old, old+"T")
		case 1:
			err = os.Remove(old)
		default:
			put("cur", fmt.Sprintf("1700002%03d.M1P1.host:2,Sa", i))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	v, err := x.Sync(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	files := [][]byte{[]byte(""), []byte("nobody"), []byte(strings.Repeat("long", 100))}
	for i := range 100 {
		for _, form := range []string{"1700000%03d.M1P1.host:2,S", "1700000%03d.M1P1.host:2,ST", "1700001%03d.M1P1.host", "1700002%03d.M1P1.host:2,Sa"} {
			files = append(files, []byte(fmt.Sprintf(form, i)))
		}
	}
	for _, isNew := range []bool{false, true} {
		all := v.LookupAll(nil, files, isNew)
		if len(all) != len(files) {
			t.Fatalf("%d of %d", len(all), len(files))
		}
		for i, file := range files {
			if row, m := v.Lookup(file, isNew); m != all[i].Match || m != Unknown && row != int(all[i].Row) {
				t.Errorf("%q, new %v: %v, want row %d, %d", file, isNew, all[i], row, m)
			}
		}
	}
	// A Finder says so too, in whatever order it is asked.
	var names []string
	for _, file := range files {
		names = append(names, string(file))
	}
	var listed, odd []string
	v.Files(0, v.Len(), func(row int, file []byte, isNew bool) bool {
		listed = append(listed, string(file))
		if odd = append(odd, string(file)); row%7 == 3 {
			odd = append(odd, "nobody", string(file)+"F", string(file))
		}
		return true
	})
	for _, step := range []int{1, 3, 17, v.Len() - 1} { // FilesOf names the same, in any order
		var rows []int32
		for k := range v.Len() {
			rows = append(rows, int32(k*step%v.Len()))
		}
		k := 0
		v.FilesOf(rows, func(row int, file []byte, isNew bool) bool {
			if row != int(rows[k]) || string(file) != listed[row] || isNew != v.InNew(row) {
				t.Fatalf("row %d of step %d: %d, %q", k, step, row, file)
			}
			k++
			return true
		})
		if k != len(rows) {
			t.Errorf("%d of %d", k, len(rows))
		}
	}
	backward := slices.Clone(listed)
	slices.Reverse(backward)
	var finder Finder
	for _, w := range []*View{v, was, v} {
		for _, list := range [][]string{listed, names, odd, backward, listed[50:], names[:1], listed} {
			for _, isNew := range []bool{false, true} {
				for piece := range slices.Chunk(list, 45) {
					all := finder.LookupAll(w, nil, piece, isNew)
					if len(all) != len(piece) {
						t.Fatalf("%d of %d", len(all), len(piece))
					}
					for i, file := range piece {
						if row, m := w.Lookup([]byte(file), isNew); m != all[i].Match || m != Unknown && row != int(all[i].Row) {
							t.Fatalf("%q, new %v: %v, want row %d, %d", file, isNew, all[i], row, m)
						}
					}
				}
			}
		}
	}
}

// A file that is called what the index says is found without an allocation: directories of a
// million are read so.
func TestLookupAllocates(t *testing.T) {
	f := newFolder(t)
	name := "1700000000.M1P1.host:2,S"
	if err := os.WriteFile(filepath.Join(f.Path(), "cur", name), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	x, err := Open(f, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer x.Close()
	if _, err := x.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := x.Compact(t.Context()); err != nil {
		t.Fatal(err)
	}
	v, err := x.Refresh()
	if err != nil {
		t.Fatal(err)
	}
	file := []byte(name)
	if _, m := v.Lookup(file, false); m != Same {
		t.Fatal(m)
	}
	if n := testing.AllocsPerRun(100, func() { v.Lookup(file, false) }); n > 0 && !raceEnabled {
		t.Errorf("%v allocations", n)
	}
}

// Damage to a few names is that of their block, in whatever way names are read.
func TestDamagedBlockOfNames(t *testing.T) {
	f := newFolder(t)
	const n = 5 * nameBlock
	for k := range n {
		put(t, f, fmt.Sprintf("cur/%d.M%dP7.h:2,S", 1600000000+k, k*7919))
	}
	x := mustOpen(t, f, Options{})
	syncIndex(t, x)
	if err := x.Compact(t.Context()); err != nil {
		t.Fatal(err)
	}
	v := x.View()
	var want []string
	v.Files(0, n, func(_ int, file []byte, _ bool) bool { want = append(want, string(file)); return true })
	heap := slices.Clone(v.snap.sec[secNames])
	for i := range 40 {
		heap[int(v.snap.blocks[1])+i] = 0xff
	}
	v.snap.sec[secNames] = heap
	row := 0
	v.Files(0, n, func(_ int, file []byte, _ bool) bool {
		if in := row/nameBlock == 1; !in && string(file) != want[row] {
			t.Errorf("row %d: %q", row, file)
		}
		row++
		return true
	})
	if row != n {
		t.Errorf("%d rows", row)
	}
}
