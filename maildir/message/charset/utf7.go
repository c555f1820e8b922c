package charset

import (
	"unicode/utf16"
	"unicode/utf8"
)

// utf7 reads RFC 2152. Octets that may not stand in it become U+FFFD.
func utf7(b []byte) string {
	out := make([]byte, 0, len(b))
	for i := 0; i < len(b); {
		c := b[i]
		if c != '+' {
			if c < 0x80 {
				out = append(out, c)
			} else {
				out = utf8.AppendRune(out, utf8.RuneError)
			}
			i++
			continue
		}
		i++
		if i < len(b) && b[i] == '-' {
			out = append(out, '+')
			i++
			continue
		}
		start := i
		out, i = utf7Run(out, b, i)
		if i == start { // a plus sign that begins nothing
			out = append(out, '+')
			continue
		}
		if i < len(b) && b[i] == '-' {
			i++
		}
	}
	return string(out)
}

// utf7Run reads the base64 at i, which is UTF-16.
func utf7Run(out, b []byte, i int) ([]byte, int) {
	var bits uint32
	var n uint
	high := rune(-1)
	for ; i < len(b); i++ {
		v := base64Digit(b[i])
		if v < 0 {
			break
		}
		bits = bits<<6 | uint32(v)
		if n += 6; n < 16 {
			continue
		}
		n -= 16
		u := rune(bits >> n & 0xffff)
		bits &= 1<<n - 1
		switch {
		case high >= 0:
			r := utf16.DecodeRune(high, u)
			out = utf8.AppendRune(out, r)
			high = -1
			if r == utf8.RuneError && !utf16.IsSurrogate(u) {
				out = utf8.AppendRune(out, u)
			}
		case 0xd800 <= u && u < 0xdc00:
			high = u
		default:
			out = utf8.AppendRune(out, u)
		}
	}
	if high >= 0 || n >= 6 || bits != 0 {
		out = utf8.AppendRune(out, utf8.RuneError)
	}
	return out, i
}

func base64Digit(c byte) int {
	switch {
	case 'A' <= c && c <= 'Z':
		return int(c - 'A')
	case 'a' <= c && c <= 'z':
		return int(c-'a') + 26
	case '0' <= c && c <= '9':
		return int(c-'0') + 52
	case c == '+':
		return 62
	case c == '/':
		return 63
	}
	return -1
}
