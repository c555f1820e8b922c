package maildir

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	gomaildir "github.com/emersion/go-maildir"
)

// An independent implementation reads what we write, and we what it writes.
func TestInteropGoMaildir(t *testing.T) {
	f := newInbox(t)
	dir := gomaildir.Dir(f.Path())
	e := deliver(t, f, Delivery{Flags: "FS"}, letter)
	msg, err := dir.MessageByKey(e.Base())
	if err != nil {
		t.Fatal(err)
	}
	r, err := msg.Open()
	if err != nil {
		t.Fatal(err)
	}
	b, _ := io.ReadAll(r)
	r.Close()
	if string(b) != letter || len(msg.Flags()) != 2 {
		t.Errorf("it reads %q with %q", b, msg.Flags())
	}
	deliver(t, f, Delivery{}, letter)
	if unseen, err := dir.Unseen(); err != nil || len(unseen) != 1 {
		t.Errorf("unseen %v, %v", unseen, err)
	}
	their, w, err := dir.Create([]gomaildir.Flag{gomaildir.FlagReplied})
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(w, letter)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	got, err := f.Find(their.Key())
	if err != nil || got.Flags() != "R" {
		t.Fatalf("found %+v, %v", got, err)
	}
	if err := their.SetFlags([]gomaildir.Flag{gomaildir.FlagSeen}); err != nil {
		t.Fatal(err)
	}
	if got, err = f.SetFlags(got, "F", ""); err != nil || got.Flags() != "FS" {
		t.Errorf("flags after both: %+v, %v", got, err)
	}
	if list, err := f.List(); err != nil || len(list) != 3 {
		t.Errorf("list %v, %v", list, err)
	}
}

// Rules 9, 11, 12: deliverers, two flaggers and a reader at once; no message is
// lost, doubled or missing from any list.
func TestRule11ConcurrentRenames(t *testing.T) {
	f := newInbox(t)
	const n = 120
	for i := range n {
		put(t, f, fmt.Sprintf("cur/1%03d.old:2,", i), letter)
	}
	var wg, readers sync.WaitGroup
	stop := make(chan struct{})
	for k := range 2 {
		wg.Go(func() {
			for i := range n {
				deliver(t, f, Delivery{Name: fmt.Sprintf("2%d%03d.x", k, i)}, letter)
			}
		})
		wg.Go(func() {
			g, _ := At(f.Path())
			for i := range 4 * n {
				list, err := g.List()
				if err != nil || len(list) == 0 {
					t.Error(err)
					return
				}
				e := list[(i*7+k)%len(list)]
				if _, err := g.SetFlags(e, Flags("FS"[i%2:i%2+1]), Flags("SF"[i%2:i%2+1])); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	readers.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			list, err := f.List()
			if err != nil {
				t.Error(err)
				return
			}
			seen, old := map[string]bool{}, 0
			for _, e := range list {
				if seen[e.Base()] {
					t.Errorf("%s listed twice", e.Base())
				}
				seen[e.Base()] = true
				if strings.HasSuffix(e.Base(), ".old") {
					old++
				}
			}
			if old != n {
				t.Errorf("%d of %d messages listed", old, n)
			}
		}
	})
	wg.Wait()
	close(stop)
	readers.Wait()
	if list, err := f.List(); err != nil || len(list) != 3*n {
		t.Errorf("%d messages, want %d; %v", len(list), 3*n, err)
	}
}

func next(t *testing.T, events <-chan Event) Event {
	t.Helper()
	select {
	case ev, ok := <-events:
		if !ok {
			t.Fatal("the watch ended")
		}
		return ev
	case <-time.After(30 * time.Second):
		t.Fatal("no event")
	}
	return Event{}
}

func TestWatch(t *testing.T) {
	for _, how := range []string{"notify", "poll"} {
		t.Run(how, func(t *testing.T) {
			s := newStore(t)
			f, _ := s.Folder("INBOX")
			away := newFolder(t, s, "Away")
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			var events <-chan Event
			var err error
			if how == "notify" {
				events, err = f.Watch(ctx)
			} else {
				events, err = poll(ctx, []*Folder{f}, time.Millisecond)
			}
			if err != nil {
				t.Fatal(err)
			}
			e := deliver(t, f, Delivery{}, letter)
			if ev := next(t, events); ev.Kind != Added || ev.Entry != e || ev.Folder != f {
				t.Fatalf("after delivery: %+v", ev)
			}
			read, err := f.SetFlags(e, "S", "")
			if err != nil {
				t.Fatal(err)
			}
			if ev := next(t, events); ev.Kind != Changed || ev.Entry != read || ev.Old != e {
				t.Fatalf("after flags: %+v", ev)
			}
			moved, err := f.Move(read, away)
			if err != nil {
				t.Fatal(err)
			}
			if ev := next(t, events); ev.Kind != Gone || ev.Entry != read {
				t.Fatalf("after move: %+v", ev)
			}
			back, err := away.Move(moved, f)
			if err != nil {
				t.Fatal(err)
			}
			if ev := next(t, events); ev.Kind != Added || ev.Entry != back {
				t.Fatalf("moved back: %+v", ev)
			}
			os.Remove(f.File(back))
			if ev := next(t, events); ev.Kind != Gone || ev.Entry != back {
				t.Fatalf("after unlink: %+v", ev)
			}
			cancel()
			for range events {
			}
		})
	}
}

func BenchmarkList(b *testing.B) {
	f := newInbox(b)
	for i := range 100000 {
		name := fmt.Sprintf("%s/cur/%d.M%dP123Q7R0123456789abcdef.mail.example.org,S=%d,W=%d:2,S", f.Path(), 1600000000+i*7919%100000, i, 4000+i, 4100+i)
		if err := os.WriteFile(name, nil, 0o600); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		if list, err := f.List(); err != nil || len(list) != 100000 {
			b.Fatal(len(list), err)
		}
	}
}

// Rule 11: a directory that changes while it is read is read again.
func TestRule11Steady(t *testing.T) {
	f := newInbox(t)
	for _, many := range []bool{false, true} {
		if !many && !f.Fine() {
			continue // a change within one tick is told by the time only where it is fine
		}
		n := 0
		settled, err := steady(f.dir(false), func() error {
			if n++; n < 3 {
				put(t, f, fmt.Sprintf("cur/%v%d:2,", many, n), "x")
			}
			return nil
		}, func() bool { return many })
		if err != nil || !settled || n < 3 {
			t.Errorf("many %v: settled %v after %d readings, %v", many, settled, n, err)
		}
	}
	n := 0
	if settled, _ := steady(f.dir(false), func() error { n++; put(t, f, fmt.Sprintf("cur/x%d:2,", n), "x"); return nil }, func() bool { return true }); settled {
		t.Error("settled, although it never was the same twice")
	}
}
