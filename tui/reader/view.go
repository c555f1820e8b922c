package reader

import (
	"strings"

	"pneu/maildir/safe"
	"pneu/tui/look"
)

// Lines draws the text.
func (m *Model) Lines() []string {
	m.relay()
	out := make([]string, 0, m.h)
	l := m.theme.NewLine(m.w)
	for i := m.top; i < min(m.top+m.h, len(m.flat)); i++ {
		l.Reset(m.w, 0)
		m.line(l, m.flat[i])
		out = append(out, l.String())
	}
	blank := m.theme.Blank(m.w)
	for len(out) < m.h {
		out = append(out, blank)
	}
	return out
}

func (m *Model) line(l *look.Line, f flatLine) {
	t := m.theme
	it := m.items[f.item]
	switch f.kind {
	case textLine:
		l.Pad(m.indent())
		for _, s := range it.doc.Lines[f.n].Segs {
			l.Add(s.Style, s.Text)
		}
	case headLine:
		m.head(l, it, f.item == m.at)
	case metaLine:
		m.meta(l, it, f.n)
	case closedLine:
		mark := look.Lit("  ")
		if f.item == m.at {
			mark = "> "
		}
		l.Lit(t.Mark, mark)
		date := look.LongDate(it.Time, m.now())
		if len(date) > dateW { // of another year: the day is enough
			date = date[:len(date)-len(" 15:04")]
		}
		l.Cell(t.Date, look.T(date), dateW)
		l.Pad(1).Cell(m.nameStyle(it), it.Name, min(20, m.w/4)).Pad(2)
		if it.Snippet.String() != "" {
			l.Cell(t.Snippet, it.Snippet, max(0, l.Room()-1))
		}
	case gatheredLine:
		l.Pad(2).F(t.Hint, "%s %d read messages folded (zz opens) %s", t.Glyphs.Dots, f.n, t.Glyphs.Dots)
	case waitLine:
		l.Pad(m.indent()).Lit(t.Hint, "reading ...")
	case errorLine:
		l.Pad(m.indent()).F(t.Error, "error: %s", it.err.Error())
	}
}

// dateW is the width of the date of a message that is folded: "Fri 15 Dec 10:27".
const dateW = 17

func (m *Model) nameStyle(it *item) look.Style {
	switch {
	case it.Mine:
		return m.theme.Me
	case it.Unread:
		return m.theme.Unread
	}
	return m.theme.People
}

// head is the line a message of a conversation begins with.
func (m *Model) head(l *look.Line, it *item, current bool) {
	t := m.theme
	if current {
		l.Glyph(t.New, t.Glyphs.Unread).Pad(1)
	} else {
		l.Pad(2)
	}
	date := look.LongDate(it.Time, m.now())
	room := m.w - 2 - len(date) - 2
	end := l.Width() + room
	style := t.Head
	if it.Mine {
		style |= t.Me
	}
	from := it.From
	l.Cell(style, from, min(safe.Width(from.String()), room))
	if it.To.String() != "" && end-l.Width() > 12 {
		l.Lit(t.Label, "  to ")
		l.Cell(t.Label, it.To, min(safe.Width(it.To.String()), end-l.Width()))
	}
	if it.Flagged {
		l.Lit(t.Flagged, " *")
	}
	l.To(m.w - len(date) - 1)
	l.Add(t.Date, look.T(date))
}

// meta is one of the lines a message alone begins with: sender and date, recipients, copies.
func (m *Model) meta(l *look.Line, it *item, n int) {
	t := m.theme
	pad := m.indent()
	switch n {
	case 0:
		date := look.LongDate(it.Time, m.now())
		l.Pad(pad).Lit(t.Label, "From  ")
		style := t.Head
		if it.Mine {
			style |= t.Me
		}
		l.Cell(style, it.From, max(0, m.w-l.Width()-len(date)-4))
		if it.Flagged {
			l.Lit(t.Flagged, " *")
		}
		l.To(m.w-len(date)-1).Add(t.Date, look.T(date))
	case 1:
		l.Pad(pad).Lit(t.Label, "To    ").Cell(0, it.To, max(0, m.w-l.Width()-1))
	case 2:
		l.Pad(pad).Lit(t.Label, "Cc    ").Cell(t.Label, it.Cc, max(0, m.w-l.Width()-1))
	case 3:
		l.Pad(pad+6).Cell(t.ID, it.Keywords, max(0, m.w-l.Width()-1))
	}
}

// Title describes the conversation: its subject on the left, how much it is on the right.
func (m *Model) Title() (subject, size safe.Text) {
	if len(m.items) == 0 {
		return safe.Text{}, safe.Text{}
	}
	subject = m.subject
	if strings.TrimSpace(subject.String()) == "" {
		subject = look.T("(no subject)")
	}
	if len(m.items) == 1 {
		return subject, safe.Text{}
	}
	unread := 0
	who := map[string]bool{}
	for _, it := range m.items {
		who[it.Name.String()] = true
		if it.Unread {
			unread++
		}
	}
	s := look.Plural(len(m.items), "message")
	if unread > 0 {
		s += ", " + look.Number(unread) + " new"
	}
	return subject, look.Tf("%s · %s", s, strings.Replace(look.Plural(len(who), "person"), "persons", "people", 1))
}
