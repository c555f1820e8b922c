package index

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"pneu/maildir"
)

// listening makes x apply notices in place of readings, without a goroutine that
// could be quicker than the test.
func listening(t testing.TB, x *Index) {
	t.Helper()
	l, err := listen(x.f, false)
	if err != nil {
		t.Skip(err)
	}
	syncIndex(t, x)
	x.sync.live, x.sync.sure = l, true
}

// What other programs do is heard, one thing at a time or all at once.
func TestHear(t *testing.T) {
	f := newFolder(t)
	put(t, f, "cur/1.a:2,")
	put(t, f, "new/2.b")
	x := mustOpen(t, f, Options{})
	listening(t, x)
	path := f.Path()
	steps := []struct {
		name string
		do   func()
		want []string
	}{
		{"flag", func() { shift(t, f, "cur/1.a:2,", "cur/1.a:2,S") }, []string{"1 cur/1.a:2,S [S]", "2 new/2.b []"}},
		{"read", func() { shift(t, f, "new/2.b", "cur/2.b:2,") }, []string{"1 cur/1.a:2,S [S]", "2 cur/2.b:2, []"}},
		{"as mutt does, by link and unlink", func() {
			os.Link(path+"/cur/1.a:2,S", path+"/cur/1.a:2,FS")
			os.Remove(path + "/cur/1.a:2,S")
		}, []string{"1 cur/1.a:2,FS [FS]", "2 cur/2.b:2, []"}},
		{"away and back", func() {
			shift(t, f, "cur/1.a:2,FS", "tmp/x")
			shift(t, f, "tmp/x", "cur/1.a:2,FS")
		}, []string{"1 cur/1.a:2,FS [FS]", "2 cur/2.b:2, []"}},
		{"many renames in a row", func() {
			shift(t, f, "cur/1.a:2,FS", "cur/1.a:2,R")
			shift(t, f, "cur/1.a:2,R", "new/1.a:2,RS")
			shift(t, f, "new/1.a:2,RS", "cur/1.a:2,T")
		}, []string{"1 cur/1.a:2,T [T]", "2 cur/2.b:2, []"}},
		{"delivered and removed", func() {
			put(t, f, "new/3.c")
			os.Remove(path + "/cur/2.b:2,")
			put(t, f, "new/4.d")
			os.Remove(path + "/new/4.d")
		}, []string{"1 cur/1.a:2,T [T]", "3 new/3.c []"}},
		{"what is no message", func() {
			os.Mkdir(path+"/cur/dir", 0o700)
			os.WriteFile(path+"/cur/.hidden", nil, 0o600)
			os.Symlink("/etc/passwd", path+"/cur/5.link")
		}, []string{"1 cur/1.a:2,T [T]", "3 new/3.c []"}},
		{"nothing", func() {}, []string{"1 cur/1.a:2,T [T]", "3 new/3.c []"}},
	}
	for _, s := range steps {
		s.do()
		v := syncIndex(t, x)
		wantShow(t, s.name, v, s.want...)
		if !x.sync.sure || !v.State().Dir.CurSettled && f.Fine() {
			t.Errorf("%s: the folder is not known any more", s.name)
		}
		if w := syncIndex(t, mustOpen(t, f, Options{})); w.State().Dir.Scanned != v.State().Dir.Scanned && f.Fine() {
			t.Errorf("%s: others must read the folder", s.name)
		}
	}
}

// Notices that were lost, and directories that go away, lead to a reading.
func TestHearOverflow(t *testing.T) {
	limit, err := os.ReadFile("/proc/sys/fs/inotify/max_queued_events")
	if err != nil {
		t.Skip(err)
	}
	n := 0
	fmt.Sscan(string(limit), &n)
	if n == 0 || n > 20000 {
		t.Skipf("%d notices fit", n)
	}
	f := newFolder(t)
	put(t, f, "cur/1.a:2,")
	x := mustOpen(t, f, Options{})
	listening(t, x)
	a, b := f.Path()+"/cur/1.a:2,", f.Path()+"/cur/1.a:2,S"
	for range n/4 + 100 {
		os.Rename(a, b)
		os.Rename(b, a)
	}
	shift(t, f, "cur/1.a:2,", "cur/1.a:2,F")
	wantShow(t, "overflow", syncIndex(t, x), "1 cur/1.a:2,F [F]")
	shift(t, f, "cur/1.a:2,F", "cur/1.a:2,R")
	wantShow(t, "afterwards", syncIndex(t, x), "1 cur/1.a:2,R [R]")
}

func TestWatch(t *testing.T) {
	f := newFolder(t)
	put(t, f, "cur/1.a:2,")
	ctx, cancel := context.WithCancel(t.Context())
	x := mustOpen(t, f, Options{})
	views, err := x.Watch(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := x.Watch(ctx); err == nil && x.sync.live != nil {
		t.Error("watched twice")
	}
	await := func(what string, ok func(v *View) bool) {
		t.Helper()
		end := time.After(20 * time.Second)
		for {
			select {
			case v, open := <-views:
				if !open {
					t.Fatalf("%s: the watch ended", what)
				}
				if ok(v) {
					return
				}
			case <-end:
				t.Fatalf("%s: never seen\n%s", what, show(x.View()))
			}
		}
	}
	await("first", func(v *View) bool { return v.Len() == 1 })
	put(t, f, "new/2.b")
	await("delivery", func(v *View) bool { return v.Len() == 2 })
	shift(t, f, "cur/1.a:2,", "cur/1.a:2,S")
	await("flag", func(v *View) bool { return v.Flags(0) == Seen })
	// Another process of ours: its change is in the journal, then in a name.
	y := mustOpen(t, f, Options{})
	setFlags(t, y, FlagChange{AddKeywords: []string{"work"}}, 1)
	await("another's keyword", func(v *View) bool { return v.HasKeyword(0, "work") })
	setFlags(t, x, FlagChange{Add: Flagged}, 2)
	await("our own flag", func(v *View) bool { return v.Flags(1) == Flagged })
	cancel()
	for range views {
	}
	x.sync.mu.Lock()
	defer x.sync.mu.Unlock()
	if x.sync.live != nil && !x.sync.lingers {
		t.Error("still listening")
	}
}

// Changes through maildir itself are records, not readings, for who observes.
func TestObserve(t *testing.T) {
	in, other := account(t)
	store := in.Store()
	put(t, in, "cur/1.a:2,")
	put(t, in, "new/2.b")
	x := mustOpen(t, in, Options{})
	y := mustOpen(t, other, Options{})
	syncIndex(t, x)
	syncIndex(t, y)
	indexes := map[string]*Index{in.Path(): x, other.Path(): y}
	store.Observe(Observe(func(f *maildir.Folder) *Index { return indexes[f.Path()] }))
	current := func(what string) {
		t.Helper()
		if !in.Fine() { // a time proves nothing at once
			syncIndex(t, x)
			syncIndex(t, y)
			return
		}
		for _, i := range []*Index{x, y} {
			v, _ := i.Refresh()
			s, _ := i.stamps()
			if isNew, cur := v.State().Dir.agrees(s); !isNew || !cur {
				t.Errorf("%s: %s must be read again", what, i.f.Name())
			}
		}
	}
	e, err := in.SetFlags(maildir.Entry{File: "1.a:2,"}, "S", "")
	if err != nil {
		t.Fatal(err)
	}
	current("flags")
	wantShow(t, "flags", x.View(), "1 cur/1.a:2,S [S]", "2 new/2.b []")
	e, err = in.Move(e, other)
	if err != nil {
		t.Fatal(err)
	}
	current("move")
	wantShow(t, "moved from", x.View(), "2 new/2.b []")
	wantShow(t, "moved to", y.View(), "1 cur/"+e.File+" [S]")
	if _, err := in.Deliver(maildir.Delivery{Flags: "F"}, strings.NewReader(letterOf("x"))); err != nil {
		t.Fatal(err)
	}
	current("delivery")
	if v := x.View(); v.Len() != 2 || v.Flags(1) != Flagged || !v.HasDigest(1) {
		t.Errorf("delivered:\n%s", show(v))
	}
	var h maildir.Hold
	h.Take(in, other)
	for row := range 2 {
		if _, err := in.Copy(x.View().Entry(row), other); err != nil {
			t.Fatal(err)
		}
	}
	if err := other.Remove(e); err != nil {
		t.Fatal(err)
	}
	h.Release()
	current("hold")
	if v := y.View(); v.Len() != 2 || v.UID(0) != 2 {
		t.Errorf("after the hold:\n%s", show(v))
	}
}

// An observer whose index is in other hands waits for nobody, and the next Sync
// finds out.
func TestObserveBusy(t *testing.T) {
	f := newFolder(t)
	put(t, f, "cur/1.a:2,")
	x := mustOpen(t, f, Options{})
	syncIndex(t, x)
	f.Store().Observe(Observe(func(*maildir.Folder) *Index { return x }))
	other := mustOpen(t, f, Options{})
	held, err := other.begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.SetFlags(maildir.Entry{File: "1.a:2,"}, "S", ""); err != nil {
		t.Fatal(err)
	}
	x.Filed(maildir.Entry{File: "1.a:2,S"}, nil)
	held.end()
	wantShow(t, "found out", syncIndex(t, x), "1 cur/1.a:2,S [S]")
	if held, err = x.tryBegin(); err != nil {
		t.Fatal("still locked:", err)
	}
	held.end()
}
