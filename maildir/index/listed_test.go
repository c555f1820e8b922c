package index

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// List says what the methods of a View say of each row, also where pneu.cache is damaged, or
// cut off under it.
func TestList(t *testing.T) {
	f := newFolder(t)
	const n = 300
	for i := range n {
		name := fmt.Sprintf("17000000%02d.M%dP1.host:2,%s", i%100, i, []string{"", "S", "FS", "DRT"}[i%4])
		text := fmt.Sprintf("Subject: s%d\nDate: Tue, %d Feb 2022 10:00:00 +0000\n\ntext\n", i, 1+i%28)
		if err := os.WriteFile(filepath.Join(f.Path(), []string{"cur", "new"}[i/290], name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	x := mustOpen(t, f, Options{})
	if _, err := x.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := x.Build(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if _, err := x.SetFlags(t.Context(), x.View().AllUIDs(nil)[:50], FlagChange{Add: Seen | Passed}); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(f.Path(), "cur", "1700000999.M1P1.host:2,S"), []byte("Subject: late\n\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := x.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	check := func(what string, v *View) (kept int) {
		t.Helper()
		var rows []int32
		for k := range v.Len() {
			rows = append(rows, int32(k*7%v.Len()))
		}
		all := v.List(make([]Listed, 0, 1), rows)
		if len(all) != len(rows) {
			t.Fatalf("%s: %d of %d", what, len(all), len(rows))
		}
		for k, row := range rows {
			row, l := int(row), all[k]
			if l.Flags != v.Flags(row) || l.InNew != v.InNew(row) || l.Sent != v.Sent(row) || !bytes.Equal(l.Blob, v.Blob(row)) || (l.Blob == nil) != (v.Blob(row) == nil) {
				t.Fatalf("%s: row %d: %+v", what, row, l)
			}
			if l.Blob != nil {
				kept++
			}
		}
		return kept
	}
	if kept := check("whole", x.View()); kept < n {
		t.Errorf("%d digests", kept)
	}
	if err := x.Close(); err != nil {
		t.Fatal(err)
	}
	x = mustOpen(t, f, Options{ReadOnly: true}) // so that nobody writes the file anew
	path := filepath.Join(f.Path(), cacheName)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for at := pageSize + 100; at < len(whole); at += 331 {
		if _, err := file.WriteAt([]byte{^whole[at]}, int64(at)); err != nil {
			t.Fatal(err)
		}
	}
	damaged := check("damaged", x.View())
	if damaged == 0 || damaged >= n {
		t.Errorf("%d digests in a damaged file", damaged)
	}
	if err := file.Truncate(int64(len(whole) / 2 / pageSize * pageSize)); err != nil {
		t.Fatal(err)
	}
	if kept := check("cut off", x.View()); kept == 0 || kept >= damaged {
		t.Errorf("%d digests in a file that is cut off", kept)
	}
}
