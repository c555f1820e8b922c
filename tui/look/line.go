package look

import (
	"fmt"

	"pneu/maildir/safe"
)

// Lit is text of the program itself. An untyped constant is one; a string variable is not, so that what came with
// a mail cannot be passed for it by accident.
type Lit string

// A Line builds one line of the screen, of exactly so many cells.
type Line struct {
	t    *Theme
	buf  []byte
	w    int
	max  int
	cur  Style
	base Style
}

// NewLine begins a line of max cells.
func (t *Theme) NewLine(max int) *Line {
	return &Line{t: t, max: max, buf: make([]byte, 0, max+max/2+32)}
}

// Reset begins another line in the same memory.
func (l *Line) Reset(max int, base Style) *Line {
	l.buf, l.w, l.max, l.cur, l.base = l.buf[:0], 0, max, 0, 0
	return l.Base(base)
}

// Base sets a style that everything after it has too: the reverse of the cursor, the bold of an unread row.
func (l *Line) Base(s Style) *Line {
	l.base = s
	return l
}

// Room is the number of cells left.
func (l *Line) Room() int { return l.max - l.w }

// Width is the number of cells used.
func (l *Line) Width() int { return l.w }

func (l *Line) style(s Style) {
	s = merge(l.base, s)
	if s == l.cur {
		return
	}
	l.buf = append(l.buf, l.t.SGR(s)...)
	l.cur = s
}

// merge lays s over base. A row under the cursor keeps one colour and no dim text: reversed, both are unreadable.
func merge(base, s Style) Style {
	if base&Reverse != 0 {
		return base | s&(Bold|Under)
	}
	m := base&attrs | s&attrs
	if m&Bold != 0 {
		m &^= Dim
	}
	if s&colours != 0 {
		return m | s&colours
	}
	return m | base&colours
}

func (l *Line) put(s Style, text string) {
	if text == "" || l.w >= l.max {
		return
	}
	w := width(text)
	if w > l.Room() {
		text = safe.Truncate(text, l.Room())
		w = width(text)
	}
	l.style(s)
	l.buf = append(l.buf, text...)
	l.w += w
}

// Add puts as much of text as there is room for.
func (l *Line) Add(s Style, text safe.Text) *Line {
	l.put(s, text.String())
	return l
}

// Lit puts a constant.
func (l *Line) Lit(s Style, text Lit) *Line {
	l.put(s, string(text))
	return l
}

// Glyph puts a character of the frame.
func (l *Line) Glyph(s Style, g string) *Line {
	l.put(s, g)
	return l
}

// F puts formatted text, cleaned.
func (l *Line) F(s Style, format Lit, args ...any) *Line {
	l.put(s, Clean(fmt.Sprintf(string(format), args...)))
	return l
}

// Cell puts text in exactly w cells, filled up or cut.
func (l *Line) Cell(s Style, text safe.Text, w int) *Line {
	w = min(w, l.Room())
	if w <= 0 {
		return l
	}
	str := text.String()
	n := width(str)
	if n > w {
		str = safe.Truncate(str, w)
		n = width(str)
	}
	l.style(s)
	l.buf = append(l.buf, str...)
	l.w += n
	return l.pad(s, w-n)
}

// Right puts text at the right end of w cells.
func (l *Line) Right(s Style, text safe.Text, w int) *Line {
	w = min(w, l.Room())
	n := width(text.String())
	if n < w {
		l.pad(s, w-n)
		w = n
	}
	return l.Cell(s, text, w)
}

// Pad puts n blanks.
func (l *Line) Pad(n int) *Line { return l.pad(0, min(n, l.Room())) }

// To fills up to the column.
func (l *Line) To(col int) *Line { return l.Pad(col - l.w) }

func (l *Line) pad(s Style, n int) *Line {
	if n <= 0 {
		return l
	}
	l.style(s &^ Under)
	for ; n > 0; n-- {
		l.buf = append(l.buf, ' ')
		l.w++
	}
	return l
}

// Raw puts a line that another Line made, of w cells.
func (l *Line) Raw(text string, w int) *Line {
	l.style(0)
	l.buf = append(l.buf, text...)
	l.w += w
	l.cur = 0
	return l
}

// String ends the line: it is filled up to its full width and leaves no style behind.
func (l *Line) String() string {
	if l.w < l.max {
		l.pad(0, l.max-l.w)
	}
	l.end()
	return string(l.buf)
}

func (l *Line) end() {
	if l.cur != 0 {
		l.buf = append(l.buf, "\x1b[0m"...)
		l.cur = 0
	}
}

// Between puts two lines at the ends of one of width w; the left one gives way.
func (t *Theme) Between(w int, left, right func(*Line)) string {
	r := t.NewLine(w)
	right(r)
	rest := w - r.w
	if rest < w/3 { // a right side that long is cut instead
		rest = w / 3
		r = t.NewLine(w - rest)
		right(r)
	}
	r.end()
	l := t.NewLine(w)
	l.max = max(0, rest-1)
	left(l)
	l.max = w
	l.To(rest)
	l.style(0)
	return l.Raw(string(r.buf), r.w).String()
}

// HRule is a thin line across.
func (t *Theme) HRule(w int) string {
	l := t.NewLine(w)
	for range w {
		l.put(t.Rule, t.Glyphs.Rule)
	}
	return l.String()
}

// Blank is an empty line.
func (t *Theme) Blank(w int) string { return t.NewLine(w).String() }

// Clean makes s fit for one line, quickly when it already is.
func Clean(s string) string {
	if isASCII(s) {
		return s
	}
	return safe.Line(s).String()
}

// T cleans a string of any origin.
func T(s string) safe.Text { return safe.Line(s) }

// Tf is a cleaned format.
func Tf(format Lit, args ...any) safe.Text { return safe.Line(fmt.Sprintf(string(format), args...)) }

func width(s string) int {
	if isASCII(s) {
		return len(s)
	}
	return safe.Width(s)
}

func isASCII(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] < 0x20 || s[i] > 0x7e {
			return false
		}
	}
	return true
}
