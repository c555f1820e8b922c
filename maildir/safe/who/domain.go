// Package who says whom a stranger's words are about: which domains a text names, who owns a host, and how the
// sender of a message is shown so that nobody passes for somebody else.
package who

import (
	"strings"

	"golang.org/x/net/idna"
	"golang.org/x/net/publicsuffix"
)

// Registrable returns the domain somebody registered to own host, in its ASCII form, or host itself where there is
// none (an IP address).
func Registrable(host string) string {
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
	if !strings.Contains(h, ".") || strings.Trim(h, "abcdefghijklmnopqrstuvwxyz0123456789.-") != "" && isASCII(h) {
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
	// Names of files and programs that are top-level domains too.
	if w == h && !surely {
		switch suffix {
		case "zip", "mov", "py", "sh", "pl", "rs", "md", "so", "do", "is", "js", "app":
			return ""
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
