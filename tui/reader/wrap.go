package reader

import (
	"strings"

	"pneu/maildir/safe"
)

// wrap breaks text into lines of at most w cells, at blanks where there are some.
func wrap(t safe.Text, w int) []string {
	var out []string
	for _, s := range strings.Split(t.String(), "\n") {
		out = append(out, wrapQuoted(s, "", w)...)
	}
	return out
}

// wrapQuoted breaks one line; each further line begins with prefix. Its indentation is kept.
func wrapQuoted(s, prefix string, w int) []string {
	w = max(w, len(prefix)+8)
	var out []string
	for first := true; ; first = false {
		if !first {
			s = prefix + s
		}
		cut := fit(s, w)
		if cut >= len(s) {
			return append(out, s)
		}
		min := len(prefix)
		if b := strings.LastIndexByte(s[:cut+1], ' '); b > min && strings.TrimLeft(s[min:b], " >") != "" {
			out = append(out, s[:b])
			s = strings.TrimLeft(s[b:], " ")
			continue
		}
		out = append(out, s[:cut])
		s = s[cut:]
	}
}

// fit returns how many bytes of s take at most w cells, at least one character.
func fit(s string, w int) int {
	i := 0
	for i < len(s) && i < w && s[i] >= 0x20 && s[i] < 0x7f {
		i++
	}
	if i == len(s) {
		return i
	}
	if i == w && (i+1 >= len(s) || s[i] < 0x7f) {
		return i
	}
	// Not plain ASCII: the longest prefix that fits, by halving.
	lo, hi := 0, min(len(s), 16*w+64)
	for hi < len(s) && s[hi]&0xc0 == 0x80 {
		hi++
	}
	if safe.Width(s[:hi]) <= w {
		return hi
	}
	for lo < hi {
		mid := (lo + hi + 1) / 2
		for mid < hi && s[mid]&0xc0 == 0x80 {
			mid++
		}
		if safe.Width(s[:mid]) <= w {
			lo = mid
			continue
		}
		hi = mid - 1
		for hi > lo && hi < len(s) && s[hi]&0xc0 == 0x80 {
			hi--
		}
	}
	if lo == 0 {
		lo = 1
		for lo < len(s) && s[lo]&0xc0 == 0x80 {
			lo++
		}
	}
	return lo
}
