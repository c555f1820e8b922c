package store

import (
	"cmp"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pneu/maildir"
	"pneu/maildir/message"
	"pneu/maildir/search"
	"pneu/maildir/thread"
)

// modes are the ways a folder can be used; all answers are the same.
var modes = []struct {
	name string
	opt  Options
}{
	{"index", Options{}},
	{"no index", Options{NoIndex: true}},
	{"reading only", Options{ReadOnly: true}},
}

func each(t *testing.T, messages int, fn func(t *testing.T, w *world, s *Store)) {
	for _, m := range modes {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, messages)
			fn(t, w, w.open(m.opt))
		})
	}
}

// What a view says of its messages is what the files say.
func TestRowsAreTheFiles(t *testing.T) {
	each(t, 120, func(t *testing.T, w *world, s *Store) {
		w.corpus("Sent")
		for _, name := range names {
			_, v := w.box(s, name)
			docs := w.docs(name)
			if v.Len() != len(docs) {
				t.Errorf("%s: %d rows, %d messages", name, v.Len(), len(docs))
			}
			last := UID(0)
			for n := range v.Len() {
				r := v.Row(n)
				d := docs[r.Base()]
				if d == nil {
					t.Fatalf("%s: no message %s", name, r.Base())
				}
				if r.UID() <= last {
					t.Fatalf("%s: UID %d after %d", name, r.UID(), last)
				}
				last = r.UID()
				if r.Entry() != d.e || r.Flags() != d.e.Flags() || r.Unread() != d.Unread() || r.New() != d.e.New {
					t.Errorf("%s: %v with %q, want %v", name, r.Entry(), r.Flags(), d.e)
				}
				if r.Size() != int64(len(d.raw)) || !r.Received().Equal(d.Received()) || !r.Date().Equal(d.date()) {
					t.Errorf("%s: size %d, received %v, date %v; want %d, %v, %v", r.Path(), r.Size(), r.Received(), r.Date(), len(d.raw), d.Received(), d.date())
				}
				if got := r.Summary(); !reflect.DeepEqual(got, d.sum) {
					t.Errorf("%s:\n got %+v\nwant %+v", r.Path(), got, d.sum)
				}
				if row, ok := v.Find(r.UID()); !ok || row != n {
					t.Errorf("UID %d is in row %d %v, not %d", r.UID(), row, ok, n)
				}
				if row, ok := v.FindBase(r.Base()); !ok || row != n {
					t.Errorf("%s is in row %d %v, not %d", r.Base(), row, ok, n)
				}
			}
		}
	})
}

func TestSort(t *testing.T) {
	each(t, 150, func(t *testing.T, w *world, s *Store) {
		_, v := w.box(s, "INBOX")
		docs := w.docs("INBOX")
		first := func(l []message.Addr) string {
			if len(l) == 0 {
				return ""
			}
			return strings.ToLower(cmp.Or(l[0].Name, l[0].Addr))
		}
		base := func(d *fileDoc) string {
			s, _ := thread.BaseSubject(d.sum.Subject)
			return strings.ToLower(s)
		}
		by := map[Key]func(a, b *fileDoc) int{
			Arrival:  nil,
			Date:     func(a, b *fileDoc) int { return cmp.Compare(a.date().Unix(), b.date().Unix()) },
			Received: func(a, b *fileDoc) int { return cmp.Compare(a.Received().Unix(), b.Received().Unix()) },
			From:     func(a, b *fileDoc) int { return cmp.Compare(first(a.sum.From), first(b.sum.From)) },
			To:       func(a, b *fileDoc) int { return cmp.Compare(first(a.sum.To), first(b.sum.To)) },
			Cc:       func(a, b *fileDoc) int { return cmp.Compare(first(a.sum.Cc), first(b.sum.Cc)) },
			Subject:  func(a, b *fileDoc) int { return cmp.Compare(base(a), base(b)) },
			Size:     func(a, b *fileDoc) int { return cmp.Compare(len(a.raw), len(b.raw)) },
		}
		doc := func(n int32) *fileDoc { return docs[v.Row(int(n)).Base()] }
		for _, keys := range [][]By{{{Key: Date}}, {{Date, true}}, {{From, false}, {Date, true}}, {{Subject, true}, {Size, false}}, {{Key: To}}, {{Cc, true}},
			{{Key: Received}}, {{Size, true}}, {{From, true}, {Subject, true}, {Date, false}}, {}, {{Arrival, true}}, {{Subject, false}, {Arrival, true}}} {
			want := make(Order, v.Len())
			for i := range want {
				want[i] = int32(i)
			}
			slices.SortStableFunc(want, func(a, b int32) int {
				for _, k := range keys {
					c := cmp.Compare(a, b)
					if by[k.Key] != nil {
						c = by[k.Key](doc(a), doc(b))
					}
					if k.Reverse {
						c = -c
					}
					if c != 0 {
						return c
					}
				}
				return 0
			})
			got, err := v.Sort(ctx, keys...)
			if err != nil || !slices.Equal(got, want) {
				t.Errorf("by %v: %v, %v\nwant %v", keys, got, err, want)
			}
			some := slices.DeleteFunc(slices.Clone(want), func(n int32) bool { return n%3 == 0 })
			set := search.NewBits(v.Len())
			for _, n := range some {
				set.Set(int(n))
			}
			if mine, err := v.Select(ctx, set, keys...); err != nil || !slices.Equal(mine, some) {
				t.Errorf("some by %v: %v, %v\nwant %v", keys, mine, err, some)
			}
		}
	})
}

func TestThreadsAreBuild(t *testing.T) {
	each(t, 200, func(t *testing.T, w *world, s *Store) {
		b, v := w.box(s, "INBOX")
		for step := range 4 {
			docs := w.docs("INBOX")
			items := make([]thread.Item, v.Len())
			for n := range items {
				d := docs[v.Row(n).Base()]
				items[n] = thread.Item{Key: n, ID: d.sum.MessageID, Refs: d.sum.References, Subject: d.sum.Subject, Date: d.date()}
			}
			for _, order := range []thread.Order{thread.Newest, thread.Root} {
				tree, err := v.Threads(ctx, order)
				if err != nil {
					t.Fatal(err)
				}
				got, want := tree.Nodes(), thread.BuildWith(items, thread.Options{Order: order})
				for i := range want {
					if want[i].Latest = got[i].Latest; got[i] != want[i] {
						t.Fatalf("step %d: node %d is %+v, want %+v", step, i, got[i], want[i])
					}
				}
			}
			old := v
			for range 5 {
				w.put("INBOX")
			}
			os.Remove(v.Row(3 * step).Path())
			v = w.sync(b)
			if _, err := old.Threads(ctx, thread.Oldest); err != nil { // of yesterday, still there
				t.Error(err)
			}
		}
	})
}

// queries of every kind.
var queries = []string{
	"", "from:ada", "from:example.net", "to:grace", "cc:zoe", "zöe", "subject:jitter", "subject:grüße", "subject:GRÜSSE", "jitter", "compiler is:unread", "body:straße",
	"日本語", `"on its way"`, "is:unread", "is:read", "is:flagged", "is:new", "is:replied", "is:trashed", "flag:FS", "-is:read", "has:attachment", "has:list", "list:dev",
	"date:2023-07..2023-08", "date:..2023-07-30", "received:2023-11-16..", "size:<500", "size:500..700", "size:>1k", "from:ada OR from:grace", "(from:ada subject:report) OR is:new -has:attachment",
	"id:m17@x", "header:List-Id", "header:Subject=report", "/jit+er/", "subject:/^Re:/", "from:/ada|zoe/", "in:INBOX", "in:Sent", "-jitter -compiler", "plan.pdf", "text:broken from:ada date:2023..", "rcpt:ada -to:ada",
}

func TestQueriesAreMatch(t *testing.T) {
	each(t, 160, func(t *testing.T, w *world, s *Store) {
		b, v := w.box(s, "INBOX")
		docs := w.docs("INBOX")
		for _, text := range []bool{false, true} {
			if text {
				if err := b.EnsureText(ctx, nil); err != nil {
					t.Fatal(err)
				}
				for range 3 { // some of the text in the index, some not
					w.put("INBOX")
				}
				v, docs = w.sync(b), w.docs("INBOX")
			}
			for _, text := range queries {
				q, err := search.Parse(text)
				if err != nil {
					t.Fatal(text, err)
				}
				set, err := v.Query(ctx, q)
				if err != nil {
					t.Errorf("%q: %v", text, err)
					continue
				}
				for n := range v.Len() {
					if d := docs[v.Row(n).Base()]; set.Has(n) != q.Match(d) {
						t.Errorf("%q: found %v, want %v: %s\n%.300s", text, set.Has(n), q.Match(d), v.Row(n).Path(), d.raw)
						break
					}
				}
			}
		}
	})
}

func TestQueryOfAll(t *testing.T) {
	each(t, 90, func(t *testing.T, w *world, s *Store) {
		for _, text := range []string{"", "from:ada", "is:unread jitter", "in:Sent"} {
			q, err := search.Parse(text)
			if err != nil {
				t.Fatal(err)
			}
			want := map[string]bool{}
			for _, name := range names {
				for _, d := range w.docs(name) {
					if q.Match(d) {
						want[d.f.File(d.e)] = true
					}
				}
			}
			rows, err := s.Query(ctx, q, 0)
			if err != nil {
				t.Fatal(err)
			}
			for i, r := range rows {
				if !want[r.Path()] {
					t.Errorf("%q found %s", text, r.Path())
				}
				if i > 0 && r.Date().Unix() > rows[i-1].Date().Unix() {
					t.Errorf("%q: row %d is newer than the one before", text, i)
				}
				delete(want, r.Path())
			}
			if len(want) > 0 {
				t.Errorf("%q did not find %v", text, want)
			}
			if some, err := s.Query(ctx, q, 3); err != nil || len(some) != min(3, len(rows)) {
				t.Errorf("%q: %d of at most 3, %v", text, len(some), err)
			}
		}
	})
}

// Whatever others do, one view and what happened since give the next.
func TestSince(t *testing.T) {
	each(t, 40, func(t *testing.T, w *world, s *Store) {
		b, v := w.box(s, "INBOX")
		type seen struct {
			base  string
			flags maildir.Flags
		}
		state := func(v *View) map[UID]seen {
			m := map[UID]seen{}
			for n := range v.Len() {
				m[v.Row(n).UID()] = seen{v.Row(n).Base(), v.Row(n).Flags()}
			}
			return m
		}
		f := w.folder("INBOX")
		model := state(v)
		for step := range 12 {
			for range w.r.IntN(6) {
				list, err := f.List()
				if err != nil {
					t.Fatal(err)
				}
				e := list[w.r.IntN(len(list))]
				switch w.r.IntN(5) {
				case 0:
					w.put("INBOX")
				case 1:
					os.Remove(f.File(e))
				case 2, 3:
					f.SetFlags(e, maildir.MakeFlags([]string{"S", "F", "RS"}[w.r.IntN(3)]), maildir.MakeFlags([]string{"", "S"}[w.r.IntN(2)]))
				case 4:
					f.Move(e, w.folder("Sent"))
				}
			}
			now := w.sync(b)
			c := now.Since(v)
			for _, uid := range c.Gone {
				if _, ok := model[uid]; !ok {
					t.Errorf("step %d: %d is gone, and was not there", step, uid)
				}
				delete(model, uid)
			}
			for _, uid := range slices.Concat(c.Added, c.Changed) {
				row, ok := now.Find(uid)
				if !ok {
					t.Fatalf("step %d: %d is not there", step, uid)
				}
				if _, was := model[uid]; was != slices.Contains(c.Changed, uid) {
					t.Errorf("step %d: %d was there: %v", step, uid, was)
				}
				model[uid] = seen{now.Row(row).Base(), now.Row(row).Flags()}
			}
			if want := state(now); !reflect.DeepEqual(model, want) {
				t.Fatalf("step %d:\n got %v\nwant %v", step, model, want)
			}
			if c := now.Since(now); !c.Empty() {
				t.Errorf("a view differs from itself: %+v", c)
			}
			v = now
		}
		if n, err := f.Count(); err != nil || n.Total != v.Len() {
			t.Errorf("%d rows, %+v %v", v.Len(), n, err)
		}
	})
}

func TestFolders(t *testing.T) {
	each(t, 60, func(t *testing.T, w *world, s *Store) {
		if err := w.tree.Subscribe("Sent", true); err != nil {
			t.Fatal(err)
		}
		list, err := s.Folders()
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		var folders []*maildir.Folder
		for _, f := range list {
			got = append(got, fmt.Sprint(f.Name(), " ", f.Role, " ", f.Subscribed))
			folders = append(folders, f.Folder)
		}
		want := []string{"INBOX  false", "Archive Archive false", "Archive/2026  false", "Sent Sent true"}
		if !slices.Equal(got, want) && !slices.Equal(got, slices.Delete(slices.Clone(want), 1, 2)) {
			t.Errorf("folders %q", got)
		}
		for round := range 2 { // first without, then with the counters that were kept
			states, errs := s.StatusAll(ctx, folders)
			for i, f := range folders {
				n, err := f.Count()
				if errs[i] != nil || err != nil || states[i].Total != n.Total || states[i].Unseen != n.Unread || states[i].New != n.New {
					t.Errorf("round %d: %s has %+v, want %+v (%v)", round, f.Name(), states[i], n, errs[i])
				}
			}
		}
		w.put("Sent")
		if st, err := s.Status(ctx, w.folder("Sent")); err != nil || st.Total != len(w.docs("Sent")) {
			t.Errorf("after a delivery: %+v, %v", st, err)
		}
	})
}

// One Box for all who use a folder, and none left behind.
func TestBoxIsShared(t *testing.T) {
	w := newWorld(t, 10)
	s := w.open(Options{})
	a, _ := s.Box("INBOX")
	b, _ := s.Box("INBOX")
	if a == nil || a != b {
		t.Error("two boxes of one folder")
	}
	v, err := a.Sync(ctx)
	if err != nil || v != b.View() {
		t.Error("two views of one moment", err)
	}
	a.Close()
	if _, err := b.Sync(ctx); err != nil {
		t.Error(err)
	}
	b.Close()
	if len(s.boxes) != 0 {
		t.Error("a box is left")
	}
	if v.Row(3).Subject(); v.Len() == 0 {
		t.Error("views end with their box")
	}
	s.Close()
	if _, err := s.Box("INBOX"); err == nil {
		t.Error("opened a folder of a closed store")
	}
}
