package compose

import (
	"strings"
	"unicode/utf8"

	"pneu/maildir/safe"
)

const (
	flowWidth = 72 // where flow breaks
	flowLong  = 78 // lines up to here stay whole (RFC 3676, 4.2)
)

// Unflow undoes format=flowed (RFC 3676, 4.4): lines that end in a blank are joined with the
// next, unless its quote depth differs; stuffed blanks go. Quote marks stand as ">> " then.
func Unflow(s string, delSp bool) string {
	var b strings.Builder
	open, depth := false, 0 // a line is open that the next one may continue
	for line := range strings.SplitSeq(strings.TrimSuffix(s, "\n"), "\n") {
		d := 0
		for d < len(line) && line[d] == '>' {
			d++
		}
		text := strings.TrimPrefix(line[d:], " ")
		sig := text == "-- "
		if open && (d != depth || sig) {
			b.WriteByte('\n')
			open = false
		}
		if !open && d > 0 {
			b.WriteString(strings.Repeat(">", d))
			if text != "" {
				b.WriteByte(' ')
			}
		}
		depth = d
		if open = strings.HasSuffix(text, " ") && !sig; open && delSp {
			text = text[:len(text)-1]
		}
		b.WriteString(text)
		if !open {
			b.WriteByte('\n')
		}
	}
	if open {
		b.WriteByte('\n')
	}
	return b.String()
}

// Flow makes format=flowed of a body: long lines are broken at blanks that stay, and what
// would be taken for a quote, a stuffed blank or an mbox separator gets a blank in front.
// Trailing blanks go, but those of "-- ". Unflow gives the body back.
func Flow(body string) string {
	var b strings.Builder
	for line := range strings.SplitSeq(strings.TrimSuffix(body, "\n"), "\n") {
		depth, text := 0, line
		if strings.HasPrefix(line, ">") {
			depth, text = unquoteLine(line)
		}
		if text != "-- " {
			text = strings.TrimRight(text, " \t")
		}
		flowLine(&b, strings.Repeat(">", depth), text)
	}
	return b.String()
}

func flowLine(b *strings.Builder, mark, text string) {
	for first := true; first || text != ""; first = false {
		part := text
		// Behind more marks than that there is nothing to gain, and each new line would carry them all.
		if len(mark) <= maxDepth+1 && (len(text) > 4*flowLong || len(mark)+safe.Width(text) > flowLong) {
			part = text[:breakAt(text, flowWidth-len(mark))]
		}
		text = text[len(part):]
		b.WriteString(mark)
		if part != "" && (mark != "" || part[0] == ' ' || part[0] == '>' || strings.HasPrefix(part, "From ")) {
			b.WriteByte(' ')
		}
		b.WriteString(part)
		b.WriteByte('\n')
		if part == "" {
			return
		}
	}
}

// breakAt returns the length of the first line of s, the blank it ends in included: the
// last blank within width, else the first one, else all of s.
func breakAt(s string, width int) int {
	used, last := 0, 0
	for i := 0; i < len(s); {
		_, n := utf8.DecodeRuneInString(s[i:])
		used += safe.Width(s[i : i+n])
		i += n
		if s[i-1] == ' ' && i < len(s) && s[:i] != "-- " {
			if used > width && last > 0 {
				return last
			}
			last = i
			if used > width {
				return last
			}
		}
	}
	if last > 0 && used > width {
		return last
	}
	return len(s)
}
