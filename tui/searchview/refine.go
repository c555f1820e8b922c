package searchview

import (
	"strings"

	"pneu/tui/facets"
	"pneu/tui/look"
	"pneu/tui/term"
)

// refine is what would narrow the search.
type refine struct {
	groups  []facets.Group
	focused bool
	at      int      // the term under the cursor, of those that are shown
	past    []string // queries that were narrowed
}

// any reports whether there is anything to choose: terms, or the way back.
func (r *refine) any() bool { return len(r.groups)+len(r.past) > 0 }

// keys narrow by the term they stand before.
const keys = "123456789abcdefimnoprstvwxyz"

// SetFacets shows what would narrow a result, unless something else was typed since.
func (m *Model) SetFacets(query string, groups []facets.Group) {
	if query != m.Query() {
		return
	}
	m.refine.groups = groups
	m.refine.focused = m.refine.focused && m.refine.any()
	m.refine.at = max(0, min(m.refine.at, len(m.fit(m.room()))-1))
}

// Refining reports whether keys choose what to narrow by.
func (m *Model) Refining() bool { return m.refine.focused }

// shown is a line of the pane: the name of a group, a term, or nothing.
type shown struct {
	name string
	term *facets.Term
}

// room is how many lines there are for terms.
func (m *Model) room() int {
	h := m.h
	if m.h >= footFrom {
		h -= footH
	}
	if m.w < sideFrom {
		return (h - 1) * m.across()
	}
	return h - 1
}

// across is how many columns of terms stand side by side where they have the whole screen.
func (m *Model) across() int { return max(1, m.w/sideW) }

// fit returns the terms that there is room for in so many lines, the last of the longest group left out first.
func (m *Model) fit(lines int) []*facets.Term {
	n := make([]int, len(m.refine.groups))
	need := 0
	for i, g := range m.refine.groups {
		n[i] = min(len(g.Terms), 8)
		need += n[i] + 2
	}
	for len(n) > 0 && need-1 > lines {
		long := 0
		for i := range n {
			if n[i] > n[long] {
				long = i
			}
		}
		switch {
		case len(n) < 2 && n[long] <= 1:
			need = 0
		case n[long] <= 1: // no room for one of each
			need -= n[len(n)-1] + 2
			n = n[:len(n)-1]
		default:
			n[long]--
			need--
		}
	}
	var out []*facets.Term
	for i, g := range m.refine.groups[:len(n)] {
		for k := range g.Terms[:n[i]] {
			if len(out) < len(keys) {
				out = append(out, &g.Terms[k])
			}
		}
	}
	return out
}

// refineKey takes a key while one chooses what to narrow by.
func (m *Model) refineKey(k term.Key) Action {
	r := &m.refine
	terms := m.fit(m.room())
	switch k.Name {
	case "tab", "esc", "left", "ctrl+g", "q", "h":
		r.focused = false
	case "ctrl+c":
		return Close
	case "down", "j", "ctrl+n", "ctrl+j":
		r.at = min(r.at+1, max(0, len(terms)-1))
	case "up", "k", "ctrl+p":
		r.at = max(0, r.at-1)
	case "g", "home":
		r.at = 0
	case "G", "end":
		r.at = max(0, len(terms)-1)
	case "enter", "l", "right":
		if r.at < len(terms) {
			return m.narrow(terms[r.at].Query)
		}
	case "-":
		if r.at < len(terms) {
			return m.narrow("-" + terms[r.at].Query)
		}
	case "u", "backspace":
		if n := len(r.past); n > 0 {
			m.field.Set(r.past[n-1])
			r.past = r.past[:n-1]
			return Search
		}
	default:
		if len(k.Name) == 1 {
			return m.narrowBy(rune(k.Name[0]))
		}
	}
	return None
}

// narrowBy narrows the search by the term that a key stands before.
func (m *Model) narrowBy(key rune) Action {
	if i := strings.IndexRune(keys, key); i >= 0 {
		if terms := m.fit(m.room()); i < len(terms) {
			return m.narrow(terms[i].Query)
		}
	}
	return None
}

func (m *Model) narrow(by string) Action {
	q := strings.TrimSpace(m.Query())
	m.refine.past = append(m.refine.past, m.Query())
	m.refine.at = 0
	for _, or := range strings.Fields(strings.ToUpper(q)) { // binds looser than what is put behind it
		if or == "OR" || or == "XOR" || strings.Contains(or, "|") {
			q = "(" + q + ")"
			break
		}
	}
	m.field.Set(q + " " + by)
	return Search
}

// lines lays the terms out under the names of their groups.
func (m *Model) lines(room int) []shown {
	terms := m.fit(room)
	var out []shown
	for i := range m.refine.groups {
		g := &m.refine.groups[i]
		first := true
		for k := range g.Terms {
			if len(terms) == 0 || terms[0] != &g.Terms[k] {
				break
			}
			if first && len(out) > 0 {
				out = append(out, shown{})
			}
			if first {
				out = append(out, shown{name: g.Name})
			}
			first = false
			out = append(out, shown{term: terms[0]})
			terms = terms[1:]
		}
	}
	return out
}

// pane draws what would narrow the search, beside the hits.
func (m *Model) pane(w, h int) []string {
	t := m.theme
	l := t.NewLine(w).Lit(t.Head, "Refine")
	if m.refine.focused {
		l.Lit(t.Hint, "  (a key narrows)")
	} else if len(m.refine.groups) > 0 {
		l.Lit(t.Hint, " (tab, alt+1)")
	}
	out := append([]string{l.String()}, m.draw(m.lines(h-1), 0, w)...)
	for len(out) < h {
		out = append(out, t.Blank(w))
	}
	return out[:h]
}

// columns draws it in place of the hits, where there is no room beside them.
func (m *Model) columns(w, h int) []string {
	t := m.theme
	out := []string{t.NewLine(w).Lit(t.Head, "Refine").Lit(t.Hint, "  (a key narrows)").String()}
	across := m.across()
	col, lines := w/across, m.lines((h-1)*across)
	var parts [][]string
	first := 0
	for range across {
		n := min(h-1, len(lines))
		if n > 0 && n < len(lines) && lines[n-1].name != "" { // a name stands above its terms
			n--
		}
		parts = append(parts, m.draw(lines[:n], first, col))
		for _, s := range lines[:n] {
			if s.term != nil {
				first++
			}
		}
		lines = lines[n:]
	}
	for i := range h - 1 {
		l := t.NewLine(w)
		for k, part := range parts {
			if i < len(part) {
				l.To(k*col).Raw(part[i], col)
			}
		}
		out = append(out, l.String())
	}
	return out
}

// draw draws lines of the pane, the first term of which has that number.
func (m *Model) draw(lines []shown, n, w int) []string {
	t := m.theme
	out := make([]string, 0, len(lines))
	for _, s := range lines {
		l := t.NewLine(w)
		switch {
		case s.term != nil:
			if m.refine.focused && n == m.refine.at {
				l.Base(t.Cursor)
			}
			num := look.Number(s.term.N)
			l.F(t.Key, "%s", keys[n:n+1]).Pad(1).Cell(0, look.T(s.term.Label), max(1, w-len(num)-4))
			l.To(w-1-len(num)).F(t.Hint, "%s", num)
			n++
		case s.name != "":
			l.F(t.Label, "%s", s.name)
		}
		out = append(out, l.String())
	}
	return out
}
