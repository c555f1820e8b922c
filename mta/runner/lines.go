package runner

import (
	"context"

	"pneu/mta/queue"
)

// lines are the messages that are due and wait for room, in the order in which
// they came, a line for each destination.
type lines struct {
	ids    map[string]bool
	byDest map[string][]queue.Ref
}

// inUse is the line of messages that somebody else has locked; no destination
// has this name.
const inUse = "\x00"

func newLines() *lines { return &lines{map[string]bool{}, map[string][]queue.Ref{}} }

// add puts a message into the line of the first destination it waits for.
func (l *lines) add(ref queue.Ref, dests []string) {
	line := inUse
	if len(dests) > 0 {
		line = dests[0]
	}
	l.ids[ref.ID] = true
	l.byDest[line] = append(l.byDest[line], ref)
}

// serve starts what there is room for by now.
func (l *lines) serve(ctx, attempts context.Context, r *Runner) {
	type waiter struct {
		ref   queue.Ref
		dests []string
	}
	var back []waiter
	for dest, line := range l.byDest {
		for range len(line) {
			if ctx.Err() != nil || dest != inUse && !r.room(dest) {
				break
			}
			ref := line[0]
			line = line[1:]
			if r.inFlight(ref.ID) { // its other destinations are being tried
				line = append(line, ref)
				continue
			}
			delete(l.ids, ref.ID)
			dests := r.start(attempts, ref)
			if dests == nil {
				continue
			}
			back = append(back, waiter{ref, dests})
			if len(dests) > 0 && dests[0] == dest { // no room after all: other runners have it
				break
			}
		}
		if len(line) == 0 {
			delete(l.byDest, dest)
		} else {
			l.byDest[dest] = line
		}
	}
	for _, w := range back {
		l.add(w.ref, w.dests)
	}
}
