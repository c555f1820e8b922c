package search

import (
	"context"
	"math"

	"pneu/maildir"
)

// A Source is a folder as a query sees it: rows 0 to Len-1, each a message, the oldest arrival first. It does not
// change while a query runs, and its methods are called from several goroutines.
//
// Nothing in it needs to be complete. What a source does not know of a row it leaves out, and that row is then
// asked itself, by Doc: so a query over a half-built index is slower, never wrong.
type Source interface {
	// Len is the number of rows.
	Len() int
	// Folder is the name of the folder all rows are in.
	Folder() string
	// Column copies values of the rows from, from+1, ... to dst; a value that is not known is [Unknown]. It
	// returns false, having written nothing of use, if it does not have that column at all.
	Column(c Column, from int, dst []int64) bool
	// Keywords returns the rows that have a keyword for which match is true, and false if keywords are not known.
	Keywords(match func(keyword string) bool) (*Bits, bool)
	// Heads calls fn with the folded header record ([digest.Head]) of the rows from lo to hi-1 that have a whole
	// one (not of those whose digest is truncated), from as many goroutines as it likes and in any order. It may
	// call fn for rows outside of that as well. rec is valid until fn returns.
	Heads(ctx context.Context, lo, hi int, fn func(row int, rec []byte)) error
	// Text calls fn, from one goroutine, with the rows whose searchable text ([digest.Text]) holds needle, which
	// is folded, or may hold it if exact is false. It returns the rows it answers for: those of them it did not
	// name do not have it. nil is none.
	Text(ctx context.Context, needle string, fn func(row int, exact bool)) (covered *Bits, err error)
	// Doc returns the message in a row, or nil if it is no more. It is cheap: files are opened when their content
	// is asked for.
	Doc(row int) Doc
}

// A Column is a property of messages that is a number.
type Column uint8

// The columns.
const (
	Flags    Column = iota // FlagBit of D, F, P, R, S and T; never Unknown
	Class                  // a digest.Class
	Sent                   // the Date field, as seconds since 1970; Never if there is none that can be read
	Received               // IMAP's INTERNALDATE, as seconds since 1970
	Saved                  // when it came into this folder (RFC 8514); Never if that was not noted
	Size                   // bytes of the file
	WireSize               // bytes with CRLF (RFC822.SIZE)
	UID
	ModSeq
	Thread // equal within a thread, different between threads
	Name   // FlagBit of all letters in the file's name, or FlagMore for the unusual ones; FlagNew; never Unknown
)

const (
	// Unknown is the value in a column for what the source does not know.
	Unknown = math.MinInt64
	// Never is the value in a column of dates for a message known to have none.
	Never = math.MinInt64 + 1
)

const (
	// FlagNew is the bit in the column Name of a message in new/.
	FlagNew int64 = 1 << 61
	// FlagMore says in the column Name that there are flags besides D, F, P, R, S and T, which the source does not say.
	FlagMore int64 = 1 << 62
)

// FlagBit is the bit of a flag letter in the columns Flags and Name: 0 for what cannot be one.
func FlagBit(letter byte) int64 {
	switch {
	case letter >= 'A' && letter <= 'Z':
		return 1 << (letter - 'A')
	case letter >= 'a' && letter <= 'z':
		return 1 << (letter - 'a' + 26)
	case letter >= '0' && letter <= '8':
		return 1 << (letter - '0' + 52)
	}
	return 0
}

// FlagBits are the bits of all letters of flags.
func FlagBits(flags maildir.Flags) int64 {
	var bits int64
	for i := range len(flags) {
		bits |= FlagBit(flags[i])
	}
	return bits
}

// An Order is that in which Each yields rows.
type Order uint8

// Orders of rows.
const (
	NewestArrived Order = iota // the last row first
	OldestArrived              // row 0 first
	NewestSent                 // by the Date field, that of arrival where there is none
	OldestSent
)
