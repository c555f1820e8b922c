package address

import "strings"

// Quote returns name as a phrase: as it is if it is made of atoms, else as a quoted string.
// Eight-bit text passes (RFC 6532); encoded words have to be made by the caller.
func Quote(name string) string {
	if name == "" || isPhrase(name) {
		return name
	}
	return quoteString(name)
}

// isPhrase reports whether s is atoms with single blanks between them.
func isPhrase(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] == ' ' {
			if i == 0 || i == len(s)-1 || s[i+1] == ' ' {
				return false
			}
		} else if !isAtext(s[i]) {
			return false
		}
	}
	return true
}

// isAtext: RFC 5322, 3.2.3, with the eight-bit octets of RFC 6532.
func isAtext(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c >= 0x80 ||
		strings.IndexByte("!#$%&'*+-/=?^_`{|}~", c) >= 0
}

func quoteString(s string) string {
	b := make([]byte, 0, len(s)+8)
	b = append(b, '"')
	for i := 0; i < len(s); i++ {
		switch c := s[i]; c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\r', '\n', 0:
			b = append(b, ' ')
		default:
			b = append(b, c)
		}
	}
	return string(append(b, '"'))
}

// quoteLocal returns a local part as it stands in an address: a dot-atom as it is, else quoted.
func quoteLocal(s string) string {
	if isDotAtom(s) {
		return s
	}
	return quoteString(s)
}

func isDotAtom(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] == '.' {
			if i == 0 || i == len(s)-1 || s[i+1] == '.' {
				return false
			}
		} else if !isAtext(s[i]) {
			return false
		}
	}
	return s != ""
}
