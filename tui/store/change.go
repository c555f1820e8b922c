package store

import "pneu/maildir"

// SetView takes an order that Arrange made. It reports false for one of another folder or another limit.
func (b *Box) SetView(a Arranged) bool {
	if a.Serial != b.Serial || a.Limit.Query != b.limit.Query {
		return false
	}
	b.view, b.scan = a.View, 0
	grow := len(b.entries) - len(b.view.rowOf) // came while it was made: they get a row with the next Arrange
	for ; grow > 0; grow-- {
		b.view.rowOf = append(b.view.rowOf, -1)
		if b.view.convOf != nil {
			b.view.convOf = append(b.view.convOf, -1)
		}
	}
	b.dropGone()
	b.touch()
	return true
}

// Remove takes messages out of the rows: they were deleted or moved.
func (b *Box) Remove(ids ...int) {
	n := 0
	for _, id := range ids {
		if b.Gone(id) {
			continue
		}
		b.gone[id] = true
		b.left--
		n++
		if b.entries[id].Unread() {
			b.unread--
		}
	}
	if n > 0 {
		b.dropGone()
		b.touch()
	}
}

// Restore puts messages back that Remove took out; Arrange gives them rows again.
func (b *Box) Restore(ids ...int) {
	for _, id := range ids {
		if id < len(b.gone) && b.gone[id] {
			b.gone[id] = false
			b.left++
			if b.entries[id].Unread() {
				b.unread++
			}
		}
	}
	b.touch()
}

// dropGone drops rows without a message. A conversation whose first message went is named by the next one.
func (b *Box) dropGone() {
	v := b.view
	out := v.rows[:0]
	for _, r := range v.rows {
		if !b.gone[r.id] {
			out = append(out, r)
			continue
		}
		if r.kind == folded {
			for _, m := range v.members[v.convs[r.conv].from : v.convs[r.conv].from+v.convs[r.conv].n] {
				if !b.gone[m.id] {
					r.id = m.id
					out = append(out, r)
					break
				}
			}
		}
	}
	v.rows = out
	v.index()
}

// SetEntry notes that a message's file has another name: other flags.
func (b *Box) SetEntry(id int, e maildir.Entry) {
	if id < 0 || id >= len(b.entries) {
		return
	}
	if !b.gone[id] {
		if b.entries[id].Unread() {
			b.unread--
		}
		if e.Unread() {
			b.unread++
		}
	}
	if old := b.entries[id].Base(); old != e.Base() {
		delete(b.byBase, old)
		b.byBase[e.Base()] = id
	}
	b.entries[id] = e
	b.touch()
}

// Put notes that a message is in the folder. It returns its id and whether it is new, so that its header has to be
// read and the rows arranged.
func (b *Box) Put(e maildir.Entry) (id int, fresh bool) {
	if id, ok := b.byBase[e.Base()]; ok {
		back := b.gone[id]
		b.SetEntry(id, e)
		if back {
			b.Restore(id)
		}
		return id, back
	}
	id = len(b.entries)
	b.entries = append(b.entries, e)
	b.heads = append(b.heads, nil)
	b.gone = append(b.gone, false)
	b.view.rowOf = append(b.view.rowOf, -1)
	if b.view.convOf != nil {
		b.view.convOf = append(b.view.convOf, -1)
	}
	b.byBase[e.Base()] = id
	b.left++
	if e.Unread() {
		b.unread++
	}
	b.touch()
	return id, true
}

// Delta is how the folder on disk differs from a box.
type Delta struct {
	Serial int64
	Put    []maildir.Entry
	Gone   []int
	Err    error
}

// Compare returns a function that lists the folder again and says what changed: after an undo, or when the watch
// lost events.
func (b *Box) Compare() func() Delta {
	known := make(map[string]string, b.left)
	ids := make(map[string]int, b.left)
	for id, e := range b.entries {
		if !b.gone[id] {
			known[e.Base()], ids[e.Base()] = key(e), id
		}
	}
	f, serial := b.Folder, b.Serial
	return func() Delta {
		d := Delta{Serial: serial}
		entries, err := f.List()
		if err != nil {
			d.Err = err
			return d
		}
		for _, e := range entries {
			if k, ok := known[e.Base()]; !ok || k != key(e) {
				d.Put = append(d.Put, e)
			}
			delete(ids, e.Base())
		}
		for _, id := range ids {
			d.Gone = append(d.Gone, id)
		}
		return d
	}
}

func key(e maildir.Entry) string {
	if e.New {
		return "new/" + e.File
	}
	return e.File
}

// Fold folds or unfolds the conversation of message id. It reports whether there was something to do.
func (b *Box) Fold(id int, open bool) bool {
	v := b.view
	if !v.threads || id < 0 || id >= len(v.convOf) || v.convOf[id] < 0 {
		return false
	}
	ci := v.convOf[id]
	c := v.convs[ci]
	row := int(v.rowOf[id])
	if row < 0 || c.n < 2 {
		return false
	}
	for row > 0 && v.rows[row-1].conv == ci {
		row--
	}
	isOpen := v.rows[row].kind != folded
	if isOpen == open {
		return false
	}
	end := row
	for end < len(v.rows) && v.rows[end].conv == ci {
		end++
	}
	var mid []ref
	for _, r := range v.addConv(nil, ci, c, open) {
		if r.kind == folded || !b.gone[r.id] {
			mid = append(mid, r)
		}
	}
	rest := append([]ref(nil), v.rows[end:]...)
	v.rows = append(append(v.rows[:row], mid...), rest...)
	b.dropGone()
	b.touch()
	return true
}

// FoldAll folds or unfolds all conversations.
func (b *Box) FoldAll(open bool) {
	v := b.view
	if !v.threads {
		return
	}
	v.rows = v.rows[:0]
	for ci, c := range v.convs {
		v.rows = v.addConv(v.rows, int32(ci), c, open && c.n > 1)
	}
	b.dropGone()
	b.touch()
}

// Unfolded reports whether the row of message id belongs to an unfolded conversation.
func (b *Box) Unfolded(id int) bool {
	v := b.view
	if id < 0 || id >= len(v.rowOf) || v.rowOf[id] < 0 {
		return false
	}
	k := v.rows[v.rowOf[id]].kind
	return k == opened || k == child
}
