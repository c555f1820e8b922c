// Package search is the query language of pneu.
package search

import (
	"time"

	"pneu/maildir"
	"pneu/maildir/message"
)

// A Doc is a message a query can look at. Its methods may be costly and are
// called only when a term needs them.
type Doc interface {
	Summary() *message.Summary
	Header() message.Header
	Flags() maildir.Flags
	Unread() bool
	Folder() string
	Size() int64
	Received() time.Time
	Text() string
}

// Options are what words like "me" and "7d" mean.
type Options struct {
	Now time.Time // zero: time.Now
	Me  []string  // addresses of "to:me"
}

// A Query is a parsed search. The zero Query matches everything.
type Query struct{}

// An Error says where a query is wrong.
type Error struct {
	Query string
	Pos   int    // byte offset
	Msg   string // what is wrong
	Hint  string // what to write instead, or empty
}

func (e *Error) Error() string { return e.Msg }

// Parse parses q.
func Parse(q string) (Query, error) { return ParseWith(q, Options{}) }

// ParseWith parses q with the meaning of "me" and of today given.
func ParseWith(q string, opt Options) (Query, error) { panic("being written") }

// Match reports whether d is found by q.
func (q Query) Match(d Doc) bool { panic("being written") }

// NeedsBody reports whether Match may ask for Doc.Text.
func (q Query) NeedsBody() bool { panic("being written") }

// Empty reports whether q has no term, and so matches everything.
func (q Query) Empty() bool { panic("being written") }

// String returns the canonical form.
func (q Query) String() string { panic("being written") }
