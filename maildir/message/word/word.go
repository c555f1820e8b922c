// Package word writes encoded words (RFC 2047) and folds header fields.
//
// It is apart from package message because cmd/sendmail links it, whose life is mostly the start of a process: reading
// such words needs tables of charsets, writing them does not, nor reflection, which encoding/base64 brings along.
package word

import (
	"strings"
	"unicode/utf8"
)

// Limits of RFC 2047, 2.
const (
	maxWord = 75 // an encoded word
	maxLine = 76 // a line that holds one
)

// Usual is the column at which Encode may be told to begin if it is not known: behind the names of common fields.
const Usual = len("Resent-From: ")

// Encode returns s as it may stand in a header: unchanged if it is printable ASCII, else as encoded words in UTF-8 with
// a blank between them, where [Fold] may break the line. Each ends with a whole character, and is base64 only where
// most characters would need an escape: the other can be read as it is. The first begins at column, counted from 0,
// and ends within its line.
func Encode(s string, column int) string {
	if Plain(s) {
		return s
	}
	s = strings.ToValidUTF8(s, "\ufffd")
	special, chars := 0, 0
	for _, r := range s {
		chars++
		if r >= utf8.RuneSelf || !itself(byte(r)) && r != ' ' {
			special++
		}
	}
	inBase64 := special > chars/2
	const marks = len("=?utf-8?q??=")
	// A first word without room for one character of four escapes would be no word.
	room := max(min(maxWord, maxLine-column)-marks, 12)
	var out strings.Builder
	for len(s) > 0 {
		n, used := 0, 0
		for n < len(s) {
			_, size := utf8.DecodeRuneInString(s[n:])
			if inBase64 {
				used = (n + size + 2) / 3 * 4
			} else {
				for _, c := range []byte(s[n : n+size]) {
					if used++; !itself(c) && c != ' ' {
						used += 2
					}
				}
			}
			if used > room {
				break
			}
			n += size
		}
		if out.Len() > 0 {
			out.WriteByte(' ')
		}
		if inBase64 {
			base64(&out, s[:n])
		} else {
			quoted(&out, s[:n])
		}
		s, room = s[n:], maxWord-marks
	}
	return out.String()
}

func quoted(out *strings.Builder, s string) {
	out.WriteString("=?utf-8?q?")
	for _, c := range []byte(s) {
		switch {
		case c == ' ':
			out.WriteByte('_')
		case itself(c):
			out.WriteByte(c)
		default:
			const hex = "0123456789ABCDEF"
			out.Write([]byte{'=', hex[c>>4], hex[c&15]})
		}
	}
	out.WriteString("?=")
}

func base64(out *strings.Builder, s string) {
	out.WriteString("=?utf-8?b?")
	for ; len(s) > 0; s = s[min(3, len(s)):] {
		var b [3]byte
		n := copy(b[:], s)
		v := uint(b[0])<<16 | uint(b[1])<<8 | uint(b[2])
		for i := range 4 {
			if i > n {
				out.WriteByte('=')
				continue
			}
			const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
			out.WriteByte(digits[v>>(18-6*i)&63])
		}
	}
	out.WriteString("?=")
}

// Plain reports whether s may stand in a header as it is, and will not be taken for an encoded word.
func Plain(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] < ' ' && s[i] != '\t' || s[i] >= 0x7f {
			return false
		}
	}
	return !strings.Contains(s, "=?")
}

// itself: RFC 2047, 5(3), what needs no encoding even in a phrase.
func itself(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("!*+-/", c) >= 0
}

// Fold writes a field in lines of at most 76 columns where its blanks allow it (RFC 5322, 2.2.3; RFC 2047, 2), each
// ended by eol. Unfolded, it is what it was. A line of value's own must not be in it.
func Fold(name, value, eol string) string {
	var out strings.Builder
	out.WriteString(name + ":")
	used := len(name) + 1
	first := true
	for value = " " + strings.Trim(value, " \t"); value != ""; first = false {
		blanks := len(value) - len(strings.TrimLeft(value, " \t"))
		end := strings.IndexAny(value[blanks:], " \t")
		if end < 0 {
			end = len(value)
		} else {
			end += blanks
		}
		if !first && used+end > maxLine {
			out.WriteString(eol)
			used = 0
		}
		out.WriteString(value[:end])
		used += end
		value = value[end:]
	}
	out.WriteString(eol)
	return out.String()
}
