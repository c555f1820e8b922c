// Package searchview is the search over all folders: a line to type a query into, and below it what it finds while
// it is being typed. It finds nothing itself; results are put into it.
package searchview

import (
	"sort"
	"time"

	"pneu/tui/edit"
	"pneu/tui/list"
	"pneu/tui/look"
	"pneu/tui/term"
)

// A Hit is a message found.
type Hit struct {
	Folder string
	ID     int // in its folder
	Row    list.Row
}

// A Count is a term that narrows the search, and how many messages it would leave.
type Count struct {
	Term string
	N    int
}

// A Result is what a query finds. Hits are the newest ones.
type Result struct {
	Query     string // as it was typed
	Canonical string // as it was understood
	Hits      []Hit
	Found     int
	Total     int // messages looked through
	Took      time.Duration
	Texts     int // percent of the texts that are indexed, where the query asks for any and that is not all
	Folders   []Count
	Err       string
}

// A Model is the search on the screen.
type Model struct {
	theme *look.Theme
	field edit.Field
	list  *list.Model
	hits  hits
	r     Result
	w, h  int
	busy  bool
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
	if r.Err != "" { // mostly it is not complete yet: what was found before stays
		m.r.Err = r.Err
		return
	}
	m.r = r
	m.hits = hits{r.Hits, m.hits.version + 1}
	m.list.Reset(m.hits)
}

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
		if len(m.r.Folders) > 1 && m.r.Query == m.Query() {
			m.field.Set(m.Query() + " " + m.r.Folders[0].Term)
			return Search
		}
	default:
		before := m.Query()
		if m.field.Key(k); m.Query() != before {
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
	l.Lit(m.theme.Title, "Search").Pad(2)
	m.field.Draw(l, max(10, m.w-48), look.Bold, true)
}

// TitleRight says how much was found.
func (m *Model) TitleRight(l *look.Line) {
	t, r := m.theme, m.r
	switch {
	case m.Query() == "":
		l.Lit(t.Hint, "all folders ")
	case r.Query != m.Query():
		l.Lit(t.Hint, "searching ")
	case r.Texts > 0 && r.Texts < 100:
		l.F(t.Hint, "%s so far of %s, texts %d %% indexed ", look.Number(r.Found), look.Number(r.Total), r.Texts)
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
	if m.list.Len() > 0 {
		main = m.list.Lines(true)
	} else {
		main = m.empty(w, h)
	}
	if m.w >= sideFrom {
		side := m.side(sideW-2, h)
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

// side is what would narrow the search.
func (m *Model) side(w, h int) []string {
	t := m.theme
	out := []string{t.NewLine(w).Lit(t.Head, "Narrow (tab: the first)").String()}
	for _, c := range m.r.Folders {
		n := look.Number(c.N)
		out = append(out, t.NewLine(w).Pad(1).Cell(0, look.T(c.Term), max(1, w-len(n)-3)).To(w-1-len(n)).F(t.Hint, "%s", n).String())
	}
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

// Counts sorts counts, the highest first, and leaves at most most of them.
func Counts(by map[string]int, most int) []Count {
	out := make([]Count, 0, len(by))
	for term, n := range by {
		out = append(out, Count{term, n})
	}
	sort.Slice(out, func(i, j int) bool {
		if out[i].N != out[j].N {
			return out[i].N > out[j].N
		}
		return out[i].Term < out[j].Term
	})
	return out[:min(len(out), most)]
}
