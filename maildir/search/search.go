// Package search is the query language of pneu: what is typed into a search, a limit
// line or a filter is parsed once into a tree that every one of them uses.
//
// A query is a list of terms that must all match:
//
//	from:ada subject:"jitter buffer" is:unread -list:* date:7d.. size:>1M
//	(from:ada OR from:grace) has:attachment
//
// Text matches anywhere and in any case, both sides folded by digest.Fold; a value between slashes is a regular
// expression. What users of mutt (~f ada, ~N, ~d <7d, ! and |), notmuch, mu and Gmail type is accepted. [Query.String]
// is the one canonical spelling: it parses to the same query. All of the language is in pneu-query(7).
//
// [Query.Match] asks one message, [Doc], such as a file. [Query.Run] and [Query.Each] ask a folder, [Source], such as an
// index: by columns first, then by records of headers, then by an index of the texts, and the messages themselves only
// where these do not decide. Both find the same.
package search

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"pneu/maildir/message"
)

// Limits of a query.
const (
	maxLength = 16 << 10
	maxNested = 64
)

// Options are what words like "me" and "7d" mean.
type Options struct {
	Now time.Time // zero: time.Now(); its location is that of days
	Me  []string  // addresses of "to:me"
	// Current is the message that "thread:{.}" is about; nil if there is none.
	Current *message.Summary
}

// A Query is a parsed search. The zero Query matches everything.
type Query struct{ root expr }

// An Error says where a query is wrong.
type Error struct {
	Query string
	Pos   int    // byte offset
	Msg   string // what is wrong
	Hint  string // what to write instead, or empty
}

func (e *Error) Error() string {
	s := fmt.Sprintf("query, column %d: %s", e.Pos+1, e.Msg)
	if e.Hint != "" {
		s += " (" + e.Hint + ")"
	}
	return s
}

// Parse parses q.
func Parse(q string) (Query, error) { return ParseWith(q, Options{}) }

// ParseWith parses q with the meaning of "me" and of today given. An error is an *Error.
func ParseWith(q string, opt Options) (Query, error) {
	if opt.Now.IsZero() {
		opt.Now = time.Now()
	}
	opt.Now = opt.Now.Truncate(time.Second) // as are the dates it is compared with
	p := &parser{q: q, opt: opt}
	if len(q) > maxLength {
		return Query{}, p.fail(maxLength, "too long", "")
	}
	root, err := p.parse()
	if err != nil {
		return Query{}, err
	}
	return Query{root}, nil
}

// Match reports whether d is found by q.
func (q Query) Match(d Doc) bool { return q.root == nil || q.root.match(&view{d: d}) }

// NeedsBody reports whether Match may ask for Doc.Text.
func (q Query) NeedsBody() bool {
	need := false
	walk(q.root, false, func(t *term, _ bool) {
		switch t.field {
		case "text", "body", "link", "type", "attachment":
			need = true
		case "has":
			need = need || t.value == "link"
		case "thread":
			need = need || t.thread.Query.NeedsBody()
		}
	})
	return need
}

// Empty reports whether q has no term, and so matches everything.
func (q Query) Empty() bool { return q.root == nil }

// Words returns the texts q looks for, for marking them where they are found.
func (q Query) Words() []string {
	var words []string
	walk(q.root, false, func(t *term, not bool) {
		if t.text != nil && !not && t.text.re == nil && len(t.text.needle) > 0 && !t.text.any && t.heads != 1<<headID {
			words = append(words, t.value)
		}
	})
	return words
}

// And returns the query that matches what both match.
func (q Query) And(r Query) Query {
	if q.root == nil {
		return r
	}
	if r.root == nil {
		return q
	}
	return Query{conjunction([]expr{q.root, r.root})}
}

// String returns the canonical form.
func (q Query) String() string {
	if q.root == nil {
		return ""
	}
	return q.root.write(0)
}

// expr is a node of the tree: and, or, not, term.
type expr interface {
	match(*view) bool
	// write spells it for a place where what binds looser than level needs parentheses:
	// 0 is the top, 1 within OR or a list, 2 behind a minus.
	write(level int) string
}

type (
	and struct{ list } // two or more
	or  struct{ list }
	xor [2]expr
	not struct{ of expr }
)

// A list is written in the order it was written in, and worked off in that of what its terms cost.
type list struct{ of, plan []expr }

func newList(of []expr) list {
	return list{of, slices.SortedStableFunc(slices.Values(of), func(a, b expr) int { return cost(a) - cost(b) })}
}

// conjunction and disjunction flatten, so that one query has one form.
func conjunction(of []expr) expr {
	var flat []expr
	for _, e := range of {
		if a, ok := e.(and); ok {
			flat = append(flat, a.of...)
		} else {
			flat = append(flat, e)
		}
	}
	if len(flat) == 1 {
		return flat[0]
	}
	return and{newList(flat)}
}

func disjunction(of []expr) expr {
	var flat []expr
	for _, e := range of {
		if o, ok := e.(or); ok {
			flat = append(flat, o.of...)
		} else {
			flat = append(flat, e)
		}
	}
	if len(flat) == 1 {
		return flat[0]
	}
	return or{newList(flat)}
}

func negation(e expr) expr {
	if n, ok := e.(not); ok {
		return n.of
	}
	return not{e}
}

func (a and) match(v *view) bool {
	for _, e := range a.plan {
		if !e.match(v) {
			return false
		}
	}
	return true
}

func (o or) match(v *view) bool {
	for _, e := range o.plan {
		if e.match(v) {
			return true
		}
	}
	return false
}

func (x xor) match(v *view) bool { return x[0].match(v) != x[1].match(v) }

func (n not) match(v *view) bool { return !n.of.match(v) }

func (a and) write(level int) string {
	s := join(a.of, " ")
	if level > 1 {
		return "(" + s + ")"
	}
	return s
}

func (o or) write(level int) string {
	s := join(o.of, " OR ")
	if level > 0 {
		return "(" + s + ")"
	}
	return s
}

func (x xor) write(level int) string {
	left := 1
	if _, ok := x[0].(xor); ok {
		left = 0 // a chain is read from the left
	}
	s := x[0].write(left) + " XOR " + x[1].write(1)
	if level > 0 {
		return "(" + s + ")"
	}
	return s
}

func (n not) write(int) string { return "-" + n.of.write(2) }

func join(of []expr, by string) string {
	parts := make([]string, len(of))
	for i, e := range of {
		parts[i] = e.write(1)
	}
	return strings.Join(parts, by)
}

// walk calls f for each term, and whether it is negated.
func walk(e expr, negated bool, f func(t *term, negated bool)) {
	switch e := e.(type) {
	case and:
		for _, x := range e.of {
			walk(x, negated, f)
		}
	case or:
		for _, x := range e.of {
			walk(x, negated, f)
		}
	case xor:
		walk(e[0], negated, f)
		walk(e[1], negated, f)
	case not:
		walk(e.of, !negated, f)
	case *term:
		f(e, negated)
	}
}
