package address

import (
	"slices"
	"strings"
)

// ParseList reads an address list. It never fails. Groups are flattened, with Group set; routes are dropped
// (RFC 5322, 4.4), and so are empty elements. Semicolons separate as commas do, since many people write them so.
// A comment after a bare address is taken for its name: "ada@example.org (Ada)" is how it was once done.
func ParseList(s string) []Address {
	p := parser{s: s}
	for p.i < len(p.s) {
		p.element()
	}
	return p.list
}

// ParseRecipients reads a list as [ParseList] does and says what it makes nothing of: the first words that stand beside
// an address without being its name in front of a <, or that are no address at all. In a header they are passed over;
// somebody who types "ada@example.org bob" means two people.
func ParseRecipients(s string) (list []Address, stray string) {
	p := parser{s: s}
	for p.i < len(p.s) {
		p.element()
	}
	return p.list, p.stray
}

type parser struct {
	s      string
	i      int
	list   []Address
	group  string
	tokens []token // of the element being read, outside angle brackets
	words  int     // how many of them stood before the angle address
	stray  string  // see ParseRecipients

	// Set when a search for a closing mark found none before the end, so that it is not done again.
	noQuote, noComment bool
}

// A token is a word, a quoted string (its content), a domain literal, or one of . @ :
type token struct {
	text   string
	quoted bool
	space  bool // white space or a comment stood before it
}

// special reports whether the token is the mark c, and not text that looks like it.
func (t token) special(c byte) bool { return !t.quoted && len(t.text) == 1 && t.text[0] == c }

// element reads up to the next comma, semicolon or end, and adds what it finds to the list.
func (p *parser) element() {
	var addr, comment string
	angle, space, at := false, false, false
	word := func(text string, quoted bool) {
		p.tokens = append(p.tokens, token{text, quoted, space})
		space = false
	}
	for p.i < len(p.s) {
		switch c := p.s[p.i]; c {
		case ',', ';':
			p.i++
			p.add(addr, comment, angle)
			if c == ';' {
				p.group = ""
			}
			return
		case ':':
			p.i++
			if !at && !angle && p.group == "" { // RFC 5322, 3.4: before it stands the name of a group
				p.group = phrase(p.tokens)
				p.tokens = p.tokens[:0]
				comment, space = "", false
			} else {
				word(":", false)
			}
		case '<':
			if angle { // a comma was forgotten: the words since then are the next one's name
				next := p.tokens[p.words:]
				p.tokens = p.tokens[:p.words]
				p.add(addr, comment, angle)
				p.tokens = append(p.tokens, next...)
				return
			}
			p.i++
			p.words = len(p.tokens)
			addr, angle = p.angle(), true
		case '(':
			space = true
			if text, ok := p.comment(); ok {
				comment = text
			} else {
				p.i++
			}
		case '"':
			if text, ok := p.quoted(); ok {
				word(text, true)
			} else {
				p.i++
			}
		case '[':
			word(p.literal(), false)
		case '@', '.':
			at = at || c == '@'
			word(p.s[p.i:p.i+1], false)
			p.i++
		case ' ', '\t', '\r', '\n', 0:
			space = true
			p.i++
		case ')', ']':
			word(p.s[p.i:p.i+1], false)
			p.i++
		case '>', '\\':
			p.i++
		default:
			start := p.i
			for p.i < len(p.s) && !isMark(p.s[p.i]) {
				p.i++
			}
			word(p.s[start:p.i], false)
		}
	}
	p.add(addr, comment, angle)
}

// isMark reports whether c ends a word.
func isMark(c byte) bool {
	switch c {
	case ',', ';', ':', '<', '>', '(', ')', '"', '[', ']', '\\', '@', '.', ' ', '\t', '\r', '\n', 0:
		return true
	}
	return false
}

// last returns the place of the last @ among the tokens, -1 if there is none.
func last(tokens []token) int {
	for i := len(tokens) - 1; i >= 0; i-- {
		if tokens[i].special('@') {
			return i
		}
	}
	return -1
}

// add puts the element into the list, unless it is empty. Between bare addresses a comma may have been forgotten:
// nobody is to be lost by that.
func (p *parser) add(addr, comment string, angle bool) {
	name, first := "", len(p.list)
	switch {
	case angle:
		name = phrase(p.tokens)
		p.strayed(p.tokens[p.words:])
	case len(p.tokens) > 0:
		from := 0
		for rest := p.tokens; ; rest = rest[:from] {
			var to int
			addr, from, to = bare(rest, last(rest))
			p.strayed(rest[to:])
			if last(rest[:from]) < 0 {
				name = phrase(rest[:from])
				p.strayed(rest[:from])
				break
			}
			p.list = append(p.list, Address{Addr: addr, Group: p.group})
		}
	}
	if name == "" && !angle {
		name = comment
	}
	p.tokens = p.tokens[:0]
	if addr != "" || name != "" && (len(p.list) == 0 || addr != "" || angle || name != comment) {
		p.list = append(p.list, Address{Name: name, Addr: addr, Group: p.group})
	}
	slices.Reverse(p.list[first:]) // they were found from behind
}

// strayed notes words that belong to no address.
func (p *parser) strayed(tokens []token) {
	if p.stray == "" {
		p.stray = phrase(tokens)
	}
}

// phrase joins the words of a name. A dot may stand in it (obs-phrase).
func phrase(tokens []token) string {
	if len(tokens) == 1 {
		return clean(tokens[0].text)
	}
	var b strings.Builder
	for i, t := range tokens {
		if i > 0 && t.space {
			b.WriteByte(' ')
		}
		b.WriteString(t.text)
	}
	return clean(b.String())
}

// bare takes an address without angle brackets out of the tokens; at is the place of its @. Words that cannot belong
// to it are its name, which ends at from, or stand behind it, from to on: white space joins only around a dot or an @
// (RFC 5322, 4.4).
func bare(tokens []token, at int) (addr string, from, to int) {
	if at < 0 {
		for i := 1; i < len(tokens); i++ {
			if tokens[i].space && !tokens[i].special('.') && !tokens[i-1].special('.') {
				return "", len(tokens), len(tokens)
			}
		}
		return join(tokens), 0, len(tokens)
	}
	joined := func(i int) bool { // whether tokens i-1 and i are of one address
		a, b := tokens[i-1], tokens[i]
		return !b.space || a.special('.') || a.special('@') || b.special('.') || b.special('@')
	}
	from = at
	to = at + 1
	for from > 0 && joined(from) {
		from--
	}
	for to < len(tokens) && joined(to) {
		to++
	}
	return join(tokens[from:to]), from, to
}

// join makes an address of its pieces. Quotes are put back where the local part cannot do without.
func join(tokens []token) string {
	if len(tokens) == 3 && !tokens[0].quoted && !tokens[2].quoted { // the usual one, a@b
		return tokens[0].text + tokens[1].text + tokens[2].text
	}
	at := -1
	for i, t := range tokens {
		if t.special('@') {
			at = i
		}
	}
	var b strings.Builder
	if at > 0 && anyQuoted(tokens[:at]) {
		var local strings.Builder
		for _, t := range tokens[:at] {
			local.WriteString(t.text)
		}
		b.WriteString(quoteLocal(local.String()))
		tokens = tokens[at:]
	}
	for _, t := range tokens {
		if t.quoted {
			b.WriteString(quoteLocal(t.text))
		} else {
			b.WriteString(t.text)
		}
	}
	return b.String()
}

func anyQuoted(tokens []token) bool {
	for _, t := range tokens {
		if t.quoted {
			return true
		}
	}
	return false
}

// maxAngle bounds the search for the end of an angle address: RFC 5321 allows 256 octets.
const maxAngle = 2000

// angle reads an address after its <. If the bracket is never closed it ends at the next comma, or where another
// one opens.
func (p *parser) angle() string {
	rest := p.s[p.i:min(len(p.s), p.i+maxAngle)]
	end := strings.IndexByte(rest, '>')
	mark := strings.IndexAny(rest, ",;<")
	switch {
	case end < 0 && mark < 0:
		end = len(rest)
	case end < 0:
		end = mark
	case mark >= 0 && mark < end && rest[mark] == '<' && strings.IndexByte(rest[:end], '"') < 0 && strings.TrimSpace(rest[:mark]) != "":
		end = mark
	}
	// The usual one needs no second look.
	if s := p.s[p.i : p.i+end]; !strings.ContainsAny(s, " \t\r\n\x00\"(<:,;[\\") {
		p.i += end
		return s
	}
	sub := parser{s: p.s, i: p.i, tokens: nil, noQuote: p.noQuote, noComment: p.noComment}
	limit := p.i + end
	closed := limit < len(p.s) && p.s[limit] == '>' // then a > in a quoted string is not the end
	for sub.i < len(sub.s) && sub.s[sub.i] != '>' && (closed || sub.i < limit) {
		switch c := sub.s[sub.i]; c {
		case '(':
			if _, ok := sub.comment(); !ok {
				sub.i++
			}
		case '"':
			if text, ok := sub.quoted(); ok {
				sub.tokens = append(sub.tokens, token{text: text, quoted: true})
			} else {
				sub.i++
			}
		case '[':
			sub.tokens = append(sub.tokens, token{text: sub.literal()})
		case ':':
			sub.i++
			if len(sub.tokens) > 0 && sub.tokens[0].special('@') { // the route of obs-route ends
				sub.tokens = sub.tokens[:0]
			} else {
				sub.tokens = append(sub.tokens, token{text: ":"})
			}
		case ',', ';', '@', '.', ')', ']':
			sub.tokens = append(sub.tokens, token{text: sub.s[sub.i : sub.i+1]})
			sub.i++
		case '<', ' ', '\t', '\r', '\n', 0, '\\':
			sub.i++
		default:
			start := sub.i
			for sub.i < len(sub.s) && !isMark(sub.s[sub.i]) {
				sub.i++
			}
			sub.tokens = append(sub.tokens, token{text: sub.s[start:sub.i]})
		}
	}
	p.i, p.noQuote, p.noComment = sub.i, sub.noQuote, sub.noComment
	return join(sub.tokens)
}

// quoted reads the quoted string at i and returns its content, without backslashes and line ends.
func (p *parser) quoted() (string, bool) {
	if p.noQuote {
		return "", false
	}
	escaped := false
	for j := p.i + 1; j < len(p.s); j++ {
		switch p.s[j] {
		case '\\':
			escaped = true
			j++
		case '"':
			text := p.s[p.i+1 : j]
			p.i = j + 1
			if escaped {
				text = unescape(text)
			}
			return clean(text), true
		}
	}
	p.noQuote = true
	return "", false
}

// comment passes over the comment at i, with those within, and returns what it says.
func (p *parser) comment() (string, bool) {
	if p.noComment {
		return "", false
	}
	depth := 0
	for j := p.i; j < len(p.s); j++ {
		switch p.s[j] {
		case '\\':
			j++
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				text := p.s[p.i+1 : j]
				p.i = j + 1
				return strings.Trim(clean(unescape(text)), " \t"), true
			}
		}
	}
	p.noComment = true
	return "", false
}

// literal reads the domain literal at i; one that is never closed is only a bracket.
func (p *parser) literal() string {
	start := p.i
	end := strings.IndexAny(p.s[start+1:], "[]\r\n,;<>\x00 ") + 1
	if end == 0 || p.s[start+end] != ']' {
		p.i++
		return "["
	}
	p.i = start + end + 1
	return p.s[start:p.i]
}

func unescape(s string) string {
	if strings.IndexByte(s, '\\') < 0 {
		return s
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
		}
		b = append(b, s[i])
	}
	return string(b)
}

// clean makes a blank of what would end a line or a string, so that a name can be written into a header again.
func clean(s string) string {
	if !strings.ContainsAny(s, "\r\n\x00") {
		return s
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\r', '\n', 0:
			if i+1 < len(s) && (s[i+1] == ' ' || s[i+1] == '\t' || s[i+1] == '\n') {
				continue // a fold: the white space after it stays
			}
			b = append(b, ' ')
		default:
			b = append(b, s[i])
		}
	}
	return string(b)
}
