package maildir

import (
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// contents are the texts of all messages, sorted.
func contents(t testing.TB, folders ...*Folder) []string {
	t.Helper()
	var out []string
	for _, f := range folders {
		list, err := f.List()
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range list {
			b, err := os.ReadFile(f.File(e))
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, string(b))
		}
	}
	slices.Sort(out)
	return out
}

func TestRule14Duplicates(t *testing.T) {
	old, young := time.Unix(1500000000, 0), time.Unix(1600000000, 0)
	type file struct {
		name, text string
		at         time.Time
	}
	for name, c := range map[string]struct {
		files []file
		keeps string // the file that keeps its name
		flags Flags  // of the one that does not
	}{
		"in cur": {[]file{{"cur/1700.M5P1.a,U=7,S=3:2,", "old", old}, {"cur/1700.M5P1.a,U=7,S=3:2,FS", "new", young}},
			"cur/1700.M5P1.a,U=7,S=3:2,", "FS"},
		"older flagged":  {[]file{{"cur/x:2,", "new", young}, {"cur/x:2,RS", "old", old}}, "cur/x:2,RS", ""},
		"in new and cur": {[]file{{"cur/1700.a:2,S", "old", old}, {"new/1700.a", "new", old}}, "cur/1700.a:2,S", ""},
		"two in new":     {[]file{{"new/1700.a", "old", old}, {"new/1700.a,S=1", "other", old}, {"new/1700.a:2,F", "new", young}}, "new/1700.a", "F"},
		"two separators": {[]file{{"cur/a:2,S", "old", old}, {"cur/a;2,S", "new", young}}, "cur/a:2,S", "S"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newInbox(t)
			var want []string
			for _, x := range c.files {
				put(t, f, x.name, x.text)
				os.Chtimes(f.Path()+"/"+x.name, x.at, x.at)
				want = append(want, x.text)
			}
			list, err := f.List()
			if err != nil || len(list) != len(c.files) {
				t.Fatalf("%v, %v", list, err)
			}
			bases := map[string]bool{}
			for _, e := range list {
				if bases[e.Base()] {
					t.Errorf("%s twice in %v", e.Base(), list)
				}
				bases[e.Base()] = true
			}
			if !slices.Equal(tree(t, f), sorted(names(list))) {
				t.Errorf("listed %q, there %q", names(list), tree(t, f))
			}
			if !slices.Contains(names(list), c.keeps) {
				t.Errorf("%s is gone: %q", c.keeps, names(list))
			}
			for _, n := range names(list) {
				b, _ := os.ReadFile(f.Path() + "/" + n)
				if e := (Entry{File: n[4:]}); string(b) == "new" && (e.Flags() != c.flags || strings.Contains(n, "U=")) {
					t.Errorf("the younger is %q", n)
				}
			}
			slices.Sort(want)
			if got := contents(t, f); !slices.Equal(got, want) {
				t.Errorf("texts %q, want %q", got, want)
			}
		})
	}
}

func sorted(s []string) []string { slices.Sort(s); return s }

// One file under two names is one message half renamed (link, then unlink).
func TestRule14SameFile(t *testing.T) {
	f := newInbox(t)
	put(t, f, "cur/1.a:2,", letter)
	if err := os.Link(f.Path()+"/cur/1.a:2,", f.Path()+"/cur/1.a:2,S"); err != nil {
		t.Fatal(err)
	}
	before := tree(t, f)
	if list, err := f.List(); err != nil || len(list) != 1 {
		t.Errorf("%v, %v", list, err)
	}
	if !slices.Equal(tree(t, f), before) {
		t.Errorf("renamed: %q", tree(t, f))
	}
	if e, err := f.SetFlags(Entry{File: "1.a:2,"}, "S", ""); err != nil || !slices.Equal(tree(t, f), []string{"cur/" + e.File}) {
		t.Errorf("%v, %v: %q", e, err, tree(t, f))
	}
}

// A folder that may not be written is listed as it is.
func TestRule14ReadOnly(t *testing.T) {
	f := newInbox(t)
	put(t, f, "cur/1.a:2,", "a")
	put(t, f, "cur/1.a:2,S", "b")
	rename := f.File(Entry{File: "1.a:2,S"})
	os.Chmod(f.Path()+"/cur", 0o500)
	defer os.Chmod(f.Path()+"/cur", 0o700)
	list, err := f.List()
	if err != nil || len(list) != 2 {
		t.Errorf("%v, %v", list, err)
	}
	if _, err := os.Stat(rename); err != nil && os.Getuid() != 0 {
		t.Error(err)
	}
}

// Several programs that see the same duplicates do not both rename: one message
// would lose its name for nothing, and with mbsync be fetched again.
func TestRule14ManyAtOnce(t *testing.T) {
	f := newInbox(t)
	for i := range 50 {
		base := "cur/17000" + string(rune('a'+i%25)) + strings.Repeat("x", i) + ".h:2,"
		put(t, f, base, base)
		put(t, f, base+"S", base+"S")
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			g, _ := At(f.Path())
			for range 3 {
				if _, err := g.List(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if n := len(contents(t, f)); n != 100 {
		t.Errorf("%d messages", n)
	}
	fresh := 0
	for _, n := range tree(t, f) {
		if strings.Contains(n, "M") {
			fresh++
		}
	}
	if fresh != 50 {
		t.Errorf("%d renamed, want 50", fresh)
	}
}
