package store

import (
	"sync"

	"pneu/maildir"
	"pneu/maildir/index"
)

// UID names a message in its folder for good.
type UID = index.UID

// State are a folder's counters.
type State = index.State

// A View is a folder at one moment.
type View struct {
	box *Box
	ix  *index.View

	mu      sync.Mutex
	derived map[string]*derived
}

// derived is an order or the like, made when it is first asked for.
type derived struct {
	once sync.Once
	val  any
	err  error
}

// once returns what make made the first time it was called for key.
func (v *View) once(key string, make func() (any, error)) (any, error) {
	v.mu.Lock()
	d := v.derived[key]
	if d == nil {
		d = &derived{}
		if v.derived == nil {
			v.derived = map[string]*derived{}
		}
		v.derived[key] = d
	}
	v.mu.Unlock()
	d.once.Do(func() { d.val, d.err = make() })
	if d.err != nil { // a cancelled attempt says nothing about the next
		v.mu.Lock()
		if v.derived[key] == d {
			delete(v.derived, key)
		}
		v.mu.Unlock()
	}
	return d.val, d.err
}

// Box returns the folder this is a view of.
func (v *View) Box() *Box { return v.box }

// Folder returns the files below.
func (v *View) Folder() *maildir.Folder { return v.box.f }

// Index returns the index's own view, for what only a server asks: KeywordNames, Changed, Vanished, UIDL.
func (v *View) Index() *index.View { return v.ix }

// Len returns the number of messages; rows are 0 to Len-1.
func (v *View) Len() int { return v.ix.Len() }

// State returns the counters.
func (v *View) State() State { return v.ix.State() }

// Row returns the message in row n.
func (v *View) Row(n int) Row { return Row{v: v, n: n} }

// Rows returns the messages in the rows of a part of an order: a screen of them.
func (v *View) Rows(order []int32) []Row {
	rows := make([]Row, len(order))
	for i, n := range order {
		rows[i] = v.Row(int(n))
	}
	return rows
}

// Find returns the row of a message, and where it would be if it is not there.
func (v *View) Find(uid UID) (row int, ok bool) { return v.ix.Find(uid) }

// FindBase returns the row of the message whose file has that base.
func (v *View) FindBase(base string) (row int, ok bool) { return v.ix.FindBase(base) }

// UIDs returns the UIDs of some rows.
func (v *View) UIDs(rows []int32) []UID {
	uids := make([]UID, len(rows))
	for i, n := range rows {
		uids[i] = v.ix.UID(int(n))
	}
	return uids
}
