package store

import (
	"slices"
	"time"

	"pneu/maildir/digest"
	"pneu/maildir/index"
	"pneu/maildir/safe"
	mail "pneu/maildir/store"
	"pneu/tui/list"
)

// rows is the RowSource of a Box.
type rows struct{ b *Box }

func (r rows) Len() int        { return r.b.len() }
func (r rows) Version() uint64 { return r.b.version }

func (b *Box) len() int { return b.folds.at(b.order, b.order.n()) }

// place is a message in its row.
type place struct {
	id, conv int
	depth    int
	kind     kind
}

type kind uint8

const (
	single kind = iota // a message alone
	folded             // a conversation in one row
	opened             // the first message of an unfolded conversation
	child              // another message of it
)

// place returns what row i shows.
func (b *Box) place(i int) (p place, ok bool) {
	if i < 0 || i >= b.len() {
		return p, false
	}
	k := b.folds.conv(b.order, i)
	p.conv = k
	nth := 0
	if b.folds.opened(k) {
		nth = i - b.folds.at(b.order, k)
	}
	live := b.live(k, nth+2)
	if nth >= len(live) {
		return p, false
	}
	p.id = int(b.order.uid(live[nth]))
	switch {
	case len(live) == 1:
	case !b.folds.opened(k):
		p.kind = folded
	case nth == 0:
		p.kind = opened
	default:
		p.kind, p.depth = child, int(b.order.spot(live[nth]).Depth)
	}
	return p, true
}

// changed reports whether messages may have gone since they were put in order.
func (b *Box) changed() bool { return b.order.view != b.now || b.hidden.len() > 0 }

// live returns the places of the messages of conversation k that are still there, at most most of them if that is
// not 0.
func (b *Box) live(k, most int) []int {
	from, n := b.order.span(k)
	out := make([]int, 0, min(n, 16))
	same := !b.changed()
	for at := from; at < from+n && (most == 0 || len(out) < most); at++ {
		if same || !b.Gone(int(b.order.uid(at))) {
			out = append(out, at)
		}
	}
	return out
}

// ids returns the messages of conversation k that are still there.
func (b *Box) ids(k, most int) []int {
	out := b.live(k, most)
	for i, at := range out {
		out[i] = int(b.order.uid(at))
	}
	return out
}

func (r rows) ID(i int) int {
	p, ok := r.b.place(i)
	if !ok {
		return -1
	}
	return p.id
}

func (r rows) Find(id int) int {
	b := r.b
	k := b.convOf(id)
	if k < 0 || b.folds.rows(b.order, k) == 0 {
		return -1
	}
	at := b.folds.at(b.order, k)
	if !b.folds.opened(k) {
		return at
	}
	for i, m := range b.ids(k, 0) {
		if m == id {
			return at + i
		}
	}
	return -1
}

const (
	// looked is how many messages of a conversation are asked for their flags: more would not change what can be
	// seen of it.
	looked = 400
	// decoded is how many are asked who wrote them.
	decoded = 40
)

func (r rows) Row(i int) list.Row {
	b := r.b
	p, ok := b.place(i)
	if !ok {
		return list.Row{ID: -1}
	}
	if p.kind == folded {
		return b.convRow(p)
	}
	row := b.messageRow(p.id)
	row.Depth = p.depth
	row.Open = p.kind == opened
	return row
}

// shown returns the messages that are asked who wrote them for row i.
func (b *Box) shown(i int) []int {
	p, ok := b.place(i)
	switch {
	case !ok:
		return nil
	case p.kind == folded:
		return b.ids(p.conv, decoded)
	}
	return []int{p.id}
}

func (b *Box) messageRow(id int) list.Row {
	f, h := b.Flags(id), b.Head(id)
	row := list.Row{
		ID: id, Time: b.time(id), Unread: !f.Has(index.Seen), Loading: h == nil,
		Flagged: f.Has(index.Flagged), Replied: f.Has(index.Replied), Forward: f.Has(index.Passed),
		Draft: f.Has(index.Draft), Trashed: f.Has(index.Trashed), Labels: Labels(b.Keywords(id)),
	}
	if h == nil {
		return row
	}
	row.Subject, row.People, row.Attach, row.Danger, row.Mine = h.Subj, h.Name, h.HasAttachment, h.Danger, h.Mine
	row.List, row.Snippet = h.List != "", h.Words
	if b.opt.Sent {
		row.People, row.Mine = h.To1, false
	}
	return row
}

func (b *Box) convRow(p place) list.Row {
	ids := b.ids(p.conv, looked)
	row := list.Row{ID: p.id, Count: len(ids)}
	if len(ids) == looked {
		if _, row.Count = b.order.span(p.conv); b.changed() {
			row.Count = len(b.live(p.conv, 0))
		}
	}
	ix := b.now.Index()
	var heads []*Head
	var subject safe.Text
	newest, latest := -1, int64(0)
	var sets []int // of keywords: messages of a conversation mostly have the same
	for k, id := range ids {
		n, ok := b.row(id)
		if !ok {
			continue
		}
		if set := ix.KeywordSet(n); set != 0 && !slices.Contains(sets, set) {
			sets = append(sets, set)
		}
		f, class := ix.Flags(n), digest.Class(ix.Class(n))
		row.Unread = row.Unread || !f.Has(index.Seen)
		row.Flagged = row.Flagged || f.Has(index.Flagged)
		row.Attach = row.Attach || class&digest.Attachment != 0
		row.List = row.List || class&digest.List != 0
		if at := b.opt.date(ix, n); newest < 0 || at > latest {
			newest, latest = id, at
			row.Replied, row.Forward, row.Draft = f.Has(index.Replied), f.Has(index.Passed), f.Has(index.Draft)
		}
		if k >= decoded {
			continue
		}
		h := b.Head(id)
		heads = append(heads, h)
		if h == nil {
			continue
		}
		if subject.String() == "" {
			subject = h.Subj
		}
		row.Danger, row.Attach = row.Danger || h.Danger, row.Attach || h.HasAttachment
	}
	row.Labels = Labels(union(ix, sets))
	row.Subject = subject
	row.People = people(heads)
	if h := b.Head(newest); h != nil {
		row.Snippet = h.Words
		if b.opt.Sent {
			row.People = h.To1
		}
	}
	row.Time = time.Unix(latest, 0)
	return row
}

// union returns the keywords of some sets.
func union(ix *index.View, sets []int) []string {
	var words []string
	for _, set := range sets {
		for _, k := range ix.KeywordsOf(set) {
			if !slices.Contains(words, k) {
				words = append(words, k)
			}
		}
	}
	if len(sets) > 1 {
		slices.Sort(words)
	}
	return words
}

// UnreadRow reports whether row i has an unread message.
func (b *Box) UnreadRow(i int) bool {
	k := b.folds.conv(b.order, i)
	if b.folds.opened(k) {
		p, ok := b.place(i)
		return ok && b.Unseen(p.id)
	}
	for _, id := range b.ids(k, looked) {
		if b.Unseen(id) {
			return true
		}
	}
	return false
}

// Conversation returns the messages of the row that shows id, oldest or first of the thread first: all of a folded
// conversation, or the message alone.
func (b *Box) Conversation(id int) []int {
	k := b.convOf(id)
	if k < 0 {
		return nil
	}
	if b.folds.opened(k) && b.order.threads {
		if b.Gone(id) {
			return nil
		}
		return []int{id}
	}
	return b.ids(k, 0)
}

// Newest returns the newest of some messages.
func (b *Box) Newest(ids []int) int {
	best, latest := -1, int64(0)
	ix := b.now.Index()
	for _, id := range ids {
		n, ok := b.row(id)
		if !ok {
			continue
		}
		if at := b.opt.date(ix, n); best < 0 || at > latest {
			best, latest = id, at
		}
	}
	return best
}

// NextIn returns the nearest row behind from, or before it if dir is -1, that shows a message of the limit; around
// the end. It is -1 if there is none.
func (b *Box) NextIn(hits Limit, from, dir int) int {
	const dense = 4096
	n := b.len()
	if hits.Set == nil || n == 0 {
		return -1
	}
	if hits.Set.Count() <= dense { // few: where are they?
		best, row := 0, -1
		for at := range hits.Set.Rows() {
			i := rows{b}.Find(int(hits.View.Index().UID(at)))
			if i < 0 {
				continue
			}
			d := (i - from) * dir
			if d <= 0 {
				d += n
			}
			if row < 0 || d < best {
				best, row = d, i
			}
		}
		return row
	}
	for d := 1; d <= n; d++ { // many: one of them is near
		i := ((from+d*dir)%n + n) % n
		for _, id := range b.ids(b.folds.conv(b.order, i), 0) {
			if hits.has(mail.UID(id)) && (rows{b}).Find(id) == i {
				return i
			}
		}
	}
	return -1
}
