package safe

import (
	"strings"
	"unicode/utf8"
)

// maxFilename leaves room for a number and a suffix within the 255 octets of most file systems.
const maxFilename = 200

// Filename makes a name to save under out of a stranger's: one path element, without control or invisible
// characters, that does not begin with a dot, a dash or a tilde, does not end in a dot or a blank, and is never empty.
func Filename(s string) string {
	// Either slash separates: the sender's system may have been another one.
	if i := strings.LastIndexAny(strings.TrimRight(s, `/\ `), `/\`); i >= 0 {
		s = strings.TrimRight(s, `/\ `)[i+1:]
	}
	// Replaced before it is cleaned, since what may stand behind a '*' may not stand behind a '_'; and once more for what
	// cleaning puts in.
	s = strings.Map(forFile, strings.Map(dropBidi, strings.ToValidUTF8(s, "_")))
	c := cleaner{mode: line}
	c.clean(s)
	s = strings.Map(forFile, c.out.String())
	s = trimName(s)
	if len(s) > maxFilename {
		s = shorten(s)
	}
	if s == "" {
		return "attachment"
	}
	return s
}

// dropBidi drops what Line would show by name.
func dropBidi(r rune) rune {
	switch {
	case r >= lre && r <= rlo, r >= lri && r <= pdi:
		return -1
	}
	return r
}

// forFile replaces what means something to shells, to other file systems, or to programs that take host:path.
func forFile(r rune) rune {
	switch r {
	case '/', '\\', ':', '*', '?', '"', '<', '>', '|', '`', '$', utf8.RuneError:
		return '_'
	case '\u00a0', '\u3000', '\u2000', '\u2001', '\u2002', '\u2003', '\u2004', '\u2005', '\u2006', '\u2007', '\u2008', '\u2009', '\u200a', '\u202f', '\u205f':
		return ' '
	}
	return r
}

func trimName(s string) string {
	return strings.TrimRight(strings.TrimLeft(s, " .-~"), " .")
}

// shorten keeps the extension.
func shorten(s string) string {
	ext := ""
	if i := strings.LastIndexByte(s, '.'); i > 0 && len(s)-i <= 20 {
		ext = s[i:]
	}
	n := maxFilename - len(ext)
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return strings.TrimRight(s[:n], " .\u200c\u200d") + ext // a joiner at the end joins nothing
}
