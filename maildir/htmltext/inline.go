package htmltext

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"pneu/maildir/safe"
)

// text adds inline text: white space collapses but in pre, control characters
// become their pictures, characters without a picture of their own go.
func (l *layout) text(s string) {
	for i := 0; i < len(s); {
		r, size := rune(s[i]), 1
		if r >= utf8.RuneSelf {
			r, size = utf8.DecodeRuneInString(s[i:])
		}
		i += size
		switch {
		case r == ' ' || r == '\n' || r == '\t' || r == '\r' || r == '\f':
			if l.pre > 0 {
				switch r {
				case '\n':
					l.para = append(l.para, '\n')
				case '\t':
					l.para = append(l.para, '\t')
				case ' ':
					l.para = append(l.para, '\u00a0')
				}
				continue
			}
			if n := len(l.para); n > 0 && l.para[n-1] != ' ' && l.para[n-1] != '\n' {
				l.para = append(l.para, ' ')
			}
			if l.link != nil {
				l.link.WriteByte(' ')
			}
			continue
		case r < ' ':
			r += '\u2400'
		case r == 0x7f:
			r = '\u2421'
		case r >= 0x80 && r < 0xa0:
			r = utf8.RuneError
		case r == '\u2028' || r == '\u2029':
			r = ' '
		case r == '\u200c' || r == '\u200d': // they join letters and emoji, and nothing else
			if n := len(l.para); n == 0 || l.para[n-1] < 0x300 {
				continue
			}
		case dropped(r):
			continue
		}
		l.para = append(l.para, r)
		if l.link != nil && l.link.Len() < 4096 {
			l.link.WriteRune(r)
		}
	}
}

// dropped says which characters are never set: bidi controls, which could reorder what
// stands around them, and those without width, which hide words from searches.
func dropped(r rune) bool {
	switch {
	case r < 0xad:
		return false
	case r == 0xad, r == 0x34f, r == 0x61c, r == 0x180e, r == 0xfeff,
		r >= 0x200b && r <= 0x200f, r >= 0x202a && r <= 0x202e, r >= 0x2060 && r <= 0x206f,
		r >= 0xfff9 && r <= 0xfffb, r >= 0xe0000 && r <= 0xe0fff:
		return true
	}
	return false
}

func trimSpace(p []rune) []rune {
	for len(p) > 0 && p[len(p)-1] == ' ' {
		p = p[:len(p)-1]
	}
	return p
}

// flush sets the collected paragraph.
func (l *layout) flush() {
	p := l.para
	l.para = l.para[:0]
	if l.pre > 0 {
		l.preformatted(p)
		return
	}
	all := p
	if p = trimBlank(all); len(p) == 0 && slices.Contains(all, '\n') {
		l.margin = max(l.margin, 1) // <div><br></div> is an empty line
	}
	for len(p) > 0 {
		end := 0
		for end < len(p) && p[end] != '\n' {
			end++
		}
		l.wrap(p[:end])
		if end == len(p) {
			break
		}
		p = p[end+1:]
	}
}

// trimBlank cuts blanks, line breaks included, from both ends of a paragraph.
func trimBlank(p []rune) []rune {
	blank := func(r rune) bool { return r == ' ' || r == '\n' }
	for len(p) > 0 && blank(p[0]) {
		p = p[1:]
	}
	for len(p) > 0 && (blank(p[len(p)-1]) || p[len(p)-1] == '\u00a0') {
		p = p[:len(p)-1]
	}
	for _, r := range p {
		if !blank(r) && r != '\u00a0' {
			return p
		}
	}
	return nil
}

// preformatted sets lines as they are.
func (l *layout) preformatted(p []rune) {
	if len(p) > 0 && p[0] == '\n' { // HTML lets a line break follow <pre>
		p = p[1:]
	}
	for len(p) > 0 && (p[len(p)-1] == '\n' || p[len(p)-1] == '\u00a0') {
		p = p[:len(p)-1]
	}
	if len(p) == 0 {
		return
	}
	for line := range strings.SplitSeq(string(p), "\n") {
		var b strings.Builder
		col := 0
		for _, r := range line {
			switch r {
			case '\t':
				n := 8 - col%8
				b.WriteString("        "[:n])
				col += n
				continue
			case '\u00a0':
				r = ' '
			}
			b.WriteRune(r)
			col++
		}
		l.emit(b.String())
	}
}

// wrap sets one stretch of text in lines. A word that is too long for any line is
// broken; between ideographs a line may break anywhere, but not before a closing mark.
func (l *layout) wrap(p []rune) {
	room := max(l.width-safe.Width(l.prefix), 4)
	var line strings.Builder
	used, any := 0, false
	put := func() {
		l.emit(strings.ReplaceAll(line.String(), "\u00a0", " "))
		line.Reset()
		used, any = 0, true
	}
	for len(p) > 0 {
		for len(p) > 0 && p[0] == ' ' {
			p = p[1:]
		}
		end := 0
		for end < len(p) && p[end] != ' ' {
			end++
		}
		if end == 0 {
			break
		}
		word, wide := p[:end], false
		p = p[end:]
		for _, r := range word {
			wide = wide || ideograph(r)
		}
		w := safe.Width(string(word))
		gap := min(used, 1)
		if used+gap+w <= room {
			line.WriteString(" "[:gap])
			line.WriteString(string(word))
			used += gap + w
			continue
		}
		if !wide && used > 0 {
			put()
			gap = 0
		}
		for len(word) > 0 && used+gap+w > room {
			n, nw := fit(word, room-used-gap)
			if n == 0 {
				if used > 0 {
					put()
					gap = 0
					continue
				}
				n, nw = 1, safe.Width(string(word[:1])) // wider than the line: it must go somewhere
			}
			line.WriteString(" "[:gap])
			line.WriteString(string(word[:n]))
			word = word[n:]
			w -= nw
			put()
			gap = 0
		}
		if len(word) > 0 {
			line.WriteString(" "[:gap])
			line.WriteString(string(word))
			used += gap + w
		}
	}
	if k := len(l.lines); used == 0 && !any && k > 1 && l.lines[k-1] == "" && l.lines[k-2] == "" {
		return // two empty lines are space enough
	}
	if used > 0 || !any {
		put()
	}
}

// fit returns how many runes of word go into room columns, and their width.
func fit(word []rune, room int) (n, width int) {
	for n < len(word) {
		w := safe.Width(string(word[n]))
		if width+w > room {
			break
		}
		width += w
		n++
	}
	// Marks that close, and marks that combine, stay with what they belong to.
	for k := n; k > max(0, n-4) && k < len(word); k-- {
		if r := word[k]; !closes(r) && !unicode.Is(unicode.M, r) && r != '\u200d' && word[k-min(k, 1)] != '\u200d' {
			if k != n && k > 0 {
				n, width = k, safe.Width(string(word[:k]))
			}
			break
		}
	}
	return n, width
}

func closes(r rune) bool {
	return strings.ContainsRune("、。，．・：；？！）］｝」』】〉》〕’”ーっゃゅょッャュョ", r)
}

func ideograph(r rune) bool {
	return r >= 0x2e80 && (r < 0xa4d0 || r >= 0xac00 && r < 0xd7a4 || r >= 0xf900 && r < 0xfb00 || r >= 0xff00 && r < 0xffef || r >= 0x20000 && r < 0x3ffff)
}
