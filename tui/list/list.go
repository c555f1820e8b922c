// Package list is the virtual list: it draws the rows that can be seen and knows nothing of the others, so that a
// folder of a million is as quick as one of ten.
//
// Rows come from a RowSource, which answers for any row at once. The list keeps the cursor on its message when the
// source changes under it, and remembers drawn rows until what they show changes.
package list

import (
	"maps"
	"time"

	"pneu/maildir/safe"
	"pneu/tui/look"
)

// A RowSource is an order of messages or conversations. Its methods are called while drawing: they do no input or
// output and take no time that grows with Len.
type RowSource interface {
	// Len is the number of rows.
	Len() int
	// Row describes row i.
	Row(i int) Row
	// ID names the message of row i; it stays when rows move.
	ID(i int) int
	// Find returns the row that shows message id, or -1.
	Find(id int) int
	// Version changes when any row may look different.
	Version() uint64
}

// A Row is what one row shows.
type Row struct {
	ID       int
	Time     time.Time
	People   safe.Text // senders, or recipients in a folder of sent mail
	Count    int       // messages in the conversation; shown above 1
	Subject  safe.Text
	Snippet  safe.Text
	Labels   safe.Text // keywords
	Where    safe.Text // its folder, in a list that has lines below its rows
	Below    []Piece   // what stands there; nil: the snippet
	Depth    int       // of a message within an unfolded conversation
	Loading  bool      // only the name of the file is known
	Unread   bool
	Flagged  bool
	Replied  bool
	Forward  bool
	Draft    bool
	Trashed  bool // marked for deletion by another program
	Attach   bool
	List     bool
	Danger   bool // the sender's name claims to be somebody else
	Mine     bool
	Open     bool // an unfolded conversation
	Selected bool // filled by the list
}

// A Piece is a part of a line, marked or not.
type Piece struct {
	Text safe.Text
	Mark bool
}

// A Model is a list on the screen.
type Model struct {
	theme *look.Theme
	now   func() time.Time
	src   RowSource

	top, cursor int
	curID       int
	w, h        int
	below       bool // every row has a line below it
	atTop       bool // stay there while rows are put in order: nobody has moved yet

	selected map[int]bool
	lent     bool // somebody else reads selected: it does not change any more
	anchor   int  // row where a range began, or -1

	cache map[cacheKey]string
	seen  uint64
	day   int
	row   *look.Line
}

type cacheKey struct {
	id, w, i int
	flags    uint8
}

// New makes a list without rows.
func New(t *look.Theme, now func() time.Time) *Model {
	return &Model{theme: t, now: now, src: empty{}, curID: -1, anchor: -1, selected: map[int]bool{}, cache: map[cacheKey]string{}, row: t.NewLine(80), w: 80, h: 20}
}

type empty struct{}

func (empty) Len() int        { return 0 }
func (empty) Row(int) Row     { return Row{} }
func (empty) ID(int) int      { return -1 }
func (empty) Find(int) int    { return -1 }
func (empty) Version() uint64 { return 0 }

// SetSource gives the list other rows, or the same in another order. The cursor stays on its message; if that is
// gone it stays in its place. At the top, what comes above is seen to come.
func (m *Model) SetSource(src RowSource) {
	offset := m.cursor - m.top
	m.src = src
	m.anchor = -1
	clear(m.cache)
	if i := src.Find(m.curID); m.atTop {
		m.cursor, m.top = 0, 0
	} else if m.curID >= 0 && i >= 0 {
		m.cursor = i
		if m.top > 0 {
			m.top = i - offset
		}
	}
	m.settle()
}

// Reset forgets cursor and selection: another folder. The cursor is at the top, and stays there until it is moved
// or Hold is called, whatever comes to lie under it.
func (m *Model) Reset(src RowSource) {
	m.src, m.cursor, m.top, m.curID, m.anchor = src, 0, 0, -1, -1
	m.atTop = true
	m.selected, m.lent = map[int]bool{}, false
	clear(m.cache)
	m.settle()
}

// Hold makes the cursor stay on its message from now on: all rows are in order.
func (m *Model) Hold() { m.atTop = false }

// SetSize tells how much of the list can be seen.
func (m *Model) SetSize(w, h int) {
	if w == m.w && h == m.h {
		return
	}
	m.w, m.h = w, max(1, h)
	clear(m.cache)
	m.settle()
}

// SetBelow gives every row a line below it, or takes it away.
func (m *Model) SetBelow(on bool) {
	if m.below != on {
		m.below = on
		clear(m.cache)
		m.settle()
	}
}

// narrow reports whether who and what have a line each.
func (m *Model) narrow() bool { return m.w < 60 }

func (m *Model) rowHeight() int {
	n := 1
	if m.narrow() {
		n++
	}
	if m.below {
		n++
	}
	return n
}

// Visible returns the range of rows on the screen.
func (m *Model) Visible() (from, to int) {
	return m.top, min(m.src.Len(), m.top+m.page())
}

func (m *Model) page() int { return max(1, m.h/m.rowHeight()) }

func (m *Model) settle() {
	n := m.src.Len()
	m.cursor = max(0, min(m.cursor, n-1))
	page := m.page()
	margin := min(2, (page-1)/2)
	m.top = min(m.top, m.cursor-margin)
	m.top = max(m.top, m.cursor-page+1+margin)
	m.top = max(0, min(m.top, n-page))
	m.curID = -1
	if n > 0 {
		m.curID = m.src.ID(m.cursor)
	}
}

// Len is the number of rows.
func (m *Model) Len() int { return m.src.Len() }

// Cursor is the row under the cursor, 0 if there is none.
func (m *Model) Cursor() int { return m.cursor }

// Current is the message under the cursor, or -1.
func (m *Model) Current() int {
	if m.src.Len() == 0 {
		return -1
	}
	return m.src.ID(m.cursor)
}

// To moves the cursor to row i, Move by n rows, Page by n screens, Half by n half screens.
func (m *Model) To(i int)   { m.atTop = false; m.cursor = i; m.settle() }
func (m *Model) Move(n int) { m.To(m.cursor + n) }

// Page moves by n screens, keeping one row in sight.
func (m *Model) Page(n int) {
	m.atTop = false
	m.top += n * max(1, m.page()-1)
	m.cursor += n * max(1, m.page()-1)
	m.settle()
}

// Half moves by n half screens.
func (m *Model) Half(n int) {
	m.atTop = false
	m.top += n * max(1, m.page()/2)
	m.cursor += n * max(1, m.page()/2)
	m.settle()
}

// Select turns the selection of a row's message on or off.
func (m *Model) Select(id int, on bool) {
	m.atTop = false
	m.own()
	if on {
		m.selected[id] = true
	} else {
		delete(m.selected, id)
	}
}

// Selected reports whether the message is selected, and Selection returns all that are.
func (m *Model) Selected(id int) bool { return m.selected[id] }

// Selection returns the messages selected, in no order.
func (m *Model) Selection() []int {
	out := make([]int, 0, len(m.selected))
	for id := range m.selected {
		out = append(out, id)
	}
	return out
}

// Lend returns the messages selected without a copy, for somebody outside the loop, who does not change them.
func (m *Model) Lend() map[int]bool {
	m.lent = true
	return m.selected
}

func (m *Model) own() {
	if m.lent {
		m.selected, m.lent = maps.Clone(m.selected), false
	}
}

// SelectAll selects messages beside those that are; the map is the list's from now on.
func (m *Model) SelectAll(ids map[int]bool) {
	m.atTop = false
	m.anchor = -1
	m.own()
	few, many := m.selected, ids
	if len(few) > len(many) {
		few, many = many, few
	}
	maps.Copy(many, few)
	m.selected = many
}

// Count is the number of messages selected.
func (m *Model) Count() int { return len(m.selected) }

// Clear selects nothing.
func (m *Model) Clear() { m.selected, m.lent, m.anchor = map[int]bool{}, false, -1 }

// Range begins a range at the cursor, or selects from where it began to the cursor. It reports whether it ended.
func (m *Model) Range() bool {
	if m.anchor < 0 {
		m.anchor = m.cursor
		return false
	}
	from, to := m.Span()
	m.own()
	for i := from; i < to; i++ {
		m.selected[m.src.ID(i)] = true
	}
	m.anchor = -1
	return true
}

// Ranging reports whether a range has begun.
func (m *Model) Ranging() bool { return m.anchor >= 0 }

// Span returns the rows of the range that has begun.
func (m *Model) Span() (from, to int) {
	return min(m.anchor, m.cursor), min(max(m.anchor, m.cursor)+1, m.src.Len())
}

// Lines draws the list.
func (m *Model) Lines(focused bool) []string {
	if v := m.src.Version(); v != m.seen {
		clear(m.cache)
		m.seen = v
	}
	now := m.now()
	if d := now.YearDay(); d != m.day {
		clear(m.cache)
		m.day = d
	}
	if len(m.cache) > 4*m.h+8 {
		clear(m.cache)
	}
	rh := m.rowHeight()
	out := make([]string, 0, m.h)
	from, to := m.Visible()
	for i := from; i < to && len(out)+rh <= m.h; i++ {
		id := m.src.ID(i)
		key := cacheKey{id: id, w: m.w, i: i}
		sel := m.selected[id]
		if m.anchor >= 0 && i >= min(m.anchor, m.cursor) && i <= max(m.anchor, m.cursor) {
			sel = true
		}
		if sel {
			key.flags |= 1
		}
		cur := i == m.cursor
		if cur {
			key.flags |= 2
		}
		if cur && focused {
			key.flags |= 4
		}
		for part := range rh {
			key.flags = key.flags&7 | uint8(part)<<3
			s, ok := m.cache[key]
			if !ok {
				r := m.src.Row(i)
				r.Selected = sel
				s = m.draw(r, cur, focused, part, now)
				m.cache[key] = s
			}
			out = append(out, s)
		}
	}
	if len(out) < m.h {
		blank := m.theme.Blank(m.w)
		for len(out) < m.h {
			out = append(out, blank)
		}
	}
	return out
}
