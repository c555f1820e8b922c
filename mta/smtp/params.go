package smtp

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// parsePath reads the argument of MAIL or RCPT: a prefix ("FROM:", "TO:"), a path and parameters. A
// blank behind the colon is wrong (RFC 5321, 3.3) and so common that every server takes it.
func parsePath(arg, prefix string) (addr, params string, ok bool) {
	if len(arg) < len(prefix) || !strings.EqualFold(arg[:len(prefix)], prefix) {
		return "", "", false
	}
	addr, params, ok = ParsePath(strings.TrimLeft(arg[len(prefix):], " "))
	if !ok || params != "" && params[0] != ' ' {
		return "", "", false
	}
	return addr, params, true
}

// eachParam calls set with each ESMTP parameter, its keyword in upper case, and returns the first
// refusal.
func eachParam(s string, set func(key, value string, has bool) *Status) *Status {
	var seen []string
	for p := range strings.FieldsSeq(s) {
		key, value, has := strings.Cut(p, "=")
		key = strings.ToUpper(key)
		for _, k := range seen {
			if k == key { // RFC 5321, 4.1.1.11: once each
				return statusSyntax
			}
		}
		if has && (value == "" || !utf8.ValidString(value)) {
			return statusSyntax
		}
		seen = append(seen, key)
		if st := set(key, value, has); st != nil {
			return st
		}
	}
	return nil
}

// decodeXtext undoes the xtext of RFC 3461, 4. The result must be printable ASCII: it ends up in
// headers and logs.
func decodeXtext(s string) (string, bool) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c == '+':
			if i+2 >= len(s) {
				return "", false
			}
			n, err := strconv.ParseUint(s[i+1:i+3], 16, 8)
			if err != nil {
				return "", false
			}
			c = byte(n)
			i += 2
		case c <= ' ' || c >= 0x7f || c == '=':
			return "", false
		}
		if c < ' ' || c >= 0x7f {
			return "", false
		}
		b.WriteByte(c)
	}
	return b.String(), true
}

// decodeUnitext undoes the utf-8-addr-xtext and utf-8-addr-unitext of RFC 6533, 3: "\x{3B2}" for
// what cannot stand for itself.
func decodeUnitext(s string) (string, bool) {
	var b strings.Builder
	for s != "" {
		if esc, ok := strings.CutPrefix(s, `\x{`); ok {
			hex, rest, ok := strings.Cut(esc, "}")
			n, err := strconv.ParseUint(hex, 16, 32)
			if !ok || err != nil || n < ' ' || 0x7f <= n && n < 0xa0 || !utf8.ValidRune(rune(n)) {
				return "", false
			}
			b.WriteRune(rune(n))
			s = rest
			continue
		}
		if c := s[0]; c <= ' ' || c == 0x7f || c == '\\' || c == '+' || c == '=' {
			return "", false
		}
		b.WriteByte(s[0])
		s = s[1:]
	}
	return b.String(), utf8.ValidString(b.String())
}

// EncodeXtext writes s as xtext.
func EncodeXtext(s string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if c := s[i]; c <= ' ' || c >= 0x7f || c == '+' || c == '=' {
			b.WriteByte('+')
			b.WriteByte(hex[c>>4])
			b.WriteByte(hex[c&15])
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}
