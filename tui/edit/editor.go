package edit

import (
	"strings"
	"unicode"

	"pneu/maildir/safe"
	"pneu/tui/look"
	"pneu/tui/term"
)

// An Editor holds the body of a mail. Lines wrap on the screen alone: a paragraph stays one line of text.
type Editor struct {
	lines    [][]rune
	row, col int
	top      int // first line on the screen
	goal     int // column that moving up and down keeps to
	w, h     int
	past     []state // what undo returns to
	typing   bool    // the last key typed a character: one undo takes back a run of them
	Version  int     // changes with every edit
}

type state struct {
	lines    [][]rune
	row, col int
}

const maxPast = 200

// NewEditor makes an empty editor.
func NewEditor() *Editor { return &Editor{lines: [][]rune{nil}, w: 80, h: 10} }

// Set replaces the text and puts the cursor at its beginning.
func (e *Editor) Set(s string) {
	s = strings.TrimSuffix(strings.ReplaceAll(s, "\r\n", "\n"), "\n")
	e.lines = nil
	for _, l := range strings.Split(s, "\n") {
		e.lines = append(e.lines, []rune(l))
	}
	e.row, e.col, e.top, e.goal, e.past = 0, 0, 0, 0, nil
	e.Version++
}

// To puts the cursor at the beginning of a line.
func (e *Editor) To(row int) {
	e.row, e.col, e.goal = max(0, min(row, len(e.lines)-1)), 0, 0
}

// End puts the cursor at the end of the text.
func (e *Editor) End() {
	e.row = len(e.lines) - 1
	e.col = len(e.lines[e.row])
}

// String returns the text with a line end behind each line.
func (e *Editor) String() string {
	var b strings.Builder
	for _, l := range e.lines {
		b.WriteString(string(l))
		b.WriteByte('\n')
	}
	return b.String()
}

// Len is the number of lines.
func (e *Editor) Len() int { return len(e.lines) }

// SetSize tells how much room there is.
func (e *Editor) SetSize(w, h int) { e.w, e.h = max(10, w), max(1, h) }

// AtTop reports whether the cursor is in the first line.
func (e *Editor) AtTop() bool { return e.row == 0 }

func (e *Editor) save(typing bool) {
	if typing && e.typing && len(e.past) > 0 {
		return
	}
	e.typing = typing
	if len(e.past) == maxPast {
		e.past = e.past[1:]
	}
	e.past = append(e.past, state{append([][]rune(nil), e.lines...), e.row, e.col})
}

// set replaces a line; the old one may belong to a saved state and is not touched.
func (e *Editor) set(row int, text ...[]rune) {
	var l []rune
	for _, t := range text {
		l = append(l, t...)
	}
	e.lines[row] = l
	e.Version++
}

// Insert puts text at the cursor.
func (e *Editor) Insert(s string) {
	parts := strings.Split(s, "\n")
	l := e.lines[e.row]
	head, rest := l[:e.col], l[e.col:]
	if len(parts) == 1 {
		r := []rune(s)
		e.set(e.row, head, r, rest)
		e.col += len(r)
		return
	}
	var mid [][]rune
	for _, p := range parts {
		mid = append(mid, []rune(p))
	}
	n := len(mid) - 1
	e.col = len(mid[n])
	mid[0] = append(append([]rune(nil), head...), mid[0]...)
	mid[n] = append(mid[n], rest...)
	after := append([][]rune(nil), e.lines[e.row+1:]...)
	e.lines = append(append(append([][]rune(nil), e.lines[:e.row]...), mid...), after...)
	e.row += n
	e.Version++
}

// Key edits. It reports whether the key meant something here.
func (e *Editor) Key(k term.Key) bool {
	l := e.lines[e.row]
	vertical := false
	switch k.Name {
	case "paste":
		e.save(false)
		e.Insert(strings.ReplaceAll(k.Paste, "\t", "    "))
	case "enter", "ctrl+j":
		e.save(false)
		e.Insert("\n")
	case "tab":
		e.save(true)
		e.Insert(strings.Repeat(" ", 4-e.col%4))
	case "left", "ctrl+b":
		if e.col > 0 {
			e.col--
		} else if e.row > 0 {
			e.row--
			e.col = len(e.lines[e.row])
		}
	case "right", "ctrl+f":
		if e.col < len(l) {
			e.col++
		} else if e.row < len(e.lines)-1 {
			e.row, e.col = e.row+1, 0
		}
	case "up", "ctrl+p":
		e.vertical(-1)
		vertical = true
	case "down", "ctrl+n":
		e.vertical(1)
		vertical = true
	case "pgup":
		for range max(1, e.h-2) {
			e.vertical(-1)
		}
		vertical = true
	case "pgdown":
		for range max(1, e.h-2) {
			e.vertical(1)
		}
		vertical = true
	case "home":
		e.col = 0
	case "end":
		e.col = len(l)
	case "ctrl+home":
		e.To(0)
	case "ctrl+end":
		e.End()
	case "alt+b", "ctrl+left", "alt+left":
		if e.col == 0 && e.row > 0 {
			e.row--
			e.col = len(e.lines[e.row])
		} else {
			e.col = wordLeft(l, e.col)
		}
	case "alt+f", "ctrl+right", "alt+right":
		if e.col == len(l) && e.row < len(e.lines)-1 {
			e.row, e.col = e.row+1, 0
		} else {
			e.col = wordRight(l, e.col)
		}
	case "backspace", "ctrl+h":
		e.save(false)
		e.backspace()
	case "delete", "ctrl+d":
		e.save(false)
		if e.col < len(l) {
			e.set(e.row, l[:e.col], l[e.col+1:])
		} else if e.row < len(e.lines)-1 {
			e.row, e.col = e.row+1, 0
			e.backspace()
		}
	case "ctrl+w", "alt+backspace":
		e.save(false)
		at := wordLeft(l, e.col)
		e.set(e.row, l[:at], l[e.col:])
		e.col = at
	case "ctrl+u":
		e.save(false)
		e.set(e.row, l[e.col:])
		e.col = 0
	case "ctrl+k":
		e.save(false)
		if e.col < len(l) {
			e.set(e.row, l[:e.col])
		} else if e.row < len(e.lines)-1 {
			e.row, e.col = e.row+1, 0
			e.backspace()
		}
	case "ctrl+_", "alt+u":
		e.undo()
	default:
		if k.Rune == 0 || unicode.IsControl(k.Rune) {
			return false
		}
		e.save(true)
		e.set(e.row, l[:e.col], []rune{k.Rune}, l[e.col:])
		e.col++
	}
	if !vertical {
		e.goal = e.col
	}
	if k.Rune == 0 {
		e.typing = false
	}
	return true
}

func (e *Editor) backspace() {
	l := e.lines[e.row]
	switch {
	case e.col > 0:
		e.set(e.row, l[:e.col-1], l[e.col:])
		e.col--
	case e.row > 0:
		up := e.lines[e.row-1]
		e.col = len(up)
		e.set(e.row-1, up, l)
		e.lines = append(append([][]rune(nil), e.lines[:e.row]...), e.lines[e.row+1:]...)
		e.row--
	}
}

func (e *Editor) undo() {
	n := len(e.past)
	if n == 0 {
		return
	}
	s := e.past[n-1]
	e.past = e.past[:n-1]
	e.lines, e.row, e.col = s.lines, s.row, s.col
	e.Version++
}

// vertical moves by one line of the screen.
func (e *Editor) vertical(n int) {
	pieces := e.wrap(e.lines[e.row])
	at := 0
	for at+1 < len(pieces) && e.col >= pieces[at+1] {
		at++
	}
	x := e.goal
	if e.col >= pieces[at] && e.goal > e.w {
		x = e.col - pieces[at]
	} else if at > 0 || len(pieces) > 1 {
		x = e.col - pieces[at]
	}
	at += n
	switch {
	case at < 0 && e.row == 0:
		return
	case at < 0:
		e.row--
		pieces = e.wrap(e.lines[e.row])
		at = len(pieces) - 1
	case at >= len(pieces) && e.row == len(e.lines)-1:
		e.col = len(e.lines[e.row])
		return
	case at >= len(pieces):
		e.row++
		pieces = e.wrap(e.lines[e.row])
		at = 0
	}
	end := len(e.lines[e.row])
	if at+1 < len(pieces) {
		end = pieces[at+1] - 1
	}
	e.col = max(0, min(pieces[at]+x, end))
}

// wrap returns where the pieces of a line begin.
func (e *Editor) wrap(l []rune) []int {
	out := []int{0}
	if len(l) < e.w/2 {
		return out
	}
	start, w, blank := 0, 0, -1
	for i := 0; i < len(l); i++ {
		c := 1
		if l[i] > 0x7e {
			c = safe.Width(look.T(string(l[i])).String())
		}
		if w+c > e.w-1 && i > start {
			cut := i
			if blank > start {
				cut = blank
			}
			out = append(out, cut)
			start, blank = cut, -1
			w = 0
			i = cut - 1
			continue
		}
		w += c
		if l[i] == ' ' {
			blank = i + 1
		}
	}
	return out
}

// Lines draws the text, quotes in their colour.
func (e *Editor) Lines(t *look.Theme, focused bool) []string {
	e.scroll()
	out := make([]string, 0, e.h)
	for r := e.top; r < len(e.lines) && len(out) < e.h; r++ {
		l := e.lines[r]
		pieces := e.wrap(l)
		var style look.Style
		if len(l) > 0 && l[0] == '>' {
			style = t.Quote[0]
		}
		for i, from := range pieces {
			if len(out) == e.h {
				break
			}
			to := len(l)
			if i+1 < len(pieces) {
				to = pieces[i+1]
			}
			line := t.NewLine(e.w)
			here := focused && r == e.row && e.col >= from && (e.col < to || e.col == to && i+1 == len(pieces))
			if !here {
				out = append(out, line.F(style, "%s", string(l[from:to])).String())
				continue
			}
			line.F(style, "%s", string(l[from:e.col]))
			if e.col < to {
				line.F(look.Reverse, "%s", string(l[e.col])).F(style, "%s", string(l[e.col+1:to]))
			} else {
				line.Lit(look.Reverse, " ")
			}
			out = append(out, line.String())
		}
	}
	for len(out) < e.h {
		out = append(out, t.Blank(e.w))
	}
	return out
}

// scroll keeps the cursor on the screen.
func (e *Editor) scroll() {
	if e.row < e.top {
		e.top = e.row
		return
	}
	rows := 0
	for r := e.row; r >= e.top; r-- {
		if rows += len(e.wrap(e.lines[r])); rows > e.h {
			e.top = min(r+1, e.row)
			return
		}
	}
}
