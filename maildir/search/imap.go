package search

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"pneu/maildir"
)

// What follows builds queries for IMAP SEARCH (RFC 9051, 6.4.4), which has keys that are no terms of the language.
// They make the same tree; for those keys [Query.String] is for logs, and not to be parsed again.

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

// Or matches what one of queries matches; without any, nothing.
func Or(queries ...Query) Query {
	var alt []expr
	for _, q := range queries {
		if q.root == nil {
			return Query{}
		}
		alt = append(alt, q.root)
	}
	if len(alt) == 0 {
		return None()
	}
	return Query{disjunction(alt)}
}

// Not matches what q does not.
func Not(q Query) Query {
	if q.root == nil {
		return None()
	}
	return Query{negation(q.root)}
}

// None matches nothing.
func None() Query { return Query{&term{field: "none"}} }

// Sequence matches message numbers, the first message of a folder being 1.
func Sequence(set []Range) Query { return Query{&term{field: "seq", set: sortSet(set)}} }

// UIDs matches UIDs.
func UIDs(set []Range) Query { return Query{&term{field: "uid", column: UID, set: sortSet(set)}} }

// sortSet brings ranges into the order that inSet wants.
func sortSet(set []Range) []Range {
	out := slices.DeleteFunc(slices.Clone(set), func(r Range) bool { return r.Last < r.First })
	slices.SortFunc(out, func(a, b Range) int { return cmp.Compare(a.First, b.First) })
	n := 0
	for _, r := range out {
		if n > 0 && r.First <= out[n-1].Last {
			out[n-1].Last = max(out[n-1].Last, r.Last)
			continue
		}
		out[n] = r
		n++
	}
	return out[:n]
}

// Modified matches messages whose mod-sequence is n or later (RFC 7162, 3.1.5).
func Modified(n uint64) Query {
	return Query{&term{field: "modseq", value: strconv.FormatUint(n, 10), column: ModSeq, min: int64(min(n, math.MaxInt64)), max: -1}}
}

// Flagged matches messages with all these flags.
func Flagged(flags maildir.Flags) Query {
	bits := FlagBits(flags)
	return Query{&term{field: "flag", value: string(flags), mask: bits, want: bits}}
}

// Keyword matches messages with a keyword, in any case.
func Keyword(word string) Query {
	return Query{&term{field: "tag", value: word, text: &text{}}}
}

// From matches a text in the field From; as with all texts here, in any case, and the empty one is everywhere.
func From(s string) Query { return head("from", s) }

// To matches a text in the field To.
func To(s string) Query { return head("to", s) }

// Cc matches a text in the field Cc.
func Cc(s string) Query { return head("cc", s) }

// Bcc matches a text in the field Bcc.
func Bcc(s string) Query { return head("bcc", s) }

// Subject matches a text in the subject.
func Subject(s string) Query { return head("subject", s) }

// Body matches a text in what a person reads of the message.
func Body(s string) Query { return head("body", s) }

// Text matches a text in the header, as far as an index keeps it, or in the body: RFC 9051 leaves servers free in how
// they match, and a scan of every file for the sake of trace fields is no service.
func Text(s string) Query {
	t := &term{field: "text", value: s, text: newText(s), heads: headsOf["text"] | 1<<headID}
	return Query{t}
}

func head(field, s string) Query {
	return Query{&term{field: field, value: s, text: newText(s), heads: headsOf[field]}}
}

// Header matches a text in a field of the header, or with an empty one that the field is there. The fields that an
// index keeps are looked up there.
func Header(name, s string) Query {
	if s != "" {
		switch strings.ToLower(name) {
		case "from", "to", "cc", "bcc", "subject":
			return head(strings.ToLower(name), s)
		case "reply-to":
			return head("replyto", s)
		case "message-id":
			// Asked for by clients to find what they appended: with brackets, mostly.
			if id, ok := strings.CutPrefix(s, "<"); ok && strings.HasSuffix(id, ">") && !strings.ContainsAny(id[:len(id)-1], "<> ") {
				id = id[:len(id)-1]
				return Query{&term{field: "id", value: id, text: newText(id), heads: headsOf["id"]}}
			}
		}
	}
	t := &term{field: "header", name: canonName(name), value: s, text: newText(s)}
	t.text.any = s == ""
	return Query{t}
}

// Larger matches messages of more than n octets on the wire.
func Larger(n int64) Query { return wire(n+1, -1) }

// Smaller matches messages of less than n octets on the wire.
func Smaller(n int64) Query {
	if n <= 0 {
		return None()
	}
	return wire(0, n-1)
}

func wire(from, to int64) Query {
	return Query{&term{field: "wire", value: spellSize(from, to), column: WireSize, min: from, max: to}}
}

// DayBefore matches dates in column c (Sent, Received or Saved) before the day of t. Only the year, month and day of t
// count. Sent is compared by the day its writer wrote, the others by that in the zone of t: RFC 9051 disregards time
// and zone.
func DayBefore(c Column, t time.Time) Query { return when(c, time.Time{}, midnight(t), true) }

// DayOn matches dates in column c on the day of t, as DayBefore.
func DayOn(c Column, t time.Time) Query {
	return when(c, midnight(t), midnight(t).AddDate(0, 0, 1), true)
}

// DaySince matches dates in column c on the day of t or later, as DayBefore.
func DaySince(c Column, t time.Time) Query { return when(c, midnight(t), time.Time{}, true) }

// Before matches times in column c before t, to the second. OLDER of RFC 5032 includes the second itself: add one.
func Before(c Column, t time.Time) Query { return when(c, time.Time{}, t.Truncate(time.Second), false) }

// Since matches times in column c that are not before t (RFC 5032: YOUNGER), to the second.
func Since(c Column, t time.Time) Query { return when(c, t.Truncate(time.Second), time.Time{}, false) }

// SaveDated matches messages of which it is known when they came into the folder.
func SaveDated() Query { return Query{&term{field: "saved", column: Saved, value: "*"}} }

func midnight(t time.Time) time.Time {
	y, m, d := t.Date()
	return time.Date(y, m, d, 0, 0, 0, 0, t.Location())
}

func when(c Column, from, to time.Time, day bool) Query {
	t := &term{field: "received", column: c, from: from, to: to, day: day}
	switch c {
	case Sent:
		t.field = "sent"
	case Saved:
		t.field = "saved"
	}
	const layout = "2006-01-02t15:04:05"
	if !from.IsZero() {
		t.value = from.Format(layout)
	}
	t.value += ".."
	if !to.IsZero() {
		t.value += to.Format(layout)
	}
	return Query{t}
}
