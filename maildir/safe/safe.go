// Package safe makes a stranger's text fit to be printed.
//
// Whatever comes from a message, a server or a file name passes through Line, Body or Path before it reaches a
// terminal, a log or a record, and Filename before it names a file. The rules:
//
//   - Octets that are not UTF-8 become U+FFFD.
//   - Control characters (C0, DEL, C1) are removed from lines and drawn as pictures in bodies. Escape sequences are
//     not parsed: the one character that starts them is taken away, so that no two parsers can differ about the rest.
//   - Characters that reorder the text of a line (bidi controls) are shown by name in lines, as {RLO}; in bodies
//     embeddings and isolates stay where they are balanced within their line, overrides never do.
//   - Characters that cannot be seen are removed, but for joiners in emoji and in the scripts that need them.
//   - Of more than four combining marks on one character, the others are cut.
//
// All of it holds whatever the text was; none of it depends on the terminal. Cleaning twice changes nothing more.
package safe

import "strings"

// A Text is a string without control characters (but for the line ends of a body), fit for a terminal, a log line or
// a file of records. Only this package can make one that is not empty.
type Text struct{ s string }

func (t Text) String() string { return t.s }

// Line cleans a field that stands in one line: a subject, a name, an address, a server's reply. Line ends and tabs
// become blanks.
func Line(s string) Text {
	if _, simple := cells(s); simple {
		return Text{s}
	}
	c := cleaner{mode: line}
	c.out.Grow(len(s))
	c.clean(s)
	return Text{c.out.String()}
}

// Path cleans a file's path for printing: as Line, but what is removed there is seen here as a picture, so that two
// names do not look alike.
func Path(s string) Text {
	if isPlain(s) {
		return Text{s}
	}
	c := cleaner{mode: path}
	c.clean(s)
	return Text{c.out.String()}
}

// Body cleans running text. CRLF and a lone CR become LF, tabs are expanded to stops of eight cells.
func Body(s string) Text {
	if isPlainBody(s) {
		return Text{s}
	}
	var c cleaner
	c.mode = body
	c.out.Grow(len(s) + len(s)/16)
	for len(s) > 0 {
		end := strings.IndexAny(s, "\r\n")
		text, more := s, end >= 0
		if more {
			text = s[:end]
		}
		c.keepBidi = (strings.Contains(text, "\xe2\x80") || strings.Contains(text, "\xe2\x81")) && balanced(text)
		c.clean(text)
		c.newline()
		if !more {
			break
		}
		c.out.WriteByte('\n')
		if s[end] == '\r' && end+1 < len(s) && s[end+1] == '\n' {
			end++
		}
		s = s[end+1:]
	}
	return Text{c.out.String()}
}

// isPlain reports whether s is printable ASCII, as most of what is printed is.
func isPlain(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i]-' ' >= 0x7f-' ' {
			return false
		}
	}
	return true
}

func isPlainBody(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i]-' ' >= 0x7f-' ' && s[i] != '\n' {
			return false
		}
	}
	return true
}

// balanced reports whether every embedding and isolate in the line is closed, in order (UAX #9, X1-X7).
func balanced(s string) bool {
	var open []rune
	for _, r := range s {
		switch r {
		case lre, rle:
			open = append(open, pdf)
		case lri, rli, fsi:
			open = append(open, pdi)
		case pdf, pdi:
			if len(open) == 0 || open[len(open)-1] != r {
				return false
			}
			open = open[:len(open)-1]
		}
		if len(open) > 60 {
			return false
		}
	}
	return len(open) == 0
}

// Join puts cleaned pieces together.
func Join(pieces []Text, sep string) Text {
	var b strings.Builder
	for i, p := range pieces {
		if i > 0 {
			b.WriteString(Line(sep).s)
		}
		b.WriteString(p.s)
	}
	return Text{b.String()}
}
