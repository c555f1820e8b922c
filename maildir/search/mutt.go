package search

import (
	"fmt"
	"strings"
	"time"
)

// patterns are mutt's letters that take a value, and our field for each.
var patterns = map[byte]string{
	'f': "from", 't': "to", 'c': "cc", 'C': "rcpt", 'L': "any", 's': "subject", 'b': "body", 'B': "text", 'i': "id",
	'd': "date", 'r': "received", 'z': "size", 'h': "header", 'e': "Sender", 'x': "References", 'y': "X-Label",
	'Y': "tag", 'M': "type",
}

// simple are mutt's letters that stand alone.
var simple = map[byte][2]string{
	'A': {"all", ""}, 'N': {"is", "new"}, 'O': {"is", "old"}, 'U': {"is", "unread"}, 'R': {"is", "read"}, 'F': {"is", "flagged"},
	'Q': {"is", "replied"}, 'D': {"is", "trashed"}, 'l': {"list", "*"}, 'u': {"list", "*"}, 'p': {"rcpt", "me"}, 'P': {"from", "me"},
	'X': {"has", "attachment"}, 'g': {"has", "signed"}, 'G': {"has", "encrypted"}, 'k': {"type", "application/pgp-keys"},
}

// unsupported are mutt's letters that cannot be had, and why.
var unsupported = map[byte][2]string{
	'T': {"what is tagged is known to the screen alone", "is:flagged asks for a flag that stays"},
	'S': {"what is superseded is not worked out", "header:Supersedes asks for what supersedes"},
	'E': {"what has expired is not worked out", "header:Expires asks for the field"},
	'n': {"there are no scores", "is:flagged or tag: may serve"},
	'm': {"numbers of rows are known to the list alone", "pneu seq takes numbers"},
	'H': {"spam is told by a keyword", "is:junk"},
	'v': {"what is collapsed is known to the screen alone", ""},
	'V': {"signatures are not verified in a search", "has:signed"},
	'=': {"duplicates are not looked for in a search", "pneu dedupe prints them"},
	'$': {"what is without a thread is not looked for", "pneu thread --roots prints the first of each"},
	'#': {"broken threads are not kept", ""},
	'<': {"parents are not looked up in a search", "~(PATTERN) asks for threads with a match"},
	'>': {"children are not looked up in a search", "~(PATTERN) asks for threads with a match"},
	'I': {"that is no pattern of mutt", "~i asks for a Message-ID"},
}

// plainMutt reports whether "=f ada" or "%f group" comes, and no word that only begins so.
func (p *parser) plainMutt() bool {
	rest := p.q[p.pos:]
	if len(rest) < 3 || rest[2] != ' ' {
		return false
	}
	_, ok := patterns[rest[1]]
	return ok
}

// mutt parses "~f ada", "~N", "~d <7d", "=s (literal)" and the like.
func (p *parser) mutt() (expr, error) {
	start := p.pos
	sign := p.q[p.pos]
	if p.pos+1 == len(p.q) {
		return nil, p.fail(start, "a letter is missing after ~", "such as ~f ada, ~s word, ~N")
	}
	letter := p.q[p.pos+1]
	p.pos += 2
	if sign == '%' {
		return nil, p.fail(start, fmt.Sprintf("%%%c is not supported: there are no groups of addresses", letter), "such as (from:ada OR from:grace)")
	}
	if letter == '(' {
		return p.muttThread(start)
	}
	if s, ok := simple[letter]; ok {
		if letter == 'X' {
			return p.muttCount(start)
		}
		if s[0] == "all" {
			return &term{field: "all"}, nil
		}
		return p.build(s[0], s[1], bare, start, start)
	}
	field, ok := patterns[letter]
	if !ok {
		if why, ok := unsupported[letter]; ok {
			return nil, p.fail(start, fmt.Sprintf("the pattern ~%c is not supported: %s", letter, why[0]), why[1])
		}
		return nil, p.fail(start, fmt.Sprintf("the pattern ~%c is not known", printChar(letter)),
			"known are ~A ~b ~B ~c ~C ~d ~D ~e ~f ~F ~g ~G ~h ~i ~k ~l ~L ~M ~N ~O ~p ~P ~Q ~r ~R ~s ~t ~u ~U ~x ~X ~y ~Y ~z ~(...)")
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
	// mutt's values are regular expressions, unless = begins the pattern; a dot alone makes none.
	expression := form == pattern || sign != '=' && isExpression(v)
	slashed := func(s string) string {
		if expression {
			return "/" + s + "/"
		}
		return s
	}
	switch field {
	case "date", "received":
		return p.muttDate(field, v, at)
	case "size":
		if a, b, ok := strings.Cut(v, "-"); ok {
			v = a + ".." + b
		}
	case "header":
		name, value, ok := strings.Cut(strings.TrimPrefix(v, "^"), ":")
		if !ok || !fieldName(name) {
			return nil, p.fail(at, "~h wants a name and a value", `such as ~h "X-Spam: yes"`)
		}
		value = strings.TrimPrefix(strings.TrimSpace(value), ".*") // says nothing where values match anywhere
		expression = form == pattern || sign != '=' && isExpression(value)
		return p.build("header", name+"="+slashed(strings.TrimSpace(value)), quoted, start, at)
	case "Sender", "References", "X-Label":
		if field == "References" {
			v = strings.Trim(v, "<>")
		}
		return p.build("header", field+"="+slashed(v), quoted, start, at)
	case "id":
		// A whole one is looked up; mutt takes any part of one.
		if expression || strings.IndexByte(v, '@') <= 0 {
			return p.build("header", "Message-ID="+slashed(v), quoted, start, at)
		}
	default:
		if expression {
			form = pattern
		}
	}
	return p.build(field, v, form, start, at)
}

func isExpression(v string) bool { return strings.ContainsAny(v, `^$*+?[]{}|\`) }

// muttThread parses what is in ~(...): the messages of threads with a match.
func (p *parser) muttThread(start int) (expr, error) {
	p.nested++
	defer func() { p.nested-- }()
	if p.nested > maxNested {
		return nil, p.fail(start, "nested too deep", "")
	}
	e, err := p.or("")
	if err != nil {
		return nil, err
	}
	p.space()
	if p.pos == len(p.q) || p.q[p.pos] != ')' {
		return nil, p.fail(start, `"~(" is never closed`, "")
	}
	p.pos++
	return &term{field: "thread", thread: &threadTerm{Conversation: Conversation{Query: Query{e}}}}, nil
}

// muttCount parses what follows ~X: how many attachments, of which none and some are known.
func (p *parser) muttCount(start int) (expr, error) {
	p.space()
	at := p.pos
	for p.pos < len(p.q) && strings.IndexByte("0123456789-<>", p.q[p.pos]) >= 0 {
		p.pos++
	}
	some := &term{field: "has", value: "attachment", class: things["attachment"].class}
	switch v := p.q[at:p.pos]; v {
	case "", "1-", ">0", "1":
		return some, nil
	case "0", "-0", "<1", "0-0":
		return negation(some), nil
	case "0-":
		return &term{field: "all"}, nil
	}
	return nil, p.fail(at, "attachments are not counted in a search", "~X asks for some, ~X 0 for none")
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
