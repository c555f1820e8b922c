// Package search is the query language of pneu: what is typed into a search, a limit
// line or a filter is parsed once into a tree that every one of them uses.
//
// A query is a list of terms that must all match:
//
//	from:ada subject:"jitter buffer" is:unread -list:* date:7d.. size:>1M
//	(from:ada OR from:grace) has:attachment
//
// Text matches anywhere and in any case; a value between slashes is a regular
// expression. The patterns of mutt (~f ada, ~N, ~d <7d, ! and |) are accepted
// spellings. [Query.String] is the one canonical spelling: it parses to the same query.
package search

import (
	"fmt"
	"strings"
	"time"

	"pneu/maildir"
	"pneu/maildir/message"
)

// Limits of a query.
const (
	maxLength = 16 << 10
	maxNested = 64
)

// A Doc is a message a query can look at. Its methods may be costly and are called
// only when a term needs them.
type Doc interface {
	Summary() *message.Summary
	Header() message.Header
	Flags() maildir.Flags
	Unread() bool
	Folder() string
	Size() int64
	Received() time.Time
	Text() string // what a person would read of the body
}

// Options are what words like "me" and "7d" mean.
type Options struct {
	Now time.Time // zero: time.Now(); its location is that of days
	Me  []string  // addresses of "to:me"
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
func (q Query) Match(d Doc) bool { return q.root == nil || q.root.match(d) }

// NeedsBody reports whether Match may ask for Doc.Text.
func (q Query) NeedsBody() bool {
	need := false
	walk(q.root, false, func(t *term, _ bool) { need = need || t.field == "text" || t.field == "body" })
	return need
}

// Empty reports whether q has no term, and so matches everything.
func (q Query) Empty() bool { return q.root == nil }

// Words returns the texts q looks for, for marking them where they are found.
func (q Query) Words() []string {
	var words []string
	walk(q.root, false, func(t *term, not bool) {
		if t.text != nil && !not && t.text.re == nil && t.text.lower != "" && !t.text.any {
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
	match(Doc) bool
	// write spells it for a place where what binds looser than level needs parentheses:
	// 0 is the top, 1 within OR or a list, 2 behind a minus.
	write(level int) string
}

type (
	and []expr
	or  []expr
	not struct{ of expr }
)

// conjunction and disjunction flatten, so that one query has one form.
func conjunction(of []expr) expr {
	var flat and
	for _, e := range of {
		if a, ok := e.(and); ok {
			flat = append(flat, a...)
		} else {
			flat = append(flat, e)
		}
	}
	if len(flat) == 1 {
		return flat[0]
	}
	return flat
}

func disjunction(of []expr) expr {
	var flat or
	for _, e := range of {
		if o, ok := e.(or); ok {
			flat = append(flat, o...)
		} else {
			flat = append(flat, e)
		}
	}
	if len(flat) == 1 {
		return flat[0]
	}
	return flat
}

func negation(e expr) expr {
	if n, ok := e.(not); ok {
		return n.of
	}
	return not{e}
}

func (a and) match(d Doc) bool {
	for _, e := range a {
		if !e.match(d) {
			return false
		}
	}
	return true
}

func (o or) match(d Doc) bool {
	for _, e := range o {
		if e.match(d) {
			return true
		}
	}
	return false
}

func (n not) match(d Doc) bool { return !n.of.match(d) }

func (a and) write(level int) string {
	s := join(a, " ")
	if level > 1 {
		return "(" + s + ")"
	}
	return s
}

func (o or) write(level int) string {
	s := join(o, " OR ")
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
		for _, x := range e {
			walk(x, negated, f)
		}
	case or:
		for _, x := range e {
			walk(x, negated, f)
		}
	case not:
		walk(e.of, !negated, f)
	case *term:
		f(e, negated)
	}
}
