package tui

import (
	"context"
	"sync/atomic"

	"pneu/tui/term"
)

// jobs runs work outside the loop: at most four at a time read files, and a new job cancels the older one of the
// same key, whose result would come too late anyway.
type jobs struct {
	ctx    context.Context
	stop   context.CancelFunc
	cancel map[string]context.CancelFunc
	disk   chan struct{}
	idle   atomic.Int32  // commands that wait for what others do
	post   chan struct{} // one at a time: changes to mail, in the order they were asked for
}

func newJobs() *jobs {
	ctx, stop := context.WithCancel(context.Background())
	return &jobs{ctx: ctx, stop: stop, cancel: map[string]context.CancelFunc{}, disk: make(chan struct{}, 4), post: make(chan struct{}, 1)}
}

// run makes a command of f.
func (j *jobs) run(key string, f func(ctx context.Context) term.Msg) term.Cmd {
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
		select {
		case j.disk <- struct{}{}:
		case <-ctx.Done():
			return nil
		}
		defer func() { <-j.disk }()
		if ctx.Err() != nil {
			return nil
		}
		return f(ctx)
	}
}

// change makes a command of f, which changes mail: it is never cancelled, and changes do not overtake each other.
func (j *jobs) change(f func() term.Msg) term.Cmd {
	return func() term.Msg {
		j.post <- struct{}{}
		defer func() { <-j.post }()
		return f()
	}
}

// drop cancels the job of that key.
func (j *jobs) drop(key string) {
	if c := j.cancel[key]; c != nil {
		c()
		delete(j.cancel, key)
	}
}
