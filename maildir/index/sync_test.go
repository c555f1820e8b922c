package index

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"pneu/maildir"
)

// account makes a tree with two folders.
func account(t testing.TB) (inbox, other *maildir.Folder) {
	t.Helper()
	s, err := maildir.Create(filepath.Join(t.TempDir(), "Maildir"))
	if err != nil {
		t.Fatal(err)
	}
	if inbox, err = s.Folder("INBOX"); err != nil {
		t.Fatal(err)
	}
	if other, err = s.CreateFolder("Other"); err != nil {
		t.Fatal(err)
	}
	return inbox, other
}

func syncIndex(t testing.TB, x *Index) *View {
	t.Helper()
	v, err := x.Sync(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// put writes a file as another program would.
func put(t testing.TB, f *maildir.Folder, name string) {
	t.Helper()
	base := maildir.Entry{File: filepath.Base(name)}.Base()
	if err := os.WriteFile(filepath.Join(f.Path(), name), []byte(letterOf(base)), 0o600); err != nil {
		t.Fatal(err)
	}
}

// letterOf is a message that says what it was called first.
func letterOf(id string) string {
	return "From: a@example.org\nSubject: " + id + "\nMessage-ID: <" + id + "@x>\n\nbody\n"
}

func shift(t testing.TB, f *maildir.Folder, from, to string) {
	t.Helper()
	if err := os.Rename(filepath.Join(f.Path(), from), filepath.Join(f.Path(), to)); err != nil {
		t.Fatal(err)
	}
}

// show lists a view: "UID place/name flags keywords pending".
func show(v *View) string {
	var b strings.Builder
	for row := range v.Len() {
		e := v.Entry(row)
		dir := "cur/"
		if e.New {
			dir = "new/"
		}
		fmt.Fprintf(&b, "%d %s%s [%s", v.UID(row), dir, e.File, v.Flags(row).Maildir())
		if k := v.Keywords(row); len(k) > 0 {
			fmt.Fprintf(&b, " %s", strings.Join(k, " "))
		}
		if v.Pending(row) {
			b.WriteString(" pending")
		}
		b.WriteString("]\n")
	}
	return b.String()
}

func wantShow(t testing.TB, what string, v *View, want ...string) {
	t.Helper()
	text := ""
	if len(want) > 0 {
		text = strings.Join(want, "\n") + "\n"
	}
	if got := show(v); got != text {
		t.Errorf("%s:\n%swant:\n%s", what, got, text)
	}
}

// onDisk lists the files of new/ and cur/.
func onDisk(t testing.TB, f *maildir.Folder) []string {
	t.Helper()
	var out []string
	for _, sub := range []string{"new", "cur"} {
		list, err := os.ReadDir(filepath.Join(f.Path(), sub))
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range list {
			out = append(out, sub+"/"+e.Name())
		}
	}
	slices.Sort(out)
	return out
}

func TestSync(t *testing.T) {
	f := newFolder(t)
	put(t, f, "cur/1700000002.M5P1.h:2,FS")
	put(t, f, "new/1700000001.M1P1.h")
	put(t, f, "cur/1700000002.M4P1.h:2,")
	put(t, f, "cur/oddly named")
	x := mustOpen(t, f, Options{})
	v := syncIndex(t, x)
	wantShow(t, "first", v, "1 cur/oddly named []", "2 new/1700000001.M1P1.h []",
		"3 cur/1700000002.M4P1.h:2, []", "4 cur/1700000002.M5P1.h:2,FS [FS]")
	if s := v.State(); s.UIDValidity == 0 || s.UIDNext != 5 || s.Dir.Scanned == 0 || s.Undigested != 0 || s.Bytes == 0 {
		t.Errorf("state %+v", s)
	}
	if again := syncIndex(t, x); again != v {
		t.Error("a new view without a change")
	}
	before := v.State()

	// Another program reads, flags, removes and delivers.
	shift(t, f, "new/1700000001.M1P1.h", "cur/1700000001.M1P1.h:2,S")
	shift(t, f, "cur/1700000002.M5P1.h:2,FS", "cur/1700000002.M5P1.h:2,Sq")
	os.Remove(f.Path() + "/cur/oddly named")
	put(t, f, "new/1600000000.M1P1.h")
	v = syncIndex(t, x)
	wantShow(t, "changed", v, "2 cur/1700000001.M1P1.h:2,S [S]", "3 cur/1700000002.M4P1.h:2, []",
		"4 cur/1700000002.M5P1.h:2,Sq [S]", "5 new/1600000000.M1P1.h []")
	if rows := v.Changed(before.HighestModSeq); !slices.Equal(rows, []int{0, 2, 3}) {
		t.Errorf("changed rows %v", rows)
	}
	if gone, known := v.Vanished(before.HighestModSeq); !known || !slices.Equal(gone, []UIDRange{{1, 1}}) {
		t.Errorf("vanished %v, %v", gone, known)
	}

	// From new/ to cur/ is no change but of place.
	before = v.State()
	shift(t, f, "new/1600000000.M1P1.h", "cur/1600000000.M1P1.h:2,")
	v = syncIndex(t, x)
	if v.State().HighestModSeq != before.HighestModSeq || v.InNew(3) || v.State().New != 0 {
		t.Errorf("after moving to cur/: %+v", v.State())
	}

	// Another Index on the folder sees the same, and reads no directory for it.
	y := mustOpen(t, f, Options{})
	wantShow(t, "other", y.View(), "2 cur/1700000001.M1P1.h:2,S [S]", "3 cur/1700000002.M4P1.h:2, []",
		"4 cur/1700000002.M5P1.h:2,Sq [S]", "5 cur/1600000000.M1P1.h:2, []")
	if w := syncIndex(t, y); w.State().Dir != v.State().Dir {
		t.Error("the folder was read again")
	}
}

var _ = time.Second

// Who deletes the files of digests gets them back, though nothing else changed.
func TestBuildAfterLoss(t *testing.T) {
	for _, name := range []string{cacheName, headName} {
		f := newFolder(t)
		for i := range 3 {
			put(t, f, fmt.Sprintf("cur/1%05d.a:2,", i))
		}
		x := mustOpen(t, f, Options{})
		syncIndex(t, x)
		if err := x.Build(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		x.Close()
		if err := os.Remove(filepath.Join(f.Path(), name)); err != nil {
			t.Fatal(err)
		}
		x = mustOpen(t, f, Options{})
		if n := syncIndex(t, x).State().Undigested; n != 3 {
			t.Errorf("%s: %d without digest", name, n)
		}
		if err := x.Build(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		v := syncIndex(t, x)
		if n := v.State().Undigested; n != 0 || !v.HasDigest(0) {
			t.Errorf("%s: after it was made again %d without digest", name, n)
		}
		if errs := x.Check(); len(errs) > 0 {
			t.Error(errs)
		}
	}
}
