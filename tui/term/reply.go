package term

import "bytes"

// StripReplies takes the answers a terminal gives to queries out of b, in place, and returns the new length.
// An answer that comes late would otherwise be typed text: "11;rgb:ffff/ffff/ffff".
func StripReplies(b []byte) int {
	if bytes.IndexByte(b, 0x1b) < 0 {
		return len(b)
	}
	out := b[:0]
	for i := 0; i < len(b); {
		if n := replyLen(b[i:]); n > 0 {
			i += n
			continue
		}
		out = append(out, b[i])
		i++
	}
	return len(out)
}

// replyLen returns the length of the answer b begins with, or 0.
func replyLen(b []byte) int {
	if len(b) < 3 || b[0] != 0x1b {
		return 0
	}
	if isString(b[1]) {
		// alt+] and alt+P are keys: an answer to OSC begins with a digit, one to DCS with a digit, > or !
		if c := b[2]; c != '>' && c != '!' && (c < '0' || c > '9') && b[1] != '_' {
			return 0
		}
		if n := stringEnd(b[2:]); n > 0 {
			return n + 2
		}
		return 0
	}
	if b[1] != '[' {
		return 0
	}
	for i := 2; i < len(b); i++ {
		c := b[i]
		if c < 0x40 || c > 0x7e {
			continue
		}
		switch params := b[2:i]; {
		case c == 'c' && len(params) > 0 && (params[0] == '?' || params[0] == '>'): // DA1, DA2
			return i + 1
		case c == 'y' && bytes.HasSuffix(params, []byte{'$'}): // DECRPM
			return i + 1
		case c == 'u' && len(params) > 0 && params[0] == '?': // kitty keyboard flags
			return i + 1
		case c == 'R' && bytes.IndexByte(params, ';') > 0: // cursor position
			return i + 1
		case c == 'n' && len(params) > 0 && params[0] == '?': // colour scheme report
			return i + 1
		}
		return 0
	}
	return 0
}
