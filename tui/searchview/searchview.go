// Package searchview is the search over all folders: a line to type a query into, and below it what it finds while
// it is being typed. It finds nothing itself; results are put into it.
package searchview

import (
	"strings"
	"time"

	"pneu/tui/edit"
	"pneu/tui/list"
	"pneu/tui/look"
	"pneu/tui/term"
)

// A Hit is a message found.
type Hit struct {
	Folder string
	ID     int    // in its folder
	Base   string // what stays of its file's name
	Row    list.Row
	// Line is what was found in its text: nil if it was not looked for yet, empty if nothing was.
	Line []list.Piece
}

// A Result is what a query finds. Hits are the newest ones.
type Result struct {
	Query     string // as it was typed
	Canonical string // as it was understood
	Hits      []Hit
	Found     int
	Total     int // messages looked through
	Took      time.Duration
	Partly    bool // not all are indexed, and not all others were read
	Indexed   int  // percent that are
	Err       string
	Texts     bool // the query asks for something in texts: the line that has it is shown
}

// A Model is the search on the screen.
type Model struct {
	theme  *look.Theme
	field  edit.Field
	list   *list.Model
	hits   hits
	r      Result
	refine refine
	w, h   int
	busy   bool
}

// New makes an empty search.
func New(t *look.Theme, now func() time.Time) *Model {
	m := &Model{theme: t, list: list.New(t, now), w: 80, h: 20}
	m.list.Reset(m.hits)
	return m
}

// hits is a RowSource. Rows are named by their numbers: the same message may lie in two folders.
type hits struct {
	all     []Hit
	version uint64
}

func (h hits) Len() int        { return len(h.all) }
func (h hits) Version() uint64 { return h.version }

func (h hits) ID(i int) int {
	if i < 0 || i >= len(h.all) {
		return -1
	}
	return i
}

func (h hits) Find(id int) int {
	if id < 0 || id >= len(h.all) {
		return -1
	}
	return id
}

func (h hits) Row(i int) list.Row {
	r := h.all[i].Row
	r.ID = i
	if len(h.all[i].Line) > 0 {
		r.Below = h.all[i].Line
	}
	return r
}

const (
	sideFrom = 100 // width from which terms that narrow the search stand beside it
	sideW    = 26
	footFrom = 20 // height from which it is said how the query was understood
	footH    = 3
)

// SetSize tells how much room there is.
func (m *Model) SetSize(w, h int) {
	m.w, m.h = w, h
	if w >= sideFrom {
		w -= sideW
	}
	if h >= footFrom {
		h -= footH
	}
	m.list.SetSize(w, h)
}

// Query is what was typed.
func (m *Model) Query() string { return m.field.String() }

// Busy notes that a query is under way.
func (m *Model) Busy() { m.busy = true }

// Set shows a result, unless something else was typed since.
func (m *Model) Set(r Result) {
	if r.Query != m.Query() {
		return
	}
	m.busy = false
	at, held := m.Current()
	held = held && r.Query == m.r.Query && m.list.Cursor() > 0 // the same query again: more was found
	if r.Err != "" {                                           // mostly it is not complete yet: what was found before stays
		m.r.Err = r.Err
		return
	}
	m.r = r
	if len(r.Hits) == 0 {
		m.refine.groups = nil
		m.refine.focused = m.refine.focused && m.refine.any()
	}
	m.hits = hits{r.Hits, m.hits.version + 1}
	m.list.SetBelow(r.Texts)
	m.list.Reset(m.hits)
	if held {
		for i, h := range r.Hits {
			if h.Folder == at.Folder && h.ID == at.ID {
				m.list.To(i)
				break
			}
		}
	}
}

// Wants returns hits on the screen whose lines are not known, at most so many.
func (m *Model) Wants(most int) (out []Hit) {
	if !m.r.Texts || m.r.Query != m.Query() {
		return nil
	}
	from, to := m.list.Visible()
	for i := from; i < to && len(out) < most; i++ {
		if m.hits.all[i].Line == nil {
			h := m.hits.all[i]
			h.Row.ID = i
			out = append(out, h)
		}
	}
	return out
}

// SetLines takes the lines of some hits that Wants returned, unless something else was found since.
func (m *Model) SetLines(query string, hits []Hit) {
	if query != m.r.Query {
		return
	}
	for _, h := range hits {
		if i := h.Row.ID; i < len(m.hits.all) && m.hits.all[i].Folder == h.Folder && m.hits.all[i].ID == h.ID {
			m.hits.all[i].Line = h.Line
		}
	}
	m.hits.version++
	m.list.SetSource(m.hits)
}

// SetIndexed says that so many more texts are indexed by now.
func (m *Model) SetIndexed(n int) {
	if m.r.Partly && m.r.Total > 0 {
		m.r.Indexed = max(m.r.Indexed, min(99, n*100/m.r.Total))
	}
}

// Partly reports whether texts were not looked through.
func (m *Model) Partly() bool { return m.r.Partly }

// HitLine is what is known of why hit i was found.
func (m *Model) HitLine(i int) []list.Piece { return m.hits.all[i].Line }

// SetTook says how long the search took, for tests that compare screens.
func (m *Model) SetTook(d time.Duration) { m.r.Took = d }

// An Action is what a key asks the parent to do.
type Action int

// The actions.
const (
	None   Action = iota
	Search        // the query is another one
	Open          // the hit under the cursor
	Close
)

// Key takes a key.
func (m *Model) Key(k term.Key) Action {
	if m.refine.focused {
		return m.refineKey(k)
	}
	switch k.Name {
	case "esc", "ctrl+c", "ctrl+g":
		return Close
	case "enter":
		if _, ok := m.Current(); ok {
			return Open
		}
		return None
	case "down", "ctrl+n", "ctrl+j":
		m.list.Move(1)
	case "up", "ctrl+p":
		m.list.Move(-1)
	case "pgdown":
		m.list.Page(1)
	case "pgup":
		m.list.Page(-1)
	case "tab":
		m.refine.focused = m.refine.any()
	default:
		if n, ok := strings.CutPrefix(k.Name, "alt+"); ok && len(n) == 1 && n >= "1" && n <= "9" {
			return m.narrowBy(rune(n[0]))
		}
		before := m.Query()
		if m.field.Key(k); m.Query() != before {
			m.refine.past = nil
			return Search
		}
	}
	return None
}

// Current is the hit under the cursor.
func (m *Model) Current() (Hit, bool) {
	if i := m.list.Current(); i >= 0 && i < len(m.hits.all) {
		return m.hits.all[i], true
	}
	return Hit{}, false
}

// Title draws the line to type into.
func (m *Model) Title(l *look.Line) {
	right := m.theme.NewLine(m.w)
	m.TitleRight(right)
	l.Lit(m.theme.Title, "Search").Pad(2)
	m.field.Draw(l, max(10, m.w-l.Width()-right.Width()-2), look.Bold, !m.refine.focused)
}

// TitleRight says how much was found.
func (m *Model) TitleRight(l *look.Line) {
	t, r := m.theme, m.r
	wide := m.w >= 60
	switch {
	case m.Query() == "":
		l.Lit(t.Hint, "all folders ")
	case r.Query != m.Query():
		l.Lit(t.Hint, "searching ")
	case !wide:
		l.F(t.Hint, "%s ", look.Number(r.Found))
	case r.Partly:
		l.F(t.Hint, "%s so far of %s, %d %% indexed ", look.Number(r.Found), look.Number(r.Total), r.Indexed)
	default:
		l.F(t.Hint, "%s of %s in %d ms ", look.Number(r.Found), look.Number(r.Total), r.Took.Milliseconds())
	}
}

// Position says where the cursor is.
func (m *Model) Position(l *look.Line) {
	if n := m.list.Len(); n > 0 {
		l.F(m.theme.Hint, "%s/%s", look.Number(m.list.Cursor()+1), look.Number(n))
	}
}

// Lines draws the hits.
func (m *Model) Lines() []string {
	t := m.theme
	w, h := m.w, m.h
	if m.w >= sideFrom {
		w -= sideW
	}
	if m.h >= footFrom {
		h -= footH
	}
	var main []string
	if m.refine.focused && m.w < sideFrom && len(m.refine.groups) > 0 {
		main = m.columns(w, h)
	} else if m.list.Len() > 0 {
		main = m.list.Lines(!m.refine.focused)
	} else {
		main = m.empty(w, h)
	}
	if m.w >= sideFrom {
		side := m.pane(sideW-2, h)
		bar := t.NewLine(2).Glyph(t.Rule, t.Glyphs.Bar).Pad(1).String()
		for i := range main {
			main[i] = side[i] + bar + main[i]
		}
	}
	if m.h >= footFrom {
		main = append(main, t.HRule(m.w), m.understood(), m.shell())
	}
	return main
}

func (m *Model) empty(w, h int) []string {
	t := m.theme
	out := make([]string, 0, h)
	l := t.NewLine(w).Pad(3)
	switch {
	case m.r.Err != "" && m.Query() != "":
		l.F(t.Hint, "%s", m.r.Err)
	case m.Query() == "":
		l.Lit(t.Hint, "words, from:ada, subject:\"jitter buffer\", is:unread, has:attachment, date:7d..")
	case m.r.Query == m.Query():
		l.Lit(t.Head, "Nothing matches")
	}
	out = append(out, t.Blank(w), l.String())
	for len(out) < h {
		out = append(out, t.Blank(w))
	}
	return out[:h]
}

func (m *Model) understood() string {
	t := m.theme
	l := t.NewLine(m.w).Pad(1)
	if m.r.Canonical != "" && m.Query() != "" {
		l.Lit(t.Hint, "query: ").F(0, "%s", m.r.Canonical)
	}
	return l.String()
}

func (m *Model) shell() string {
	t := m.theme
	l := t.NewLine(m.w).Pad(1)
	if m.r.Canonical != "" && m.Query() != "" {
		l.Lit(t.Hint, "shell: pneu search ").F(0, "%s", quote(m.r.Canonical))
	}
	return l.String()
}

// quote writes a word as a shell reads it.
func quote(s string) string {
	out := []byte{'\''}
	for i := range len(s) {
		if s[i] == '\'' {
			out = append(out, `'\'`...)
		}
		out = append(out, s[i])
	}
	return string(append(out, '\''))
}
