package smtp

import (
	"net/netip"
	"strings"
	"unicode/utf8"
)

// Limits on addresses. RFC 5321, 4.5.3.1 sets what must be accepted at least (64, 255, 256);
// senders that encode the recipient into the local part go beyond.
const (
	maxLocal  = 255
	maxDomain = 255
)

// ParsePath reads the path at the beginning of s, "<" to ">", and returns its address and what
// follows. A source route is dropped (RFC 5321, 4.1.1.3, appendix C): "<@a,@b:c@d>" is "c@d". A
// quoted local part that needs no quotes loses them, so that one mailbox has one spelling. The null
// path yields "", and a local part alone is passed as it is. UTF-8 is accepted; [ASCII] tells.
func ParsePath(s string) (addr, rest string, ok bool) {
	if s == "" || s[0] != '<' {
		return "", "", false
	}
	s = s[1:]
	if s != "" && s[0] == '>' {
		return "", s[1:], true
	}
	if s != "" && s[0] == '@' {
		if s, ok = skipRoute(s); !ok {
			return "", "", false
		}
	}
	local, s, ok := parseLocal(s)
	if !ok || s == "" {
		return "", "", false
	}
	if s[0] == '>' {
		return local, s[1:], true
	}
	if s[0] != '@' {
		return "", "", false
	}
	end := strings.IndexByte(s, '>')
	if end < 0 || !validDomain(s[1:end]) {
		return "", "", false
	}
	return local + s[:end], s[end+1:], true
}

// ASCII reports whether s needs no SMTPUTF8.
func ASCII(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// skipRoute drops "@a,@b:".
func skipRoute(s string) (string, bool) {
	for {
		n := strings.IndexAny(s, ",:>")
		if n < 1 || s[0] != '@' || s[n] == '>' || !validDomain(s[1:n]) {
			return "", false
		}
		s = s[n+1:]
		if s == "" {
			return "", false
		}
		if s[0] != '@' { // the separator was the colon, or should have been
			return s, true
		}
	}
}

// parseLocal reads a local part and writes it canonically.
func parseLocal(s string) (local, rest string, ok bool) {
	if s != "" && s[0] == '"' {
		return parseQuoted(s[1:])
	}
	i, dots := 0, 0
	for i < len(s) && (atext(s[i]) || s[i] == '.') {
		if s[i] == '.' {
			dots++
		}
		i++
	}
	// The grammar forbids dots at the ends and in a row; there are mailboxes with them that
	// somebody reads.
	if i == dots || i > maxLocal || !utf8.ValidString(s[:i]) {
		return "", "", false
	}
	return s[:i], s[i:], true
}

// parseQuoted reads a quoted string behind its first quote.
func parseQuoted(s string) (local, rest string, ok bool) {
	var b strings.Builder // without quotes
	for i := 0; i < len(s) && b.Len() <= maxLocal; i++ {
		c := s[i]
		if c == '"' {
			text := b.String()
			if !utf8.ValidString(text) {
				return "", "", false
			}
			return quoteLocal(text), s[i+1:], true
		}
		if c == '\\' {
			if i++; i == len(s) {
				break
			}
			c = s[i]
			if c >= utf8.RuneSelf {
				return "", "", false
			}
		}
		if c < ' ' || c == 0x7f {
			return "", "", false
		}
		b.WriteByte(c)
	}
	return "", "", false
}

// quoteLocal writes a local part as a dot-string if it is one, else as a quoted string.
func quoteLocal(text string) string {
	plain := text != "" && text[0] != '.' && text[len(text)-1] != '.' && !strings.Contains(text, "..")
	for i := 0; plain && i < len(text); i++ {
		plain = atext(text[i]) || text[i] == '.'
	}
	if plain {
		return text
	}
	var b strings.Builder
	b.WriteByte('"')
	for i := 0; i < len(text); i++ {
		if text[i] == '"' || text[i] == '\\' {
			b.WriteByte('\\')
		}
		b.WriteByte(text[i])
	}
	b.WriteByte('"')
	return b.String()
}

// SplitAddress splits a canonical address at the @ that ends its local part, and takes the quotes
// off that. An address without domain has an empty one.
func SplitAddress(addr string) (local, domain string) {
	if addr == "" || addr[0] != '"' {
		local, domain, _ = strings.Cut(addr, "@")
		return local, domain
	}
	var b strings.Builder
	for i := 1; i < len(addr); i++ {
		switch addr[i] {
		case '"':
			return b.String(), strings.TrimPrefix(addr[i+1:], "@")
		case '\\':
			if i++; i == len(addr) {
				return b.String(), ""
			}
		}
		b.WriteByte(addr[i])
	}
	return b.String(), ""
}

func atext(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || digit(c) || c >= utf8.RuneSelf || strings.IndexByte("!#$%&'*+-/=?^_`{|}~", c) >= 0
}

// validDomain checks a domain or an address literal. An underscore is let through: hosts have it,
// whatever the grammar says.
func validDomain(s string) bool {
	if s == "" || len(s) > maxDomain || !utf8.ValidString(s) {
		return false
	}
	if s[0] == '[' {
		return validLiteral(s)
	}
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for i := 0; i < len(label); i++ {
			if c := label[i]; !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || digit(c) || c == '-' || c == '_' || c >= utf8.RuneSelf) {
				return false
			}
		}
	}
	return true
}

// validLiteral checks "[192.0.2.1]" and "[IPv6:2001:db8::1]" (RFC 5321, 4.1.3). No other kind was
// ever registered.
func validLiteral(s string) bool {
	_, ok := ParseLiteral(s)
	return ok
}

// ParseLiteral returns the address in an address literal.
func ParseLiteral(s string) (netip.Addr, bool) {
	if len(s) < 2 || s[0] != '[' || s[len(s)-1] != ']' {
		return netip.Addr{}, false
	}
	s = s[1 : len(s)-1]
	six := len(s) > 5 && strings.EqualFold(s[:5], "IPv6:")
	if six {
		s = s[5:]
	}
	a, err := netip.ParseAddr(s)
	return a, err == nil && a.Is6() == six && a.Zone() == ""
}
