package index

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"
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

// copyFolder does what "cp -a" does, times included.
func copyFolder(t *testing.T, from, to string) {
	t.Helper()
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	err := fs.WalkDir(os.DirFS(from), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		return os.Chtimes(filepath.Join(to, path), info.ModTime(), info.ModTime())
	})
	if err != nil {
		t.Fatal(err)
	}
}

// A folder that is put in place of itself, index and all, is the same folder; but who
// listened to the old directories hears nothing of the new ones.
func TestFolderCopiedOver(t *testing.T) {
	for _, still := range []bool{false, true} { // looked at between the copying and the change
		f := newFolder(t)
		put(t, f, "cur/1.a:2,")
		x := mustOpen(t, f, Options{})
		syncIndex(t, x)
		listening(t, x)
		aside := f.Path() + ".aside"
		if err := os.Rename(f.Path(), aside); err != nil {
			t.Fatal(err)
		}
		copyFolder(t, aside, f.Path())
		if still {
			wantShow(t, "copied", syncIndex(t, x), "1 cur/1.a:2, []")
		}
		put(t, f, "cur/2.b:2,")
		wantShow(t, "a file more", syncIndex(t, x), "1 cur/1.a:2, []", "2 cur/2.b:2, []")
		shift(t, f, "cur/1.a:2,", "cur/1.a:2,S")
		wantShow(t, "renamed", syncIndex(t, x), "1 cur/1.a:2,S [S]", "2 cur/2.b:2, []")
		setFlags(t, x, FlagChange{Add: Flagged}, 2)
		put(t, f, "new/3.c")
		wantShow(t, "after a change of ours", syncIndex(t, x), "1 cur/1.a:2,S [S]", "2 cur/2.b:2,F [F]", "3 new/3.c []")
	}
}

// Who watches a folder goes over to the one in its place.
func TestWatchCopiedOver(t *testing.T) {
	f := newFolder(t)
	put(t, f, "cur/1.a:2,")
	x := mustOpen(t, f, Options{})
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	views, err := x.Watch(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if v := <-views; v.Len() != 1 {
		t.Fatal(v.Len())
	}
	aside := f.Path() + ".aside"
	if err := os.Rename(f.Path(), aside); err != nil {
		t.Fatal(err)
	}
	copyFolder(t, aside, f.Path())
	put(t, f, "cur/2.b:2,")
	for v := range views {
		if v.Len() == 2 {
			put(t, f, "new/3.c")
		}
		if v.Len() == 3 {
			stop()
			for range views {
			}
			return
		}
	}
	t.Error("not seen in a minute")
}
