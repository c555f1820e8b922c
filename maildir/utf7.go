package maildir

import (
	"encoding/base64"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// utf7 is the base64 of RFC 3501, 5.1.3: ',' for '/', no padding.
var utf7 = base64.NewEncoding("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,").
	WithPadding(base64.NoPadding).Strict()

// encodeUTF7 writes s in modified UTF-7, as Dovecot names folders on disk.
func encodeUTF7(s string) string {
	var b strings.Builder
	for len(s) > 0 {
		if c := s[0]; c >= ' ' && c <= '~' {
			b.WriteByte(c)
			if c == '&' {
				b.WriteByte('-')
			}
			s = s[1:]
			continue
		}
		var units []uint16
		for len(s) > 0 && (s[0] < ' ' || s[0] > '~') {
			r, n := utf8.DecodeRuneInString(s)
			units = utf16.AppendRune(units, r)
			s = s[n:]
		}
		raw := make([]byte, 0, 2*len(units))
		for _, u := range units {
			raw = append(raw, byte(u>>8), byte(u))
		}
		b.WriteString("&" + utf7.EncodeToString(raw) + "-")
	}
	return b.String()
}

// decodeUTF7 reads modified UTF-7. ok is false if s is not what encodeUTF7
// would have written: then the name stands for itself.
func decodeUTF7(s string) (text string, ok bool) {
	var b strings.Builder
	rest := s
	for len(rest) > 0 {
		i := strings.IndexByte(rest, '&')
		if i < 0 {
			b.WriteString(rest)
			break
		}
		b.WriteString(rest[:i])
		coded, after, found := strings.Cut(rest[i+1:], "-")
		if !found {
			return s, false
		}
		rest = after
		if coded == "" {
			b.WriteByte('&')
			continue
		}
		raw, err := utf7.DecodeString(coded)
		if err != nil || len(raw)%2 != 0 {
			return s, false
		}
		units := make([]uint16, 0, len(raw)/2)
		for j := 0; j < len(raw); j += 2 {
			units = append(units, uint16(raw[j])<<8|uint16(raw[j+1]))
		}
		b.WriteString(string(utf16.Decode(units)))
	}
	text = b.String()
	return text, encodeUTF7(text) == s
}
