package search

import (
	"fmt"
	"strings"
)

type parser struct {
	q      string
	pos    int
	opt    Options
	nested int
	braces int // thread:{ that wait for their }
}

func (p *parser) fail(pos int, msg, hint string) error {
	return &Error{Query: p.q, Pos: min(pos, len(p.q)), Msg: msg, Hint: hint}
}

func (p *parser) space() {
	for p.pos < len(p.q) && (p.q[p.pos] == ' ' || p.q[p.pos] == '\t' || p.q[p.pos] == '\n' || p.q[p.pos] == '\r') {
		p.pos++
	}
}

func (p *parser) parse() (expr, error) {
	p.space()
	if p.pos == len(p.q) {
		return nil, nil
	}
	e, err := p.or("")
	if err != nil {
		return nil, err
	}
	if p.pos < len(p.q) {
		return nil, p.fail(p.pos, `")" without "("`, `write ")" between quotes to look for it`)
	}
	return e, nil
}

// keyword takes one of the words and, or, not and xor, if that is what comes. They count in any case, as they do for
// notmuch and mu.
func (p *parser) keyword(w string) bool {
	rest := p.q[p.pos:]
	if len(rest) < len(w) || !strings.EqualFold(rest[:len(w)], w) {
		return false
	}
	if len(rest) > len(w) && !strings.ContainsRune(" \t\r\n()", rune(rest[len(w)])) {
		return false
	}
	p.pos += len(w)
	return true
}

// or parses alternatives. field is that of words without one of their own: "from:(a OR b)".
func (p *parser) or(field string) (expr, error) {
	var alt []expr
	exclusive := false
	for {
		e, err := p.and(field)
		if err != nil {
			return nil, err
		}
		if exclusive {
			e = xor{disjunction(alt), e}
			alt = alt[:0:0]
		}
		alt = append(alt, e)
		p.space()
		switch {
		case p.pos < len(p.q) && p.q[p.pos] == '|':
			for p.pos < len(p.q) && p.q[p.pos] == '|' {
				p.pos++
			}
			exclusive = false
		case p.keyword("OR"):
			exclusive = false
		case p.keyword("XOR"):
			exclusive = true
		default:
			return disjunction(alt), nil
		}
	}
}

// ends reports whether the list of terms ends here.
func (p *parser) ends() bool {
	return p.pos == len(p.q) || p.q[p.pos] == ')' || p.q[p.pos] == '|' || p.braces > 0 && p.q[p.pos] == '}' ||
		p.peek("OR") || p.peek("XOR")
}

func (p *parser) and(field string) (expr, error) {
	var all []expr
	for {
		p.space()
		if p.ends() {
			break
		}
		if at := p.pos; len(all) > 0 && p.keyword("AND") {
			p.space()
			if p.ends() {
				return nil, p.fail(at, "a term is missing behind AND", `write "and" between quotes to look for the word`)
			}
		}
		e, err := p.unary(field)
		if err != nil {
			return nil, err
		}
		all = append(all, e)
	}
	if len(all) == 0 {
		if p.pos == len(p.q) {
			hint := ""
			if s := strings.ToLower(strings.TrimSpace(p.q)); strings.HasSuffix(s, "or") {
				hint = `write "or" between quotes to look for the word`
			}
			return nil, p.fail(p.pos, "a term is missing at the end", hint)
		}
		return nil, p.fail(p.pos, "a term is missing here", `write "or" between quotes to look for the word`)
	}
	return conjunction(all), nil
}

func (p *parser) peek(w string) bool {
	at := p.pos
	ok := p.keyword(w)
	p.pos = at
	return ok
}

func (p *parser) unary(field string) (expr, error) {
	p.nested++
	defer func() { p.nested-- }()
	if p.nested > maxNested {
		return nil, p.fail(p.pos, "nested too deep", "")
	}
	p.space()
	start := p.pos
	if p.pos == len(p.q) {
		return nil, p.fail(p.pos, "a term is missing at the end", "")
	}
	switch c := p.q[p.pos]; {
	case c == '-' || c == '!' || p.keyword("NOT"):
		if p.pos == start {
			p.pos++
		} else if p.space(); p.ends() {
			return nil, p.fail(start, "a term is missing behind NOT", `write "not" between quotes to look for the word`)
		}
		e, err := p.unary(field)
		if err != nil {
			return nil, err
		}
		return negation(e), nil
	case c == '(':
		p.pos++
		e, err := p.or(field)
		if err != nil {
			return nil, err
		}
		p.space()
		if p.pos == len(p.q) || p.q[p.pos] != ')' {
			return nil, p.fail(start, `"(" is never closed`, `write "(" between quotes to look for it`)
		}
		p.pos++
		return e, nil
	case c == ')':
		return nil, p.fail(p.pos, "a term is missing before \")\"", "")
	case (c == '~' || c == '=' && p.plainMutt() || c == '%' && p.plainMutt()) && field == "":
		return p.mutt()
	}
	return p.term(field)
}

// term parses "field:value", "field:(...)", a word or a quoted text.
func (p *parser) term(field string) (expr, error) {
	start := p.pos
	if field == "" {
		if name, ok := p.field(); ok {
			if p.pos < len(p.q) && p.q[p.pos] == '(' && textual(name) {
				return p.unary(name)
			}
			at := p.pos
			if name == "thread" {
				return p.thread(start)
			}
			v, form, err := p.value()
			if err != nil {
				return nil, err
			}
			if v == "" && form != quoted {
				return nil, p.fail(at, name+": has no value", hintFor(name))
			}
			return p.build(name, v, form, start, at)
		} else if name != "" {
			if why, ok := refused[name]; ok {
				return nil, p.fail(start, name+": is not supported: "+why[0], why[1])
			}
			return nil, p.fail(start, fmt.Sprintf("there is no field %q", name), suggest(name, p.q[start:]))
		}
		field = "text"
	}
	v, form, err := p.value()
	if err != nil {
		return nil, err
	}
	if v == "" && form != quoted {
		return nil, p.fail(start, fmt.Sprintf("%q is not a term", p.q[p.pos:p.pos+1]), "write it between quotes to look for it")
	}
	if form == bare && field == "text" && strings.Trim(v, "*") == "" {
		return &term{field: "all"}, nil
	}
	return p.build(field, v, form, start, start)
}

// field takes "name:" if that is what comes. Without a known name it takes nothing and
// returns what stands there, unless that is surely not meant as a field.
func (p *parser) field() (string, bool) {
	rest := p.q[p.pos:]
	n := 0
	for n < len(rest) && (rest[n] >= 'a' && rest[n] <= 'z' || rest[n] >= 'A' && rest[n] <= 'Z' ||
		n > 0 && (rest[n] == '-' || rest[n] == '_' || rest[n] >= '0' && rest[n] <= '9')) {
		n++
	}
	if n == 0 || n == len(rest) || rest[n] != ':' {
		return "", false
	}
	name := strings.ToLower(rest[:n])
	if f, ok := fields[name]; ok {
		p.pos += n + 1
		return f, true
	}
	switch name {
	case "http", "https", "mailto", "ftp":
		return "", false
	}
	return name, false
}

// The forms of a value.
type form int

const (
	bare form = iota
	quoted
	pattern // /.../
)

// value takes a word up to a blank or parenthesis, a quoted text, or a pattern. In
// a word a quote may begin anywhere: header:Subject="a b".
func (p *parser) value() (string, form, error) {
	start := p.pos
	if p.pos < len(p.q) && p.q[p.pos] == '/' {
		if v, ok := p.slashes(); ok {
			return v, pattern, nil
		}
	}
	var b strings.Builder
	f := bare
	for p.pos < len(p.q) {
		c := p.q[p.pos]
		if c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '(' || c == ')' || c == '|' && f == bare || c == '}' && p.braces > 0 {
			break
		}
		p.pos++
		if c != '"' {
			b.WriteByte(c)
			continue
		}
		if f == bare && p.pos == start+1 {
			f = quoted
		}
		open := p.pos - 1
		for {
			if p.pos == len(p.q) {
				return "", f, p.fail(open, "the quote is never closed", "")
			}
			c := p.q[p.pos]
			p.pos++
			if c == '"' {
				break
			}
			if c == '\\' && p.pos < len(p.q) {
				c = p.q[p.pos]
				p.pos++
			}
			b.WriteByte(c)
		}
		if f == quoted {
			break // what follows is the next term
		}
	}
	return b.String(), f, nil
}

// slashes takes a pattern; a word that only begins with a slash is none.
func (p *parser) slashes() (string, bool) {
	var b strings.Builder
	for i := p.pos + 1; i < len(p.q); i++ {
		switch c := p.q[i]; {
		case c == '\\' && i+1 < len(p.q) && p.q[i+1] == '/':
			b.WriteByte('/')
			i++
		case c == '\\' && i+1 < len(p.q):
			b.WriteString(p.q[i : i+2])
			i++
		case c == '/':
			if next := i + 1; b.Len() > 0 && (next == len(p.q) || strings.IndexByte(" \t\r\n()|", p.q[next]) >= 0 || p.q[next] == '}' && p.braces > 0) {
				p.pos = next
				return b.String(), true
			}
			return "", false
		default:
			b.WriteByte(c)
		}
	}
	return "", false
}
