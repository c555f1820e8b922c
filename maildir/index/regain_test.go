package index

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// scarceFS has room for so many changes, of whatever kind.
type scarceFS struct {
	disk
	left int // negative: as many as you like
}

type scarceFile struct {
	file
	f *scarceFS
}

func (f *scarceFS) take() error {
	if f.left == 0 {
		return unix.ENOSPC
	}
	f.left--
	return nil
}

func (f *scarceFS) Open(path string, write bool) (file, error) {
	g, err := f.disk.Open(path, write)
	if err != nil {
		return nil, err
	}
	return scarceFile{g, f}, nil
}

func (f *scarceFS) Create(path string) (file, error) {
	if err := f.take(); err != nil {
		return nil, err
	}
	g, err := f.disk.Create(path)
	if err != nil {
		return nil, err
	}
	return scarceFile{g, f}, nil
}

func (f *scarceFS) Rename(from, to string) error {
	if err := f.take(); err != nil {
		return err
	}
	return f.disk.Rename(from, to)
}

func (f *scarceFS) SyncDir(dir string) error { return f.take() }

// WriteAt fills what room there is.
func (g scarceFile) WriteAt(p []byte, off int64) (int, error) {
	if err := g.f.take(); err != nil {
		n, _ := g.file.WriteAt(p[:len(p)/2/pageSize*pageSize], off)
		return n, err
	}
	return g.file.WriteAt(p, off)
}

func (g scarceFile) Sync() error { return g.f.take() }

// a client knows a folder by what it was shown.
type client struct {
	name     string
	validity uint32
	bases    map[UID]string // for all time
	rows     map[UID]Flags
	modseq   uint64
}

// look brings the client up to date as RFC 7162 has it, and compares.
func (c *client) look(t *testing.T, v *View) {
	t.Helper()
	st := v.State()
	if st.UIDValidity != c.validity {
		*c = client{name: c.name, validity: st.UIDValidity, bases: map[UID]string{}, rows: map[UID]Flags{}}
	}
	if st.HighestModSeq < c.modseq {
		t.Errorf("%s: HIGHESTMODSEQ %d after %d", c.name, st.HighestModSeq, c.modseq)
	}
	if gone, known := v.Vanished(c.modseq); known {
		for _, r := range gone {
			for uid := range c.rows {
				if r.Lo <= uid && uid <= r.Hi {
					delete(c.rows, uid)
				}
			}
		}
	} else {
		for uid := range c.rows {
			if _, ok := v.Find(uid); !ok {
				delete(c.rows, uid)
			}
		}
	}
	for _, row := range v.Changed(c.modseq) {
		c.rows[v.UID(row)] = v.Flags(row)
	}
	c.modseq = st.HighestModSeq
	for row := range v.Len() {
		uid := v.UID(row)
		if was, ok := c.bases[uid]; ok && was != v.Base(row) {
			t.Errorf("%s: UID %d was %q and is %q", c.name, uid, was, v.Base(row))
		}
		c.bases[uid] = v.Base(row)
		if f, ok := c.rows[uid]; !ok || f != v.Flags(row) {
			t.Errorf("%s: UID %d is held to be %v (%v) and is %v", c.name, uid, f, ok, v.Flags(row))
		}
	}
	if len(c.rows) != v.Len() {
		t.Errorf("%s: holds %d messages, there are %d", c.name, len(c.rows), v.Len())
	}
}

// There is no room left at some moment of a compaction. Whoever is on the folder goes on,
// nothing is lost, and what is left over goes with the next one.
func TestNoSpaceAtCompaction(t *testing.T) {
	t.Parallel()
	for n := range 60 {
		f := newFolder(t)
		fsys := &scarceFS{left: -1}
		opt, pass := clocked(fsys)
		opt.repack = -1
		x := mustOpen(t, f, opt)
		put(t, f, "cur/1.a:2,")
		put(t, f, "cur/2.b:2,")
		syncIndex(t, x)
		if err := x.Build(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		if err := x.Compact(t.Context()); err != nil {
			t.Fatal(err)
		}
		setFlags(t, x, FlagChange{Add: Flagged}, 1)
		os.Remove(filepath.Join(f.Path(), "cur/2.b:2,"))
		y, reader := mustOpen(t, f, Options{}), mustOpen(t, f, Options{ReadOnly: true})
		all := map[string]*client{}
		look := func(v *View) {
			t.Helper()
			for _, name := range []string{"x", "y", "reader", "later"} {
				if all[name] == nil {
					all[name] = &client{name: fmt.Sprint(name, " ", n)}
				}
			}
			for _, c := range all {
				c.look(t, v)
			}
		}
		look(syncIndex(t, x))
		fsys.left = n
		err := x.Compact(t.Context())
		if err != nil && !errors.Is(err, unix.ENOSPC) {
			t.Fatal(n, err)
		}
		enough := fsys.left > 0
		look(x.View())
		for k, z := range []*Index{reader, y, mustOpen(t, f, Options{ReadOnly: true})} {
			v, err := z.Refresh()
			if err != nil || v.Len() != 1 {
				t.Fatalf("%d: %d sees %d messages, %v", n, k, v.Len(), err)
			}
			look(v)
		}
		put(t, f, "new/3.c")
		look(syncIndex(t, y)) // another one has room
		setFlags(t, y, FlagChange{Add: Replied}, 1)
		look(y.View())
		late := mustOpen(t, f, Options{})
		if show(late.View()) != show(y.View()) {
			t.Errorf("%d: opened now:\n%swant:\n%s", n, show(late.View()), show(y.View()))
		}
		fsys.left = -1
		for range 2 { // to be noticed, and passed
			syncIndex(t, x)
			pass(retryMax)
		}
		look(syncIndex(t, x))
		if err := x.Compact(t.Context()); err != nil {
			t.Errorf("%d: %v", n, err)
		}
		for _, z := range []*Index{y, late, mustOpen(t, f, Options{})} {
			look(syncIndex(t, z))
			if errs := z.check(); len(errs) > 0 {
				t.Error(n, errs)
			}
		}
		if left, _ := filepath.Glob(filepath.Join(f.Path(), "*"+tmpSuffix)); len(left) > 0 {
			t.Errorf("%d: left over: %q", n, left)
		}
		if t.Failed() || enough {
			return
		}
		for _, z := range []*Index{x, y, reader, late} {
			z.Close()
		}
	}
	t.Error("never enough")
}

// clocked returns options with a clock that stands still, and what moves it.
func clocked(fsys fileSystem) (opt Options, pass func(time.Duration)) {
	now := time.Now()
	opt = Options{fs: fsys, Now: func() time.Time { return now }}
	return opt, func(d time.Duration) { now = now.Add(d) }
}

// An index that had no room goes on on the disk once there is some, and all that it has
// shown meanwhile stays as it was.
func TestRegain(t *testing.T) {
	for _, fresh := range []bool{false, true} {
		f := newFolder(t)
		fsys := &scarceFS{left: -1}
		opt, pass := clocked(fsys)
		x := mustOpen(t, f, opt)
		put(t, f, "cur/1.a:2,")
		c := client{name: "x"}
		if !fresh {
			c.look(t, syncIndex(t, x))
		}
		fsys.left = 0
		put(t, f, "new/2.b")
		c.look(t, syncIndex(t, x))
		put(t, f, "new/3.c")
		syncIndex(t, x)
		setFlags(t, x, FlagChange{Add: Flagged}, 2)
		os.Remove(filepath.Join(f.Path(), "new/2.b"))
		v := syncIndex(t, x)
		c.look(t, v)
		was := show(v)
		fsys.left = -1
		if v = syncIndex(t, x); v.State().Sticky || x.Volatile() == nil {
			t.Fatalf("fresh %v: tried again at once", fresh)
		}
		pass(retryFirst + time.Second)
		v = syncIndex(t, x)
		c.look(t, v)
		if err := x.Volatile(); err != nil || !v.State().Sticky || show(v) != was {
			t.Errorf("fresh %v: %v, sticky %v\n%swant:\n%s", fresh, err, v.State().Sticky, show(v), was)
		}
		if err := x.Build(context.Background(), nil); err != nil || x.View().State().Undigested > 0 {
			t.Errorf("fresh %v: %v, %d without digest", fresh, err, x.View().State().Undigested)
		}
		put(t, f, "new/4.d")
		c.look(t, syncIndex(t, x))
		x.Close()
		y := mustOpen(t, f, Options{})
		c.look(t, y.View())
		if errs := y.check(); len(errs) > 0 {
			t.Errorf("fresh %v: %v", fresh, errs)
		}
	}
}

// In memory nothing is written to the files of digests, which are others' too.
func TestNoSpaceLeavesDigests(t *testing.T) {
	f := newFolder(t)
	fsys := &scarceFS{left: -1}
	x := mustOpen(t, f, Options{fs: fsys})
	put(t, f, "cur/1.a:2,")
	syncIndex(t, x)
	before, err := os.ReadFile(filepath.Join(f.Path(), cacheName))
	if err != nil {
		t.Fatal(err)
	}
	fsys.left = 0
	for n := 2; n < 5; n++ {
		put(t, f, fmt.Sprintf("new/%d.b", n))
		fsys.left = (n - 2) * 3
		v := syncIndex(t, x)
		if x.Volatile() == nil || v.Len() != n || v.Blob(0) == nil {
			t.Fatal(n, x.Volatile(), v.Len(), v.Blob(0))
		}
		for row := range v.Len() {
			if v.HasDigest(row) != (v.Blob(row) != nil) {
				t.Errorf("%d: row %d has a digest that is not there", n, row)
			}
		}
	}
	if after, err := os.ReadFile(filepath.Join(f.Path(), cacheName)); err != nil || string(after[:len(before)]) != string(before) {
		t.Error("pneu.cache was changed", err)
	}
	y := mustOpen(t, f, Options{})
	if y.View().Blob(0) == nil {
		t.Error("the digest is gone")
	}
}

// What others have committed meanwhile holds, and no UID is two messages to anyone.
func TestRegainAfterOthers(t *testing.T) {
	f := newFolder(t)
	fsys := &scarceFS{left: -1}
	opt, pass := clocked(fsys)
	x := mustOpen(t, f, opt)
	put(t, f, "cur/1.a:2,")
	put(t, f, "cur/2.b:2,")
	mine, theirs := client{name: "mine"}, client{name: "theirs"}
	mine.look(t, syncIndex(t, x))
	y := mustOpen(t, f, Options{})
	theirs.look(t, syncIndex(t, y))
	fsys.left = 0
	put(t, f, "new/5.e") // 3 here and 4 there
	mine.look(t, syncIndex(t, x))
	put(t, f, "new/4.d")
	put(t, f, "new/3.c")
	setFlags(t, y, FlagChange{Add: Flagged, AddKeywords: []string{"work"}}, 1)
	setFlags(t, y, FlagChange{Remove: Flagged}, 1)
	theirs.look(t, syncIndex(t, y))
	setFlags(t, y, FlagChange{Add: Draft}, 5)
	setFlags(t, y, FlagChange{Add: Seen, AddKeywords: []string{"home"}}, 3)
	theirs.look(t, syncIndex(t, y))
	fsys.left = -1
	pass(retryFirst + time.Second) // to be noticed
	syncIndex(t, x)
	pass(retryFirst + time.Second)
	v := syncIndex(t, x)
	if err := x.Volatile(); err != nil || !v.State().Sticky {
		t.Fatal(err, v.State())
	}
	mine.look(t, v)
	theirs.look(t, v)
	if w, err := y.Refresh(); err != nil || show(w) != show(v) {
		t.Errorf("%v; x has\n%sy has\n%s", err, show(v), show(w))
	}
	for _, want := range []string{"[S home]", "[ work]", "[D]"} {
		if strings.Count(show(v), want) != 1 {
			t.Errorf("%s is missing in\n%s", want, show(v))
		}
	}
	if errs := y.check(); len(errs) > 0 {
		t.Error(errs)
	}
}

// There may be as little room again when it is tried, at whatever moment.
func TestRegainWithoutRoom(t *testing.T) {
	for n := range 40 {
		f := newFolder(t)
		fsys := &scarceFS{left: -1}
		opt, pass := clocked(fsys)
		x := mustOpen(t, f, opt)
		put(t, f, "cur/1.a:2,")
		c := client{name: fmt.Sprint("x ", n)}
		c.look(t, syncIndex(t, x))
		fsys.left = 0
		put(t, f, "new/2.b")
		c.look(t, syncIndex(t, x))
		want := show(x.View())
		fsys.left = n
		tries := 0
		for ; x.Volatile() != nil; tries++ {
			pass(retryMax)
			v := syncIndex(t, x)
			c.look(t, v)
			if show(v) != want {
				t.Fatalf("%d: %swant:\n%s", n, show(v), want)
			}
			if tries > 0 {
				fsys.left = -1
			}
		}
		y := mustOpen(t, f, Options{})
		c.look(t, y.View())
		put(t, f, "new/3.c")
		c.look(t, syncIndex(t, y))
		c.look(t, syncIndex(t, x))
		if errs := y.check(); len(errs) > 0 {
			t.Fatal(n, errs)
		}
		if left, _ := filepath.Glob(filepath.Join(f.Path(), "*"+tmpSuffix)); len(left) > 0 {
			t.Errorf("%d: left over: %q", n, left)
		}
		if tries == 2 { // the first look finds out when to try
			return
		}
	}
	t.Error("never enough")
}

// Room comes and goes while two work on the folder.
func TestRegainModel(t *testing.T) {
	t.Parallel()
	rounds := 16
	if raceEnabled {
		rounds = 6
	}
	for seed := range rounds {
		r := rand.New(rand.NewPCG(uint64(seed), 1))
		f := newFolder(t)
		fsys := [2]*scarceFS{{left: -1}, {left: -1}}
		var x [2]*Index
		var pass [2]func(time.Duration)
		seen := [2]client{{name: "first"}, {name: "second"}}
		for k := range x {
			var opt Options
			opt, pass[k] = clocked(fsys[k])
			x[k] = mustOpen(t, f, opt)
		}
		look := func(k int) {
			v, err := x[k].Sync(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			seen[k].look(t, v)
		}
		for n := range 30 {
			k := r.IntN(2)
			switch r.IntN(8) {
			case 0:
				fsys[k].left = r.IntN(12)
			case 1:
				fsys[k].left = -1
			case 2:
				pass[k](retryMax)
			case 3, 4:
				put(t, f, fmt.Sprintf("new/%d.%d", 100-n, r.IntN(1000)))
			case 5:
				if files := onDisk(t, f); len(files) > 0 {
					os.Remove(filepath.Join(f.Path(), files[r.IntN(len(files))]))
				}
			case 6:
				if v := x[k].View(); v.Len() > 0 {
					setFlags(t, x[k], FlagChange{Add: Flags(r.IntN(64)), Remove: Flags(r.IntN(64))}, v.UID(r.IntN(v.Len())))
				}
			case 7:
				if err := x[k].Compact(context.Background()); err != nil && !errors.Is(err, unix.ENOSPC) {
					t.Fatal(err)
				}
			}
			if !f.Fine() { // the clock is ahead: what a time of this tick does not tell would be held to be settled
				for _, sub := range []string{"new", "cur"} {
					at := time.Unix(int64(seed*100+n), 0)
					if err := os.Chtimes(filepath.Join(f.Path(), sub), at, at); err != nil {
						t.Fatal(err)
					}
				}
			}
			look(k)
		}
		for n := range 8 {
			for k := range x {
				fsys[k].left = -1
				pass[k](retryMax)
				look(k)
				if n == 7 && x[k].Volatile() != nil {
					t.Error(x[k].Volatile())
				}
			}
		}
		// Now all is shown to both, by either.
		v, w := syncIndex(t, x[0]), syncIndex(t, x[1])
		for k := range seen {
			seen[k].look(t, v)
			seen[k].look(t, w)
		}
		if show(v) != show(w) || v.Len() != len(onDisk(t, f)) {
			t.Errorf("first:\n%ssecond:\n%s", show(v), show(w))
		}
		if errs := mustOpen(t, f, Options{}).check(); len(errs) > 0 {
			t.Error(errs)
		}
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
		for k := range x {
			x[k].Close()
		}
	}
}
