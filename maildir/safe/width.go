package safe

import (
	"strings"

	"github.com/clipperhouse/displaywidth"
)

// Width is the number of terminal cells that s takes, which must be clean. It uses the tables of the library that
// lays out the screens, so that the two never differ.
func Width(s string) int {
	if isPlain(s) {
		return len(s)
	}
	return displaywidth.String(s)
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
