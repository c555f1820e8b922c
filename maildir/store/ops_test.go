package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pneu/maildir"
	"pneu/maildir/index"
	"pneu/maildir/journal"
	"pneu/maildir/search"
	"pneu/maildir/thread"
)

var (
	_ journal.Keywords = (*Noted)(nil)
	_ journal.Numbers  = (*Noted)(nil)
	_ search.Source    = (*source)(nil)
	_ search.Doc       = (*doc)(nil)
	_ search.Digested  = (*doc)(nil)
	_ search.Parsed    = (*doc)(nil)
	_ search.Numbered  = (*doc)(nil)
	_ search.Fresh     = (*doc)(nil)
	_ search.Keyworded = (*doc)(nil)
	_ search.Dated     = (*doc)(nil)
)

func TestOperations(t *testing.T) {
	w := newWorld(t, 30)
	s := w.open(Options{})
	in, v := w.box(s, "INBOX")
	sent, _ := w.box(s, "Sent")
	uids := v.ix.AllUIDs(nil)
	if _, err := in.SetFlags(ctx, uids[:5], FlagChange{Add: index.Flagged, AddKeywords: []string{"$Work"}}); err != nil {
		t.Fatal(err)
	}
	moved, err := in.Move(ctx, uids[:2], sent)
	if err != nil || len(moved) != 2 {
		t.Fatal(moved, err)
	}
	copied, err := in.Copy(ctx, uids[2:4], sent)
	if err != nil || len(copied) != 2 {
		t.Fatal(copied, err)
	}
	gone, err := in.Expunge(ctx, uids[4:5])
	if err != nil || !slices.Equal(gone, uids[4:5]) {
		t.Fatal(gone, err)
	}
	uid, err := sent.Append(ctx, maildir.Delivery{Flags: "S", Time: time.Unix(1e9, 0)}, []string{"later"}, strings.NewReader(w.text(500)))
	if err != nil {
		t.Fatal(err)
	}
	now := w.sync(in)
	if now.Len() != v.Len()-3 || !slices.Equal(now.Since(v).Gone, []UID{uids[0], uids[1], uids[4]}) || !slices.Equal(now.Since(v).Changed, uids[2:4]) {
		t.Errorf("%+v", now.Since(v))
	}
	there := w.sync(sent)
	for _, f := range slices.Concat(moved, copied) {
		row, ok := there.Find(f.To)
		if !ok || !there.Row(row).Flags().Has('F') || !slices.Equal(there.Row(row).Keywords(), []string{"$Work"}) {
			t.Errorf("%v arrived as %v %v %q", f, ok, there.Row(row).Flags(), there.Row(row).Keywords())
		}
	}
	row, ok := there.Find(uid)
	if r := there.Row(row); !ok || r.Flags() != maildir.MakeFlags("S"+string(r.Entry().Flags())) || !slices.Equal(r.Keywords(), []string{"later"}) || r.Received().Unix() != 1e9 {
		t.Errorf("appended as %v %q %q", ok, r.Flags(), r.Keywords())
	}
	if v, err := in.TakeNew(ctx); err != nil || v.State().New != 0 {
		t.Error(v.State().New, err)
	}
}

// Changes written down are undone, done again, and undone: by number, by keyword and file by file.
func TestJournal(t *testing.T) {
	w := newWorld(t, 60)
	s := w.open(Options{})
	in, v := w.box(s, "INBOX")
	sent, _ := w.box(s, "Sent")
	j, err := journal.Open(filepath.Join(t.TempDir(), "journal"))
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	j.UseKeywords(s.Journal())
	j.UseNumbers(s.Journal())
	state := func() map[string]string {
		m := map[string]string{}
		for _, b := range []*Box{in, sent} {
			v := w.sync(b)
			for n := range v.Len() {
				r := v.Row(n)
				// Files by arrival: moving back gives the old name.
				m[b.Name()+" "+r.Base()] = string(r.Flags()) + " " + strings.Join(r.Keywords(), ",")
			}
		}
		return m
	}
	before := state()
	all := v.ix.AllUIDs(nil)
	b := j.Begin("tui", "mark all read")
	if err := in.Note(ctx, b, all, "SR", "F"); err != nil {
		t.Fatal(err)
	}
	if err := in.Note(ctx, b, all, "a", ""); err == nil {
		t.Error("changed by number what has no bit")
	}
	if err := b.Commit(); err != nil {
		t.Fatal(err)
	}
	if log, err := j.Log(1); err != nil || len(log[0].Ops) > 8 {
		t.Errorf("%d lines for a folder: %v", len(log[0].Ops), err)
	}
	v = w.sync(in)
	for n := range v.Len() {
		if f := v.Row(n).Flags(); !f.Has('S') || !f.Has('R') || f.Has('F') {
			t.Fatalf("flags %s", f)
		}
	}
	if err := in.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	b = j.Begin("tui", "tag and move")
	r := w.sync(in).Row(3)
	if _, err := b.SetKeywords(in.Folder(), r.Entry(), []string{"todo"}, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Move(in.Folder(), w.sync(in).Row(3).Entry(), sent.Folder()); err != nil {
		t.Fatal(err)
	}
	if err := b.Commit(); err != nil {
		t.Fatal(err)
	}
	after := state()
	for round := range 2 {
		r, err := j.Undo(2)
		if err != nil || len(r.Failed) > 0 {
			t.Fatal(r.Failed, err)
		}
		if err := in.Flush(ctx); err != nil {
			t.Fatal(err)
		}
		if got := state(); !equal(got, before) {
			t.Errorf("round %d: undone\n got %v\nwant %v", round, got, before)
		}
		if r, err := j.Redo(2); err != nil || len(r.Failed) > 0 {
			t.Fatal(r.Failed, err)
		}
		if err := in.Flush(ctx); err != nil {
			t.Fatal(err)
		}
		if got := state(); !equal(got, after) {
			t.Errorf("round %d: done again\n got %v\nwant %v", round, got, after)
		}
	}
}

func equal(a, b map[string]string) bool {
	if len(a) != len(b) {
		return false
	}
	for k, v := range a {
		if b[k] != v {
			return false
		}
	}
	return true
}

// Whoever watches learns of everything, in steps that join.
func TestWatch(t *testing.T) {
	w := newWorld(t, 20)
	s := w.open(Options{})
	b, v := w.box(s, "INBOX")
	own, stop := context.WithCancel(ctx)
	defer stop()
	var watches []<-chan Change
	for range 2 {
		c, err := b.Watch(own)
		if err != nil {
			t.Fatal(err)
		}
		watches = append(watches, c)
	}
	path := w.put("INBOX")
	os.Remove(v.Row(0).Path())
	f := w.folder("INBOX")
	e := v.Row(2).Entry()
	if _, err := f.SetFlags(e, "RT", ""); err != nil {
		t.Fatal(err)
	}
	if _, err := b.SetFlags(ctx, []UID{v.Row(3).UID()}, FlagChange{AddKeywords: []string{"seen-by-watch"}}); err != nil {
		t.Fatal(err)
	}
	for _, c := range watches {
		at := v
		for ch := range c {
			if ch.From.State().HighestModSeq < at.State().HighestModSeq {
				t.Error("a step back")
			}
			at = ch.To
			_, there := at.FindBase(maildir.Entry{File: filepath.Base(path)}.Base())
			_, still := at.Find(v.Row(0).UID())
			row, _ := at.Find(v.Row(2).UID())
			key, _ := at.Find(v.Row(3).UID())
			if there && !still && at.Row(row).Flags().Has('T') && len(at.Row(key).Keywords()) > 0 {
				break
			}
		}
		if total := at.Since(v); !slices.Contains(total.Gone, v.Row(0).UID()) || !slices.Contains(total.Changed, v.Row(2).UID()) || len(total.Added) != 1 {
			t.Errorf("in all %+v", total)
		}
	}
	stop()
	for _, c := range watches {
		for range c {
		}
	}
	for range 20 { // the last one of all ends, and another begins
		own, stop := context.WithCancel(ctx)
		c, err := b.Watch(own)
		if err != nil {
			t.Fatal(err)
		}
		stop()
		for range c {
		}
	}
	c, err := b.Watch(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { // with its box a watch ends
		s.Close()
		for range c {
		}
	}()
	for range 5 { // at once again
		own, stop := context.WithCancel(ctx)
		c, err := b.Watch(own)
		if err != nil {
			t.Fatal(err)
		}
		stop()
		for range c {
		}
	}
}

// Whatever is wrong with an index, every message is there; the log says so once.
func TestDamagedIndexes(t *testing.T) {
	damages := map[string]func(t *testing.T, dir string){
		"log gone":   func(t *testing.T, dir string) { os.Remove(dir + "/pneu.log") },
		"idx gone":   func(t *testing.T, dir string) { os.Remove(dir + "/pneu.idx") },
		"all gone":   func(t *testing.T, dir string) { removeAll(dir, "pneu.*") },
		"cache gone": func(t *testing.T, dir string) { os.Remove(dir + "/pneu.cache") },
		"head gone":  func(t *testing.T, dir string) { os.Remove(dir + "/pneu.head") },
		"text gone":  func(t *testing.T, dir string) { removeAll(dir, "pneu.text*") },
		"noise":      func(t *testing.T, dir string) { scribble(t, dir, func(b []byte) { b[len(b)/2] ^= 0x55 }) },
		"zeros":      func(t *testing.T, dir string) { scribble(t, dir, func(b []byte) { clear(b) }) },
		"tail zeros": func(t *testing.T, dir string) { scribble(t, dir, func(b []byte) { clear(b[len(b)*2/3:]) }) },
		"newer":      func(t *testing.T, dir string) { scribble(t, dir, func(b []byte) { b[8]++ }) },
	}
	for name, damage := range damages {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, 40)
			s := w.open(Options{})
			b, _ := w.box(s, "INBOX")
			if err := errors.Join(b.Build(ctx, nil), b.EnsureText(ctx, nil)); err != nil {
				t.Fatal(err)
			}
			b.SetFlags(ctx, b.View().ix.AllUIDs(nil)[:3], FlagChange{AddKeywords: []string{"kept"}})
			s.Close()
			damage(t, w.folder("INBOX").Path())
			var log bytes.Buffer
			s = w.open(Options{Log: slog.New(slog.NewTextHandler(&log, nil))})
			b, v := w.box(s, "INBOX")
			docs := w.docs("INBOX")
			for _, text := range []string{"", "from:ada", "jitter", "is:unread"} {
				q, err := search.Parse(text)
				if err != nil {
					t.Fatal(err)
				}
				set, err := v.Query(ctx, q)
				if err != nil {
					t.Fatalf("%q: %v", text, err)
				}
				n := 0
				for base, d := range docs {
					row, ok := v.FindBase(base)
					if !ok || set.Has(row) != q.Match(d) {
						t.Fatalf("%q: %s is in row %d %v", text, base, row, ok)
					}
					n++
				}
				if n != v.Len() {
					t.Errorf("%d rows, %d messages", v.Len(), n)
				}
			}
			for range 3 {
				if err := b.Build(ctx, nil); err != nil && !strings.Contains(log.String(), "without its index") {
					t.Error(err)
				}
				for n := range v.Len() {
					if r := v.Row(n); r.Subject() != docs[r.Base()].sum.Subject {
						t.Errorf("subject %q, want %q", r.Subject(), docs[r.Base()].sum.Subject)
					}
				}
				v = w.sync(b)
			}
		})
	}
}

func removeAll(dir, pattern string) {
	list, _ := filepath.Glob(filepath.Join(dir, pattern))
	for _, p := range list {
		os.Remove(p)
	}
}

func scribble(t *testing.T, dir string, change func(b []byte)) {
	list, err := filepath.Glob(filepath.Join(dir, "pneu.*"))
	if err != nil || len(list) < 2 {
		t.Fatal(list, err)
	}
	for _, p := range list {
		b, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		if len(b) > 16 {
			change(b)
			if err := os.WriteFile(p+".new", b, 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Rename(p+".new", p); err != nil { // as a restored backup comes: maps of the old one stay
				t.Fatal(err)
			}
		}
	}
}

// A reader writes nothing at all, and its answers are the same.
func TestReadingOnlyWritesNothing(t *testing.T) {
	w := newWorld(t, 20)
	list := func() (all []string) {
		filepath.WalkDir(w.root, func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			st, err := d.Info()
			if err != nil {
				return err
			}
			all = append(all, path+" "+st.ModTime().String())
			return nil
		})
		return all
	}
	for _, indexed := range []bool{false, true} {
		if indexed {
			s := w.open(Options{})
			b, _ := w.box(s, "INBOX")
			b.Build(ctx, nil)
			s.Close()
			w.put("INBOX") // what the index does not know
		}
		before := list()
		s := w.open(Options{ReadOnly: true})
		b, v := w.box(s, "INBOX")
		if v.Len() != len(w.docs("INBOX")) {
			t.Errorf("%d rows, %d messages", v.Len(), len(w.docs("INBOX")))
		}
		q, _ := search.Parse("jitter from:ada")
		if _, err := v.Query(ctx, q); err != nil {
			t.Error(err)
		}
		v.Threads(ctx, thread.Newest)
		errs := []error{
			func() error { _, err := b.SetFlags(ctx, []UID{1}, FlagChange{Add: index.Seen}); return err }(),
			func() error { _, err := b.Move(ctx, []UID{1}, b); return err }(),
			func() error { _, err := b.Expunge(ctx, []UID{1}); return err }(),
			func() error { _, err := b.Append(ctx, maildir.Delivery{}, nil, strings.NewReader("x")); return err }(),
		}
		for i, err := range errs {
			if err == nil {
				t.Errorf("operation %d was done", i)
			}
		}
		s.Close()
		if after := list(); !slices.Equal(before, after) {
			t.Errorf("changed:\n%s\nwas\n%s", strings.Join(after, "\n"), strings.Join(before, "\n"))
		}
	}
}

// A delivery that the store is told of is found by its text, without another look at it.
func TestDelivery(t *testing.T) {
	w := newWorld(t, 20)
	s := w.open(Options{})
	b, _ := w.box(s, "INBOX")
	if err := errors.Join(b.Build(ctx, nil), b.EnsureText(ctx, nil)); err != nil {
		t.Fatal(err)
	}
	raw := []byte("From: ada@x\nSubject: told\n\nan unheard-of word: xylotomist\n")
	filed := b.Expect()
	e, err := b.Folder().Deliver(maildir.Delivery{}, bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	filed(e, raw)
	v, err := b.Refresh() // not Sync
	if err != nil {
		t.Fatal(err)
	}
	row, ok := v.FindBase(e.Base())
	if c := v.TextCoverage(); !ok || !v.ix.HasDigest(row) || !c.Complete() {
		t.Errorf("found %v, texts %+v", ok, c)
	}
	q, _ := search.Parse("xylotomist")
	if set, err := v.Query(ctx, q); err != nil || set.Count() != 1 || !set.Has(row) {
		t.Errorf("found %d, %v", set.Count(), err)
	}
	b.Expect()(maildir.Entry{}, nil) // nothing was delivered
}

// A folder keeps its UIDs under another name.
func TestRenameFolder(t *testing.T) {
	w := newWorld(t, 40)
	s := w.open(Options{})
	b, v := w.box(s, "Archive/2026")
	if err := s.RenameFolder("Archive", "Old/Archive"); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Sync(ctx); !errors.Is(err, ErrClosed) {
		t.Errorf("a box of the old name: %v", err)
	}
	_, now := w.box(s, "Old/Archive/2026")
	if a, b := now.State(), v.State(); a.GUID != b.GUID || a.UIDValidity != b.UIDValidity || !slices.Equal(now.ix.AllUIDs(nil), v.ix.AllUIDs(nil)) || now.Len() == 0 {
		t.Errorf("%+v, was %+v", a, b)
	}
	if err := s.RemoveFolder("Old/Archive/2026"); !errors.Is(err, maildir.ErrNotEmpty) {
		t.Error(err)
	}
	if err := s.RemoveFolder("Old/Archive"); err != nil {
		t.Error(err)
	}
}

// What does not fit into a digest is found in the file.
func TestLargeHeaders(t *testing.T) {
	each(t, 0, func(t *testing.T, w *world, s *Store) {
		var to, refs strings.Builder
		for i := range 2000 {
			fmt.Fprintf(&to, " person%d@example.org,\n", i)
			fmt.Fprintf(&refs, " <ref%d@example.org>\n", i)
		}
		w.file("INBOX", "From: ada@x\nTo: first@x,\n"+to.String()+" last@x\nSubject: many "+strings.Repeat("x", 90000)+" end\nMessage-ID: <1@x>\nReferences:"+refs.String()+"Cc: lastcc@x\n\ntext\n")
		w.file("INBOX", "From: bob@x\nTo: a@x\nSubject: few\nMessage-ID: <2@x>\nReferences: <1@x>\n\ntext\n")
		b, _ := w.box(s, "INBOX")
		if err := b.Build(ctx, nil); err != nil {
			t.Fatal(err)
		}
		v := w.sync(b)
		docs := w.docs("INBOX")
		for n := range v.Len() {
			if r := v.Row(n); !reflect.DeepEqual(r.Summary(), docs[r.Base()].sum) {
				t.Errorf("summary of %s differs", r.Base())
			}
		}
		for _, text := range []string{"to:last@x", "to:person1999", "cc:lastcc", "subject:end", "subject:few", "id:1@x", "-to:person", "from:ada"} {
			q, err := search.Parse(text)
			if err != nil {
				t.Fatal(err)
			}
			set, err := v.Query(ctx, q)
			if err != nil {
				t.Fatal(err)
			}
			for n := range v.Len() {
				if set.Has(n) != q.Match(docs[v.Row(n).Base()]) {
					t.Errorf("%q: row %d found %v", text, n, set.Has(n))
				}
			}
		}
		if o, err := v.Sort(ctx, By{Key: Cc}); err != nil || o[0] != 1 {
			t.Errorf("by cc %v, %v", o, err)
		}
	})
}

// Everything at once, beside a stranger: in the end all agree with the files.
func TestEverythingAtOnce(t *testing.T) {
	w := newWorld(t, 60)
	s, other := w.open(Options{}), w.open(Options{})
	b, _ := w.box(s, "INBOX")
	b2, _ := w.box(other, "INBOX")
	f := w.folder("INBOX")
	watched, stop := context.WithCancel(ctx)
	changes, err := b.Watch(watched)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	run := func(n int, step func(i int) error) {
		wg.Go(func() {
			for i := range n {
				if err := step(i); err != nil && !errors.Is(err, maildir.ErrGone) && !errors.Is(err, fs.ErrNotExist) {
					t.Error(err)
					return
				}
			}
		})
	}
	q, _ := search.Parse("jitter OR from:ada")
	for _, b := range []*Box{b, b2} {
		run(15, func(int) error { _, err := b.Sync(ctx); return err })
		run(8, func(int) error { _, err := b.View().Query(ctx, q); return err })
		run(8, func(int) error { _, err := b.View().Threads(ctx, thread.Newest); return err })
		run(8, func(i int) error { _, err := b.View().Sort(ctx, By{Date, i%2 == 0}, By{Key: From}); return err })
		run(8, func(i int) error {
			v := b.View()
			_, err := b.SetFlags(ctx, v.ix.AllUIDs(nil)[:v.Len()/2], FlagChange{Add: []Flags{Flagged, Seen, Replied}[i%3], Remove: Passed})
			return err
		})
		run(3, func(int) error { return b.Build(ctx, nil) })
		run(4, func(int) error {
			_, err := b.Append(ctx, maildir.Delivery{}, nil, strings.NewReader("Subject: appended\n\njitter\n"))
			return err
		})
	}
	run(6, func(int) error { _, err := s.Conversations(ctx, thread.Newest); return err })
	run(20, func(i int) error { // the stranger
		list, err := f.List()
		if err != nil {
			return err
		}
		switch e := list[i%len(list)]; i % 4 {
		case 0:
			return os.Rename(f.File(e), filepath.Join(f.Path(), "cur", e.Base()+":2,RS"))
		case 1:
			return os.Remove(f.File(e))
		default:
			name := fmt.Sprintf("18000000%02d.stranger", i)
			if err := os.WriteFile(filepath.Join(f.Path(), "tmp", name), []byte("Subject: strange\n\n"), 0o600); err != nil {
				return err
			}
			return os.Rename(filepath.Join(f.Path(), "tmp", name), filepath.Join(f.Path(), "new", name))
		}
	})
	last := make(chan *View, 1)
	go func() {
		var v *View
		for c := range changes {
			v = c.To
		}
		last <- v
	}()
	wg.Wait()
	for _, b := range []*Box{b, b2} {
		if err := b.Flush(ctx); err != nil {
			t.Error(err)
		}
	}
	stop()
	<-last
	docs := w.docs("INBOX")
	var uids []UID
	for _, b := range []*Box{b, b2} {
		v := w.sync(b)
		if v.Len() != len(docs) {
			t.Errorf("%d rows, %d messages", v.Len(), len(docs))
		}
		for n := range v.Len() {
			r := v.Row(n)
			if d := docs[r.Base()]; d == nil || r.Entry() != d.e || r.Subject() != d.sum.Subject {
				t.Errorf("row %d is %v", n, r.Entry())
			}
		}
		if mine := v.ix.AllUIDs(nil); uids == nil {
			uids = mine
		} else if !slices.Equal(uids, mine) {
			t.Errorf("UIDs %v and %v", uids, mine)
		}
	}
}
