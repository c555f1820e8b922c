package list

import (
	"strings"
	"testing"
	"time"

	"pneu/maildir/safe"
	"pneu/tui/look"
)

var now = time.Date(2026, 11, 21, 9, 45, 0, 0, time.UTC)

// made is a source of made-up rows; it counts how many were asked for.
type made struct {
	n, asked int
	version  uint64
	shift    int // the id of row 0
}

func (m *made) Len() int        { return m.n }
func (m *made) ID(i int) int    { return i + m.shift }
func (m *made) Version() uint64 { return m.version }

func (m *made) Find(id int) int {
	if id < m.shift || id >= m.shift+m.n {
		return -1
	}
	return id - m.shift
}

func (m *made) Row(i int) Row {
	m.asked++
	id := i + m.shift
	return Row{ID: id, Time: now.Add(-time.Duration(id) * time.Minute), People: safe.Line("Ada Lovelace, Zoë"), Count: id % 30,
		Subject: safe.Line("[PATCH v3 2/7] queue: retry with jitter"), Snippet: safe.Line("jitter window now 請求書のご確認 see the table below"),
		Unread: id%3 == 0, Flagged: id%7 == 0, Attach: id%5 == 0}
}

func newList(n int) (*Model, *made) {
	src := &made{n: n}
	m := New(look.NewTheme(look.Options{}), func() time.Time { return now })
	m.SetSize(80, 20)
	m.Reset(src)
	return m, src
}

func TestMoves(t *testing.T) {
	tests := []struct {
		name        string
		do          func(*Model)
		cursor, top int
	}{
		{"at first", func(m *Model) {}, 0, 0},
		{"down", func(m *Model) { m.Move(3) }, 3, 0},
		{"up at the top", func(m *Model) { m.Move(-3) }, 0, 0},
		{"beyond the page", func(m *Model) { m.Move(18) }, 18, 1},
		{"to the end", func(m *Model) { m.To(999) }, 999, 980},
		{"beyond the end", func(m *Model) { m.Move(5000) }, 999, 980},
		{"page", func(m *Model) { m.Page(1) }, 19, 17},
		{"page and back", func(m *Model) { m.Page(1); m.Page(-1) }, 0, 0},
		{"half", func(m *Model) { m.Half(1) }, 10, 8},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m, _ := newList(1000)
			tt.do(m)
			if m.cursor != tt.cursor || m.top != tt.top {
				t.Errorf("cursor %d, top %d; want %d, %d", m.cursor, m.top, tt.cursor, tt.top)
			}
		})
	}
}

func TestCursorStaysOnItsMessage(t *testing.T) {
	m, _ := newList(1000)
	m.To(500)
	m.SetSource(&made{n: 1000, shift: 100}) // the first hundred are gone
	if m.Current() != 500 || m.Cursor() != 400 {
		t.Errorf("on message %d at row %d, want 500 at 400", m.Current(), m.Cursor())
	}
	m.SetSource(&made{n: 50, shift: 2000}) // the message is gone: the cursor stays in its place
	if m.Cursor() != 49 {
		t.Errorf("at row %d, want 49", m.Cursor())
	}
	m.SetSource(&made{})
	if m.Current() != -1 || len(m.Lines(true)) != 20 {
		t.Errorf("an empty list has current %d and %d lines", m.Current(), len(m.Lines(true)))
	}
}

// TestOnlyVisibleRowsAreAsked is what keeps a million rows quick.
func TestOnlyVisibleRowsAreAsked(t *testing.T) {
	m, src := newList(1_000_000)
	m.Lines(true)
	if src.asked != 20 {
		t.Errorf("asked for %d rows to draw 20", src.asked)
	}
	src.asked = 0
	m.Lines(true)
	if src.asked != 0 {
		t.Errorf("asked for %d rows to draw the same again", src.asked)
	}
	m.Move(1)
	m.Lines(true)
	if src.asked > 2 {
		t.Errorf("asked for %d rows after one step, want 2", src.asked)
	}
	src.version++
	m.Lines(true)
	if src.asked < 20 {
		t.Errorf("drew old rows after a change")
	}
}

func TestAMillionRowsAreQuick(t *testing.T) {
	m, src := newList(1_000_000)
	m.SetSize(200, 50)
	const steps = 1000
	for i := range steps {
		switch i % 4 {
		case 0:
			m.Move(1)
		case 1:
			m.Page(1)
		case 2:
			m.To(i * 997 % 1_000_000)
		case 3:
			m.To(999_999)
		}
		m.Lines(true)
	}
	if src.asked > steps*50 {
		t.Errorf("asked for %d rows in %d steps of 50 lines", src.asked, steps)
	}
}

func TestRowsFit(t *testing.T) {
	for w := 40; w < 220; w += 7 {
		m, _ := newList(100)
		m.SetSize(w, 20)
		m.Select(3, true)
		for i, l := range m.Lines(true) {
			plain := l
			for _, code := range strings.Split(l, "\x1b[")[1:] {
				plain = strings.Replace(plain, "\x1b["+code[:strings.IndexByte(code, 'm')+1], "", 1)
			}
			if n := safe.Width(plain); n != w {
				t.Errorf("width %d, line %d: %d cells: %q", w, i, n, plain)
			}
		}
	}
}

func TestRange(t *testing.T) {
	m, _ := newList(100)
	m.To(5)
	m.Range()
	m.To(2)
	if !m.Range() || m.Count() != 4 || !m.Selected(2) || !m.Selected(5) || m.Selected(6) {
		t.Errorf("selected %v", m.Selection())
	}
}

func BenchmarkStep(b *testing.B) {
	m, _ := newList(1_000_000)
	m.SetSize(200, 50)
	for b.Loop() {
		m.Move(1)
		m.Lines(true)
	}
}

func BenchmarkJump(b *testing.B) {
	m, _ := newList(1_000_000)
	m.SetSize(200, 50)
	i := 0
	for b.Loop() {
		i = (i + 7919) % 1_000_000
		m.To(i)
		m.Lines(true)
	}
}

// TestCursorWhileRowsAreSorted keeps an untouched cursor at the top until the rows are in order; then, or once it was
// moved, it stays on its message.
func TestCursorWhileRowsAreSorted(t *testing.T) {
	tests := []struct {
		name string
		do   func(*Model)
		want int
	}{
		{"untouched", func(*Model) {}, 0},
		{"moved", func(m *Model) { m.Move(2) }, 52},
		{"moved to where it was", func(m *Model) { m.To(0) }, 50},
		{"all read", func(m *Model) { m.Hold() }, 50},
	}
	for _, tt := range tests {
		m, src := newList(1000)
		tt.do(m)
		m.SetSource(&made{n: src.n, shift: -50})
		if m.Cursor() != tt.want {
			t.Errorf("%s: cursor %d, want %d", tt.name, m.Cursor(), tt.want)
		}
	}
}

// TestLend lends a selection, which stays as it was lent whatever is selected afterwards.
func TestLend(t *testing.T) {
	for _, change := range []func(*Model){
		func(m *Model) { m.Select(3, true) }, func(m *Model) { m.Select(1, false) }, (*Model).Clear,
		func(m *Model) { m.Reset(empty{}) }, func(m *Model) { m.SelectAll(map[int]bool{7: true, 8: true, 9: true}) },
	} {
		m := New(look.NewTheme(look.Options{}), time.Now)
		m.Select(1, true)
		m.Select(2, true)
		lent := m.Lend()
		change(m)
		if len(lent) != 2 || !lent[1] || !lent[2] {
			t.Errorf("lent %v", lent)
		}
	}
	m := New(look.NewTheme(look.Options{}), time.Now)
	m.Select(1, true)
	if m.SelectAll(map[int]bool{1: true, 2: true}); m.Count() != 2 || !m.Selected(1) || !m.Selected(2) {
		t.Errorf("selected %v", m.Selection())
	}
}
