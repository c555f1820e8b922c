package tui

import (
	"errors"
	"time"

	"pneu/maildir"
	"pneu/maildir/safe"
	"pneu/tui/look"
)

// A status is the result of the latest action. It stays until the next one: people miss what vanishes by itself.
type status struct {
	text safe.Text
	err  bool
	undo bool // u takes it back
	auto bool // nobody's action: gives way to anything
	// notice is of a folder being opened: opening it does not push it away.
	notice bool
}

func (a *App) say(format look.Lit, args ...any) {
	a.status = status{text: look.Tf(format, args...)}
}

// note is say for what nobody did: it does not push away a result.
func (a *App) note(format look.Lit, args ...any) {
	if a.status.text.String() == "" || a.status.auto {
		a.status = status{text: look.Tf(format, args...), auto: true}
	}
}

// fail shows an error and keeps it for the log.
func (a *App) fail(err error) {
	t := look.T(err.Error())
	a.record(t)
	if errors.Is(err, maildir.ErrGone) {
		t = look.T("the message is gone: another program moved or deleted it")
	}
	a.status = status{text: t, err: true}
}

// record keeps a line for the log.
func (a *App) record(t safe.Text) {
	a.log = append(a.log, logged{a.opt.Now(), t})
	if len(a.log) > 500 {
		a.log = a.log[len(a.log)-500:]
	}
}

type logged struct {
	at   time.Time
	text safe.Text
}

// undoW is the width of what says that u takes it back.
const undoW = len("   u undo")

// drawStatus puts the latest result on the line. A long one is cut, what u does is not.
func (a *App) drawStatus(l *look.Line) {
	t := a.theme
	if s := a.sending; s != nil {
		left := time.Duration(0)
		if left = s.deadline.Sub(a.opt.Now()); left > 0 {
			l.F(t.Toast, "Sending to %s in %s", s.to, look.Age(left+time.Second-time.Nanosecond))
			l.Lit(t.Key, "   u ").Lit(t.Hint, "unsend")
			return
		}
	}
	switch {
	case a.status.err:
		l.Lit(t.Error, "error: ").Add(t.Error&^look.Bold, a.status.text)
	default:
		leave := 0
		if a.status.undo {
			leave = undoW
		}
		l.Cell(t.Toast, a.status.text, min(safe.Width(a.status.text.String()), max(0, l.Room()-leave)))
		if a.status.undo {
			l.Lit(t.Key, "   u ").Lit(t.Hint, "undo")
		}
	}
}
