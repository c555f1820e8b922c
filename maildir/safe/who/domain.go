// Package who says whom a stranger's words are about: which domains a text names, who owns a host, and how the
// sender of a message is shown so that nobody passes for somebody else.
package who

import (
	"strings"

	"golang.org/x/net/idna"
	"golang.org/x/net/publicsuffix"
)

// maxHost is more than a host has in any spelling: 253 octets in the DNS. To encode a longer one takes the square of
// its length.
const maxHost = 1000

// Registrable returns the domain somebody registered to own host, in its ASCII form, or host itself where there is
// none (an IP address); "" of what is too long to be a host.
func Registrable(host string) string {
	if len(host) > maxHost {
		return ""
	}
	if a, err := idna.Punycode.ToASCII(host); err == nil {
		host = a
	}
	if d, err := publicsuffix.EffectiveTLDPlusOne(host); err == nil && !strings.ContainsAny(host, "[:") && !numeric(host) {
		return d
	}
	return host
}

func numeric(host string) bool { return strings.Trim(host, "0123456789.") == "" }

// Named returns the registrable domain that a word names, as a host, an address or a link; "" if it names none.
func Named(word string) string {
	w := strings.Trim(word, `.,;:!?()<>[]"'`)
	h, surely := w, strings.HasPrefix(strings.ToLower(w), "www.")
	if _, rest, ok := strings.Cut(h, "://"); ok {
		h, surely = rest, true
	}
	if i := strings.IndexAny(h, "/?#"); i >= 0 {
		h = h[:i]
	}
	h = strings.ToLower(h[strings.LastIndexByte(h, '@')+1:])
	if len(h) > maxHost || !strings.Contains(h, ".") || strings.Trim(h, "abcdefghijklmnopqrstuvwxyz0123456789.-") != "" && isASCII(h) {
		return ""
	}
	a, err := idna.Punycode.ToASCII(h)
	if err != nil {
		return ""
	}
	suffix, icann := publicsuffix.PublicSuffix(a)
	if !icann && !surely || suffix == a || strings.HasPrefix(a, ".") {
		return "" // "file.txt", "e.g."
	}
	if !surely && !strings.Contains(w, "@") {
		switch suffix { // names of files and programs that are top-level domains too
		case "zip", "mov", "py", "sh", "pl", "rs", "md", "so", "do", "is", "js", "app":
			if strings.EqualFold(w, h) {
				return ""
			}
		case "com", "net", "org", "co":
		default:
			if len(strings.TrimSuffix(a, "."+suffix)) == 1 { // "M.Sc."
				return ""
			}
		}
	}
	return Registrable(a)
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}
