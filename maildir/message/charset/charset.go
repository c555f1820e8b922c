// Package charset turns text of the charsets that are found in mail into UTF-8.
//
// It knows the names that are in use, right or wrong, reads what they are used for (gb2312 as GB 18030, us-ascii
// with eight bits as UTF-8 or windows-1252), and adds to golang.org/x/text what that leaves out: UTF-7 and the
// ISO 2022 family.
package charset

import (
	"encoding/binary"
	"errors"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
)

var (
	// ErrUnknown means that nobody here knows a charset of that name. The text was guessed.
	ErrUnknown = errors.New("unknown charset")
	// ErrMalformed means that the octets are not text in that charset. What could not be read is U+FFFD.
	ErrMalformed = errors.New("malformed text")
)

// Decode returns b, which is in the charset called label, as UTF-8. The string is always the best that could be
// had and valid UTF-8; the error says that it may not be what was written.
func Decode(label string, b []byte) (string, error) {
	c := lookup(label)
	if c.ascii && isASCII(b) {
		return string(b), nil
	}
	switch c.kind {
	case kindUnknown:
		return guess(b), ErrUnknown
	case kindGuess:
		s := guess(b)
		if !utf8.Valid(b) {
			return s, ErrMalformed
		}
		return s, nil
	case kindUTF8:
		b = trimBOM(b)
		if utf8.Valid(b) {
			return string(b), nil
		}
		return strings.ToValidUTF8(string(b), "\ufffd"), ErrMalformed
	case kindUTF7:
		return checked(utf7(b))
	case kindISO2022:
		return checked(iso2022(b, c.variant))
	case kindUTF16:
		return table(unicode.UTF16(unicode.BigEndian, unicode.UseBOM), withBOM(b))
	}
	return table(c.table, b)
}

// Known reports whether label names a charset that Decode can read.
func Known(label string) bool { return lookup(label).kind != kindUnknown }

func table(e encoding.Encoding, b []byte) (string, error) {
	out, err := e.NewDecoder().Bytes(b)
	if err != nil {
		return checked(strings.ToValidUTF8(string(out), "\ufffd") + "\ufffd")
	}
	return checked(string(out))
}

func checked(s string) (string, error) {
	if strings.ContainsRune(s, '\ufffd') {
		return s, ErrMalformed
	}
	return s, nil
}

// guess is for text of no declared charset: UTF-8 is hardly ever so by chance, and else it is mostly windows-1252.
func guess(b []byte) string {
	b = trimBOM(b)
	if utf8.Valid(b) {
		return string(b)
	}
	out, err := charmap.Windows1252.NewDecoder().Bytes(b)
	if err != nil {
		return strings.ToValidUTF8(string(b), "\ufffd")
	}
	return string(out)
}

func trimBOM(b []byte) []byte {
	if len(b) >= 3 && b[0] == 0xef && b[1] == 0xbb && b[2] == 0xbf {
		return b[3:]
	}
	return b
}

// withBOM puts a byte order mark before UTF-16 that has none. RFC 2781, 4.3: big-endian should then be assumed; but
// Windows writes the other, so the order in which more of the first octets are zero decides.
func withBOM(b []byte) []byte {
	if len(b) < 2 || b[0] == 0xfe && b[1] == 0xff || b[0] == 0xff && b[1] == 0xfe {
		return b
	}
	var zero [2]int
	for i, c := range b[:min(len(b), 256)] {
		if c == 0 {
			zero[i&1]++
		}
	}
	bom := []byte{0xfe, 0xff}
	if zero[1] > zero[0] {
		bom = []byte{0xff, 0xfe}
	}
	return append(bom, b...)
}

func isASCII(b []byte) bool {
	for len(b) >= 16 {
		if (binary.LittleEndian.Uint64(b)|binary.LittleEndian.Uint64(b[8:]))&0x8080808080808080 != 0 {
			return false
		}
		b = b[16:]
	}
	for _, c := range b {
		if c >= 0x80 {
			return false
		}
	}
	return true
}
