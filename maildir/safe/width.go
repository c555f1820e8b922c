package safe

import (
	"strings"

	"github.com/clipperhouse/displaywidth"
)

// Width is the number of terminal cells that s takes, which must be clean. It uses the tables of the library that
// lays out the screens, so that the two never differ.
func Width(s string) int {
	if n, simple := cells(s); simple {
		return n
	}
	return displaywidth.String(s)
}

// cells counts the cells of s if it is simple: of printable ASCII, and of letters and punctuation that take one cell
// each and are clean, whatever stands beside them.
func cells(s string) (n int, simple bool) {
	for i := 0; i < len(s); n++ {
		if s[i]-' ' < 0x7f-' ' {
			i++
			continue
		}
		k := simpleAt(s, i)
		if k == 0 {
			return 0, false
		}
		i += k
	}
	return n, true
}

// simpleAt returns how many octets the character at i has, 0 if it is not simple. Simple are, beside ASCII, what most
// mail has that is not in ASCII alone: Latin (U+00C0 to U+027F), Greek (U+0391 to U+03FF) and Cyrillic letters (U+0400
// to U+047F), dashes and quotation marks (U+2010 to U+2027).
func simpleAt(s string, i int) int {
	c := s[i]
	switch {
	case c-' ' < 0x7f-' ':
		return 1
	case c < 0xc3 || len(s)-i < 2:
	case c <= 0xc9, c == 0xcf, c == 0xd0, c == 0xd1:
		if s[i+1]&0xc0 == 0x80 {
			return 2
		}
	case c == 0xce:
		if d := s[i+1]; d >= 0x91 && d <= 0xbf && d != 0xa2 {
			return 2
		}
	case c == 0xe2 && len(s)-i >= 3 && s[i+1] == 0x80:
		if d := s[i+2]; d >= 0x90 && d <= 0xa7 {
			return 3
		}
	}
	return 0
}

// Truncate cuts s to w cells, with an ellipsis in the last where something was cut. Characters are kept whole.
func Truncate(s string, w int) string {
	if w <= 0 {
		return ""
	}
	if len(s) <= w && isPlain(s) {
		return s
	}
	if isPlain(s) {
		return s[:w-1] + "…"
	}
	if n, simple := cells(s); simple && n <= w {
		return s
	} else if simple {
		end := 0
		for range w - 1 {
			end += simpleAt(s, end)
		}
		return s[:end] + "…"
	}
	// A string can be far longer than what is shown of it: look only as far as needed.
	cells, end, last := 0, 0, 0
	g := displaywidth.StringGraphemes(s)
	for g.Next() {
		n := g.Width()
		if cells+n > w {
			return s[:last] + "…"
		}
		cells += n
		end += len(g.Value())
		if cells <= w-1 {
			last = end
		}
	}
	return s
}

// Pad cuts or fills s with blanks to exactly w cells.
func Pad(s string, w int) string {
	s = Truncate(s, w)
	for n := Width(s); n < w; n = Width(s) { // a blank may join the character before it and add nothing
		s += strings.Repeat(" ", w-n)
	}
	return s
}

// Width is the number of terminal cells of the text.
func (t Text) Width() int { return Width(t.s) }

// Truncate cuts the text to w cells.
func (t Text) Truncate(w int) Text { return Text{Truncate(t.s, w)} }

// Pad cuts or fills the text to exactly w cells.
func (t Text) Pad(w int) Text { return Text{Pad(t.s, w)} }
