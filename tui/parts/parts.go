// Package parts shows the parts of a message: the tree, what each part is, and what is odd about its name.
package parts

import (
	"pneu/maildir/message"
	"pneu/maildir/safe"
	"pneu/tui/look"
	"pneu/tui/reader"
)

// A Model is the tree of one message, or the text of one of its parts.
type Model struct {
	theme   *look.Theme
	msg     *message.Message
	subject safe.Text
	shown   map[int]bool // parts the reader shows
	attach  map[int]bool
	note    map[int]safe.Text

	at, top int
	w, h    int

	view []reader.Line // text of a part being looked at; nil: the tree
	name safe.Text
	off  int
}

// New shows the parts of m. doc is how the reader shows it, if it does.
func New(t *look.Theme, m *message.Message, subject safe.Text, doc *reader.Doc) *Model {
	p := &Model{theme: t, msg: m, subject: subject, shown: map[int]bool{}, attach: map[int]bool{}, note: map[int]safe.Text{}, w: 80, h: 20}
	plain, html, atts := m.Display()
	if doc != nil && doc.HTML {
		p.shown[html] = true
		if n := doc.Blocked.Images; n > 0 {
			p.note[html] = look.Tf("%s not fetched", look.Plural(n, "remote image"))
		}
	} else if plain >= 0 {
		p.shown[plain] = true
	}
	for i, a := range atts {
		p.attach[a] = true
		if i == 0 {
			p.at = a
		}
	}
	return p
}

// Subject is the subject of the message.
func (m *Model) Subject() safe.Text { return m.subject }

// Message returns the message, Current the part under the cursor.
func (m *Model) Message() *message.Message { return m.msg }

// Current is the number of the part under the cursor.
func (m *Model) Current() int { return m.at }

// Attachments returns the parts that are attachments.
func (m *Model) Attachments() []int {
	_, _, atts := m.msg.Display()
	return atts
}

// SetSize tells how much room there is.
func (m *Model) SetSize(w, h int) { m.w, m.h = w, h; m.Move(0) }

// Move goes n parts on, or scrolls the text shown.
func (m *Model) Move(n int) {
	if m.view != nil {
		m.off = max(0, min(m.off+n, len(m.view)-m.h+2))
		return
	}
	m.at = max(0, min(m.at+n, len(m.msg.Parts)-1))
	m.top = max(0, min(m.top, m.at), m.at-m.h+3)
}

// Show shows lines of a part instead of the tree; nil goes back to the tree.
func (m *Model) Show(name safe.Text, lines []reader.Line) { m.name, m.view, m.off = name, lines, 0 }

// Viewing reports whether the text of a part is shown.
func (m *Model) Viewing() bool { return m.view != nil }

// Position draws where the cursor is.
func (m *Model) Position(l *look.Line) {
	if m.view != nil {
		l.F(m.theme.Hint, "%d/%d", min(len(m.view), m.off+m.h), len(m.view))
		return
	}
	l.F(m.theme.Hint, "%d/%d", m.at+1, len(m.msg.Parts))
}

// Lines draws the view.
func (m *Model) Lines() []string {
	t := m.theme
	var out []string
	if m.view != nil {
		out = append(out, t.NewLine(m.w).Pad(1).Add(t.Head, m.name).String(), t.Blank(m.w))
		for i := m.off; i < min(len(m.view), m.off+m.h-2); i++ {
			l := t.NewLine(m.w).Pad(1)
			for _, s := range m.view[i].Segs {
				l.Add(s.Style, s.Text)
			}
			out = append(out, l.String())
		}
	} else {
		l := t.NewLine(m.w).Pad(3).Cell(t.Label, look.T("#"), 4).Cell(t.Label, look.T("type"), m.typeW()).Right(t.Label, look.T("size"), 8).Pad(3).Lit(t.Label, "name")
		out = append(out, l.String())
		for i := m.top; i < min(len(m.msg.Parts), m.top+m.h-1); i++ {
			out = append(out, m.row(i))
		}
	}
	for len(out) < m.h {
		out = append(out, t.Blank(m.w))
	}
	return out[:m.h]
}

func (m *Model) typeW() int { return max(24, min(44, m.w/3)) }

func (m *Model) row(i int) string {
	t := m.theme
	p := m.msg.Parts[i]
	l := t.NewLine(m.w)
	if i == m.at {
		l.Base(t.Cursor).Lit(0, ">")
	} else {
		l.Pad(1)
	}
	l.Right(t.Hint, look.T(look.Number(i+1)), 4).Pad(2)
	end := l.Width() + m.typeW()
	for d := 1; d < min(p.Depth, 5); d++ {
		l.Glyph(t.Rule, t.Glyphs.Pipe)
	}
	if p.Depth > 0 {
		if m.last(i) {
			l.Glyph(t.Rule, t.Glyphs.Leaf)
		} else {
			l.Glyph(t.Rule, t.Glyphs.Branch)
		}
	}
	style := look.Style(0)
	if p.NumChildren > 0 {
		style = t.Hint
	}
	l.Cell(style, look.Tf("%s/%s", p.Type, p.Subtype), end-l.Width()).To(end)
	if p.Type == "multipart" {
		return l.String()
	}
	n := p.BodyEnd - p.BodyStart
	if p.Encoding == "base64" {
		n = max(0, n-p.Lines) * 3 / 4
	}
	l.Right(0, look.T(look.Size(int64(n))), 8).Pad(3)
	name, danger := reader.PartName(p)
	switch {
	case m.shown[i]:
		l.Lit(t.Done, "(shown) ")
	case !m.attach[i] && p.Filename == "":
		l.Lit(t.Hint, "(not shown) ")
	}
	if p.Filename != "" || m.attach[i] {
		l.Add(t.Head, name)
	}
	if s := m.note[i].String(); s != "" {
		l.F(t.Hint, "%s", s)
	}
	if s := danger.String(); s != "" {
		l.F(t.Danger, "   ! %s", s)
	}
	return l.String()
}

// last reports whether no part of the same level follows in the same parent.
func (m *Model) last(i int) bool {
	for j := i + 1; j < len(m.msg.Parts); j++ {
		switch d := m.msg.Parts[j].Depth; {
		case d < m.msg.Parts[i].Depth:
			return true
		case d == m.msg.Parts[i].Depth:
			return false
		}
	}
	return true
}
