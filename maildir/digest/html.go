package digest

import (
	"bytes"
	"html"
	"strconv"
	"unicode/utf8"
)

// appendHTML appends the text of an HTML page to dst: no markup, styles, scripts or comments. Whatever ends a word or a
// line on the screen is a line end; what the sender hid stays, since he meant it to be found. It is for searching: how a
// page looks is for package htmltext to say, at ten times the cost.
func appendHTML(dst, src []byte) []byte {
	start := len(dst)
	for len(src) > 0 {
		i := bytes.IndexByte(src, '<')
		if i < 0 {
			return appendRun(dst, src)
		}
		dst = appendRun(dst, src[:i])
		src = src[i:]
		if len(src) < 2 {
			return append(dst, '<')
		}
		switch c := src[1]; {
		case c == '!' || c == '?':
			src = src[declaration(src):]
			continue
		case c == '/' || c|0x20 >= 'a' && c|0x20 <= 'z':
		default: // a sign, not a tag
			dst = append(dst, '<')
			src = src[1:]
			continue
		}
		n := 1
		if src[1] == '/' {
			n = 2
		}
		end := n
		for end < len(src) && (src[end]|0x20 >= 'a' && src[end]|0x20 <= 'z' || src[end] >= '0' && src[end] <= '9') {
			end++
		}
		var room [16]byte
		name := room[:0]
		for _, c := range src[n:min(end, n+len(room))] {
			name = append(name, c|0x20)
		}
		size := tagEnd(src, end)
		tag := src[end:size]
		src = src[size:]
		switch string(name) {
		case "a", "b", "i", "u", "s", "em", "strong", "span", "font", "small", "big", "code", "tt", "kbd", "samp", "var", "sub", "sup",
			"strike", "del", "ins", "mark", "abbr", "acronym", "cite", "dfn", "q", "label", "time", "bdi", "bdo", "nobr", "wbr", "blink":
			continue
		case "script", "style", "title", "iframe", "noembed", "noframes":
			if n == 1 && (len(tag) < 2 || tag[len(tag)-2] != '/') {
				src = src[rawEnd(src, name):]
			}
		case "img":
			if alt := attribute(tag, "alt"); len(alt) > 0 {
				dst = appendRun(append(dst, '\n'), alt)
			}
		}
		if len(dst) > start && dst[len(dst)-1] != '\n' {
			dst = append(dst, '\n')
		}
	}
	return dst
}

// declaration returns the length of the comment, doctype or processing instruction that src begins with.
func declaration(src []byte) int {
	if bytes.HasPrefix(src, []byte("<!--")) {
		if bytes.HasPrefix(src[4:], []byte(">")) {
			return 5
		}
		if i := bytes.Index(src[2:], []byte("-->")); i >= 0 {
			return 2 + i + 3
		}
		return len(src)
	}
	if i := bytes.IndexByte(src, '>'); i >= 0 {
		return i + 1
	}
	return len(src)
}

// tagEnd returns where the tag ends that src begins with; its name ends at i. A > in quotes is none.
func tagEnd(src []byte, i int) int {
	for i < len(src) {
		j := bytes.IndexByte(src[i:], '>')
		if j < 0 {
			return len(src)
		}
		// Quotes count behind an equal sign alone.
		q := i
		for {
			e := bytes.IndexByte(src[q:i+j], '=')
			if e < 0 {
				return i + j + 1
			}
			q += e + 1
			for q < i+j && (src[q] == ' ' || src[q] == '\n' || src[q] == '\t' || src[q] == '\r') {
				q++
			}
			if src[q] != '"' && src[q] != '\'' {
				continue
			}
			end := bytes.IndexByte(src[q+1:], src[q])
			if end < 0 {
				return i + j + 1
			}
			if q += end + 2; q > i+j {
				break
			}
		}
		i = q
	}
	return len(src)
}

// rawEnd returns where the end tag of an element stands whose content is no text.
func rawEnd(src, name []byte) int {
	for i := 0; i < len(src); {
		j := bytes.Index(src[i:], []byte("</"))
		if j < 0 {
			break
		}
		i += j
		if rest := src[i+2:]; len(rest) >= len(name) && bytes.EqualFold(rest[:len(name)], name) {
			return i
		}
		i += 2
	}
	return len(src)
}

// attribute returns the value of an attribute in the rest of a tag.
func attribute(tag []byte, name string) []byte {
	for i := 0; i+len(name) < len(tag); {
		j := bytes.Index(tag[i:], []byte(name))
		if j < 0 {
			break
		}
		i += j + len(name)
		v := bytes.TrimLeft(tag[i:], " \t\r\n")
		if len(v) < 2 || v[0] != '=' || i == len(name) || tag[i-len(name)-1] > ' ' {
			continue
		}
		v = bytes.TrimLeft(v[1:], " \t\r\n")
		if len(v) > 0 && (v[0] == '"' || v[0] == '\'') {
			if end := bytes.IndexByte(v[1:], v[0]); end >= 0 {
				return v[1 : 1+end]
			}
		}
		if end := bytes.IndexAny(v, " \t\r\n>"); end >= 0 {
			v = v[:end]
		}
		return v
	}
	return nil
}

// appendRun appends text with its character references resolved.
func appendRun(dst, run []byte) []byte {
	for {
		i := bytes.IndexByte(run, '&')
		if i < 0 {
			return append(dst, run...)
		}
		dst = append(dst, run[:i]...)
		run = run[i:]
		n := 1
		for n < len(run) && n < 40 && (run[n] == '#' && n == 1 || run[n]|0x20 >= 'a' && run[n]|0x20 <= 'z' || run[n] >= '0' && run[n] <= '9') {
			n++
		}
		name := run[1:n]
		if n < len(run) && run[n] == ';' {
			n++
		}
		dst = appendReference(dst, run[:n], name)
		run = run[n:]
	}
}

func appendReference(dst, whole, name []byte) []byte {
	switch string(name) {
	case "nbsp":
		return append(dst, ' ')
	case "amp":
		return append(dst, '&')
	case "lt":
		return append(dst, '<')
	case "gt":
		return append(dst, '>')
	case "quot":
		return append(dst, '"')
	case "zwnj", "shy", "zwj":
		return dst
	case "":
		return append(dst, whole...)
	}
	if name[0] == '#' && len(name) < 9 {
		digits, base := string(name[1:]), 10
		if len(digits) > 1 && digits[0]|0x20 == 'x' {
			digits, base = digits[1:], 16
		}
		if r, err := strconv.ParseUint(digits, base, 32); err == nil && (r >= ' ' && r < 0x80 || r >= 0xa0 && r <= utf8.MaxRune) {
			return utf8.AppendRune(dst, rune(r))
		}
	}
	return append(dst, html.UnescapeString(string(whole))...)
}
