package maildir

import (
	"context"
	"time"
)

// An EventKind says what befell a message.
type EventKind int

const (
	// Added: Entry has come into the folder.
	Added EventKind = iota
	// Gone: Entry has left it.
	Gone
	// Changed: Old is now called Entry (flags, or new/ to cur/).
	Changed
	// Overflow: events were lost, or cannot be had any longer; list the folder
	// again. Folder is nil if it concerns all of them.
	Overflow
)

// String returns the kind's name.
func (k EventKind) String() string {
	switch k {
	case Added:
		return "added"
	case Gone:
		return "gone"
	case Changed:
		return "changed"
	case Overflow:
		return "overflow"
	}
	return "unknown"
}

// An Event is one change in a watched folder.
type Event struct {
	Kind   EventKind
	Folder *Folder
	Entry  Entry
	Old    Entry // of Changed
}

// pollEvery is how often folders are listed where the system tells no changes.
const pollEvery = 2 * time.Second

// Watch reports changes in the folder until ctx ends; then the channel is
// closed. What happens after Watch has returned is not missed: list the folder
// afterwards and no change falls between.
func (f *Folder) Watch(ctx context.Context) (<-chan Event, error) { return Watch(ctx, f) }

// Watch watches several folders with one instance of the kernel's facility, of
// which a user has only a hundred or so.
func Watch(ctx context.Context, folders ...*Folder) (<-chan Event, error) {
	events, err := notify(ctx, folders)
	if err == nil {
		return events, nil
	}
	return poll(ctx, folders, pollEvery)
}

// poll compares lists. It is what remains on systems and file systems without
// notices (NFS tells nothing of other machines' changes).
func poll(ctx context.Context, folders []*Folder, every time.Duration) (<-chan Event, error) {
	known := make([]map[string]Entry, len(folders))
	for i, f := range folders {
		list, err := f.List()
		if err != nil {
			return nil, err
		}
		known[i] = index(list)
	}
	out := make(chan Event, 64)
	go func() {
		defer close(out)
		tick := time.NewTicker(every)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			for i, f := range folders {
				list, err := f.List()
				if err != nil {
					send(ctx, out, Event{Kind: Overflow, Folder: f})
					return
				}
				now := index(list)
				for _, ev := range compare(f, known[i], now, list) {
					if !send(ctx, out, ev) {
						return
					}
				}
				known[i] = now
			}
		}
	}()
	return out, nil
}

func index(list []Entry) map[string]Entry {
	m := make(map[string]Entry, len(list))
	for _, e := range list {
		m[e.Base()] = e
	}
	return m
}

// compare lists what changed from was to now; order gives the order of now.
func compare(f *Folder, was, now map[string]Entry, order []Entry) []Event {
	var out []Event
	for base, e := range was {
		if _, still := now[base]; !still {
			out = append(out, Event{Kind: Gone, Folder: f, Entry: e})
		}
	}
	for _, e := range order {
		old, known := was[e.Base()]
		switch {
		case !known:
			out = append(out, Event{Kind: Added, Folder: f, Entry: e})
		case old != e:
			out = append(out, Event{Kind: Changed, Folder: f, Entry: e, Old: old})
		}
	}
	return out
}

func send(ctx context.Context, out chan<- Event, ev Event) bool {
	select {
	case out <- ev:
		return true
	case <-ctx.Done():
		return false
	}
}
