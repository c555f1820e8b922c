package tui

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"pneu/tui/term"
)

// jobs runs work outside the loop: at most four at a time read files, and a new job cancels the older one of the
// same key, whose result would come too late anyway.
type jobs struct {
	ctx    context.Context
	stop   context.CancelFunc
	cancel map[string]context.CancelFunc
	disk   chan struct{}
	idle   atomic.Int32 // commands that wait for what others do

	mu    sync.Mutex
	turn  *sync.Cond
	asked int // changes to mail so far
	done  int // of them
}

func newJobs() *jobs {
	ctx, stop := context.WithCancel(context.Background())
	j := &jobs{ctx: ctx, stop: stop, cancel: map[string]context.CancelFunc{}, disk: make(chan struct{}, 4)}
	j.turn = sync.NewCond(&j.mu)
	return j
}

// long is run for what may take minutes, and takes nobody's turn.
func (j *jobs) long(key string, f func(ctx context.Context) term.Msg) term.Cmd {
	return j.job(key, false, f)
}

// run makes a command of f.
func (j *jobs) run(key string, f func(ctx context.Context) term.Msg) term.Cmd {
	return j.job(key, true, f)
}

func (j *jobs) job(key string, queue bool, f func(ctx context.Context) term.Msg) term.Cmd {
	ctx := j.ctx
	if key != "" {
		if c := j.cancel[key]; c != nil {
			c()
		}
		var c context.CancelFunc
		ctx, c = context.WithCancel(j.ctx)
		j.cancel[key] = c
	}
	return func() term.Msg {
		if queue {
			select {
			case j.disk <- struct{}{}:
			case <-ctx.Done():
				return nil
			}
			defer func() { <-j.disk }()
		}
		if ctx.Err() != nil {
			return nil
		}
		return f(ctx)
	}
}

// change makes a command of f, which changes mail. It is never cancelled, and changes are made in the order they were
// asked for, whichever command is started first: "d" and "u" typed at once undo that "d". So the command must be run.
func (j *jobs) change(f func() term.Msg) term.Cmd {
	j.mu.Lock()
	j.asked++
	mine := j.asked
	j.mu.Unlock()
	return func() term.Msg {
		j.mu.Lock()
		for j.done != mine-1 {
			j.turn.Wait()
		}
		j.mu.Unlock()
		defer func() {
			j.mu.Lock()
			j.done = mine
			j.mu.Unlock()
			j.turn.Broadcast()
		}()
		return f()
	}
}

// settle waits until the changes asked for are made, but not longer than d.
func (j *jobs) settle(d time.Duration) {
	for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		j.mu.Lock()
		all := j.done == j.asked
		j.mu.Unlock()
		if all {
			return
		}
	}
}

// changing reports whether changes that were asked for are still to be made.
func (j *jobs) changing() bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.done != j.asked
}

// drop cancels the job of that key.
func (j *jobs) drop(key string) {
	if c := j.cancel[key]; c != nil {
		c()
		delete(j.cancel, key)
	}
}
