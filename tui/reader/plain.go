package reader

import (
	"strings"

	"pneu/maildir/htmltext"
	"pneu/maildir/safe"
	"pneu/tui/look"
)

// Quoted text of this many lines and more is folded.
const foldFrom = 10

// plain lays out plain text.
func (b *builder) plain(text string) {
	lines := strings.Split(strings.TrimRight(body(text).String(), "\n"), "\n")
	b.lines(lines, nil, -1)
}

// html lays out rendered HTML.
func (b *builder) html(r htmltext.Result) {
	for _, l := range r.Links {
		warn := ""
		if l.Mismatch != "" {
			warn = "leads to " + l.Mismatch
		}
		b.doc.Links = append(b.doc.Links, Link{look.T(l.Text), look.T(l.URL), l.URL, look.T(warn)})
	}
	heads := map[int]bool{}
	for _, n := range r.Headings {
		heads[n] = true
	}
	lines := strings.Split(strings.TrimRight(r.Text, "\n"), "\n")
	b.lines(lines, heads, r.Footer)
}

// lines styles, wraps and folds. heads and footer are nil and -1 for plain text, whose links are numbered here.
func (b *builder) lines(lines []string, heads map[int]bool, footer int) {
	html := heads != nil
	diff, sig := false, false
	for i := 0; i < len(lines); i++ {
		if n := quoteRun(lines, i); n >= foldFrom && !b.show.Quotes {
			b.add(Line{Quote: true, Fold: n, Segs: []Seg{{b.t.Quote[0], look.Tf("> %d quoted lines (zq shows)", n)}}})
			i += n - 1
			continue
		}
		s := lines[i]
		level := quoteLevel(s)
		var style look.Style
		switch {
		case level > 0:
			style = b.t.Quote[(level-1)%len(b.t.Quote)]
		case heads[i]:
			style = b.t.Head
		case footer >= 0 && i >= footer, sig:
			style = b.t.Hint
		case s == "-- " || s == "--":
			sig, diff = true, false
			style = b.t.Hint
		case strings.HasPrefix(s, "diff --git ") || strings.HasPrefix(s, "--- a/"):
			diff = true
			style = b.t.Head
		case diff && strings.HasPrefix(s, "@@ "):
			style = b.t.Hunk
		case diff && strings.HasPrefix(s, "+"):
			style = b.t.Added
		case diff && strings.HasPrefix(s, "-"):
			style = b.t.Removed
		}
		if !html {
			s = b.number(s)
		}
		prefix := ""
		if level > 0 {
			prefix = quotePrefix(s)
		}
		if safe.Width(s) <= b.w {
			b.add(Line{Segs: b.links(s, style), Quote: level > 0})
			continue
		}
		for _, part := range wrapQuoted(s, prefix, b.w) {
			b.add(Line{Segs: b.links(part, style), Quote: level > 0})
		}
	}
}

// quoteRun returns how many lines from i on are quoted; empty lines between quoted ones count.
func quoteRun(lines []string, i int) int {
	if quoteLevel(lines[i]) == 0 {
		return 0
	}
	n := 1
	for j := i + 1; j < len(lines); j++ {
		if quoteLevel(lines[j]) > 0 {
			n = j - i + 1
		} else if strings.TrimSpace(lines[j]) != "" {
			break
		}
	}
	return n
}

// quoteLevel counts the quote marks a line begins with.
func quoteLevel(s string) int {
	n := 0
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '>':
			n++
		case ' ':
			if n == 0 && i > 0 {
				return 0
			}
			if i > 0 && s[i-1] == ' ' {
				return n
			}
		default:
			if n == 1 && strings.HasPrefix(s, ">From ") { // quoted by an mbox, not by a person
				return 0
			}
			return n
		}
	}
	return n
}

func quotePrefix(s string) string {
	i := 0
	for i < len(s) && (s[i] == '>' || s[i] == ' ') {
		i++
	}
	return strings.TrimRight(s[:i], " ") + " "
}

// number puts [n] behind each address of the web in s and keeps it.
func (b *builder) number(s string) string {
	if !strings.Contains(s, "://") || len(b.doc.Links) >= 1000 {
		return s
	}
	var out strings.Builder
	for {
		i, n := findURL(s)
		if i < 0 {
			out.WriteString(s)
			return out.String()
		}
		u := s[i : i+n]
		k := -1
		for j, l := range b.doc.Links {
			if l.Raw == u {
				k = j
			}
		}
		if k < 0 {
			k = len(b.doc.Links)
			b.doc.Links = append(b.doc.Links, Link{URL: look.T(u), Raw: u})
		}
		out.WriteString(s[:i+n])
		end := s[i+n:]
		if strings.HasPrefix(end, ">") {
			out.WriteByte('>')
			end = end[1:]
		}
		out.WriteString(" [" + look.Number(k+1) + "]")
		s = end
	}
}

// findURL returns where the next http or https address in s stands, or -1.
func findURL(s string) (at, n int) {
	from := 0
	for {
		i := strings.Index(s[from:], "http")
		if i < 0 {
			return -1, 0
		}
		i += from
		rest := s[i:]
		k := strings.Index(rest, "://")
		if k != 4 && !(k == 5 && rest[4] == 's') {
			from = i + 4
			continue
		}
		end := strings.IndexAny(rest, " \t<>\"`{}|\\^")
		if end < 0 {
			end = len(rest)
		}
		u := strings.TrimRight(rest[:end], ".,;:!?'*_")
		for strings.HasSuffix(u, ")") && strings.Count(u, "(") < strings.Count(u, ")") {
			u = strings.TrimRight(u[:len(u)-1], ".,;:!?'")
		}
		if len(u) > k+3 {
			return i, len(u)
		}
		from = i + 4
	}
}

// links styles the addresses of the web in a line.
func (b *builder) links(s string, style look.Style) []Seg {
	if s == "" {
		return nil
	}
	if !strings.Contains(s, "://") {
		return []Seg{{style, body(s)}}
	}
	var segs []Seg
	for {
		i, n := findURL(s)
		if i < 0 {
			break
		}
		if i > 0 {
			segs = append(segs, Seg{style, body(s[:i])})
		}
		segs = append(segs, Seg{style | b.t.Link, look.T(s[i : i+n])})
		s = s[i+n:]
	}
	if s != "" {
		segs = append(segs, Seg{style, body(s)})
	}
	return segs
}
