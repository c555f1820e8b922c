package tui

import (
	"context"
	"log/slog"

	"pneu/maildir/safe"
	"pneu/tui/look"
	"pneu/tui/term"
)

// Notices takes what the Store finds worth a warning, for the screen: as a slog.Handler.
type Notices struct {
	c     chan notice
	attrs []slog.Attr
}

// A notice is short for the screen, and whole for the log.
type notice struct{ short, full safe.Text }

// NewNotices returns an empty one.
func NewNotices() *Notices { return &Notices{c: make(chan notice, 64)} }

// Enabled reports whether a line is of interest.
func (n *Notices) Enabled(_ context.Context, l slog.Level) bool { return l >= slog.LevelWarn }

// Handle takes a line. One too many is dropped.
func (n *Notices) Handle(_ context.Context, r slog.Record) error {
	s, full := r.Message, r.Message
	add := func(at slog.Attr) bool {
		switch at.Key {
		case "folder", "err":
			full += ": " + at.Value.String()
			if err, ok := at.Value.Any().(error); ok {
				s += ": " + reason(err).Error()
			} else {
				s += ": " + at.Value.String()
			}
		}
		return true
	}
	for _, at := range n.attrs {
		add(at)
	}
	r.Attrs(add)
	select {
	case n.c <- notice{look.T(s), look.T(full)}:
	default:
	}
	return nil
}

// WithAttrs returns a Handler for lines that all have these attributes.
func (n *Notices) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &Notices{n.c, append(append([]slog.Attr(nil), n.attrs...), attrs...)}
}

// WithGroup returns n: groups say nothing here.
func (n *Notices) WithGroup(string) slog.Handler { return n }

// noticed is one of them.
type noticed struct {
	notice
	more term.Cmd
}

// next waits for one.
func (n *Notices) next(j *jobs) term.Cmd {
	if n == nil {
		return nil
	}
	return func() term.Msg {
		j.idle.Add(1)
		defer j.idle.Add(-1)
		select {
		case t := <-n.c:
			return noticed{t, n.next(j)}
		case <-j.ctx.Done():
			return nil
		}
	}
}

func (a *App) noticed(n noticed) term.Cmd {
	a.record(n.full)
	if !a.status.notice { // the first one says what is wrong, the others what follows from it; gL has all
		a.note("%s   gL says more", n.short.String())
		a.status.notice = a.status.auto
	}
	return n.more
}
