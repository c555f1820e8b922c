package message

import (
	"strings"
	"unicode/utf8"

	"pneu/maildir/message/charset"
	"pneu/maildir/message/word"
)

// DecodeWords decodes the encoded words (RFC 2047) in an unstructured field or a name. It returns valid UTF-8 in
// one line: an encoded CR, LF or NUL becomes a blank, so that nothing decoded can make a header field.
//
// It is tolerant as mailers require it: encoded words inside words and quotes, with blanks in them, split inside a
// character (5(3)), raw eight-bit text between them. A word in an unknown charset stays as it is (6.2).
func DecodeWords(s string) string { return decodeWords(s, "") }

// decodeWords takes raw eight-bit text that is not UTF-8 to be in the charset hint.
func decodeWords(s, hint string) string {
	i := strings.Index(s, "=?")
	if i < 0 {
		return oneLine(plainText(s, hint))
	}
	var out strings.Builder
	out.Grow(len(s))
	out.WriteString(plainText(s[:i], hint))
	var pending []byte // octets of encoded words in one charset, not yet decoded
	cs, from := "", -1 // their charset, and where in s the first of them starts
	flush := func(to int) {
		if from >= 0 {
			out.WriteString(decodeOctets(cs, pending, s[from:to]))
		}
		pending, from = pending[:0], -1
	}
	for i < len(s) {
		w, ok := parseWord(s[i:])
		if !ok {
			j := strings.Index(s[i+2:], "=?")
			if j < 0 {
				j = len(s)
			} else {
				j += i + 2
			}
			out.WriteString(plainText(s[i:j], hint))
			i = j
			continue
		}
		if from >= 0 && !strings.EqualFold(cs, w.charset) {
			flush(i)
		}
		if from < 0 {
			from, cs = i, w.charset
		}
		pending = w.appendTo(pending)
		i += w.size
		// RFC 2047, 6.2: white space between encoded words is not shown.
		j := i
		for j < len(s) && isSpace(s[j]) {
			j++
		}
		if strings.HasPrefix(s[j:], "=?") {
			if _, ok := parseWord(s[j:]); ok {
				i = j
				continue
			}
		}
		flush(i)
		j = strings.Index(s[i:], "=?")
		if j < 0 {
			j = len(s)
		} else {
			j += i
		}
		out.WriteString(plainText(s[i:j], hint))
		i = j
	}
	return oneLine(out.String())
}

// decodeOctets turns the octets of encoded words into text, or returns the words themselves.
func decodeOctets(cs string, b []byte, source string) string {
	s, err := charset.Decode(cs, b)
	if err == charset.ErrUnknown && !utf8.Valid(b) {
		return plainText(source, "")
	}
	return s
}

// plainText is s, or what it may have meant if it is not UTF-8. RFC 6532 allows UTF-8 in headers and nothing else.
func plainText(s, hint string) string {
	if utf8.ValidString(s) {
		return s
	}
	return guess([]byte(s), hint)
}

// oneLine replaces what would end a line or a string.
func oneLine(s string) string {
	if strings.IndexByte(s, '\n') < 0 && strings.IndexByte(s, '\r') < 0 && strings.IndexByte(s, 0) < 0 {
		return s
	}
	b := []byte(s)
	n := 0
	for i := range b {
		switch b[i] {
		case '\r', '\n', 0:
			if b[i] == '\n' && i > 0 && s[i-1] == '\r' {
				continue
			}
			b[n] = ' '
		default:
			b[n] = b[i]
		}
		n++
	}
	return string(b[:n])
}

// An encoded is an encoded word at the start of a string.
type encoded struct {
	charset  string // without the language of RFC 2231, 5
	encoding byte   // 'q' or 'b'
	text     string
	size     int
}

// maxWord bounds the search for the end of an encoded word.
const maxWord = 8 << 10

// parseWord reads =?charset?encoding?text?=. RFC 2047, 2 allows 75 octets, and mailers send any number.
func parseWord(s string) (w encoded, ok bool) {
	if len(s) < 8 || s[:2] != "=?" {
		return w, false
	}
	q := strings.IndexByte(s[2:min(len(s), 80)], '?')
	if q < 1 || len(s) < q+5 || s[2+q+2] != '?' {
		return w, false
	}
	w.charset = s[2 : 2+q]
	for i := 0; i < len(w.charset); i++ {
		switch c := w.charset[i]; {
		case c == '*':
			w.charset = w.charset[:i]
		case c <= ' ' || c >= 0x7f:
			return w, false
		}
	}
	w.encoding = s[2+q+1] | 0x20
	if w.encoding != 'q' && w.encoding != 'b' {
		return w, false
	}
	start := 2 + q + 3
	end := strings.Index(s[start:min(len(s), start+maxWord)], "?=")
	if end < 0 {
		return w, false
	}
	w.text = s[start : start+end]
	if strings.Contains(w.text, "=?") { // this one was never ended, and the next one was found
		return w, false
	}
	w.size = start + end + 2
	return w, true
}

// appendTo appends the octets that the word encodes.
func (w *encoded) appendTo(out []byte) []byte {
	if w.encoding == 'b' {
		return appendBase64(out, []byte(w.text))
	}
	t := w.text
	for i := 0; i < len(t); i++ {
		switch c := t[i]; {
		case c == '_':
			out = append(out, ' ')
		case c == '=' && i+2 < len(t) && hexDigit(t[i+1])|hexDigit(t[i+2]) < 16:
			out = append(out, hexDigit(t[i+1])<<4|hexDigit(t[i+2]))
			i += 2
		default:
			out = append(out, c)
		}
	}
	return out
}

// EncodeWord returns s as it may stand in a header, behind the name of a usual field: see [word.Encode].
func EncodeWord(s string) string { return word.Encode(s, word.Usual) }
