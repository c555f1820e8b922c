package deliver

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"pneu/maildir"
	"pneu/maildir/index"
	"pneu/maildir/search"
	"pneu/maildir/store"
)

// indexed makes a Maildir that a program has opened, with n messages.
func indexed(t testing.TB, n int) (root string, f *maildir.Folder) {
	t.Helper()
	root = filepath.Join(t.TempDir(), "Maildir")
	tree, err := maildir.Create(root)
	if err != nil {
		t.Fatal(err)
	}
	if f, err = tree.Folder("INBOX"); err != nil {
		t.Fatal(err)
	}
	for i := range n {
		name := fmt.Sprintf("%s/cur/16%08d.M%dP1.host,S=30,W=33:2,S", root, i, i)
		if err := os.WriteFile(name, fmt.Appendf(nil, "Subject: s%d\n\nold words %d\n", i, i), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	look(t, root, func(b *store.Box, _ *store.View) {
		if err := errors.Join(b.Build(t.Context(), nil), b.EnsureText(t.Context(), nil)); err != nil {
			t.Fatal(err)
		}
	})
	return root, f
}

// look opens INBOX as a reader does. It does not sync.
func look(t testing.TB, root string, fn func(*store.Box, *store.View)) {
	t.Helper()
	s, err := store.Open(root, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	b, err := s.Box("INBOX")
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if b.View().Len() == 0 {
		if _, err := b.Sync(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	fn(b, b.View())
}

// settled reports whether the index needs no look at the directories.
func settled(t testing.TB, f *maildir.Folder) bool {
	t.Helper()
	st, err := index.ReadState(f.Path())
	if err != nil {
		t.Fatal(err)
	}
	isNew, err := f.Stamp(true)
	if err != nil {
		t.Fatal(err)
	}
	cur, err := f.Stamp(false)
	if err != nil {
		t.Fatal(err)
	}
	return st.Dir.NewSettled && st.Dir.CurSettled && st.Dir.New == int64(isNew) && st.Dir.Cur == int64(cur)
}

const letter = "From: ada@example.org\nSubject: greetings %d\n\nxylophone number %[1]d\n"

func put(t testing.TB, b Mailbox, text string) {
	t.Helper()
	if err := b.Put(strings.NewReader(text), int64(len(text))); err != nil {
		t.Fatal(err)
	}
}

// A delivery into a folder that has an index leaves nothing to find out.
func TestIndexLearnsOfDeliveries(t *testing.T) {
	root, f := indexed(t, 20)
	for i := range 10 {
		text := fmt.Sprintf(letter, i)
		put(t, Mailbox{Maildir: root, Name: fmt.Sprintf("17%08d.Qx.host", i), First: i%2 == 0}, text)
		put(t, Mailbox{Maildir: root, Name: fmt.Sprintf("17%08d.Qx.host", i)}, text) // tried again
	}
	if f.Fine() && !settled(t, f) { // elsewhere times prove less
		t.Error("directories have to be read")
	}
	look(t, root, func(_ *store.Box, v *store.View) {
		if v.Len() != 30 || v.State().Undigested != 0 || !v.TextCoverage().Complete() {
			t.Errorf("%d messages, %d without digest, texts %+v", v.Len(), v.State().Undigested, v.TextCoverage())
		}
		for n := 20; n < v.Len(); n++ {
			r := v.Row(n)
			if int(r.UID()) != n+1 || r.Subject() != fmt.Sprintf("greetings %d", n-20) || !r.New() {
				t.Errorf("row %d: UID %d, %q", n, r.UID(), r.Subject())
			}
		}
		q, err := search.Parse("xylophone")
		if err != nil {
			t.Fatal(err)
		}
		if set, err := v.Query(t.Context(), q); err != nil || set.Count() != 10 {
			t.Errorf("found %d, %v", set.Count(), err)
		}
	})
	files, _ := filepath.Glob(root + "/pneu.*")
	for _, path := range files {
		if fi, err := os.Stat(path); err != nil || fi.Mode() != 0o600 {
			t.Errorf("%s: mode %v, %v", path, fi.Mode(), err)
		}
	}
}

// Mail that another program delivers in between is noted along with ours, and a
// change in cur/ is left to those who read it.
func TestIndexBesideOthers(t *testing.T) {
	root, f := indexed(t, 3)
	if err := os.WriteFile(root+"/new/1690000000.other", []byte("Subject: theirs\n\nx\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	put(t, Mailbox{Maildir: root}, "Subject: ours\n\nx\n")
	look(t, root, func(_ *store.Box, v *store.View) {
		if f.Fine() && (v.Len() != 5 || v.State().Undigested != 0) {
			t.Errorf("%d messages, %d without digest", v.Len(), v.State().Undigested)
		}
	})
	e := maildir.Entry{File: "1600000000.M0P1.host,S=30,W=33:2,S"}
	if _, err := f.SetFlags(e, "F", ""); err != nil {
		t.Fatal(err)
	}
	put(t, Mailbox{Maildir: root}, "Subject: more\n\nx\n")
	if settled(t, f) {
		t.Error("a change of flags by others was passed over")
	}
	look(t, root, func(b *store.Box, _ *store.View) {
		v, err := b.Sync(t.Context())
		if err != nil || v.Len() != 6 || !v.Row(0).Flags().Has('F') {
			t.Errorf("%d messages, %v", v.Len(), err)
		}
	})
}

// Whatever becomes of the index, mail is delivered.
func TestDeliveryNeedsNoIndex(t *testing.T) {
	tests := map[string]func(t *testing.T, root string){
		"locked": func(t *testing.T, root string) {
			d, err := os.Open(root)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { d.Close() })
			if err := unix.Flock(int(d.Fd()), unix.LOCK_EX); err != nil {
				t.Fatal(err)
			}
		},
		"damaged":     func(t *testing.T, root string) { os.WriteFile(root+"/pneu.log", []byte("junk"), 0o600) },
		"half gone":   func(t *testing.T, root string) { os.Remove(root + "/pneu.idx") },
		"a directory": func(t *testing.T, root string) { os.Remove(root + "/pneu.log"); os.Mkdir(root+"/pneu.log", 0o700) },
		"newer version": func(t *testing.T, root string) {
			b, _ := os.ReadFile(root + "/pneu.log")
			b[8]++
			os.WriteFile(root+"/pneu.log", b, 0o600)
		},
		"texts damaged": func(t *testing.T, root string) { os.WriteFile(root+"/pneu.text.tail", []byte("junk"), 0o600) },
	}
	for name, harm := range tests {
		t.Run(name, func(t *testing.T) {
			root, _ := indexed(t, 2)
			harm(t, root)
			put(t, Mailbox{Maildir: root}, fmt.Sprintf(letter, 1))
			if files, _ := os.ReadDir(root + "/new"); len(files) != 1 {
				t.Errorf("%d messages in new/", len(files))
			}
		})
	}
}

// A folder that nobody has opened stays without an index, and so does one whose
// owner wants none kept up.
func TestNoIndexIsMade(t *testing.T) {
	root := filepath.Join(t.TempDir(), "Maildir")
	put(t, Mailbox{Maildir: root}, fmt.Sprintf(letter, 1))
	if files, _ := filepath.Glob(root + "/pneu.*"); len(files) > 0 {
		t.Errorf("made: %q", files)
	}
	root, _ = indexed(t, 2)
	put(t, Mailbox{Maildir: root, NoIndex: true}, fmt.Sprintf(letter, 1))
	if st, err := index.ReadState(root); err != nil || st.Total != 2 {
		t.Errorf("%d messages in the index, %v", st.Total, err)
	}
	for _, on := range []*bool{nil, new(bool)} {
		w := newWorld(t, Options{Index: on}, "")
		if b := w.box(Envelope{}); b.NoIndex != (on != nil) {
			t.Errorf("index = %v: NoIndex is %v", on, b.NoIndex)
		}
	}
}

// What root delivers belongs to the user, the index too.
func TestIndexBelongsToOwner(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("root only")
	}
	w := newWorld(t, Options{}, "")
	w.opt.Helper = helper(t)
	reachable(t, w.dir)
	root := w.dir + "/mail/alice"
	put(t, Mailbox{Maildir: root}, fmt.Sprintf(letter, 0))
	look(t, root, func(b *store.Box, _ *store.View) {
		if err := errors.Join(b.Build(t.Context(), nil), b.EnsureText(t.Context(), nil)); err != nil {
			t.Fatal(err)
		}
	})
	os.Remove(root + "/pneu.text.tail")
	filepath.Walk(w.dir+"/mail", func(path string, _ os.FileInfo, _ error) error { return os.Lchown(path, 65534, 65534) })
	for i := range 3 {
		env := Envelope{Recipient: "alice", ID: fmt.Sprintf("1KQ3V8ZJ4T7C0%d", i), Arrived: arrived}
		if err := w.Deliver(context.Background(), env, strings.NewReader(fmt.Sprintf(letter, i))); err != nil {
			t.Fatal(err)
		}
	}
	if st, err := index.ReadState(root); err != nil || st.Total != 4 || st.Undigested != 0 {
		t.Errorf("index has %d messages, %d without digest, %v", st.Total, st.Undigested, err)
	}
	files, _ := filepath.Glob(root + "/pneu.*")
	for _, path := range files {
		fi, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if st := fi.Sys().(*syscall.Stat_t); st.Uid != 65534 || fi.Mode() != 0o600 {
			t.Errorf("%s: of user %d, mode %v", path, st.Uid, fi.Mode())
		}
	}
	if _, err := os.Stat(root + "/pneu.text.tail"); err != nil {
		t.Error("text was not indexed")
	}
}

// What a delivery costs: by itself, and in a program that stays.
func BenchmarkPut(b *testing.B) {
	text := fmt.Sprintf(letter, 1) + strings.Repeat("Some words that are in every message, over and over.\n", 60)
	for _, mode := range []string{"no index", "index", "index and text"} {
		for _, stays := range []bool{false, true} {
			b.Run(fmt.Sprintf("%s/stays=%v", mode, stays), func(b *testing.B) {
				root, _ := indexed(b, 5000)
				switch mode {
				case "no index":
					for _, p := range []string{"log", "idx", "cache", "head", "text"} {
						os.Remove(root + "/pneu." + p)
					}
				case "index":
					files, _ := filepath.Glob(root + "/pneu.text*")
					for _, p := range files {
						os.Remove(p)
					}
				}
				unix.Sync() // what was made above is not what is measured
				var filer store.Filer
				defer filer.Close()
				for b.Loop() {
					box := Mailbox{Maildir: root}
					if !stays {
						put(b, box, text)
					} else if err := box.put(strings.NewReader(text), int64(len(text)), &filer); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
