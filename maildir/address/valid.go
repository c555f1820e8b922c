package address

import (
	"strings"
	"unicode/utf8"
)

// Split cuts addr at the last @ outside quotes. Without one, domain is empty.
func Split(addr string) (local, domain string) {
	at, end := -1, strings.LastIndexByte(addr, '"')
	for i := 0; i < len(addr); i++ {
		switch addr[i] {
		case '@':
			at = i
		case '"':
			// Only a quote that is closed hides an @.
			j := i + 1
			for ; j <= end && addr[j] != '"'; j++ {
				if addr[j] == '\\' {
					j++
				}
			}
			if j <= end {
				i = j
			} else {
				end = -1 // nor is any later one, and it is not searched again
			}
		}
	}
	if at < 0 {
		return addr, ""
	}
	return addr[:at], addr[at+1:]
}

// An invalid says what is wrong with an address; it is fit for a reply to a stranger.
type invalid string

func (e invalid) Error() string { return string(e) }

// Valid reports why addr cannot stand in an SMTP envelope (RFC 5321, 4.1.2), or nil. With utf8set, RFC 6531 holds:
// eight-bit text is allowed where it is UTF-8.
func Valid(addr string, utf8set bool) error {
	for i := 0; i < len(addr); i++ {
		switch c := addr[i]; {
		case c < ' ' || c == 0x7f:
			return invalid("control character in address")
		case c >= 0x80 && !utf8set:
			return invalid("address needs SMTPUTF8")
		}
	}
	if utf8set && !utf8.ValidString(addr) {
		return invalid("address is not UTF-8")
	}
	local, domain := Split(addr)
	switch {
	case len(addr) > 254: // RFC 5321, 4.5.3.1.3: a path of 256 with its brackets
		return invalid("address too long")
	case local == "":
		return invalid("no local part in address")
	case len(local) > 64: // 4.5.3.1.1
		return invalid("local part too long")
	case domain == "":
		return invalid("no domain in address")
	case !isDotAtom(local) && !isQuoted(local):
		return invalid("malformed local part")
	}
	return validDomain(domain)
}

// isQuoted reports whether s is one whole quoted string.
func isQuoted(s string) bool {
	if len(s) < 2 || s[0] != '"' || s[len(s)-1] != '"' {
		return false
	}
	for i := 1; i < len(s)-1; i++ {
		switch s[i] {
		case '\\':
			if i++; i == len(s)-1 {
				return false
			}
		case '"':
			return false
		}
	}
	return true
}

func validDomain(d string) error {
	if len(d) > 255 { // RFC 5321, 4.5.3.1.2
		return invalid("domain too long")
	}
	if d[0] == '[' {
		if len(d) < 4 || d[len(d)-1] != ']' || strings.ContainsAny(d[1:len(d)-1], "[]\\ ") {
			return invalid("malformed address literal")
		}
		return nil
	}
	for label := range strings.SplitSeq(d, ".") {
		if label == "" || len(label) > 63 && isASCII(label) {
			return invalid("malformed domain")
		}
		for i := 0; i < len(label); i++ {
			c := label[i]
			ok := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c >= 0x80 ||
				c == '_' || // not a host's name, but names in use have it
				c == '-' && i > 0 && i < len(label)-1
			if !ok {
				return invalid("malformed domain")
			}
		}
	}
	return nil
}

func isASCII(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}
