package runner

import (
	"context"
	"errors"
	"time"

	"pneu/mta/queue"
)

// Pass tries everything that is due, once, and what that brought about
// (reports, forwarded mail), and returns when it is done. A destination kept
// busy by other runners is left to them.
func (r *Runner) Pass(ctx context.Context) error { return r.loop(ctx, true) }

// Serve works until ctx is done: woken by whoever accepts mail, by the time the
// next message is due, and every Rescan. Attempts in flight are then finished,
// for StopWait at most.
func (r *Runner) Serve(ctx context.Context) error { return r.loop(ctx, false) }

// Try makes a pass over the messages named alone.
func (r *Runner) Try(ctx context.Context, ids []string) error {
	r.only = map[string]bool{}
	for _, id := range ids {
		r.only[id] = true
	}
	return r.loop(ctx, true)
}

// patience is how long a pass waits for messages and destinations that others
// keep busy.
const patience = 2 * time.Second

func (r *Runner) loop(ctx context.Context, once bool) error {
	attempts, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	woken := make(chan struct{}, 1)
	if !once {
		go r.listen(ctx, woken)
	}
	var (
		seen    = map[string]bool{} // once: tried in this pass
		waiting = newLines()
		scan    = true
		next    time.Time // when the next message is due, or to look again
		idle    time.Time // once: since when nothing of ours is in flight
		woke    bool      // somebody said that there is new mail
		again   time.Time // not to look before, however often
		failure error
	)
	for ctx.Err() == nil {
		if scan {
			start := time.Now()
			if n, err := r.spool.AdoptDrops(); err != nil {
				r.log.Warn("adopt drops", "error", err)
			} else if n > 0 {
				r.log.Debug("adopted drops", "count", n)
			}
			if err := r.spool.Tidy(24 * time.Hour); err != nil {
				r.log.Warn("tidy", "error", err)
			}
			now := r.opt.Now()
			woke = false // whoever wakes us from here on may have missed this look
			refs, err := r.spool.Due(now.Add(r.opt.Rescan))
			again = time.Now().Add(max(5*time.Millisecond, 4*time.Since(start))) // a fifth of the time at most
			if err != nil {
				if once {
					failure = err
					break
				}
				r.log.Error("look into the spool", "error", err)
			}
			next = now.Add(r.opt.Rescan)
			for i, ref := range refs {
				if ctx.Err() != nil {
					break
				}
				switch {
				case ref.Held || waiting.ids[ref.ID] || r.only != nil && !r.only[ref.ID] || once && seen[ref.ID] || r.inFlight(ref.ID):
				case ref.Next.After(now):
					if ref.Next.Before(next) {
						next = ref.Next
					}
				default:
					if once {
						seen[ref.ID] = true
					}
					if dests := r.start(attempts, ref); dests != nil {
						waiting.add(ref, dests)
					}
				}
				if i%32 == 31 { // a long list must not let those in line wait
					waiting.serve(ctx, attempts, r)
				}
			}
			scan = false
		}
		waiting.serve(ctx, attempts, r) // after a look too: where one takes as long as Rescan, there is nothing else
		next = r.soonest(next)
		flying := r.flying()
		if flying > 0 {
			idle = time.Time{}
		} else if idle.IsZero() {
			idle = time.Now()
		}
		if once && flying == 0 {
			if len(waiting.ids) == 0 && r.quiet(seen) {
				break
			}
			if len(waiting.ids) > 0 && time.Since(idle) > patience {
				r.log.Debug("left to other runners", "messages", len(waiting.ids))
				break
			}
			scan = len(waiting.ids) == 0
		}
		if scan {
			continue
		}
		wait := next.Sub(r.opt.Now())
		if len(waiting.ids) > 0 { // other runners' slots come free without a sign
			wait = min(wait, 200*time.Millisecond)
		}
		if once {
			wait = min(wait, time.Second)
		}
		if woke {
			wait = min(wait, time.Until(again))
		}
		timer := time.NewTimer(max(wait, time.Millisecond))
		select {
		case <-ctx.Done():
		case <-r.done:
			// Local deliveries and bounces leave new mail behind; in a pass the end looks for it.
		case <-woken:
			woke = true
		case <-timer.C:
		}
		timer.Stop()
		scan = !once && !r.opt.Now().Before(next) || woke && !time.Now().Before(again)
	}
	r.finish(cancel)
	return failure
}

// quiet reports whether nothing is due that this pass has not seen.
func (r *Runner) quiet(seen map[string]bool) bool {
	if n, err := r.spool.AdoptDrops(); n > 0 && err == nil {
		return false
	}
	refs, err := r.spool.Due(r.opt.Now())
	if err != nil {
		return true
	}
	for _, ref := range refs {
		if !ref.Held && !seen[ref.ID] && (r.only == nil || r.only[ref.ID]) {
			return false
		}
	}
	return true
}

// finish lets attempts in flight end, and ends them when their time is over.
func (r *Runner) finish(cancel func()) {
	ended := make(chan struct{})
	go func() {
		r.work.Wait()
		close(ended)
	}()
	select {
	case <-ended:
	case <-time.After(r.opt.StopWait):
		r.log.Warn("stopping attempts in flight", "count", r.flying())
		cancel()
		<-ended
	}
}

// listen passes on the spool's wake-ups. If they cannot be had, the timer does
// the work alone.
func (r *Runner) listen(ctx context.Context, woken chan<- struct{}) {
	w := r.spool.Waiter()
	defer w.Close()
	for ctx.Err() == nil {
		if w.Wait(ctx, time.Hour) == nil {
			select {
			case woken <- struct{}{}:
			default: // one is on its way already
			}
			sleep(ctx, 2*time.Millisecond) // many come together
		}
	}
}

func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// start begins work on a message. What it returns is nil unless the message has
// to wait: then it names the destinations without room, or is empty if the
// message itself is in use.
func (r *Runner) start(ctx context.Context, ref queue.Ref) (waits []string) {
	m, err := r.spool.Lock(ref.ID)
	switch {
	case errors.Is(err, queue.ErrBusy): // another's, or just being committed
		return []string{}
	case errors.Is(err, queue.ErrGone):
		return nil
	case errors.Is(err, queue.ErrDamaged):
		r.log.Error("damaged message put aside", "qid", ref.ID, "error", err)
		return nil
	case err != nil:
		r.log.Error("open message", "qid", ref.ID, "error", err)
		return nil
	}
	j := &job{r: r, m: m, now: r.opt.Now()}
	waits = j.plan()
	if len(j.groups) == 0 && !j.changed {
		m.Close()
		return waits
	}
	if len(j.groups) == 0 { // nothing to wait for
		j.run(ctx)
		return waits
	}
	r.mu.Lock()
	r.busy[ref.ID] = true
	r.mu.Unlock()
	r.work.Go(func() {
		j.run(ctx)
		r.mu.Lock()
		delete(r.busy, ref.ID)
		r.mu.Unlock()
		r.poke()
	})
	return waits
}

func (r *Runner) poke() {
	select {
	case r.done <- struct{}{}:
	default:
	}
}

func (r *Runner) inFlight(id string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.busy[id]
}

func (r *Runner) flying() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.busy)
}

// room reports whether an attempt at a destination may be possible as far as
// this process knows.
func (r *Runner) room(dest string) bool {
	if dest == here {
		return len(r.local) < cap(r.local)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.remote) < cap(r.remote) && r.conns[dest] < r.opt.PerDestination
}

// expect notes when a message of ours is due again.
func (r *Runner) expect(t time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.soon.IsZero() || t.Before(r.soon) {
		r.soon = t
	}
}

// soonest returns the earlier of t and what was expected since the last call.
func (r *Runner) soonest(t time.Time) time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.soon.IsZero() && r.soon.Before(t) {
		t = r.soon
	}
	r.soon = time.Time{}
	return t
}
