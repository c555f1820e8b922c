package search

import (
	"time"

	"pneu/maildir"
)

// What follows builds queries for IMAP SEARCH (RFC 9051, 6.4.4), which has keys that are no terms of the language.
// They compile to the same tree; [Query.String] spells the keys that have no term as comments would, for logs only.

// A Range is first <= n <= last.
type Range struct{ First, Last uint64 }

// All matches everything.
func All() Query { return Query{} }

// And matches what all of queries match.
func And(queries ...Query) Query {
	var all Query
	for _, q := range queries {
		all = all.And(q)
	}
	return all
}

// Or matches what one of queries matches.
func Or(queries ...Query) Query { return Query{} }

// Not matches what q does not.
func Not(q Query) Query { return Query{} }

// Sequence matches message numbers, the first message of a folder being 1. Ranges are sorted and do not overlap.
func Sequence(set []Range) Query { return Query{} }

// UIDs matches UIDs. Ranges are sorted and do not overlap.
func UIDs(set []Range) Query { return Query{} }

// Modified matches messages whose mod-sequence is n or later (RFC 7162, 3.1.5).
func Modified(n uint64) Query { return Query{} }

// Flagged matches messages with all these flags.
func Flagged(flags maildir.Flags) Query { return Query{} }

// Keyword matches messages with a keyword, in any case.
func Keyword(word string) Query { return Query{} }

// From, To, Cc, Bcc, Subject, Body and Text match a text, in any case; the empty text is in every message.
func From(s string) Query { return Query{} }

// To matches a text in the field To.
func To(s string) Query { return Query{} }

// Cc matches a text in the field Cc.
func Cc(s string) Query { return Query{} }

// Bcc matches a text in the field Bcc.
func Bcc(s string) Query { return Query{} }

// Subject matches a text in the subject.
func Subject(s string) Query { return Query{} }

// Body matches a text in what a person reads of the message.
func Body(s string) Query { return Query{} }

// Text matches a text in the header or in the body.
func Text(s string) Query { return Query{} }

// Header matches a text in a field of the header, or with an empty one that the field is there.
func Header(name, s string) Query { return Query{} }

// Larger matches messages of more than n octets on the wire.
func Larger(n int64) Query { return Query{} }

// Smaller matches messages of less than n octets on the wire.
func Smaller(n int64) Query { return Query{} }

// DayBefore matches dates in column c before the day of t. Only the year, month and day of t count. Sent is compared by
// the day its writer wrote, Received and Saved by that in the zone of t: RFC 9051 disregards time and zone.
func DayBefore(c Column, t time.Time) Query { return Query{} }

// DayOn matches dates in column c on the day of t, as DayBefore.
func DayOn(c Column, t time.Time) Query { return Query{} }

// DaySince matches dates in column c on the day of t or later, as DayBefore.
func DaySince(c Column, t time.Time) Query { return Query{} }

// Before matches times in column c before t.
func Before(c Column, t time.Time) Query { return Query{} }

// Since matches times in column c that are not before t (RFC 5032: YOUNGER).
func Since(c Column, t time.Time) Query { return Query{} }
