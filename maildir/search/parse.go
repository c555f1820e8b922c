package search

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

type parser struct {
	q      string
	pos    int
	opt    Options
	nested int
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

// keyword takes a word in capitals, if that is what comes.
func (p *parser) keyword(w string) bool {
	rest := p.q[p.pos:]
	if !strings.HasPrefix(rest, w) {
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
	for {
		e, err := p.and(field)
		if err != nil {
			return nil, err
		}
		alt = append(alt, e)
		p.space()
		switch {
		case p.pos < len(p.q) && p.q[p.pos] == '|':
			for p.pos < len(p.q) && p.q[p.pos] == '|' {
				p.pos++
			}
		case p.keyword("OR"):
		default:
			return disjunction(alt), nil
		}
	}
}

func (p *parser) and(field string) (expr, error) {
	var all []expr
	for {
		p.space()
		if p.pos == len(p.q) || p.q[p.pos] == ')' || p.q[p.pos] == '|' || p.peek("OR") {
			break
		}
		if len(all) > 0 && p.keyword("AND") {
			p.space()
		}
		e, err := p.unary(field)
		if err != nil {
			return nil, err
		}
		all = append(all, e)
	}
	if len(all) == 0 {
		if p.pos == len(p.q) {
			return nil, p.fail(p.pos, "a term is missing at the end", "")
		}
		return nil, p.fail(p.pos, "a term is missing here", `write OR between quotes to look for the word`)
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
		if p.pos == len(p.q) {
			return nil, p.fail(start, `"(" is never closed`, `write "(" between quotes to look for it`)
		}
		p.pos++
		return e, nil
	case c == ')':
		return nil, p.fail(p.pos, "a term is missing before \")\"", "")
	case c == '~' && field == "":
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
			v, form, err := p.value()
			if err != nil {
				return nil, err
			}
			if v == "" && form != quoted {
				return nil, p.fail(at, name+": has no value", hintFor(name))
			}
			return p.build(name, v, form, start, at)
		} else if name != "" {
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
	if v == "*" && form == bare && field == "text" {
		return &term{field: "all"}, nil
	}
	return p.build(field, v, form, start, start)
}

// field takes "name:" if that is what comes. Without a known name it takes nothing and
// returns what stands there, unless that is surely not meant as a field.
func (p *parser) field() (string, bool) {
	rest := p.q[p.pos:]
	n := 0
	for n < len(rest) && (rest[n] >= 'a' && rest[n] <= 'z' || rest[n] >= 'A' && rest[n] <= 'Z' || rest[n] == '-' && n > 0) {
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
		if c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '(' || c == ')' || c == '|' && f == bare {
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
			if next := i + 1; b.Len() > 0 && (next == len(p.q) || strings.IndexByte(" \t\r\n()|", p.q[next]) >= 0) {
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

// build makes the term; at is where its value stands.
func (p *parser) build(field, value string, form form, start, at int) (expr, error) {
	if !utf8.ValidString(value) {
		return nil, p.fail(at, "not UTF-8", "")
	}
	t := &term{field: field, value: value}
	switch field {
	case "is":
		v, ok := states[strings.ToLower(value)]
		if !ok {
			return nil, p.fail(at, fmt.Sprintf("nothing is %q", value), hintFor("is"))
		}
		t.value = v
		return t, nil
	case "has":
		v, ok := things[strings.ToLower(value)]
		if !ok {
			return nil, p.fail(at, fmt.Sprintf("a message cannot have %q", value), hintFor("has"))
		}
		t.value = v
		return t, nil
	case "flag":
		if value == "" || strings.Trim(strings.ToLower(value), "abcdefghijklmnopqrstuvwxyz") != "" {
			return nil, p.fail(at, "flags are letters", hintFor("flag"))
		}
		t.value = canonFlags(value)
		return t, nil
	case "date", "received", "older", "newer":
		return p.date(t, at)
	case "size":
		return p.size(t, at)
	case "id":
		t.value = strings.Trim(value, "<>")
		return t, nil
	case "in":
		return t, nil
	case "header":
		name, v, ok := strings.Cut(value, "=")
		if name = strings.TrimSpace(name); name == "" || !fieldName(name) || form == pattern {
			return nil, p.fail(at, "header: wants a name", hintFor("header"))
		}
		t.name = canonName(name)
		if !ok || v == "" {
			v = "*"
		}
		t.value, t.text = v, &text{lower: fold(v), any: v == "*"}
		if n := len(v); n > 2 && v[0] == '/' && v[n-1] == '/' {
			return p.regexp(t, v[1:n-1], at)
		}
		return t, nil
	}
	if form == pattern {
		return p.regexp(t, value, at)
	}
	t.text = &text{lower: fold(value), any: value == "*" && form == bare}
	if strings.EqualFold(value, "me") && form == bare && (field == "from" || field == "to" || field == "cc" || field == "rcpt") {
		t.value = "me"
		t.text.me = true
		for _, a := range p.opt.Me {
			t.text.addrs = append(t.text.addrs, fold(a))
		}
	}
	return t, nil
}

func (p *parser) regexp(t *term, pat string, at int) (expr, error) {
	re, err := regexp.Compile("(?i)" + pat)
	if err != nil {
		msg := strings.TrimPrefix(err.Error(), "error parsing regexp: ")
		return nil, p.fail(at, "not a regular expression: "+msg, "")
	}
	t.value, t.text = pat, &text{re: re}
	return t, nil
}

// fieldName is narrower than RFC 5322, 2.2: names that are in use.
func fieldName(s string) bool {
	for i := range len(s) {
		if c := s[i] | 0x20; (c < 'a' || c > 'z') && (s[i] < '0' || s[i] > '9') && s[i] != '-' && s[i] != '_' && s[i] != '.' {
			return false
		}
	}
	return true
}

// canonName spells a field name as is usual: Content-Type.
func canonName(s string) string {
	b := []byte(strings.ToLower(s))
	up := true
	for i, c := range b {
		if up && c >= 'a' && c <= 'z' {
			b[i] = c - 'a' + 'A'
		}
		up = c == '-'
	}
	return string(b)
}
