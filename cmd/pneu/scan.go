package main

import (
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"pneu/maildir"
	"pneu/maildir/digest"
	"pneu/maildir/message"
	"pneu/maildir/safe"
	"pneu/maildir/safe/who"
	"pneu/maildir/store"
)

func scanVerb() *cli.Command {
	return &cli.Command{
		Name: "scan", Usage: "print one line a message", ArgsUsage: "[MESSAGE...]",
		Flags:  outputFlags(colourFlag()),
		Action: verb(scan),
	}
}

// scan prints the list. What came through a pipe becomes the session's sequence, if there
// is a session, so that the numbers printed mean something.
func scan(t *tool) error {
	args := t.c.Args().Slice()
	w, colour, n := t.width(), t.colour(), 0
	now := time.Now()
	var seq *sequenceFile
	if len(args) == 0 {
		if file, ok := t.in.(*os.File); !ok || !isTerminal(file) {
			if name, err := sessionFile(); err == nil {
				seq = newSequence(name)
				defer seq.drop()
			}
		}
	}
	p := newPage(t, w, now, colour)
	defer p.end()
	t.idle = p.print
	err := t.eachRef(args, wholeSequence, func(r *ref) error {
		n++
		if seq != nil {
			seq.add(r.path)
		}
		if t.form != formPath {
			return t.emitRef(r)
		}
		num := int(r.num)
		if num == 0 {
			num = n
		}
		return p.add(r, num)
	})
	t.idle = nil
	if perr := p.print(); err == nil {
		err = perr
	}
	if err == nil && seq != nil && n > 0 {
		err = seq.store()
	}
	return err
}

// scanLine is number, flags, date, sender, subject in w columns.
func scanLine(m *msg, num, w int, now time.Time) string {
	s := m.Summary()
	subject := subjectLine(s.Subject)
	left := fmt.Sprintf("%4d %s %s %s  ", num, marks(m), shortDate(m.Date(), now), safe.Pad(sender(s.From), min(20, w/4)))
	indent := strings.Repeat("  ", min(m.depth, 4))
	return strings.TrimRight(left+safe.Truncate(indent+subject, max(w-safe.Width(left), 10)), " ")
}

func subjectLine(s string) string {
	if s = safe.Line(s).String(); strings.TrimSpace(s) == "" {
		return "(no subject)"
	}
	return s
}

// unread is msg.Unread.
func (r *ref) unread() bool {
	if r.v != nil {
		return r.v.Row(int(r.n)).Unread()
	}
	return r.msg().Unread()
}

// marks is marks of a message in an index.
func (r *ref) marks(d digest.Digest) [3]byte {
	flags := r.v.Index().Flags(int(r.n))
	return markFlags(r.v.Index().InNew(int(r.n)), !flags.Has(store.Seen), flags.Maildir(), func() bool { return d.Class()&digest.LikelyAttachment != 0 })
}

// marks are three columns: new or unread, flagged, and what was done or is enclosed.
func marks(m *msg) string {
	b := markFlags(m.f != nil && m.e.New, m.Unread(), m.Flags(), func() bool { return m.Summary().HasAttachment })
	return string(b[:])
}

func markFlags(isNew, unread bool, flags maildir.Flags, attachment func() bool) [3]byte {
	b := [3]byte{' ', ' ', ' '}
	switch {
	case isNew:
		b[0] = 'N'
	case unread:
		b[0] = 'U'
	}
	if flags.Has('F') {
		b[1] = '!'
	}
	switch {
	case flags.Has('T'):
		b[2] = 'T'
	case flags.Has('D'):
		b[2] = 'd'
	case flags.Has('R'):
		b[2] = 'r'
	case flags.Has('P'):
		b[2] = 'f'
	case attachment():
		b[2] = '@'
	}
	return b
}

// deceives stands before a sender whose name or address is made to be taken for another one.
const deceives = "! "

// sender names the first of the senders, by address where the name deceives.
func sender(list []message.Addr) string {
	if len(list) == 0 {
		return "(nobody)"
	}
	t, warn := who.From(list[0].Name, list[0].Addr)
	if warn {
		return deceives + t.String()
	}
	return t.String()
}

// shortDate is six columns: the time today, the day of the week in the last six days,
// month and day in the last half year, else year and month.
func shortDate(d, now time.Time) string {
	if d.IsZero() {
		return "     -"
	}
	d = d.In(now.Location())
	day := func(t time.Time) time.Time {
		return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)
	}
	ago := int(day(now).Sub(day(d)).Hours() / 24)
	switch {
	case ago == 0:
		return " " + d.Format("15:04")
	case ago > 0 && ago < 7:
		return "   " + d.Format("Mon")
	case ago > 0 && ago < 180:
		return d.Format("Jan _2")
	}
	return fmt.Sprintf("%6s", d.Format("06-01"))
}
