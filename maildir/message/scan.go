package message

import "bytes"

// A scanner goes over the fields of a header, from pos to the line that ends it.
//
// A header ends at an empty line, at a delimiter of an open multipart (RFC 2046, 5.1.1: it ends whatever it is in),
// or at a line that can be no field and after which no fields come: then the empty line was forgotten, and that
// line is the first of the body. Lines of white space alone belong to the fold they are in (RFC 5322, 4.2).
type scanner struct {
	b    []byte
	pos  int
	eol  byte
	open *parser // whose delimiters end the header; nil if b holds nothing but a header

	// When next has returned false:
	body  int  // where the body starts
	delim bool // at a delimiter line
	blank bool // after an empty line
}

// line returns the end of the line at pos, without CR and LF, and the start of the next.
func (s *scanner) line(pos int) (end, next int) {
	return lineAt(s.b, pos, s.eol)
}

func lineAt(b []byte, pos int, eol byte) (end, next int) {
	i := bytes.IndexByte(b[pos:], eol)
	if i < 0 {
		end, next = len(b), len(b)
	} else {
		end, next = pos+i, pos+i+1
	}
	for end > pos && b[end-1] == '\r' {
		end--
	}
	return end, next
}

// next returns the next field, its value with folds and without the last line end.
func (s *scanner) next() (name, value []byte, ok bool) {
	b := s.b
	for s.pos < len(b) {
		start := s.pos
		end, next := s.line(start)
		if end == start {
			s.body, s.blank = next, true
			return nil, nil, false
		}
		if b[start] == '-' && s.open != nil {
			if k, _ := s.open.delimiter(b[start:end]); k >= 0 {
				s.body, s.delim = start, true
				return nil, nil, false
			}
		}
		n, colon := fieldName(b[start:end])
		if n == 0 {
			// A line of two hyphens is no garbage, but a delimiter whose empty line was forgotten.
			if !isBlank(b[start]) && (bytes.HasPrefix(b[start:end], []byte("--")) || !s.goesOn(next)) {
				s.body = start
				return nil, nil, false
			}
			s.pos = next // a fold with nothing to continue, or garbage among fields
			continue
		}
		for next < len(b) && (isBlank(b[next]) || s.straggler(end, next)) {
			end, next = s.line(next)
		}
		s.pos = next
		return b[start : start+n], b[min(start+colon+1, end):end], true
	}
	s.body = len(b)
	return nil, nil, false
}

// goesOn reports whether the line at pos, which follows one that is no field, is surely part of a header.
func (s *scanner) goesOn(pos int) bool {
	if pos >= len(s.b) {
		return false
	}
	end, _ := s.line(pos)
	n, _ := fieldName(s.b[pos:end])
	return n > 0 && usualField(s.b[pos:pos+n])
}

// straggler reports whether the line at pos is a parameter that lost its indentation: the line before, which ends
// at end, ends in a semicolon, and this one is attribute=value with no colon to make it a field.
func (s *scanner) straggler(end, pos int) bool {
	if end == 0 || s.b[end-1] != ';' {
		return false
	}
	stop, _ := s.line(pos)
	for i, c := range s.b[pos:stop] {
		switch {
		case c == '=':
			return i > 0
		case c <= ' ' || c == ':' || c >= 0x7f:
			return false
		}
	}
	return false
}

// fieldName returns the length of the field name at the start of line and the place of its colon; 0 if there is none.
// RFC 5322, 4.5: white space may stand before the colon.
func fieldName(line []byte) (n, colon int) {
	for i, c := range line {
		if c == ':' {
			return i, i
		}
		if c <= ' ' || c >= 0x7f {
			if i == 0 || !isBlank(c) {
				return 0, 0
			}
			for j := i; j < len(line); j++ {
				if line[j] == ':' {
					return i, j
				}
				if !isBlank(line[j]) {
					return 0, 0
				}
			}
			return 0, 0
		}
	}
	return 0, 0
}

// usualField reports whether name is one of the fields that nearly every header has.
func usualField(name []byte) bool {
	if len(name) > 2 && (name[0] == 'X' || name[0] == 'x') && name[1] == '-' {
		return true
	}
	if len(name) > 8 && equalFold(name[:8], "content-") {
		return true
	}
	for _, f := range [...]string{"from", "to", "cc", "subject", "date", "message-id", "received", "mime-version", "return-path",
		"reply-to", "sender", "references", "in-reply-to", "delivered-to", "dkim-signature", "authentication-results"} {
		if equalFold(name, f) {
			return true
		}
	}
	return false
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' }

// equalFold compares without regard to ASCII case. lower must be in lower case.
func equalFold(b []byte, lower string) bool {
	if len(b) != len(lower) {
		return false
	}
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}
