package compose

import (
	"strings"

	"pneu/maildir/htmltext"
	"pneu/maildir/message"
	"pneu/maildir/safe"
)

// maxQuoted bounds how much of a message an answer takes along.
const maxQuoted = 1 << 20

// maxDepth is how deep text can be quoted: marks stand before every line that a wrapped one becomes.
const maxDepth = 30

// bodyText returns what a person read in m: the plain text with its flowed lines joined,
// or the HTML as text.
func bodyText(m *message.Message) string {
	plain, html, _ := m.Display()
	var text string
	if plain >= 0 {
		text = m.Text(plain, maxQuoted)
		if p := &m.Parts[plain]; p.Flowed {
			text = Unflow(text, p.DelSp)
		}
	}
	if html >= 0 && strings.TrimSpace(text) == "" {
		text = htmltext.Render(m.Text(html, maxQuoted), htmltext.Options{Width: 72}).Text
	}
	return safe.Body(text).String()
}

// dropSignature cuts at the last "-- " line (RFC 3676, 4.3) that quotes nothing.
func dropSignature(s string) string {
	if strings.HasPrefix(s, "-- \n") {
		return ""
	}
	if i := strings.LastIndex(s, "\n-- \n"); i >= 0 {
		return s[:i+1]
	}
	return s
}

// quote puts "> " before each line; a line that would get too long is wrapped, and its
// new lines keep the quote marks of the old one.
func quote(s string, width int) string {
	s = strings.Trim(s, "\n")
	if strings.TrimSpace(s) == "" {
		return ""
	}
	var out []string
	for line := range strings.SplitSeq(s, "\n") {
		depth, text := unquoteLine(strings.TrimRight(line, " \t"))
		mark := strings.Repeat(">", min(depth, maxDepth)+1)
		for _, l := range wrap(text, max(width-len(mark)-1, 20)) {
			if l == "" {
				out = append(out, mark)
			} else {
				out = append(out, mark+" "+l)
			}
		}
	}
	return strings.Join(out, "\n")
}

// unquoteLine returns how deep a line is quoted ("> > text", ">>text") and what.
func unquoteLine(s string) (depth int, text string) {
	for {
		t := s
		if depth > 0 {
			t = strings.TrimPrefix(t, " ")
		}
		if !strings.HasPrefix(t, ">") {
			if depth > 0 {
				return depth, strings.TrimPrefix(s, " ")
			}
			return 0, s
		}
		s = t[1:]
		depth++
	}
}

// wrap breaks a line at blanks into lines of at most width columns. Lines that begin with
// a blank are tables or code and stay whole, and so does a word that is too long.
func wrap(s string, width int) []string {
	if len(s) <= width || s[0] == ' ' || s[0] == '\t' || safe.Width(s) <= width {
		return []string{s}
	}
	var out []string
	line, used := "", 0
	for word := range strings.SplitSeq(s, " ") {
		w := safe.Width(word)
		if line != "" && used+1+w > width {
			out = append(out, strings.TrimRight(line, " "))
			line, used = "", 0
			if word == "" {
				continue
			}
		}
		if line != "" {
			line += " "
			used++
		}
		line += word
		used += w
	}
	if line != "" {
		out = append(out, line)
	}
	return out
}
