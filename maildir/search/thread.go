package search

import (
	"slices"
	"strings"
	"unicode/utf8"

	"pneu/maildir/digest"
	"pneu/maildir/message"
)

// A Conversation is what a term thread: asks for: all messages of the conversation that ID is in, or of all conversations
// in which Query matches a message.
type Conversation struct {
	ID    string // Message-ID without brackets, or empty
	Query Query
}

// threadTerm is a Conversation within a query.
type threadTerm struct {
	Conversation
	near    map[string]bool // folded ids: of the message itself, and of those it refers to
	members map[string]bool // folded ids of all messages, once resolved
}

// newThread makes the term for the message with an id that refers to others.
func newThread(id string, refs []string) *threadTerm {
	t := &threadTerm{Conversation: Conversation{ID: id}, near: map[string]bool{foldID(id): true}}
	for _, r := range refs {
		if r == "" {
			continue
		}
		t.near[foldID(r)] = true
	}
	return t
}

func foldID(id string) string { return string(digest.Fold(nil, id)) }

// match decides for a message alone. Which conversation it is in is only known when all messages are: until Resolve
// says so, a message belongs to the one it refers to, or has the match in itself.
func (t *threadTerm) match(v *view) bool {
	switch {
	case t.members != nil:
		return t.members[string(v.field(headID))]
	case t.ID == "":
		return t.Query.root == nil || t.Query.root.match(v)
	}
	return t.related(v.d.Summary())
}

func (t *threadTerm) related(s *message.Summary) bool {
	return s.MessageID != "" && t.near[foldID(s.MessageID)] || s.InReplyTo != "" && t.near[foldID(s.InReplyTo)] ||
		slices.ContainsFunc(s.References, func(id string) bool { return t.near[foldID(id)] })
}

func (t *threadTerm) write() string {
	if t.ID == "" {
		return "{" + t.Query.String() + "}"
	}
	if t.ID[0] == '{' {
		return quote("<"+t.ID+">", false) // else it would be read as a query
	}
	return quote(t.ID, false)
}

// Threads returns what the terms thread: of q ask for and nobody has answered yet.
func (q Query) Threads() []Conversation {
	var all []Conversation
	walk(q.root, false, func(t *term, _ bool) {
		if t.thread != nil && t.thread.members == nil {
			all = append(all, t.thread.Conversation)
		}
	})
	return all
}

// Resolve returns q with its terms thread: answered: members returns the Message-IDs of all messages that are in one of
// the conversations t asks for, wherever they are. A query that is not resolved knows the conversations of one folder,
// in Run, or only what a message says of itself, in Match.
func (q Query) Resolve(members func(t Conversation) (ids []string, err error)) (Query, error) {
	root, err := resolve(q.root, members)
	return Query{root}, err
}

func resolve(e expr, members func(t Conversation) ([]string, error)) (expr, error) {
	each := func(of []expr) ([]expr, error) {
		out := make([]expr, len(of))
		for i, e := range of {
			var err error
			if out[i], err = resolve(e, members); err != nil {
				return nil, err
			}
		}
		return out, nil
	}
	switch e := e.(type) {
	case and:
		l, err := each(e.of)
		return and{newList(l)}, err
	case or:
		l, err := each(e.of)
		return or{newList(l)}, err
	case xor:
		l, err := each(e[:])
		if err != nil {
			return nil, err
		}
		return xor{l[0], l[1]}, nil
	case not:
		of, err := resolve(e.of, members)
		return not{of}, err
	case *term:
		if e.thread == nil || e.thread.members != nil {
			return e, nil
		}
		inner, err := e.thread.Query.Resolve(members)
		if err != nil {
			return nil, err
		}
		th := *e.thread
		th.Query = inner
		ids, err := members(th.Conversation)
		if err != nil {
			return nil, err
		}
		th.members = make(map[string]bool, len(ids))
		for _, id := range ids {
			if id != "" {
				th.members[foldID(id)] = true
			}
		}
		t := *e
		t.thread = &th
		return &t, nil
	}
	return e, nil
}

// thread parses what comes behind "thread:".
func (p *parser) thread(start int) (expr, error) {
	p.nested++
	defer func() { p.nested-- }()
	at := p.pos
	if p.nested > maxNested {
		return nil, p.fail(at, "nested too deep", "")
	}
	made := func(th *threadTerm) (expr, error) { return &term{field: "thread", thread: th}, nil }
	if p.pos < len(p.q) && p.q[p.pos] == '{' {
		p.pos++
		p.space()
		rest := p.q[p.pos:]
		for _, this := range []string{".", "this"} {
			if after, ok := strings.CutPrefix(rest, this); ok {
				if after = strings.TrimLeft(after, " \t\r\n"); strings.HasPrefix(after, "}") {
					p.pos = len(p.q) - len(after) + 1
					s := p.opt.Current
					switch {
					case s == nil:
						return nil, p.fail(at, "there is no current message", "thread:ID or thread:{QUERY} need none")
					case s.MessageID == "":
						return nil, p.fail(at, "the current message has no Message-ID", "")
					}
					return made(newThread(s.MessageID, append([]string{s.InReplyTo}, s.References...)))
				}
			}
		}
		p.braces++
		e, err := p.or("")
		p.braces--
		if err != nil {
			return nil, err
		}
		p.space()
		if p.pos == len(p.q) || p.q[p.pos] != '}' {
			return nil, p.fail(at, `"{" is never closed`, hintFor("thread"))
		}
		p.pos++
		return made(&threadTerm{Conversation: Conversation{Query: Query{e}}})
	}
	v, form, err := p.value()
	switch {
	case err != nil:
		return nil, err
	case form == pattern:
		return nil, p.fail(at, "thread: takes no regular expression", "thread:{subject:/.../} has one within")
	case v == "" || strings.Trim(v, "<>") == "":
		return nil, p.fail(at, "thread: has no value", hintFor("thread"))
	case !utf8.ValidString(v):
		return nil, p.fail(at, "not UTF-8", "")
	case form == quoted && v[0] == '{' && v[len(v)-1] == '}': // as notmuch wants it
		sub := &parser{q: "thread:" + v, opt: p.opt, nested: p.nested, pos: len("thread:")}
		e, err := sub.thread(0)
		if err == nil && sub.pos < len(sub.q) {
			err = sub.fail(sub.pos, "something is left over", "")
		}
		if e, ok := err.(*Error); ok {
			return nil, p.fail(at, e.Msg, e.Hint)
		}
		return e, err
	}
	return made(newThread(strings.Trim(v, "<>"), nil))
}
