package index

import (
	"errors"
	"io/fs"
	"os"
	"testing"
)

// A folder that is moved away and replaced under an open index is another folder:
// what is written goes to the index that is there, under the lock that is there, and
// the old one stays as it was.
func TestFolderReplaced(t *testing.T) {
	for _, heard := range []bool{false, true} {
		f := newFolder(t)
		for _, name := range []string{"cur/1.a:2,", "cur/2.b:2,", "cur/3.c:2,"} {
			put(t, f, name)
		}
		x := mustOpen(t, f, Options{})
		before := show(syncIndex(t, x))
		if heard {
			listening(t, x)
		}
		aside := f.Path() + ".aside"
		if err := os.Rename(f.Path(), aside); err != nil {
			t.Fatal(err)
		}
		if _, err := x.begin(t.Context()); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("without a folder: %v", err)
		}
		for _, sub := range []string{"", "/cur", "/new", "/tmp"} {
			if err := os.Mkdir(f.Path()+sub, 0o700); err != nil {
				t.Fatal(err)
			}
		}
		put(t, f, "cur/8.x:2,")
		put(t, f, "cur/9.y:2,F")
		y := mustOpen(t, f, Options{})
		theirs := show(syncIndex(t, y))
		if got := show(syncIndex(t, x)); got != theirs {
			t.Errorf("heard %v: open before:\n%sopened after:\n%s", heard, got, theirs)
		}
		tx := mustBegin(t, x)
		if _, err := y.tryBegin(); !errors.Is(err, ErrBusy) {
			t.Errorf("two writers: %v", err)
		}
		tx.end()
		setFlags(t, x, FlagChange{Add: Seen}, 1)
		wantShow(t, "changed", syncIndex(t, y), "1 cur/8.x:2,S [S]", "2 cur/9.y:2,F [F]")
		os.RemoveAll(f.Path())
		if err := os.Rename(aside, f.Path()); err != nil {
			t.Fatal(err)
		}
		if got := show(syncIndex(t, mustOpen(t, f, Options{}))); got != before {
			t.Errorf("the old folder has\n%swant:\n%s", got, before)
		}
	}
}
