// Package store holds an open folder as the screen needs it: names at once, headers as they are read, an order of
// rows, and the changes others make to the files.
//
// A Box belongs to the program's loop: only the loop calls its methods, and none of them reads a file or takes
// time that grows with the folder, save one pass over plain arrays when rows come or go. What takes longer is a
// function that works on a snapshot and returns a Msg: Open, Read, Arrange. An index of all mail will stand behind
// the same functions.
package store

import (
	"slices"
	"sync/atomic"
	"time"

	"pneu/maildir"
	"pneu/maildir/message"
	"pneu/maildir/safe"
	"pneu/tui/list"
)

// A Head is what is known of a message from its header. It does not change.
type Head struct {
	message.Summary
	Name    safe.Text // sender, as short as it may be and as long as it must
	Short   safe.Text // first name, for conversations
	To1     safe.Text // first recipients
	Subj    safe.Text
	When    time.Time
	Mine    bool
	Danger  bool
	Missing error // the file could not be read
}

// A Box is an open folder.
type Box struct {
	Folder *maildir.Folder
	Serial int64 // a new one for each Open, so that late results are known

	opt     Options
	entries []maildir.Entry // by id
	heads   []*Head         // by id; nil until read
	gone    []bool
	byBase  map[string]int
	snips   map[int]safe.Text
	read    int // heads known
	left    int // not gone
	unread  int
	version uint64
	scan    int // headers of all rows before it are known

	view  *View
	limit Limit
}

// Options are what a Box must know of its reader.
type Options struct {
	Me      func(addr string) bool
	Now     func() time.Time
	Threads bool
	Sent    bool // the folder holds the reader's own mail: recipients are shown
	Oldest  bool // oldest first
}

// A Limit narrows the rows to some messages.
type Limit struct {
	Query string
	IDs   map[int]bool // nil: all
}

var serials atomic.Int64

// Len is the number of messages; Unread how many of them are unread.
func (b *Box) Len() int { return b.left }

// Unread is the number of unread messages.
func (b *Box) Unread() int { return b.unread }

// Known is the number of messages whose headers were read.
func (b *Box) Known() int { return b.read }

// Size is one more than the highest id.
func (b *Box) Size() int { return len(b.entries) }

// Entry returns the file of message id.
func (b *Box) Entry(id int) maildir.Entry { return b.entries[id] }

// Head returns what is known of message id; nil if it was not read yet.
func (b *Box) Head(id int) *Head {
	if id < 0 || id >= len(b.heads) {
		return nil
	}
	return b.heads[id]
}

// Gone reports whether message id is no longer in the folder.
func (b *Box) Gone(id int) bool { return id < 0 || id >= len(b.gone) || b.gone[id] }

// Contents are all messages by id, as they were at one moment.
type Contents struct {
	Folder  *maildir.Folder
	Entries []maildir.Entry
	Heads   []*Head // nil where it was not read yet
	Gone    []bool
}

// Contents copies the arrays, so that the messages can be looked through outside the loop.
func (b *Box) Contents() Contents {
	return Contents{b.Folder, slices.Clone(b.entries), slices.Clone(b.heads), slices.Clone(b.gone)}
}

// Limit returns what the rows are narrowed to.
func (b *Box) Limit() Limit { return b.limit }

// SetLimit narrows the rows with the next Arrange.
func (b *Box) SetLimit(l Limit) { b.limit = l }

// Threads reports whether rows are conversations.
func (b *Box) Threads() bool { return b.opt.Threads }

// SetThreads chooses between conversations and messages with the next Arrange.
func (b *Box) SetThreads(on bool) { b.opt.Threads = on }

// Oldest reports whether the oldest row comes first.
func (b *Box) Oldest() bool { return b.opt.Oldest }

// SetOldest turns the order round with the next Arrange.
func (b *Box) SetOldest(on bool) { b.opt.Oldest = on }

// Rows is the RowSource of the box.
func (b *Box) Rows() list.RowSource { return rows{b} }

// Find returns the id of a message by the unique part of its file's name.
func (b *Box) Find(base string) (int, bool) {
	id, ok := b.byBase[base]
	return id, ok
}

// time is what a message is sorted by: its Date, unless it claims to come from the future, else its arrival.
func (b *Box) time(id int) time.Time {
	if h := b.heads[id]; h != nil && !h.When.IsZero() {
		return h.When
	}
	return b.entries[id].Time()
}

func (b *Box) touch() { b.version++ }
