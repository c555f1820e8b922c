package index

import (
	"context"
	"time"

	"pneu/maildir"
)

// pollTime is how often a folder is looked at that tells nothing: over NFS, or on
// a system without notices.
const pollTime = 2 * time.Second

// recheck is how long after a wake-up the journal is looked at once more. A
// writer's last step makes no notice.
const recheck = 5 * time.Millisecond

// rescueEvery is how often an idle watcher sees whether the rescue copy is due.
const rescueEvery = time.Hour

// Watch keeps the index up to date and sends every new view, the newest only if
// the receiver is slow, until ctx ends; then the channel is closed. The first is
// sent at once. As long as it lasts, changes by other programs cost what they
// are, not what the folder is.
//
// There is one Watch at a time for an Index.
func (x *Index) Watch(ctx context.Context) (<-chan *View, error) {
	var l *listener
	if !x.remote() {
		l, _ = listen(x.f, true)
	}
	x.sync.mu.Lock()
	if x.sync.lingers {
		x.unlinger()
	}
	if x.sync.live != nil {
		x.sync.mu.Unlock()
		if l != nil {
			l.close()
		}
		return nil, errWatched
	}
	x.sync.live, x.sync.sure = l, false
	// The listener was there first: if the state is what the journal says, all
	// that follows is heard.
	if l != nil {
		if v, err := x.Refresh(); err == nil {
			if s, err := x.stamps(); err == nil {
				isNew, cur := v.State().Dir.agrees(s)
				x.sync.sure = isNew && cur
			}
		}
	}
	v, err := x.syncLocked(ctx)
	x.sync.mu.Unlock()
	if err != nil {
		x.unwatch(l)
		return nil, err
	}
	out := make(chan *View, 1)
	out <- v
	go func() {
		defer close(out)
		defer func() { x.unwatch(x.listening()) }()
		x.watch(ctx, v, out)
	}()
	return out, nil
}

var errWatched = watchError("index is watched already")

type watchError string

func (e watchError) Error() string { return string(e) }

func (x *Index) unwatch(l *listener) {
	if l == nil {
		return
	}
	x.sync.mu.Lock()
	defer x.sync.mu.Unlock()
	if x.sync.live == l {
		x.sync.live, x.sync.sure = nil, false
		l.close()
	}
}

// relisten has the directories listened to that are there now, if others were before. The
// caller holds sync.mu.
func (x *Index) relisten() {
	old := x.sync.live
	if old == nil || old.at(x.f) {
		return
	}
	if x.sync.lingers {
		x.unlinger()
		return
	}
	l, err := listen(x.f, true)
	if err != nil {
		x.sync.sure = false // there are none now, say; the next Sync tries again
		return
	}
	x.sync.live, x.sync.sure = l, false
	old.close() // wakes who waits
}

// listening returns the listener of Watch.
func (x *Index) listening() *listener {
	x.sync.mu.Lock()
	defer x.sync.mu.Unlock()
	if x.sync.lingers {
		return nil
	}
	return x.sync.live
}

func (x *Index) watch(ctx context.Context, last *View, out chan *View) {
	sleep := func(d time.Duration) bool {
		select {
		case <-ctx.Done():
			return false
		case <-time.After(d):
			return true
		}
	}
	again, saved := false, time.Now()
	for {
		l := x.listening()
		switch {
		case l == nil:
			if !sleep(pollTime) {
				return
			}
		default:
			wait := pollTime * 15
			if len(x.View().youngFiles()) > 0 {
				wait = youngAge
			}
			if again {
				wait = recheck
			}
			// Whoever else calls Sync may drain what woke us: so views are compared,
			// not notices counted.
			err := l.wait(ctx, wait)
			if ctx.Err() != nil {
				return
			}
			if err != nil && l == x.listening() && !sleep(pollTime) {
				return
			}
			again = !again && err == nil
		}
		v, err := x.Sync(ctx)
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			x.logOnce("not up to date", "err", err)
			if !sleep(pollTime) {
				return
			}
			continue
		}
		if v == last || sameState(v, last) {
			if time.Since(saved) > rescueEvery {
				saved = time.Now()
				x.keepRescue(v)
			}
			continue
		}
		last = v
		select {
		case <-out: // what was not taken yet is old
		default:
		}
		out <- v // cap 1, and we are the only sender
	}
}

// sameState reports whether nothing a watcher could show is different.
func sameState(a, b *View) bool {
	s, t := a.State(), b.State()
	s.Dir, t.Dir = DirState{}, DirState{}
	return s == t
}

var _ maildir.Observer = (*observer)(nil)
