package store

import mail "pneu/maildir/store"

// Sort is what the rows of a folder are sorted by.
type Sort uint8

// The orders. That by date can show conversations.
const (
	ByDate Sort = iota
	ByArrival
	BySender
	BySubject
	BySize
)

// Sorts are the names of the orders.
var Sorts = [...]string{"date", "arrival", "sender", "subject", "size"}

func (s Sort) String() string { return Sorts[s] }

// key is that of an order; in a folder of sent mail, recipients are what senders are elsewhere.
func (s Sort) key(sent bool) mail.Key {
	switch {
	case s == BySender && sent:
		return mail.To
	case s == BySender:
		return mail.From
	}
	return [...]mail.Key{ByDate: mail.Date, ByArrival: mail.Arrival, BySubject: mail.Subject, BySize: mail.Size}[s]
}

// falls reports whether what has most comes first.
func (s Sort) falls() bool { return s == ByArrival || s == BySize }
