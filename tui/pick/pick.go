// Package pick lets a person choose among messages and says which: a list to mark in, for
// "pneu tui --pick" in the middle of a line of the shell. It changes no mail and reads none.
package pick

import (
	"strings"
	"time"

	"pneu/tui/list"
	"pneu/tui/look"
	"pneu/tui/term"
)

// A Model is the choice being made.
type Model struct {
	theme *look.Theme
	rows  source
	list  *list.Model
	line  *look.Line
	w, h  int
	done  bool
	taken bool
}

// New makes a choice among rows, whose IDs are their places.
func New(t *look.Theme, now func() time.Time, rows []list.Row) *Model {
	m := &Model{theme: t, rows: rows, list: list.New(t, now), line: t.NewLine(80)}
	m.list.Reset(m.rows)
	m.Size(80, 24)
	return m
}

// Size tells how large the screen is; its last line says what the keys do.
func (m *Model) Size(w, h int) {
	m.w, m.h = w, h
	m.list.SetSize(w, max(1, h-1))
}

// Key does what a key says and reports whether the choice has ended.
func (m *Model) Key(k term.Key) (done bool) {
	l := m.list
	switch k.Name {
	case "j", "down":
		l.Move(1)
	case "k", "up":
		l.Move(-1)
	case "pgdown", "ctrl+f":
		l.Page(1)
	case "pgup", "ctrl+b":
		l.Page(-1)
	case "ctrl+d":
		l.Half(1)
	case "ctrl+u":
		l.Half(-1)
	case "g", "home":
		l.To(0)
	case "G", "end":
		l.To(l.Len() - 1)
	case "space", " ", "x", "t":
		if id := l.Current(); id >= 0 {
			l.Select(id, !l.Selected(id))
			l.Move(1)
		}
	case "V":
		l.Range()
	case "a":
		all := l.Count() < l.Len()
		for id := range m.rows {
			l.Select(id, all)
		}
	case "enter":
		m.done, m.taken = true, l.Len() > 0
	case "q", "esc", "ctrl+c":
		m.done = true
	}
	return m.done
}

// Chosen returns the places of the rows that were marked, in their order; without a mark the
// one under the cursor. It is empty if the person left without a choice.
func (m *Model) Chosen() []int {
	if !m.taken {
		return nil
	}
	var out []int
	for id := range m.rows {
		if m.list.Selected(id) {
			out = append(out, id)
		}
	}
	if out == nil {
		out = []int{m.list.Current()}
	}
	return out
}

// View draws the screen.
func (m *Model) View() string {
	lines := m.list.Lines(true)
	l := m.line.Reset(m.w, 0).Base(m.theme.Hint)
	l.F(m.theme.Hint, " %d of %d chosen   space mark   a all   enter done   q none", m.list.Count(), m.list.Len())
	l.To(m.w)
	return strings.Join(append(lines, l.String()), "\n")
}

// A source is the rows as they were given.
type source []list.Row

func (s source) Len() int           { return len(s) }
func (s source) Row(i int) list.Row { return s[i] }
func (s source) ID(i int) int       { return i }
func (s source) Version() uint64    { return 1 }
func (s source) Find(id int) int {
	if id < 0 || id >= len(s) {
		return -1
	}
	return id
}
