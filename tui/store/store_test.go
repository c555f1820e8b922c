package store

import (
	"context"
	"fmt"
	"math/rand"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"pneu/maildir/message"
	"pneu/maildir/safe"
	"pneu/maildir/search"
	mail "pneu/maildir/store"
)

var now = time.Date(2026, 11, 21, 9, 45, 0, 0, time.UTC)

func file(i int) string { return fmt.Sprintf("%d.M%dP1.t:2,S", now.Unix()-int64(1000-i), i) }

// write puts message i into a folder: three make a conversation.
func write(t testing.TB, dir string, i int, more string) {
	t.Helper()
	text := fmt.Sprintf("From: P%d <%d@x>\nSubject: s%d\nMessage-ID: <%d@x>\nDate: %s\n", i%5, i%5, i/3, i, now.Add(-time.Duration(1000-i)*time.Second).Format(time.RFC1123Z))
	if i%3 > 0 {
		text += fmt.Sprintf("References: <%d@x>\n", i-i%3)
	}
	if err := os.WriteFile(filepath.Join(dir, "cur", file(i)), []byte(text+more+"\ntext "+fmt.Sprint(i)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
}

// open makes a folder of n messages and opens it.
func open(t testing.TB, n int, opt Options) *Box {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "Maildir")
	st, err := mail.Create(dir, mail.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	for i := range n {
		write(t, dir, i, "")
	}
	f, err := st.Tree().Folder("INBOX")
	if err != nil {
		t.Fatal(err)
	}
	o := Open(context.Background(), st, f, opt, 50)
	if o.Err != nil {
		t.Fatal(o.Err)
	}
	return o.Box
}

func arrange(b *Box) bool { return b.SetView(b.Snapshot().Arrange(context.Background())) }

func refresh(t *testing.T, b *Box) Took {
	t.Helper()
	v, err := b.Mail().Sync(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return b.Take(v)
}

// check compares the rows with what the box says of them.
func check(t *testing.T, b *Box, what string) {
	t.Helper()
	r := b.Rows()
	shown := map[int]bool{}
	for i := range r.Len() {
		id := r.ID(i)
		if b.Gone(id) {
			t.Fatalf("%s: row %d shows message %d, which is gone", what, i, id)
		}
		for _, m := range b.Conversation(id) {
			if shown[m] {
				t.Fatalf("%s: message %d has two rows", what, m)
			}
			shown[m] = true
			if at := r.Find(m); at != i {
				t.Fatalf("%s: message %d is found in row %d, shown in %d", what, m, at, i)
			}
		}
		if row := r.Row(i); row.ID != id {
			t.Fatalf("%s: row %d is of %d, want %d", what, i, row.ID, id)
		}
	}
	if len(shown) != b.Len() {
		t.Fatalf("%s: %d messages have rows, %d are there", what, len(shown), b.Len())
	}
}

// TestRowsAgree folds, removes, restores, adds and deletes at random; every message has one row, and is found in it.
func TestRowsAgree(t *testing.T) {
	for seed := range int64(3) {
		rnd := rand.New(rand.NewSource(seed))
		b := open(t, 60, Options{Threads: true})
		check(t, b, "at first")
		next := 60
		for step := range 80 {
			id := 1 + rnd.Intn(int(b.View().State().UIDNext))
			what := fmt.Sprintf("seed %d step %d message %d", seed, step, id)
			switch op := rnd.Intn(12); op {
			case 0, 1:
				b.Fold(id, op == 0)
			case 2:
				b.Remove(b.Conversation(id)...)
			case 3:
				b.Remove(id)
			case 4:
				b.FoldAll(rnd.Intn(2) == 0)
			case 5:
				b.Restore(id)
				arrange(b)
			case 6:
				write(t, b.Folder.Path(), next, "")
				if next++; !refresh(t, b).Rows {
					t.Fatalf("%s: nothing came", what)
				}
				arrange(b)
			case 7: // by another program; it is in the order still
				if e := b.Entry(id); e.File != "" {
					if err := os.Remove(b.Folder.File(e)); err != nil {
						t.Fatal(err)
					}
					refresh(t, b)
				}
			case 8:
				arrange(b)
			case 9:
				b.RemovePicked(b.Pick(some(b, rnd), true)())
			case 10: // while it is being found out what leaves, something else happens
				pick, late := b.Pick(some(b, rnd), true), b.Snapshot()
				if rnd.Intn(2) == 0 {
					b.Fold(id, true)
				} else if e := b.Entry(id); e.File != "" {
					if err := os.Remove(b.Folder.File(e)); err != nil {
						t.Fatal(err)
					}
					refresh(t, b)
				}
				p := pick()
				if rnd.Intn(3) == 0 {
					arrange(b)
				}
				b.RemovePicked(p)
				check(t, b, what)
				if len(p.IDs) > 0 && p.rest == b.order && b.SetView(late.Arrange(context.Background())) {
					t.Fatalf("%s: took an order with what has left", what)
				}
				if rnd.Intn(2) == 0 {
					b.Restore(p.IDs...)
					arrange(b)
				}
			case 11: // several at once, and that is found out behind the loop
				for range 1 + rnd.Intn(4) {
					if e := b.Entry(1 + rnd.Intn(int(b.View().State().UIDNext))); e.File != "" && os.Remove(b.Folder.File(e)) == nil && rnd.Intn(2) == 0 {
						write(t, b.Folder.Path(), next, "")
						next++
					}
				}
				v, err := b.Mail().Sync(context.Background())
				if err != nil {
					t.Fatal(err)
				}
				find, late := b.News(v), b.Snapshot()
				switch rnd.Intn(4) {
				case 0:
					b.Fold(id, true)
				case 1:
					b.Remove(id)
				case 2:
					b.SetView(late.Arrange(context.Background()))
				}
				took, ok := b.TakeNews(find())
				if !ok { // another order came
					if took, ok = b.TakeNews(b.News(v)()); !ok {
						t.Fatalf("%s: news not taken", what)
					}
				}
				if took.Reset {
					t.Fatalf("%s: reset", what)
				}
				if took.Rows {
					arrange(b)
				}
			}
			check(t, b, what)
		}
	}
}

// some is what a selection of rows is.
func some(b *Box, rnd *rand.Rand) map[int]bool {
	shown := map[int]bool{}
	for i := range b.Rows().Len() {
		if rnd.Intn(4) == 0 {
			shown[b.Rows().ID(i)] = true
		}
	}
	return shown
}

func subjects(b *Box) (out []string) {
	r := b.Rows()
	for i := range r.Len() {
		out = append(out, r.Row(i).Subject.String())
	}
	return out
}

// TestFoldsStay unfolds a conversation, which more mail and a new order leave unfolded.
func TestFoldsStay(t *testing.T) {
	b := open(t, 9, Options{Threads: true})
	id := b.Rows().ID(1)
	if !b.Fold(id, true) || b.Rows().Len() != 5 {
		t.Fatalf("%d rows", b.Rows().Len())
	}
	write(t, b.Folder.Path(), 9, "")
	refresh(t, b)
	arrange(b)
	if got := b.Rows().Len(); got != 6 || !b.Unfolded(id) {
		t.Errorf("%d rows, unfolded %v", got, b.Unfolded(id))
	}
	b.FoldAll(true)
	b.Fold(id, false)
	arrange(b)
	if got := b.Rows().Len(); got != 8 || b.Unfolded(id) {
		t.Errorf("%d rows, unfolded %v", got, b.Unfolded(id))
	}
}

// TestRenamedByOthers follows a message whose flags another program changes.
func TestRenamedByOthers(t *testing.T) {
	b := open(t, 3, Options{})
	id := b.Rows().ID(0)
	e := b.Entry(id)
	if err := os.Rename(b.Folder.File(e), filepath.Join(b.Folder.Path(), "cur", e.Base()+":2,F")); err != nil {
		t.Fatal(err)
	}
	if b.Unseen(id) || b.Unread() != 0 {
		t.Fatal("unread before")
	}
	if took := refresh(t, b); took.Rows || took.Gone || took.News > 0 {
		t.Errorf("took %+v", took)
	}
	if row := b.Rows().Row(0); row.ID != id || !row.Unread || !row.Flagged || b.Unread() != 1 {
		t.Errorf("%+v, %d unread", row, b.Unread())
	}
}

// TestFutureDates puts mail that claims to come from the future where it came.
func TestFutureDates(t *testing.T) {
	for _, threads := range []bool{false, true} {
		b := open(t, 0, Options{Threads: threads, Now: func() time.Time { return now }})
		for i := range 6 {
			date := now.Add(time.Duration(i) * time.Minute)
			if i == 2 {
				date = date.AddDate(10, 0, 0)
			}
			name := filepath.Join(b.Folder.Path(), "cur", file(i))
			text := fmt.Sprintf("From: a@x\nSubject: n%d\nMessage-ID: <%d@x>\nDate: %s\n\nx\n", i, i, date.Format(time.RFC1123Z))
			if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			at := now.Add(time.Duration(i)*time.Minute + time.Second)
			if err := os.Chtimes(name, at, at); err != nil {
				t.Fatal(err)
			}
		}
		for _, oldest := range []bool{false, true} {
			want := []string{"n5", "n4", "n3", "n2", "n1", "n0"}
			if oldest {
				slices.Reverse(want)
			}
			refresh(t, b)
			b.SetOldest(oldest)
			arrange(b)
			if got := subjects(b); !slices.Equal(got, want) {
				t.Errorf("threads %v, oldest %v: %v", threads, oldest, got)
			}
		}
	}
}

// TestProvisional shows a folder that is not indexed yet: by arrival, what is in sight from files.
func TestProvisional(t *testing.T) {
	b := open(t, 450, Options{Threads: true})
	if b.View().State().Undigested != 450 {
		t.Fatalf("%d of 450 are not indexed", b.View().State().Undigested)
	}
	check(t, b, "from files")
	if row := b.Rows().Row(0); row.Loading || row.Subject.String() != "s149" || b.Rows().Len() != 450 {
		t.Errorf("first of %d: %+v", b.Rows().Len(), row)
	}
	if row := b.Rows().Row(200); !row.Loading {
		t.Error("a row out of sight was read")
	}
	arrange(b)
	check(t, b, "still from files")
	if err := b.Mail().Build(context.Background(), nil); err != nil {
		t.Fatal(err)
	}
	b.Take(b.Mail().View())
	b.order = b.Snapshot().provisional(context.Background())
	check(t, b, "with all known")
	if n := b.Rows().Len(); n != 150 {
		t.Errorf("%d rows, want 150 conversations", n)
	}
	arrange(b)
	check(t, b, "in order")
	if n := b.Rows().Len(); n != 150 {
		t.Errorf("%d rows, want 150", n)
	}
}

func limit(t *testing.T, b *Box, q string) Limit {
	t.Helper()
	query, err := search.Parse(q)
	if err != nil {
		t.Fatal(err)
	}
	set, err := b.View().Query(context.Background(), query)
	if err != nil {
		t.Fatal(err)
	}
	return Limit{Query: q, View: b.View(), Set: set}
}

func TestLimit(t *testing.T) {
	b := open(t, 60, Options{Threads: true})
	late := b.Snapshot().Arrange(context.Background())
	b.SetLimit(limit(t, b, "from:P1"))
	if b.SetView(late) {
		t.Error("took an order made before the limit")
	}
	arrange(b)
	if n := b.Rows().Len(); n != 12 {
		t.Errorf("%d rows, want 12", n)
	}
	write(t, b.Folder.Path(), 61, "")
	write(t, b.Folder.Path(), 62, "")
	was := b.Limit()
	refresh(t, b)
	l := limit(t, b, "from:P1")
	was.Carry(l)
	b.SetLimit(l)
	arrange(b)
	if n := b.Rows().Len(); n != 13 {
		t.Errorf("%d rows, want 13", n)
	}
	if row := b.NextIn(l, 0, 1); row != 1 {
		t.Errorf("the next one is in row %d", row)
	}
	if row := b.NextIn(l, 0, -1); row != 12 {
		t.Errorf("the one before is in row %d", row)
	}
	a := open(t, 3, Options{})
	if b.SetView(a.Snapshot().Arrange(context.Background())) {
		t.Error("took the order of another folder")
	}
}

// TestWorkStaysSmall counts what is allocated for a key and its frame: as much in a large folder as in a small one.
func TestWorkStaysSmall(t *testing.T) {
	work := func(n int) float64 {
		b := open(t, n, Options{Threads: true})
		if err := b.Mail().Build(context.Background(), nil); err != nil {
			t.Fatal(err)
		}
		b.Take(b.Mail().View())
		arrange(b)
		r, i := b.Rows(), 0
		return testing.AllocsPerRun(50, func() {
			id := r.ID(r.Len() / 2)
			b.Fold(id, true)
			for k := range 20 {
				_ = r.Row((r.Len()/2 + k))
			}
			_ = r.Find(id)
			b.Fold(id, false)
			b.Remove(id)
			b.Restore(id)
			i++
		})
	}
	small, large := work(90), work(900)
	if large > 1.5*small+20 {
		t.Errorf("%.0f allocations with 900 messages, %.0f with 90", large, small)
	}
}

func TestPerson(t *testing.T) {
	tests := []struct {
		in     message.Addr
		name   string
		short  string
		danger bool
	}{
		{message.Addr{Name: "Ada Lovelace", Addr: "ada@x.org"}, "Ada Lovelace", "Ada", false},
		{message.Addr{Name: "Lovelace, Ada", Addr: "ada@x.org"}, "Lovelace, Ada", "Ada", false},
		{message.Addr{Addr: "ada@x.org"}, "ada@x.org", "ada", false},
		{message.Addr{Name: "ada@x.org", Addr: "ada@x.org"}, "ada@x.org", "ada@x.org", false},
		{message.Addr{Name: "security@paypal.com", Addr: "m5@evil.example"}, `m5@evil.example "security@paypal.com"`, "m5@evil.example", true},
		{message.Addr{Name: "Ada @ work", Addr: "ada@x.org"}, "Ada @ work", "Ada", false},
		{message.Addr{Name: "\x1b[2Jx", Addr: "a@b"}, "[2Jx", "[2Jx", false},
	}
	for _, tt := range tests {
		name, short, danger := person(tt.in)
		if name.String() != tt.name || short.String() != tt.short || danger != tt.danger {
			t.Errorf("%+v is %q, %q, %v", tt.in, name.String(), short.String(), danger)
		}
	}
}

func TestPeopleFitTheirColumn(t *testing.T) {
	var heads []*Head
	for _, n := range []string{"Grace Hopper", "Linus Torvalds", "Zoë Ümlaut", "Ada Lovelace", "Grace Hopper", "Maximiliane Mustermann-Beispiel"} {
		heads = append(heads, NewHead(message.Summary{From: []message.Addr{{Name: n, Addr: n + "@x"}}}, Options{}, now))
	}
	for n := 2; n <= len(heads); n++ {
		if s := people(heads[:n]).String(); safe.Width(s) > peopleW+4 {
			t.Errorf("%q is too wide", s)
		}
	}
	if s := people(heads).String(); s != "Grace, Linus +3" {
		t.Errorf("people are %q", s)
	}
}
