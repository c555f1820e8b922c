package store

import (
	"pneu/maildir/safe"
	"pneu/tui/list"
)

// rows is the RowSource of a Box.
type rows struct{ b *Box }

func (r rows) Len() int        { return len(r.b.view.rows) }
func (r rows) Version() uint64 { return r.b.version }

func (r rows) ID(i int) int {
	if i < 0 || i >= len(r.b.view.rows) {
		return -1
	}
	return int(r.b.view.rows[i].id)
}

func (r rows) Find(id int) int {
	if id < 0 || id >= len(r.b.view.rowOf) {
		return -1
	}
	return int(r.b.view.rowOf[id])
}

// Members looked at for a row of a conversation; more would not change what can be seen of it.
const looked = 400

func (r rows) Row(i int) list.Row {
	b := r.b
	at := b.view.rows[i]
	id := int(at.id)
	if at.kind == folded {
		if c := b.view.convs[at.conv]; c.n > 1 {
			return b.convRow(at, c)
		}
	}
	row := b.messageRow(id)
	row.Depth = int(at.depth)
	row.Open = at.kind == opened
	return row
}

func (b *Box) messageRow(id int) list.Row {
	e, h := b.entries[id], b.heads[id]
	f := e.Flags()
	row := list.Row{
		ID: id, Time: b.time(id), Unread: e.Unread(), Loading: h == nil,
		Flagged: f.Has('F'), Replied: f.Has('R'), Forward: f.Has('P'), Draft: f.Has('D'), Trashed: f.Has('T'),
		Snippet: b.snips[id],
	}
	if h == nil {
		return row
	}
	row.Subject, row.People, row.Attach, row.Danger, row.Mine = h.Subj, h.Name, h.HasAttachment, h.Danger, h.Mine
	row.List = h.List != ""
	if b.opt.Sent {
		row.People, row.Mine = h.To1, false
	}
	return row
}

func (b *Box) convRow(at ref, c conv) list.Row {
	ms := b.view.members[c.from : c.from+c.n]
	row := list.Row{ID: int(at.id), Time: c.latest}
	var heads []*Head
	newest := -1
	var subject safe.Text
	for k, m := range ms {
		id := int(m.id)
		if b.gone[id] {
			continue
		}
		row.Count++
		if k >= looked {
			continue
		}
		one := b.messageRow(id)
		h := b.heads[id]
		heads = append(heads, h)
		if subject.String() == "" && h != nil {
			subject = h.Subj
		}
		row.Unread = row.Unread || one.Unread
		row.Flagged = row.Flagged || one.Flagged
		row.Attach = row.Attach || one.Attach
		row.List = row.List || one.List
		row.Danger = row.Danger || one.Danger
		if newest < 0 || one.Time.After(b.time(newest)) {
			newest = id
			row.Replied, row.Forward, row.Draft = one.Replied, one.Forward, one.Draft
		}
	}
	row.Subject = subject
	row.People = people(heads)
	if b.opt.Sent && newest >= 0 && b.heads[newest] != nil {
		row.People = b.heads[newest].To1
	}
	if newest >= 0 {
		row.Snippet = b.snips[newest]
		row.Time = b.time(newest)
	}
	return row
}

// Conversation returns the messages of the row that shows id, oldest or first of the thread first: all of a folded
// conversation, or the message alone.
func (b *Box) Conversation(id int) []int {
	v := b.view
	if id < 0 || id >= len(v.rowOf) || v.rowOf[id] < 0 {
		return nil
	}
	r := v.rows[v.rowOf[id]]
	if r.kind != folded {
		return []int{int(r.id)}
	}
	return b.live(r.conv)
}

// Thread returns the whole conversation id is in, folded or not.
func (b *Box) Thread(id int) []int {
	v := b.view
	if !v.threads || id < 0 || id >= len(v.convOf) || v.convOf[id] < 0 {
		if b.Gone(id) {
			return nil
		}
		return []int{id}
	}
	return b.live(v.convOf[id])
}

func (b *Box) live(ci int32) []int {
	c := b.view.convs[ci]
	ids := make([]int, 0, c.n)
	for _, m := range b.view.members[c.from : c.from+c.n] {
		if !b.gone[m.id] {
			ids = append(ids, int(m.id))
		}
	}
	return ids
}

// Snippet sets the first words of a message.
func (b *Box) Snippet(id int, s safe.Text) {
	if len(b.snips) > 20000 {
		clear(b.snips)
	}
	b.snips[id] = s
	b.touch()
}

// WantSnippets returns which messages of rows from to to have no first words yet.
func (b *Box) WantSnippets(from, to int) []int {
	var ids []int
	for i := max(0, from); i < min(to, len(b.view.rows)); i++ {
		at := b.view.rows[i]
		id := int(at.id)
		if at.kind == folded {
			id = b.newest(at.conv)
		}
		if id < 0 || b.heads[id] == nil || b.heads[id].Missing != nil {
			continue
		}
		if _, ok := b.snips[id]; !ok {
			ids = append(ids, id)
		}
	}
	return ids
}

func (b *Box) newest(ci int32) int {
	c := b.view.convs[ci]
	newest := -1
	for k, m := range b.view.members[c.from : c.from+c.n] {
		if k >= looked {
			break
		}
		if id := int(m.id); !b.gone[id] && (newest < 0 || b.time(id).After(b.time(newest))) {
			newest = id
		}
	}
	return newest
}

// Words returns the first words of a message, if they were read.
func (b *Box) Words(id int) safe.Text { return b.snips[id] }

// Newest returns the newest of some messages.
func (b *Box) Newest(ids []int) int {
	best := -1
	for _, id := range ids {
		if best < 0 || b.time(id).After(b.time(best)) {
			best = id
		}
	}
	return best
}
