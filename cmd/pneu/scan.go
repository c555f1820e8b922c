package main

import (
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"pneu/maildir/digest"
	"pneu/maildir/index"
	"pneu/maildir/message"
	"pneu/maildir/safe"
	"pneu/maildir/safe/who"
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
	defer p.close()
	t.idle = p.print
	t.lean = seq == nil && t.form == formPath
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

// markRow is marks of a message in an index.
func markRow(r *index.Listed, d digest.Digest) [3]byte {
	b := [3]byte{' ', ' ', ' '}
	switch {
	case r.InNew:
		b[0] = 'N'
	case !r.Flags.Has(index.Seen):
		b[0] = 'U'
	}
	if r.Flags.Has(index.Flagged) {
		b[1] = '!'
	}
	switch {
	case r.Flags.Has(index.Trashed):
		b[2] = 'T'
	case r.Flags.Has(index.Draft):
		b[2] = 'd'
	case r.Flags.Has(index.Replied):
		b[2] = 'r'
	case r.Flags.Has(index.Passed):
		b[2] = 'f'
	case d.Class()&digest.LikelyAttachment != 0:
		b[2] = '@'
	}
	return b
}

// marks are three columns: new or unread, flagged, and what was done or is enclosed.
func marks(m *msg) string {
	b := [3]byte{' ', ' ', ' '}
	switch {
	case m.f != nil && m.e.New:
		b[0] = 'N'
	case m.Unread():
		b[0] = 'U'
	}
	flags := m.Flags()
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
	case m.Summary().HasAttachment:
		b[2] = '@'
	}
	return string(b[:])
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
