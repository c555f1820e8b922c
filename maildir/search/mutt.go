package search

import (
	"fmt"
	"strings"
	"time"
)

// patterns are mutt's letters that take a value, and our field for each.
var patterns = map[byte]string{
	'f': "from", 't': "to", 'c': "cc", 'C': "rcpt", 's': "subject", 'b': "body", 'B': "text", 'i': "id",
	'd': "date", 'r': "received", 'z': "size", 'h': "header",
}

// simple are mutt's letters that stand alone.
var simple = map[byte][2]string{
	'A': {"all", ""}, 'N': {"is", "new"}, 'U': {"is", "unread"}, 'R': {"is", "read"}, 'F': {"is", "flagged"},
	'Q': {"is", "replied"}, 'D': {"is", "trashed"}, 'l': {"list", "*"}, 'p': {"rcpt", "me"}, 'P': {"from", "me"},
	'X': {"has", "attachment"},
}

// mutt parses "~f ada", "~N", "~d <7d" and the like.
func (p *parser) mutt() (expr, error) {
	start := p.pos
	if p.pos+1 == len(p.q) {
		return nil, p.fail(start, "a letter is missing after ~", "such as ~f ada, ~s word, ~N")
	}
	letter := p.q[p.pos+1]
	p.pos += 2
	if s, ok := simple[letter]; ok {
		if letter == 'X' { // ~X takes a count in mutt; more than none is what we know
			p.space()
			for p.pos < len(p.q) && strings.IndexByte("0123456789-<>", p.q[p.pos]) >= 0 {
				p.pos++
			}
		}
		if s[0] == "all" {
			return &term{field: "all"}, nil
		}
		return p.build(s[0], s[1], bare, start, start)
	}
	field, ok := patterns[letter]
	if !ok {
		return nil, p.fail(start, fmt.Sprintf("the pattern ~%c is not known", printChar(letter)), "known are ~A ~b ~B ~c ~C ~d ~D ~f ~F ~h ~i ~l ~N ~p ~P ~Q ~r ~R ~s ~t ~U ~X ~z")
	}
	p.space()
	at := p.pos
	v, form, err := p.value()
	if err != nil {
		return nil, err
	}
	if v == "" {
		return nil, p.fail(at, fmt.Sprintf("~%c has no value", letter), "")
	}
	switch field {
	case "date", "received":
		return p.muttDate(field, v, at)
	case "size":
		if a, b, ok := strings.Cut(v, "-"); ok {
			v = a + ".." + b
		}
	case "header":
		name, value, ok := strings.Cut(v, ":")
		if !ok {
			return nil, p.fail(at, "~h wants a name and a value", `such as ~h "X-Spam: yes"`)
		}
		v = name + "=" + strings.TrimSpace(value)
	case "id":
	default:
		if form != pattern && strings.ContainsAny(v, `^$*+?[]{}|\`) {
			form = pattern // mutt's values are regular expressions; a dot alone makes none
		}
	}
	return p.build(field, v, form, start, at)
}

func printChar(c byte) rune {
	if c < ' ' || c >= 0x7f {
		return '?'
	}
	return rune(c)
}

// muttDate reads <7d, >2w, =1d, 14/3/2026, 1/3/26-14/3/26, 1/3-.
func (p *parser) muttDate(field, v string, at int) (expr, error) {
	bad := p.fail(at, fmt.Sprintf("%q is not a date", v), "such as ~d <7d, ~d >2w, ~d 1/3/2026-14/3/2026")
	t := &term{field: field}
	switch v[0] {
	case '<', '>', '=':
		if _, relative, ok := p.when(strings.ToLower(v[1:])); !ok || !relative {
			return nil, bad
		}
		t.value = map[byte]string{'<': v[1:] + "..", '>': ".." + v[1:]}[v[0]]
		if v[0] == '=' {
			s, _, _ := p.when(strings.ToLower(v[1:]))
			t.value = s.from.Format("2006-01-02")
		}
		return p.date(t, at)
	}
	a, b, isRange := strings.Cut(v, "-")
	var out [2]string
	for i, s := range []string{a, b} {
		if s == "" {
			continue
		}
		d, ok := p.dayMonthYear(s)
		if !ok {
			return nil, bad
		}
		out[i] = d.Format("2006-01-02")
	}
	t.value = out[0]
	if isRange {
		t.value = out[0] + ".." + out[1]
	}
	return p.date(t, at)
}

// dayMonthYear reads a date as mutt writes it: day first, month and year optional.
func (p *parser) dayMonthYear(s string) (time.Time, bool) {
	for _, layout := range []string{"2/1/2006", "2/1/06", "20060102"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, true
		}
	}
	y, m, _ := p.opt.Now.Date()
	if t, err := time.Parse("2/1/2006", fmt.Sprintf("%s/%d", s, y)); err == nil {
		return t, true
	}
	t, err := time.Parse("2/1/2006", fmt.Sprintf("%s/%d/%d", s, m, y))
	return t, err == nil
}
