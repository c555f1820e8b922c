package tui

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"pneu/maildir"
	"pneu/maildir/message"
	"pneu/tui/store"
	"pneu/tui/term"
)

// million is a folder of made-up messages, headers known, as the screen holds it.
func million(t testing.TB, n int) *rig {
	r := newRig(t, rigOptions{w: 200, h: 50})
	entries := make([]maildir.Entry, n)
	for i := range entries {
		entries[i] = maildir.Entry{File: fmt.Sprintf("%d.M%dP1.made:2,S", clock.Unix()-int64(n-i), i)}
	}
	box := store.FromEntries(r.a.box.Folder, entries, store.Options{Now: r.now, Threads: true})
	ids, heads := make([]int, n), make([]*store.Head, n)
	for i := range ids {
		ids[i] = i
		s := message.Summary{From: []message.Addr{{Name: "Ada Lovelace", Addr: "ada@example.org"}}, Subject: fmt.Sprintf("subject %d", i/3), MessageID: fmt.Sprint(i, "@made"), Date: clock.Add(-time.Duration(n-i) * time.Second)}
		if i%3 != 0 {
			s.References = []string{fmt.Sprint(i-i%3, "@made")}
		}
		heads[i] = store.NewHead(s, store.Options{Now: r.now}, clock)
	}
	box.Apply(store.Read{Serial: box.Serial, IDs: ids, Heads: heads})
	box.SetView(box.Snapshot().Arrange())
	r.a.box = box
	r.a.list.Reset(box.Rows())
	r.a.after = func(time.Duration, term.Msg) term.Cmd { return nil }
	r.a.View()
	return r
}

// BenchmarkUpdateView is one key and the frame after it, in a folder of a million.
func BenchmarkUpdateView(b *testing.B) {
	r := million(b, 1_000_000)
	for _, k := range []string{"j", "pgdown", "G", "F"} {
		b.Run(k, func(b *testing.B) {
			for b.Loop() {
				key := term.Named(k)
				if len(k) == 1 {
					key = term.Rune(rune(k[0]))
				}
				r.a.status = status{}
				if k == "F" {
					r.a.list.Move(-1)
					_ = r.a.about([]int{r.a.list.Current()})
				} else {
					_ = r.a.Update(key)
				}
				_ = r.a.View()
			}
		})
	}
}

// TestUpdateBudget holds Update and View to a few milliseconds with 300,000 messages.
func TestUpdateBudget(t *testing.T) {
	if testing.Short() {
		t.Skip("makes a large folder")
	}
	r := million(t, 300_000/slower)
	const steps = 300
	var worst, sum time.Duration
	for i := range steps {
		began := time.Now()
		for _, k := range []string{"j", "G", "g", "g", "pgdown", "z", "a", "z", "a"} {
			key := term.Named(k)
			if len(k) == 1 {
				key = term.Rune(rune(k[0]))
			}
			if k == "z" && i%50 != 0 || k == "a" && i%50 != 0 {
				continue
			}
			_ = r.a.Update(key)
			_ = r.a.View()
		}
		d := time.Since(began)
		sum += d
		worst = max(worst, d)
	}
	if mean := sum / steps; mean > 15*time.Millisecond*slower {
		t.Errorf("%v for five keys and frames on average, worst %v", mean, worst)
	}
}

// TestFirstScreen opens a Maildir of 10,000 messages.
func TestFirstScreen(t *testing.T) {
	if testing.Short() || slower > 1 {
		t.Skip("writes 10,000 files")
	}
	dir := filepath.Join(t.TempDir(), "Maildir")
	st, err := maildir.Create(dir)
	if err != nil {
		t.Fatal(err)
	}
	var first string
	for i := range 10_000 {
		at := clock.Add(-time.Duration(10_000-i) * time.Minute)
		name := filepath.Join(dir, "cur", fmt.Sprintf("%d.M%dP1.made:2,S", at.Unix(), i))
		if i > 0 && i < 9000 { // far from the first rows
			if err := os.Link(first, name); err != nil {
				t.Fatal(err)
			}
			continue
		}
		first = name
		text := fmt.Sprintf("From: Ada %d <ada@example.org>\nSubject: number %d\nDate: %s\nMessage-ID: <%d@made>\n\ntext\n", i, i, at.Format(time.RFC1123Z), i)
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	f, err := st.Folder("INBOX")
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	o := store.Open(f, store.Options{Now: func() time.Time { return clock }, Threads: true}, 50)
	if o.Err != nil {
		t.Fatal(o.Err)
	}
	row := o.Box.Rows().Row(0)
	d := time.Since(began)
	if row.Subject.String() != "number 9999" || o.Box.Len() != 10_000 {
		t.Errorf("first row %q of %d", row.Subject.String(), o.Box.Len())
	}
	if d > 250*time.Millisecond*slower {
		t.Errorf("the first rows took %v", d)
	}
	t.Logf("first rows after %v", d)
}
