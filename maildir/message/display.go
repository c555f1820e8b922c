package message

import "strings"

// Bodies returns the parts that make up the text of the message, in order: all that is shown without being asked
// for. Of alternatives it takes the plain text, or with html set the HTML, or what there is. What lies in a message
// within (a forwarded one, or one returned) is not part of it, unless the whole is nothing else.
func (m *Message) Bodies(html bool) []int {
	var out []int
	var walk func(i int) bool
	walk = func(i int) (found bool) {
		t := &m.Parts[i]
		switch {
		case t.NumChildren == 0:
			if t.isText() && t.Subtype != "calendar" && t.Subtype != "x-vcard" && t.Subtype != "vcard" {
				out = append(out, i)
				return true
			}
		case t.Type == "message":
			return i == 0 && walk(1)
		case t.Subtype == "alternative":
			best, rank := -1, -1
			for k := range m.children(i) {
				if r := m.rank(k, html); r > rank {
					best, rank = k, r
				}
			}
			return best >= 0 && walk(best)
		case t.Subtype == "related":
			for k := range m.children(i) {
				return walk(k) // the others are its pictures
			}
		default:
			for k := range m.children(i) {
				found = walk(k) || found
			}
		}
		return found
	}
	if len(m.Parts) > 0 {
		walk(0)
	}
	return out
}

// rank says how fit an alternative is to be shown. RFC 2046, 5.1.4: of equals, the first stays, the plainest.
func (m *Message) rank(i int, html bool) int {
	t := &m.Parts[i]
	switch {
	case t.NumChildren > 0 && t.Type == "multipart":
		r := 0
		for k := range m.children(i) {
			r = max(r, m.rank(k, html))
		}
		return r
	case !t.isText():
		return 0
	case t.Subtype == "plain":
		if html {
			return 2
		}
		return 4
	case t.Subtype == "html":
		return 3
	}
	return 1
}

// isText reports whether a leaf is text to be read, and not a file that happens to be text.
func (t *Part) isText() bool {
	return t.Type == "text" && t.Disposition != "attachment" && (t.Filename == "" || t.Disposition == "inline")
}

// children yields the parts directly in part i.
func (m *Message) children(i int) func(func(int) bool) {
	return func(yield func(int) bool) {
		left := m.Parts[i].NumChildren
		for k := i + 1; left > 0 && k < len(m.Parts); k++ {
			if m.Parts[k].Parent == i {
				left--
				if !yield(k) {
					return
				}
			}
		}
	}
}

// Display says what to show: the best text/plain and text/html part (-1 for none), and all other leaves as
// attachments, with a message within as one. A message of another kind of text alone has it as its plain text.
func (m *Message) Display() (plain, html int, attachments []int) {
	plain, html = -1, -1
	other := -1
	top := 0
	if len(m.Parts) > 1 && m.Parts[0].Type == "message" {
		top = 1
	}
	var leaves []int
	for i := top; i < len(m.Parts); i++ {
		t := &m.Parts[i]
		if t.Type == "multipart" && t.NumChildren > 0 {
			continue
		}
		leaves = append(leaves, i)
		switch {
		case t.NumChildren > 0: // a message within: pass over what is in it
			for i+1 < len(m.Parts) && m.Parts[i+1].HeaderStart < t.BodyEnd && m.Parts[i+1].Depth > t.Depth {
				i++
			}
		case !t.isText():
		case t.Subtype == "plain" && plain < 0:
			plain = i
		case t.Subtype == "html" && html < 0:
			html = i
		case other < 0 && t.Subtype != "calendar":
			other = i
		}
	}
	if plain < 0 && html < 0 {
		plain = other
	}
	for _, i := range leaves {
		if i != plain && i != html {
			attachments = append(attachments, i)
		}
	}
	return plain, html, attachments
}

// ContentType returns type/subtype.
func (t *Part) ContentType() string {
	if t.Type == "text" && t.Subtype == "plain" {
		return "text/plain"
	}
	return strings.Join([]string{t.Type, t.Subtype}, "/")
}
