package tui

import (
	"context"
	"fmt"
	"time"

	"pneu/tui/folders"
	"pneu/tui/queueview"
	"pneu/tui/term"
)

// queued is the queue as it is now.
type queued struct {
	items []queueview.Item
	err   error
}

const queueTimeout = 5 * time.Second

func (a *App) pollQueue() term.Cmd {
	q := a.opt.Queue
	if q == nil {
		return nil
	}
	return a.jobs.run("queue", func(ctx context.Context) term.Msg {
		ctx, stop := context.WithTimeout(ctx, queueTimeout)
		defer stop()
		items, err := q.List(ctx)
		if err != nil && ctx.Err() == context.Canceled {
			return nil
		}
		return queued{items, err}
	})
}

func (a *App) queued(q queued) {
	a.queue.Set(q.items, q.err)
	if q.err != nil {
		a.sidebar.Out = folders.Outgoing{}
		return
	}
	w, h, d, f := a.queue.Counts()
	a.sidebar.Out = folders.Outgoing{Known: true, Waiting: w, Held: h, Deferred: d, Failed: f}
}

func (a *App) openQueue() term.Cmd {
	if a.opt.Queue == nil {
		a.say("no queue here: qrun was not found")
		return nil
	}
	if a.screen != queueScreen {
		a.enter(queueScreen)
	}
	return a.pollQueue()
}

// queueDo works on the message under the cursor.
func (a *App) queueDo(what string) term.Cmd {
	it, ok := a.queue.Current()
	if !ok {
		return nil
	}
	q := a.opt.Queue
	do, done := q.Try, "Trying"
	switch {
	case what == "remove":
		a.ask(fmt.Sprintf("Cancel %s? What was not delivered yet never will be. y or n", it.ID), func(s string) term.Cmd {
			if s != "y" && s != "yes" {
				return nil
			}
			return a.queueRun(it.ID, q.Remove, "Cancelled")
		})
		return nil
	case what == "hold" && it.State == "held":
		do, done = q.Release, "Released"
	case what == "hold":
		do, done = q.Hold, "Held"
	}
	return a.queueRun(it.ID, do, done)
}

func (a *App) queueRun(id string, do func(string) error, done string) term.Cmd {
	a.say("asking ...")
	return a.jobs.change(func() term.Msg {
		err := do(id)
		return func(a *App) term.Cmd {
			if err != nil {
				a.fail(err)
			} else {
				a.say("%s %s", done, id)
			}
			return a.pollQueue()
		}
	})
}
