package safe

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

type mode uint8

const (
	line mode = iota
	path
	body
)

// The characters that reorder text (UAX #9).
const (
	lrm, rlm, alm           = '\u200e', '\u200f', '\u061c'
	lre, rle, pdf, lro, rlo = '\u202a', '\u202b', '\u202c', '\u202d', '\u202e'
	lri, rli, fsi, pdi      = '\u2066', '\u2067', '\u2068', '\u2069'
	zwnj, zwj               = '\u200c', '\u200d'
)

// maxMarks is how many combining marks one character may have. Languages need up to four.
const maxMarks = 4

// A cleaner writes what may be printed to out. What it does with a character depends on those written before it and
// never on those to come, but for a joiner, which waits for its right neighbour: so that cleaning its own output
// changes nothing.
type cleaner struct {
	mode     mode
	keepBidi bool
	out      strings.Builder

	prev   rune // last character written that is not a mark
	joiner rune // seen after prev and not yet written
	marks  int  // combining marks after prev
	cells  int  // width of the line before start
	start  int  // where in out the piece of line starts that cells does not count
}

func (c *cleaner) clean(s string) {
	for i := 0; i < len(s); {
		b := s[i]
		if b-' ' < 0x7f-' ' { // most of any text: taken as a run
			j := i + 1
			for j < len(s) && s[j]-' ' < 0x7f-' ' {
				j++
			}
			c.join(rune(b))
			c.out.WriteString(s[i:j])
			c.prev, c.marks = rune(s[j-1]), 0
			i = j
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		if b == '\r' && c.mode == line && i+1 < len(s) && s[i+1] == '\n' {
			i++ // one blank for both
			continue
		}
		i += size
		c.rune(r)
	}
	c.joiner = 0
}

func (c *cleaner) rune(r rune) {
	switch {
	case r < 0xa0:
		c.control(r)
	case r >= lrm && r <= rlm, r == alm:
		if c.mode == body {
			c.mark(r) // they have no scope: they order what stands beside them
		}
	case r >= lre && r <= rlo, r >= lri && r <= pdi:
		if c.mode == body && r != lro && r != rlo {
			if c.keepBidi {
				c.mark(r)
			}
			return
		}
		c.text(bidiName(r))
	case r == '\u2028', r == '\u2029':
		c.write(' ')
	case r == zwj, r == zwnj:
		c.joiner = r
	case invisible(r):
	case isSelector(r):
		if c.joiner == 0 && selectable(c.prev) && c.marks == 0 {
			c.marks++
			c.out.WriteRune(r)
		}
	case unicode.In(r, unicode.Mn, unicode.Me):
		c.join(r)
		if c.marks++; c.marks <= maxMarks {
			c.out.WriteRune(r)
		}
	case unicode.Is(unicode.Cs, r), r > 0xffff && (r&0xfffe == 0xfffe), r >= 0xfdd0 && r <= 0xfdef, r == 0xfffe, r == 0xffff:
		c.write(utf8.RuneError)
	default:
		c.write(r)
	}
}

// control takes C0, DEL and C1.
func (c *cleaner) control(r rune) {
	switch {
	case r == '\t' && c.mode == body:
		c.tab()
	case r == '\t' && c.mode == line, r == '\n' && c.mode == line:
		c.write(' ')
	case c.mode == line:
	case r < ' ':
		c.write('\u2400' + r)
	case r == 0x7f:
		c.write('\u2421')
	default: // a C1 control is the two characters ESC and another
		c.write('\u241b')
		c.write(r - 0x40)
	}
}

// write writes a character that takes cells.
func (c *cleaner) write(r rune) {
	c.join(r)
	if r < utf8.RuneSelf {
		c.out.WriteByte(byte(r))
	} else {
		c.out.WriteRune(r)
	}
	c.prev, c.marks = r, 0
}

// mark writes a character that takes none and means nothing to its neighbours.
func (c *cleaner) mark(r rune) {
	c.joiner = 0
	c.out.WriteRune(r)
	c.prev, c.marks = r, 0
}

func (c *cleaner) text(s string) {
	for _, r := range s {
		c.write(r)
	}
}

// join writes the joiner that waits, if prev and next make sense of it: emoji, or letters of a script whose shapes
// depend on it.
func (c *cleaner) join(next rune) {
	j := c.joiner
	if j == 0 {
		return
	}
	c.joiner = 0
	if j == zwj && isEmoji(c.prev) && isEmoji(next) || needsJoiners(c.prev) && needsJoiners(next) {
		if c.marks <= maxMarks {
			c.out.WriteRune(j)
			c.marks++
		}
	}
}

func (c *cleaner) tab() {
	s := c.out.String()[c.start:]
	c.cells += Width(s)
	n := 8 - c.cells%8
	for range n {
		c.write(' ')
	}
	c.cells += n
	c.start = c.out.Len()
}

// newline forgets the line.
func (c *cleaner) newline() {
	c.prev, c.joiner, c.marks, c.cells = 0, 0, 0, 0
	c.start = c.out.Len() + 1
}

func bidiName(r rune) string {
	switch r {
	case lre:
		return "{LRE}"
	case rle:
		return "{RLE}"
	case pdf:
		return "{PDF}"
	case lro:
		return "{LRO}"
	case rlo:
		return "{RLO}"
	case lri:
		return "{LRI}"
	case rli:
		return "{RLI}"
	case fsi:
		return "{FSI}"
	}
	return "{PDI}"
}

// invisible reports whether r shows nothing and is nowhere needed: zero-width spaces, soft hyphens, fillers, tags.
func invisible(r rune) bool {
	switch r {
	case 0xad, 0x34f, 0x115f, 0x1160, 0x17b4, 0x17b5, 0x180b, 0x180c, 0x180d, 0x180e, 0x180f, 0x200b, 0x3164, 0xfeff, 0xffa0,
		0xfff9, 0xfffa, 0xfffb:
		return true
	}
	return r >= 0x2060 && r <= 0x2065 || r >= 0x206a && r <= 0x206f || r >= 0x1d173 && r <= 0x1d17a ||
		r >= 0x1bca0 && r <= 0x1bca3 || r >= 0xe0000 && r <= 0xe0fff
}

func isSelector(r rune) bool { return r >= 0xfe00 && r <= 0xfe0f }

// selectable reports whether a variation selector changes how r looks: emoji, and signs that have an emoji form.
func selectable(r rune) bool {
	return isEmoji(r) || r == '#' || r == '*' || r >= '0' && r <= '9'
}

// isEmoji is wide: all blocks that hold emoji. It only decides whether a joiner between two stays.
func isEmoji(r rune) bool {
	switch {
	case r < 0x203c:
		return r == 0xa9 || r == 0xae
	case r < 0x3300:
		return r <= 0x2bff && r != zwj || r == 0x3030 || r == 0x303d || r == 0x3297 || r == 0x3299
	}
	return r >= 0x1f000 && r <= 0x1faff
}

// needsJoiners reports whether letters of r's script take another shape with or without a joiner.
func needsJoiners(r rune) bool {
	switch {
	case r < 0x600:
		return false
	case r <= 0x8ff: // Arabic, Syriac, Thaana, N'Ko, Mandaic
		return true
	case r >= 0x900 && r <= 0xdff: // Devanagari to Sinhala
		return true
	case r >= 0x1000 && r <= 0x109f, r >= 0x1780 && r <= 0x18af: // Myanmar, Khmer, Mongolian
		return true
	case r >= 0xfb50 && r <= 0xfdcf, r >= 0xfe70 && r <= 0xfefc: // Arabic presentation forms
		return true
	}
	return r >= 0x11000 && r <= 0x1cfff && unicode.IsLetter(r)
}
