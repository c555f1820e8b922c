package compose

import (
	"path/filepath"
	"strings"

	"pneu/tui/look"
)

const labelW = 10

// Title draws the title.
func (m *Model) Title(l *look.Line) {
	t := m.theme
	l.Lit(t.Title, "Compose").Pad(2)
	switch {
	case m.SaveErr != nil:
		l.F(t.Error, "draft not saved: %s", m.SaveErr.Error())
	case !m.Saved.IsZero():
		l.F(t.Hint, "draft saved %s", m.Saved.Format("15:04:05"))
	}
}

// TitleRight draws who writes.
func (m *Model) TitleRight(l *look.Line) {
	if d := ParseList(m.fields[fromField].String()); len(d) > 0 {
		l.F(m.theme.Hint, "%s", d[0].Addr)
	}
}

// Position draws how much was written.
func (m *Model) Position(l *look.Line) {
	d := m.Draft()
	l.F(m.theme.Hint, "%s  body %s", look.Plural(len(d.Recipients()), "recipient"), look.Size(int64(len(d.Body))))
}

// bodyH is how many lines of the text are in sight, at least, while it is written.
const bodyH = 3

// Lines draws the view.
func (m *Model) Lines() []string {
	t := m.theme
	var out []string
	popup := -1
	for f := fromField; f <= subjectField; f++ {
		if f == bccField && !m.bcc {
			continue
		}
		l := t.NewLine(m.w)
		style := t.Label
		if f == m.focus {
			style = t.Key
		}
		l.Right(style, look.T(string(labels[f])), labelW-2).Pad(2)
		m.fields[f].Draw(l, m.w-labelW-1, 0, f == m.focus)
		out = append(out, l.String())
		if f == m.focus {
			popup = len(out)
		}
	}
	if len(m.atts) > 0 {
		l := t.NewLine(m.w).Right(t.Label, look.T("Attach"), labelW-2).Pad(2)
		for i, a := range m.atts {
			name := a.Name
			if name == "" {
				name = filepath.Base(a.Path)
			}
			if i > 0 {
				l.Lit(t.Hint, ", ")
			}
			l.F(t.Head, "%s", name).F(t.Hint, " %s", look.Size(m.sizes[i]))
		}
		out = append(out, l.String())
	}
	out = append(out, t.HRule(m.w))
	foot := 0
	check := m.check()
	if check != nil || m.note.String() != "" {
		foot = 1
	}
	// On a low screen the fields make room for what is being written.
	if cut := len(out) + foot + bodyH - m.h; cut > 0 && m.focus == bodyField {
		out = out[min(cut, len(out)):]
	} else if popup > m.h {
		out = out[popup-m.h:]
		popup = m.h
	}
	h := max(1, m.h-len(out)-foot)
	m.Body.SetSize(min(m.w, 100), h)
	for _, s := range m.Body.Lines(t, m.focus == bodyField) {
		if m.w > 100 {
			s = t.NewLine(m.w).Raw(s, 100).String()
		}
		out = append(out, s)
	}
	if foot > 0 {
		l := t.NewLine(m.w)
		if m.note.String() != "" {
			l.Add(t.Waiting, m.note)
		} else {
			check(l)
		}
		out = append(out, l.String())
	}
	if len(out) > m.h {
		out = out[:m.h]
	}
	if popup >= 0 && len(m.hits) > 0 {
		out = look.Over(out, m.popup(), labelW-1, popup)
	}
	return out
}

// check is the line that says what the program noticed; nil when there is nothing.
func (m *Model) check() func(*look.Line) {
	t := m.theme
	body := m.Body.String()
	if len(m.atts) == 0 && len(body) < 20000 && mentions(body) {
		return func(l *look.Line) {
			l.Lit(t.Waiting, "check: ").Lit(t.Hint, "the text speaks of an attachment; ctrl+a adds a file")
		}
	}
	return nil
}

func (m *Model) popup() []string {
	t := m.theme
	w := min(66, m.w-labelW)
	var lines []string
	for i, p := range m.hits {
		l := t.NewLine(w - 2)
		if i == m.hit {
			l.Base(t.Cursor)
		}
		count := look.Plural(p.Count, "mail")
		if !p.Last.IsZero() {
			count += ", " + look.ShortDate(p.Last, m.now())
		}
		room := w - 2 - len(count) - 4
		name := strings.TrimSpace(p.Name)
		if name != "" {
			l.Pad(1).Cell(t.Head, look.T(name), room*2/5).Pad(1).Cell(0, look.T(p.Addr.Addr), room*3/5)
		} else {
			l.Pad(1).Cell(0, look.T(p.Addr.Addr), room)
		}
		l.To(w-2-len(count)-1).F(t.Hint, "%s", count)
		lines = append(lines, l.String())
	}
	return look.Box{Lines: lines, W: w}.Render(t)
}
