package list

import (
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"pneu/maildir/safe"
	"pneu/tui/look"
)

// Columns: cursor, unread or selected, state, seven for the date, people and count, subject and snippet, flags.
const (
	dateW  = 7
	countW = 3
	flagsW = 3
)

func peopleWidth(w int) int {
	switch {
	case w >= 110:
		return 24
	case w >= 80:
		return 19
	}
	return 15
}

func (m *Model) draw(r Row, cursor, focused bool, part int, now time.Time) string {
	t := m.theme
	l := m.row.Reset(m.w, 0)
	base := look.Style(0)
	switch {
	case cursor && focused:
		base = t.Cursor
	case cursor:
		base = look.Bold
	}
	if r.Unread && !cursor {
		base = t.Unread
	}
	l.Base(base)
	switch {
	case m.below && part == m.rowHeight()-1:
		if !cursor {
			l.Base(0)
		}
		return m.under(l, r)
	case m.narrow():
		return m.twoLines(l, r, cursor, part, now)
	}
	m.lead(l, r, cursor)
	l.Right(t.Date, look.T(look.ShortDate(r.Time, now)), dateW).Pad(1)
	m.people(l, r, peopleWidth(m.w))
	m.text(l, r, m.w-flagsW)
	m.flags(l, r)
	return l.String()
}

// lead draws the three columns that say what the row is: under the cursor, new or selected, answered.
func (m *Model) lead(l *look.Line, r Row, cursor bool) {
	t := m.theme
	if cursor {
		l.Lit(0, ">")
	} else {
		l.Pad(1)
	}
	switch {
	case r.Selected:
		l.Lit(t.Mark, "+")
	case r.Unread:
		l.Glyph(t.New, t.Glyphs.Unread)
	default:
		l.Pad(1)
	}
	switch {
	case r.Draft:
		l.Lit(0, "d")
	case r.Replied:
		l.Lit(0, "r")
	case r.Forward:
		l.Lit(0, "f")
	default:
		l.Pad(1)
	}
}

func (m *Model) people(l *look.Line, r Row, w int) {
	t := m.theme
	if r.Loading {
		l.Cell(t.Hint, look.T("..."), w+1+countW).Pad(1)
		return
	}
	style := t.People
	if r.Mine {
		style = t.Me
	}
	l.Cell(style, r.People, w).Pad(1)
	if r.Count > 1 {
		l.Right(t.Count, look.T(strconv.Itoa(r.Count)), countW)
	} else {
		l.Pad(countW)
	}
	l.Pad(1)
}

// text draws subject and snippet up to column end. Replies within a conversation are indented by at most four
// levels, so that the subject stays in sight however deep the thread is.
func (m *Model) text(l *look.Line, r Row, end int) {
	t := m.theme
	w := end - l.Width()
	if w <= 0 {
		return
	}
	if s := r.Labels.String(); s != "" && w >= 12 { // at the end, where no subject hides them
		label := min(safe.Width(s), w/3)
		last := end
		end -= label + 1
		defer func() { l.Pad(1).Cell(t.ID, r.Labels, last-l.Width()) }()
	}
	if r.Depth > 0 {
		n := min(r.Depth, 4)
		l.Pad(2*(n-1)).Glyph(t.Rule, t.Glyphs.Leaf)
	}
	switch {
	case r.Loading:
	case r.Subject.String() == "":
		l.Cell(t.Hint, look.T("(no subject)"), min(12, end-l.Width()))
	default:
		sub := r.Subject.String()
		l.Cell(t.Subject, r.Subject, min(end-l.Width(), safe.Width(sub)))
	}
	if left := end - l.Width(); left > 8 && !m.below && r.Snippet.String() != "" {
		l.Pad(2).Cell(t.Snippet, r.Snippet, left-2)
	}
	l.To(end)
}

func (m *Model) flags(l *look.Line, r Row) {
	t := m.theme
	l.Pad(1)
	switch {
	case r.Danger:
		l.Lit(t.Danger, "!")
	case r.Trashed:
		l.Lit(t.Removed, "D")
	case r.Flagged:
		l.Lit(t.Flagged, "*")
	default:
		l.Pad(1)
	}
	switch {
	case r.Attach:
		l.Lit(0, "&")
	case r.List:
		l.Lit(t.Hint, "L")
	default:
		l.Pad(1)
	}
}

// under draws the line below a row: the folder, and what was found in the text or else how it begins.
func (m *Model) under(l *look.Line, r Row) string {
	t := m.theme
	from, end := 4+dateW, m.w-flagsW
	if m.narrow() {
		from, end = 3, m.w-1
	}
	if l.Pad(from); r.Where.String() != "" {
		l.Cell(t.Hint, r.Where, min(safe.Width(r.Where.String()), max(8, (end-from)/3))).Pad(2)
	}
	room := end - l.Width()
	if r.Below == nil {
		return l.Cell(t.Snippet, r.Snippet, room).String()
	}
	for _, p := range fit(r.Below, room) {
		style := t.Snippet
		if p.Mark {
			style = t.Match
		}
		l.Cell(style, p.Text, min(safe.Width(p.Text.String()), end-l.Width()))
	}
	return l.String()
}

// fit cuts the beginning off, if else there would not be room for the first piece that is marked and something behind it.
func fit(pieces []Piece, room int) []Piece {
	if len(pieces) < 2 || pieces[0].Mark {
		return pieces
	}
	rest := 0
	for _, p := range pieces[1:] {
		rest += safe.Width(p.Text.String())
	}
	before := max(room-rest, min(room/3, room-safe.Width(pieces[1].Text.String())), 1)
	s := pieces[0].Text.String()
	if safe.Width(s) <= before {
		return pieces
	}
	for s != "" && safe.Width(s) > before-1 {
		_, size := utf8.DecodeRuneInString(s)
		s = s[size:]
	}
	out := append([]Piece(nil), pieces...)
	out[0].Text = look.T("…" + strings.TrimLeft(s, " \u200d\ufe0f"))
	return out
}

// twoLines draws a row in two lines: who and when, then what.
func (m *Model) twoLines(l *look.Line, r Row, cursor bool, part int, now time.Time) string {
	t := m.theme
	if part == 1 {
		l.Pad(3)
		m.text(l, r, m.w-1)
		return l.String()
	}
	m.lead(l, r, cursor)
	date := look.ShortDate(r.Time, now)
	w := max(4, m.w-3-flagsW-1-7)
	if r.Loading {
		l.Cell(t.Hint, look.T("..."), w)
	} else {
		n := 0
		if r.Count > 1 {
			n = countW + 1
		}
		l.Cell(t.People, r.People, w-n)
		if n > 0 {
			l.Right(t.Count, look.T(strconv.Itoa(r.Count)), n)
		}
	}
	m.flags(l, r)
	l.Right(t.Date, look.T(date), m.w-l.Width()-1)
	return l.String()
}
