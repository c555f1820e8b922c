package maildir

import (
	"context"
	"errors"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

// A consumer that sleeps while more happens than the kernel keeps is told so
// once, and of what comes after as ever.
func TestWatchOverflow(t *testing.T) {
	b, err := os.ReadFile("/proc/sys/fs/inotify/max_queued_events")
	limit, aerr := strconv.Atoi(strings.TrimSpace(string(b)))
	if err := errors.Join(err, aerr); err != nil || limit > 1<<17 {
		t.Skip("the kernel's queue is without limit here")
	}
	f := newInbox(t)
	put(t, f, "cur/1.a:2,", letter)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	events, err := f.Watch(ctx)
	if err != nil {
		t.Fatal(err)
	}
	names := [2]string{f.Path() + "/cur/1.a:2,", f.Path() + "/cur/1.a:2,S"}
	// Two records a rename; what the channel and one read hold comes on top.
	for i := range limit/2 + 3000 {
		if err := os.Rename(names[i%2], names[1-i%2]); err != nil {
			t.Fatal(err)
		}
	}
	overflows := 0
	for overflows == 0 {
		if ev := next(t, events); ev.Kind == Overflow {
			overflows++
			if ev.Folder != nil {
				t.Errorf("overflow of %s alone", ev.Folder.Name())
			}
		}
	}
	e := deliver(t, f, Delivery{}, letter)
	for {
		ev := next(t, events)
		if ev.Kind == Overflow {
			t.Error("a second overflow")
		}
		if ev.Kind == Added && ev.Entry == e {
			break
		}
	}
	cancel()
	for deadline := time.After(30 * time.Second); ; {
		select {
		case _, open := <-events:
			if !open {
				return
			}
		case <-deadline:
			t.Fatal("the watch does not end")
		}
	}
}

// A folder that is removed or renamed ends its watch with a word.
func TestWatchFolderGoes(t *testing.T) {
	for name, away := range map[string]func(dir string) error{
		"removed": os.RemoveAll,
		"renamed": func(dir string) error { return os.Rename(dir, dir+"er") },
	} {
		t.Run(name, func(t *testing.T) { watchGoes(t, away) })
	}
}

func watchGoes(t *testing.T, away func(dir string) error) {
	s := newStore(t)
	f := newFolder(t, s, "Away")
	events, err := f.Watch(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := away(f.Path()); err != nil {
		t.Fatal(err)
	}
	told := 0
	for deadline := time.After(30 * time.Second); ; {
		select {
		case ev, open := <-events:
			if !open {
				if told == 0 {
					t.Error("ended without a word")
				}
				return
			}
			if ev.Kind == Overflow && ev.Folder == f {
				told++
			}
		case <-deadline:
			t.Fatal("the watch goes on")
		}
	}
}

// A message that another program renames by link and unlink, as mutt does, is
// still there: its old name's going must not be the last word on it.
func TestWatchLinkAndUnlink(t *testing.T) {
	f := newInbox(t)
	put(t, f, "cur/1.a:2,", letter)
	events, err := f.Watch(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Link(f.Path()+"/cur/1.a:2,", f.Path()+"/cur/1.a:2,S"); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(f.Path() + "/cur/1.a:2,"); err != nil {
		t.Fatal(err)
	}
	known := map[string]Entry{"1.a": {File: "1.a:2,"}}
	for range 2 {
		switch ev := next(t, events); ev.Kind {
		case Gone:
			delete(known, ev.Entry.Base())
		case Added, Changed:
			known[ev.Entry.Base()] = ev.Entry
		}
		if known["1.a"].File == "1.a:2,S" {
			break
		}
	}
	select {
	case ev := <-events:
		if ev.Kind == Gone {
			delete(known, ev.Entry.Base())
		}
	case <-time.After(100 * time.Millisecond):
	}
	if known["1.a"].File != "1.a:2,S" {
		t.Errorf("a consumer that goes by bases knows %v", known)
	}
}
