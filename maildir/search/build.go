package search

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"pneu/maildir"
	"pneu/maildir/digest"
)

// build makes the term; at is where its value stands.
func (p *parser) build(field, value string, form form, start, at int) (expr, error) {
	if !utf8.ValidString(value) {
		return nil, p.fail(at, "not UTF-8", "")
	}
	if field[0] == '\'' {
		if form == pattern && field != "'tag" && field != "'sender" {
			return nil, p.fail(at, field[1:]+": takes no regular expression", "")
		}
		if field == "'prio" {
			return p.prio(value, at)
		}
		if form == pattern {
			value = "/" + value + "/"
			if field == "'tag" {
				field, value = "tag", value[1:len(value)-1]
			} else {
				form = quoted
			}
		}
		field, value = dialect(field, value)
		if field == "path" {
			return disjunction([]expr{&term{field: "in", value: value}, &term{field: "in", value: value + "/*"}}), nil
		}
	}
	t := &term{field: field, value: value, heads: headsOf[field]}
	switch field {
	case "all", "in":
		return t, nil
	case "is":
		return p.state(t, at)
	case "has":
		v, ok := things[strings.ToLower(value)]
		if !ok {
			if _, ok := states[strings.ToLower(value)]; ok {
				return nil, p.fail(at, fmt.Sprintf("a message cannot have %q", value), "is:"+strings.ToLower(value)+" asks for that")
			}
			return nil, p.fail(at, fmt.Sprintf("a message cannot have %q", value), near(value, things)+hintFor("has"))
		}
		t.value, t.class = v.name, v.class
		return t, nil
	case "flag":
		return p.flag(t, at)
	case "tag":
		if form == pattern {
			return p.regexp(t, value, at)
		}
		t.text = &text{any: value == "*" && form == bare}
		return t, nil
	case "date", "received", "saved", "older", "newer":
		return p.date(t, at)
	case "size":
		t.column = Size
		return p.size(t, at)
	case "id":
		t.value = strings.Trim(value, "<>")
		t.text = newText(t.value)
		return t, nil
	case "type":
		if form == pattern {
			return p.regexp(t, value, at)
		}
		t.value, t.text = strings.ToLower(value), &text{}
		return t, nil
	case "lang":
		t.value = strings.ToLower(strings.ReplaceAll(value, "_", "-"))
		return t, nil
	case "link":
		if strings.ToLower(value) != "mismatch" {
			return nil, p.fail(at, fmt.Sprintf("no link is asked for by %q", value), hintFor("link")+"; has:link asks for any")
		}
		t.value = "mismatch"
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
		t.value, t.text = v, newText(v)
		t.text.any = v == "*"
		if n := len(v); n > 2 && v[0] == '/' && v[n-1] == '/' {
			return p.regexp(t, v[1:n-1], at)
		}
		return t, nil
	}
	if form == pattern {
		return p.regexp(t, value, at)
	}
	if form == bare && len(value) > 1 { // "ada*" finds no more than "ada" does
		if s := strings.TrimRight(value, "*"); s != "" {
			t.value = s
		}
	}
	t.text = newText(t.value)
	t.text.any = t.value == "*" && form == bare
	if strings.EqualFold(value, "me") && form == bare && t.heads != 0 && t.heads&(1<<headSubject|1<<headList) == 0 {
		t.value = "me"
		t.text.me = true
		for _, a := range p.opt.Me {
			t.text.addrs = append(t.text.addrs, string(digest.Fold(nil, a)))
		}
	}
	return t, nil
}

// state makes the term is:.
func (p *parser) state(t *term, at int) (expr, error) {
	name := strings.ToLower(t.value)
	s, ok := states[name]
	switch {
	case !ok:
		if h, ok := things[name]; ok {
			return &term{field: "has", value: h.name, class: h.class}, nil
		}
		return nil, p.fail(at, fmt.Sprintf("nothing is %q", t.value), near(name, states)+hintFor("is"))
	case s.keyword != "":
		return &term{field: "tag", value: s.keyword, text: &text{}}, nil
	}
	t.value, t.class, t.column = s.name, s.class, Flags
	t.mask = FlagBits(s.flags)
	if s.set {
		t.want = t.mask
	}
	if s.isNew != 0 {
		t.mask |= FlagNew
		if s.isNew > 0 {
			t.want |= FlagNew
		}
	}
	return t, nil
}

// flag makes the term flag:, which has letters or one of the names of mu.
func (p *parser) flag(t *term, at int) (expr, error) {
	switch v := strings.ToLower(t.value); v {
	case "draft", "flagged", "new", "passed", "replied", "seen", "trashed", "unread":
		t.field, t.value = "is", v
		return p.state(t, at)
	case "attach", "attachment", "encrypted", "signed", "list", "calendar":
		h := things[v]
		return &term{field: "has", value: h.name, class: h.class}, nil
	case "personal":
		me, err := p.build("any", "me", bare, at, at)
		return me, err
	}
	if t.value == "" || strings.Trim(strings.ToLower(t.value), "abcdefghijklmnopqrstuvwxyz") != "" {
		return nil, p.fail(at, "flags are letters", hintFor("flag"))
	}
	t.value = canonFlags(t.value)
	t.mask = FlagBits(maildir.Flags(t.value))
	t.want = t.mask
	return t, nil
}

// prio makes what mu's prio: means of what a header says.
func (p *parser) prio(value string, at int) (expr, error) {
	urgent := &term{field: "is", value: "urgent", class: states["urgent"].class}
	switch strings.ToLower(value) {
	case "high":
		return urgent, nil
	case "normal":
		return negation(urgent), nil
	}
	return nil, p.fail(at, fmt.Sprintf("the priority %q is not known", value), hintFor("prio"))
}

func (p *parser) regexp(t *term, pat string, at int) (expr, error) {
	re, err := newRegexp(pat)
	if err != nil {
		msg := strings.TrimPrefix(err.Error(), "error parsing regexp: ")
		return nil, p.fail(at, "not a regular expression: "+msg, "")
	}
	t.value, t.text = pat, &text{re: re, must: literal(pat), ends: strings.ContainsAny(pat, `^$`) || strings.Contains(pat, `\A`)}
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
