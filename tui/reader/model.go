package reader

import (
	"time"

	"pneu/maildir/message"
	"pneu/maildir/safe"
	"pneu/tui/look"
)

// An Item is a message of the conversation.
type Item struct {
	ID           int
	Name         safe.Text // of the sender
	From, To, Cc safe.Text // addresses
	Keywords     safe.Text
	Time         time.Time
	Unread       bool
	Flagged      bool
	Mine         bool
	Snippet      safe.Text
	// Load reads the file. It is called outside the loop.
	Load func() ([]byte, error)
}

type item struct {
	Item
	open bool
	msg  *message.Message
	doc  *Doc
	err  error
	busy bool
}

// A Model is the reader on the screen.
type Model struct {
	theme *look.Theme
	now   func() time.Time

	Serial  int // of what is open; a late result of something else is dropped
	subject safe.Text
	items   []*item
	at      int
	top     int
	w, h    int
	show    Show
	unfold  bool // read messages in one line each, not gathered
	flat    []flatLine
	heads   []int // by item: its first line in flat
	dirty   bool
	settled bool // the reader has moved: the view does not jump when text comes in
}

type flatLine struct {
	item int
	kind lineKind
	n    int
}

type lineKind uint8

const (
	textLine lineKind = iota
	blankRow
	headLine
	metaLine
	closedLine
	gatheredLine
	waitLine
	errorLine
)

// New makes a reader with nothing open.
func New(t *look.Theme, now func() time.Time) *Model {
	return &Model{theme: t, now: now, w: 80, h: 20}
}

// Open shows a conversation. focus is the message to begin with; -1 means the first unread one, or the last.
func (m *Model) Open(subject safe.Text, items []Item, focus int) {
	m.Serial++
	m.subject, m.items, m.top, m.at, m.settled = subject, nil, 0, max(0, len(items)-1), false
	m.show.Headers, m.show.Other, m.unfold = false, false, false
	m.show.Quotes, m.show.Hidden = false, false
	found := false
	for i, it := range items {
		x := &item{Item: it, open: it.Unread || len(items) == 1}
		m.items = append(m.items, x)
		switch {
		case focus >= 0 && it.ID == focus:
			m.at, found = i, true
		case focus < 0 && it.Unread && !found:
			m.at, found = i, true
		}
	}
	if len(m.items) > 0 {
		m.items[m.at].open = true
	}
	m.dirty = true
}

// Update takes over what changed of the messages shown, by a new list of the same conversation.
func (m *Model) Update(items []Item) {
	old := map[int]*item{}
	for _, it := range m.items {
		old[it.ID] = it
	}
	cur := m.Current()
	m.items = m.items[:0]
	for _, it := range items {
		if o := old[it.ID]; o != nil {
			o.Item = it
			m.items = append(m.items, o)
		} else {
			m.items = append(m.items, &item{Item: it, open: it.Unread})
		}
	}
	m.at = max(0, min(m.at, len(m.items)-1))
	for i, it := range m.items {
		if it.ID == cur {
			m.at = i
		}
	}
	m.dirty = true
}

// Empty reports whether nothing is open.
func (m *Model) Empty() bool { return len(m.items) == 0 }

// Len is the number of messages in the conversation.
func (m *Model) Len() int { return len(m.items) }

// IDs returns the messages of the conversation.
func (m *Model) IDs() []int {
	ids := make([]int, len(m.items))
	for i, it := range m.items {
		ids[i] = it.ID
	}
	return ids
}

// Current returns the message that commands act on, -1 for none.
func (m *Model) Current() int {
	if len(m.items) == 0 {
		return -1
	}
	return m.items[m.at].ID
}

// Message returns the current message, parsed; nil while it is being read.
func (m *Model) Message() *message.Message {
	if len(m.items) == 0 {
		return nil
	}
	return m.items[m.at].msg
}

// Doc returns the current message laid out; nil while it is being read.
func (m *Model) Doc() *Doc {
	if len(m.items) == 0 {
		return nil
	}
	return m.items[m.at].doc
}

// Subject is the subject of the conversation.
func (m *Model) Subject() safe.Text { return m.subject }

// SetSize tells how much room there is.
func (m *Model) SetSize(w, h int) {
	if w != m.w {
		m.dirty = true
	}
	m.w, m.h = w, max(1, h)
	m.settle()
}

// Toggle changes what is shown of the messages.
func (m *Model) Toggle(change func(*Show)) {
	change(&m.show)
	m.dirty = true
}

// Shown returns what is shown.
func (m *Model) Shown() Show { return m.show }

// textWidth is the width of a message's text: a column, however wide the screen is.
func (m *Model) textWidth() int {
	return max(20, min(m.w-m.indent()-1, 100))
}

func (m *Model) indent() int {
	if len(m.items) > 1 {
		return 2
	}
	return 1
}

// OpenAll opens or closes all messages.
func (m *Model) OpenAll(open bool) {
	for i, it := range m.items {
		it.open = open || i == m.at
	}
	m.unfold = open
	m.dirty = true
}

// Flip opens or closes the current message, or what is gathered in one line.
func (m *Model) Flip() {
	if len(m.items) == 0 {
		return
	}
	if len(m.items) > 1 && !m.unfold {
		m.unfold = true
		m.dirty = true
		return
	}
	m.items[m.at].open = !m.items[m.at].open
	m.dirty = true
}

// Next goes to the message n further on and opens it. It reports false at the end.
func (m *Model) Next(n int) bool {
	to := m.at + n
	if to < 0 || to >= len(m.items) {
		return false
	}
	m.at = to
	m.items[to].open = true
	m.settled = false
	m.dirty = true
	m.settle()
	return true
}

// Scroll moves the text by n lines.
func (m *Model) Scroll(n int) bool {
	m.relay()
	old := m.top
	m.settled = true
	m.top = max(0, min(m.top+n, len(m.flat)-m.h))
	m.follow()
	return m.top != old
}

// Height is the number of lines that can be seen.
func (m *Model) Height() int { return m.h }

// follow makes the message in view the current one.
func (m *Model) follow() {
	if len(m.items) == 0 || len(m.flat) == 0 {
		return
	}
	bottom := min(m.top+m.h, len(m.flat)) - 1
	if head := m.heads[m.at]; head >= m.top && head <= bottom {
		return
	}
	mid := min(m.top+m.h/3, len(m.flat)-1)
	if f := m.flat[mid]; f.item >= 0 && m.items[f.item].open {
		m.at = f.item
	}
}

// settle keeps the top within the text, and the head of the current message in view until the reader moves.
func (m *Model) settle() {
	m.relay()
	if !m.settled && len(m.items) > 0 {
		head := m.heads[m.at]
		m.top = head
		if m.at > 0 && head <= m.h/3 { // few lines before it: they may stay in sight
			m.top = 0
		}
	}
	m.top = max(0, min(m.top, len(m.flat)-m.h))
}

// Position returns how far the text was read, in percent.
func (m *Model) Position() int {
	m.relay()
	if len(m.flat) <= m.h {
		return 100
	}
	return min(100, (m.top+m.h)*100/len(m.flat))
}

// AtEnd reports whether the last line is in sight.
func (m *Model) AtEnd() bool { m.relay(); return m.top+m.h >= len(m.flat) }

// relay gathers the lines of all messages.
func (m *Model) relay() {
	if !m.dirty {
		return
	}
	m.dirty = false
	m.flat = m.flat[:0]
	m.heads = make([]int, len(m.items))
	add := func(i int, k lineKind, n int) { m.flat = append(m.flat, flatLine{i, k, n}) }
	for i := 0; i < len(m.items); i++ {
		it := m.items[i]
		m.heads[i] = len(m.flat)
		if !it.open {
			if n := m.closedRun(i); !m.unfold && n > 4 && i > 0 {
				for k := i; k < i+n-1; k++ {
					m.heads[k] = len(m.flat)
				}
				add(i, gatheredLine, n-1)
				i += n - 2
				continue
			}
			add(i, closedLine, 0)
			continue
		}
		if i > 0 && !m.lastBlank() {
			add(i, blankRow, 0)
		}
		m.heads[i] = len(m.flat)
		if len(m.items) > 1 {
			add(i, headLine, 0)
			if it.Cc.String() != "" && i == m.at {
				add(i, metaLine, 2)
			}
			if it.Keywords.String() != "" {
				add(i, metaLine, 3)
			}
		} else {
			add(i, metaLine, 0)
			if it.To.String() != "" {
				add(i, metaLine, 1)
			}
			if it.Cc.String() != "" {
				add(i, metaLine, 2)
			}
			if it.Keywords.String() != "" {
				add(i, metaLine, 3)
			}
			add(i, blankRow, 0)
		}
		switch {
		case it.err != nil:
			add(i, errorLine, 0)
		case it.doc == nil:
			add(i, waitLine, 0)
		default:
			for n := range it.doc.Lines {
				add(i, textLine, n)
			}
		}
		add(i, blankRow, 0)
	}
	m.settle()
}

func (m *Model) lastBlank() bool {
	n := len(m.flat)
	return n > 0 && m.flat[n-1].kind == blankRow
}

// closedRun counts the closed messages from i on.
func (m *Model) closedRun(i int) int {
	n := 0
	for i+n < len(m.items) && !m.items[i+n].open {
		n++
	}
	return n
}

// A Want is a message to be read or laid out again; run its Do outside the loop and give the result to Put.
type Want struct {
	ID int
	Do func() Got
}

// Got is a message read.
type Got struct {
	Serial, ID int
	msg        *message.Message
	doc        *Doc
	err        error
}

// Wants returns what has to be read for what is open.
func (m *Model) Wants() []Want {
	var out []Want
	w, show, theme := m.textWidth(), m.show, m.theme
	for _, it := range m.items {
		if !it.open || it.busy || it.err != nil || it.doc != nil && it.doc.Width == max(20, min(w, 100)) && it.doc.Show == show {
			continue
		}
		it.busy = true
		msg, load, serial, id := it.msg, it.Load, m.Serial, it.ID
		out = append(out, Want{id, func() Got {
			g := Got{Serial: serial, ID: id, msg: msg}
			if g.msg == nil {
				raw, err := load()
				if err != nil {
					g.err = err
					return g
				}
				g.msg = message.Parse(raw)
			}
			g.doc = Layout(g.msg, theme, w, show)
			return g
		}})
	}
	return out
}

// Put takes a message that was read. It may be that it has to be laid out once more: see Wants.
func (m *Model) Put(g Got) {
	if g.Serial != m.Serial {
		return
	}
	for _, it := range m.items {
		if it.ID == g.ID {
			it.busy, it.msg, it.doc, it.err = false, g.msg, g.doc, g.err
			m.dirty = true
		}
	}
	m.settle()
}

// Seen returns the messages that are shown in full.
func (m *Model) Seen() []int {
	var ids []int
	for _, it := range m.items {
		if it.open && it.doc != nil {
			ids = append(ids, it.ID)
		}
	}
	return ids
}

// Items returns the messages shown.
func (m *Model) Items() []Item {
	out := make([]Item, len(m.items))
	for i, it := range m.items {
		out[i] = it.Item
	}
	return out
}
