// Package store holds an open folder as the screen needs it: an order of rows, what is known of the messages in them,
// and the changes of others.
//
// It stands on the views of maildir/store. What a row shows is decoded from the index when the row comes into sight;
// an order of rows is made outside the loop. So a folder of a million messages is on the screen as soon as one of ten,
// and a folder without an index shows its newest mail while that is made.
//
// A Box belongs to the program's loop: only the loop calls its methods, and none of them reads a mail file or takes
// time that grows with the folder. What takes longer is a function that works on a snapshot and returns a message for
// the loop: Open, Reader, Arrange.
package store

import (
	"iter"
	"slices"
	"sync/atomic"
	"time"

	"pneu/maildir"
	"pneu/maildir/index"
	"pneu/maildir/message"
	"pneu/maildir/safe"
	"pneu/maildir/search"
	mail "pneu/maildir/store"
	"pneu/tui/list"
)

// A Head is what is known of a message from its header. It does not change.
type Head struct {
	message.Summary
	Name    safe.Text // sender, as short as it may be and as long as it must
	Short   safe.Text // first name, for conversations
	To1     safe.Text // first recipients
	Subj    safe.Text
	Words   safe.Text // how the text begins
	When    time.Time
	Mine    bool
	Danger  bool
	Missing error // the file could not be read
}

// A Box is an open folder. Messages are named by their UIDs, so that they stay what they are when other programs
// rename their files.
type Box struct {
	Folder *maildir.Folder
	Serial int64 // a new one for each Open, so that late results are known

	box *mail.Box
	now *mail.View // the newest state the loop was told of
	opt Options

	heads   map[int]*Head
	hidden  leaving
	version uint64
	limit   Limit

	order *order // the rows, as of order.view
	folds folds
}

// Options are what a Box must know of its reader.
type Options struct {
	Me      func(addr string) bool
	Now     func() time.Time
	Threads bool
	Sent    bool // the folder holds the reader's own mail: recipients are shown
	Sort    Sort
	Oldest  bool // oldest first; of other orders than that by date, the other way round
}

// A Limit narrows the rows to some messages: the rows Set of View. The zero Limit is all of them.
type Limit struct {
	Query string
	View  *mail.View
	Set   *search.Bits
}

// has reports whether the limit has a message.
func (l *Limit) has(uid mail.UID) bool {
	if l.Set == nil {
		return true
	}
	row, ok := l.View.Find(uid)
	return ok && l.Set.Has(row)
}

// rows returns the rows of a view that are under the limit, nil for all of them.
func (l *Limit) rows(v *mail.View) *search.Bits {
	switch {
	case l.Set == nil:
		return nil
	case l.View == v:
		return l.Set.Clone()
	}
	set := search.NewBits(v.Len())
	for id := range l.IDs() {
		if row, ok := v.Find(mail.UID(id)); ok {
			set.Set(row)
		}
	}
	return set
}

// IDs yields the messages of the limit.
func (l *Limit) IDs() iter.Seq[int] {
	return func(yield func(int) bool) {
		if l.Set == nil {
			return
		}
		ix := l.View.Index()
		for row := range l.Set.Rows() {
			if !yield(int(ix.UID(row))) {
				return
			}
		}
	}
}

// Carry makes to, which is of a later view, have of the messages that were there before those that l has.
func (l *Limit) Carry(to Limit) {
	last, _ := to.View.Find(l.View.State().UIDNext)
	old := search.NewBits(to.View.Len())
	for id := range l.IDs() {
		if row, ok := to.View.Find(mail.UID(id)); ok {
			old.Set(row)
		}
	}
	fresh := search.NewBits(to.View.Len())
	fresh.SetRange(last, to.View.Len())
	to.Set.And(fresh)
	to.Set.Or(old)
}

var serials atomic.Int64

// Len is the number of messages.
func (b *Box) Len() int { return b.now.Len() - b.hidden.len() }

// Unread is the number of unread messages.
func (b *Box) Unread() int {
	return max(0, b.now.State().Unseen-b.hidden.unseen())
}

// Mail is the folder below, and View its newest state.
func (b *Box) Mail() *mail.Box { return b.box }

// View is the newest state that the rows show flags of.
func (b *Box) View() *mail.View { return b.now }

// row returns the row of message id in the newest state.
func (b *Box) row(id int) (n int, ok bool) {
	if id < 0 {
		return 0, false
	}
	return b.now.Find(mail.UID(id))
}

// Row returns message id; ok is false if it is gone.
func (b *Box) Row(id int) (r mail.Row, ok bool) {
	n, ok := b.row(id)
	if !ok {
		return r, false
	}
	return b.now.Row(n), true
}

// Entry returns the file of message id, the zero Entry if it is gone.
func (b *Box) Entry(id int) maildir.Entry {
	r, ok := b.Row(id)
	if !ok {
		return maildir.Entry{}
	}
	return r.Entry()
}

// Flags returns the flags of message id.
func (b *Box) Flags(id int) index.Flags {
	n, ok := b.row(id)
	if !ok {
		return index.Seen
	}
	return b.now.Index().Flags(n)
}

// Unseen reports whether message id is unread.
func (b *Box) Unseen(id int) bool { return !b.Flags(id).Has(index.Seen) }

// Gone reports whether message id is no longer in the folder, or about to leave it.
func (b *Box) Gone(id int) bool {
	if b.hidden.has(id) {
		return true
	}
	_, ok := b.row(id)
	return !ok
}

// UIDs returns messages by ascending UID.
func UIDs(ids []int) []mail.UID {
	uids := make([]mail.UID, len(ids))
	for i, id := range ids {
		uids[i] = mail.UID(id)
	}
	slices.Sort(uids)
	return uids
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

// Sort returns what the rows are sorted by.
func (b *Box) Sort() Sort { return b.opt.Sort }

// SetSort sorts the rows by something else with the next Arrange. Only dates keep conversations together.
func (b *Box) SetSort(s Sort) { b.opt.Sort = s }

// SetOldest turns the order round with the next Arrange.
func (b *Box) SetOldest(on bool) { b.opt.Oldest = on }

// Rows is the RowSource of the box.
func (b *Box) Rows() list.RowSource { return rows{b} }

// time is what a message is sorted by: its Date, unless it claims to come from the future, else its arrival.
func (b *Box) time(id int) time.Time {
	if h := b.heads[id]; h != nil && !h.When.IsZero() {
		return h.When
	}
	n, ok := b.row(id)
	if !ok {
		return time.Time{}
	}
	return time.Unix(b.opt.date(b.now.Index(), n), 0)
}

// date is that time of a row, from columns.
func (o *Options) date(ix *index.View, n int) int64 {
	at := ix.Sent(n)
	if at > o.future() {
		return ix.Received(n)
	}
	return at
}

// future is when a Date is not believed any more.
func (o *Options) future() int64 {
	if o.Now == nil {
		return 1<<63 - 1
	}
	return o.Now().Add(24 * time.Hour).Unix()
}

func (b *Box) touch() { b.version++ }
