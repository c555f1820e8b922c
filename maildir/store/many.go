package store

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"pneu/maildir"
	"pneu/maildir/index"
	"pneu/maildir/journal"
)

// A Result is what a message is called after a change, or why it was not changed.
type Result struct {
	Entry maildir.Entry
	Err   error
}

// Work says what File does.
type Work = index.Work

// The works.
const (
	Moved   = index.Moved
	Copied  = index.Copied
	Removed = index.Removed
)

// From so many messages on a change of flags or keywords is noted by their numbers; names are
// then left out of the journal.
const byNumber = 32

// From so many messages on an index is made for a folder that has none.
const worthIndex = 64

// SetFlags changes flags and keywords of messages of one folder. Without a change it takes
// them out of new/. Files are called what the results say when it returns.
func (n *Noted) SetFlags(ctx context.Context, batch *journal.Batch, f *maildir.Folder, list []maildir.Entry, c journal.Change) []Result {
	b, v := n.indexed(ctx, f, len(list))
	s := setting{n: n, batch: batch, f: f, c: c.Plain(), b: b, v: v, out: make([]Result, len(list)), uids: make([]UID, len(list))}
	for i, e := range list {
		s.out[i].Entry = e
		if b != nil {
			if row, ok := v.FindBase(e.Base()); ok {
				s.uids[i] = v.ix.UID(row)
				s.rows = append(s.rows, i)
				continue
			}
		}
		s.singles = append(s.singles, i)
	}
	words := len(s.c.AddKeywords)+len(s.c.RemoveKeywords) > 0
	if s.c.Add != "" || s.c.Remove != "" || !words {
		s.flags(ctx)
	} else {
		s.settle(ctx)
	}
	if words {
		s.words(ctx)
	}
	if len(s.rows) > 0 {
		s.names(ctx)
	}
	return s.out
}

// A setting is one SetFlags. Its lists of messages are of their places in out and uids.
type setting struct {
	n       *Noted
	batch   *journal.Batch
	f       *maildir.Folder
	c       journal.Change
	b       *Box  // nil: there is no index
	v       *View // when it began
	out     []Result
	uids    []UID
	rows    []int // those that the index has
	singles []int
}

func (s *setting) fail(which []int, err error) {
	for _, i := range which {
		if err != nil && s.out[i].Err == nil {
			s.out[i].Err = err
		}
	}
}

// entry returns what the index calls the message now.
func (s *setting) entry(i int, v *View) (maildir.Entry, bool) {
	row, ok := v.ix.Find(s.uids[i])
	if !ok {
		return maildir.Entry{}, false
	}
	return v.ix.Entry(row), true
}

// flags changes them by number where there are many and names allow it.
func (s *setting) flags(ctx context.Context) {
	exact := s.rows
	if set := index.FlagsOf(s.c.Add); len(s.rows) >= byNumber && set.Maildir() == s.c.Add && index.FlagsOf(s.c.Remove).Maildir() == s.c.Remove {
		var many []int
		exact = nil
		for _, i := range s.rows {
			if e, ok := s.entry(i, s.v); ok && canonical(e) {
				many = append(many, i)
			} else {
				exact = append(exact, i)
			}
		}
		s.fail(many, s.b.Note(ctx, s.batch, pick(s.uids, many), s.c.Add, s.c.Remove))
	}
	if len(exact) > 0 {
		s.n.rename(ctx, s.batch, s.b, s.f, s.uids, exact, s.out, s.c)
	}
	for _, i := range s.singles {
		s.out[i].Entry, s.out[i].Err = s.batch.SetFlags(s.f, s.out[i].Entry, s.c.Add, s.c.Remove)
	}
}

// settle takes messages out of new/ and gives them names with flags, as a keyword's letter will:
// noted by name, so that undo gives the old one back.
func (s *setting) settle(ctx context.Context) {
	var odd []int
	for _, i := range s.rows {
		if e, ok := s.entry(i, s.v); !ok || !canonical(e) {
			odd = append(odd, i)
		}
	}
	if len(odd) > 0 {
		s.n.rename(ctx, s.batch, s.b, s.f, s.uids, odd, s.out, journal.Change{})
	}
	for _, i := range s.singles {
		if !canonical(s.out[i].Entry) {
			s.out[i].Entry, s.out[i].Err = s.batch.SetFlags(s.f, s.out[i].Entry, "", "")
		}
	}
}

// words changes keywords.
func (s *setting) words(ctx context.Context) {
	one := s.singles
	if len(s.rows) >= byNumber {
		s.fail(s.rows, s.b.noteWords(ctx, s.batch, pick(s.uids, s.rows), s.c.AddKeywords, s.c.RemoveKeywords))
	} else {
		one = slices.Concat(s.rows, s.singles)
	}
	for _, i := range one {
		if s.out[i].Err == nil {
			s.out[i].Entry, s.out[i].Err = s.batch.SetKeywords(s.f, s.out[i].Entry, s.c.AddKeywords, s.c.RemoveKeywords)
		}
	}
}

// names has files called what the index says, and tells it.
func (s *setting) names(ctx context.Context) {
	if s.b.View().State().Pending > 0 {
		s.fail(s.rows, s.b.Flush(ctx))
	}
	v := s.b.View()
	for _, i := range s.rows {
		if s.out[i].Err != nil {
			continue
		}
		if e, ok := s.entry(i, v); ok {
			s.out[i].Entry = e
		} else {
			s.out[i].Err = maildir.ErrGone
		}
	}
}

// rename changes flags name by name.
func (n *Noted) rename(ctx context.Context, batch *journal.Batch, b *Box, f *maildir.Folder, uids []UID, which []int, out []Result, c journal.Change) {
	wishes := make([]index.Wish, len(which))
	for k, i := range which {
		wishes[k] = index.Wish{UID: uids[i], As: func(now maildir.Entry) (maildir.Entry, error) {
			name, err := maildir.ParseName(now.File)
			if err == nil {
				name, err = name.WithFlags(name.Flags().Change(c.Add, c.Remove))
			}
			return maildir.Entry{File: name.String()}, err
		}}
	}
	n.file(ctx, batch, b, b, index.Moved, "flags", wishes, func(k int, r Result) { out[which[k]] = r })
}

// canonical reports whether taking back a flag by number gives the same name again.
func canonical(e maildir.Entry) bool {
	name, err := maildir.ParseName(e.File)
	if err != nil || e.New {
		return false
	}
	same, err := name.WithFlags(name.Flags())
	return err == nil && same == name
}

func pick(uids []UID, which []int) []UID {
	out := make([]UID, len(which))
	for k, i := range which {
		out[k] = uids[i]
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// File moves messages of one folder to another, copies them there, or removes them for good.
// Flags in add are set on the way. A removed message has no entry.
func (n *Noted) File(ctx context.Context, batch *journal.Batch, f *maildir.Folder, list []maildir.Entry, to *maildir.Folder, how Work, add maildir.Flags) []Result {
	out := make([]Result, len(list))
	if how == Removed {
		to = f
	}
	if how == Moved && to.Path() == f.Path() {
		for i, e := range list {
			out[i].Entry, out[i].Err = f.Current(e)
		}
		return out
	}
	b, v := n.indexed(ctx, f, len(list))
	into := b
	if b == nil && n.has(to) {
		b, v = n.indexed(ctx, f, worthIndex)
	}
	if b != nil && to.Path() != f.Path() {
		into, _ = n.indexed(ctx, to, worthIndex)
	}
	var wishes []index.Wish
	var which, singles []int
	for i, e := range list {
		if b != nil && into != nil {
			if row, ok := v.FindBase(e.Base()); ok {
				wishes = append(wishes, index.Wish{UID: v.ix.UID(row), Add: index.FlagsOf(add)})
				which = append(which, i)
				continue
			}
		}
		out[i] = fileOne(batch, f, e, to, how)
		singles = append(singles, i)
	}
	// Moved first: a message that has its flag but stays would be overlooked.
	for _, i := range singles {
		if r := &out[i]; r.Err == nil && add != "" && (r.Entry.New || r.Entry.Flags().Change(add, "") != r.Entry.Flags()) {
			r.Entry, r.Err = batch.SetFlags(to, r.Entry, add, "")
		}
	}
	if len(wishes) > 0 {
		kind := map[index.Work]string{Moved: "move", Copied: "copy", Removed: "purge"}[how]
		n.file(ctx, batch, b, into, how, kind, wishes, func(k int, r Result) { out[which[k]] = r })
	}
	return out
}

// fileOne is File where there is no index.
func fileOne(batch *journal.Batch, f *maildir.Folder, e maildir.Entry, to *maildir.Folder, how Work) (r Result) {
	switch how {
	case Removed:
		r.Err = batch.Purge(f, e)
	case Copied:
		r.Entry, r.Err = batch.Copy(f, e, to)
	default:
		r.Entry, r.Err = batch.Move(f, e, to)
	}
	return r
}

// atATime is how many messages are noted and then filed while the journal is held.
const atATime = 500

// file has an index do its work, and notes it.
func (n *Noted) file(ctx context.Context, batch *journal.Batch, b, into *Box, how Work, kind string, wishes []index.Wish, told func(k int, r Result)) {
	for from := 0; from < len(wishes); from += atATime {
		part := wishes[from:min(from+atATime, len(wishes))]
		var done []index.Filed
		err := batch.All(func(note func([]journal.Op) error) (failed []int, err error) {
			planned := map[UID]int{} // number of its operation
			done, err = b.x.FileAll(ctx, into.x, how, part, func(plan []index.Filed) error {
				ops := make([]journal.Op, len(plan))
				numbering := b.View().numbering()
				for i, p := range plan {
					planned[p.From] = len(planned)
					ops[i] = journal.Op{Kind: kind, Store: b.f.Store().Root(), FromFolder: b.f.Name(), From: b.f.Path(), Old: p.Old}
					if how != Removed {
						ops[i].ToFolder, ops[i].To, ops[i].New = into.f.Name(), into.f.Path(), p.New
					}
					if kind == "move" {
						ops[i].Bulk = journal.NewBulk(numbering, []uint32{uint32(p.From)})
					}
				}
				return note(ops)
			})
			for _, d := range done {
				if k, ok := planned[d.From]; ok && d.Err != nil {
					failed = append(failed, k)
				}
			}
			return failed, err
		})
		for k := range part {
			switch {
			case k < len(done):
				told(from+k, Result{done[k].New, done[k].Err})
			default:
				told(from+k, Result{Err: err})
			}
		}
	}
}

// Move is journal.Mover: it brings messages to names they had.
func (n *Noted) Move(from, to *maildir.Folder, list []journal.Moving) error {
	ctx := context.Background()
	b, v := n.indexed(ctx, from, len(list))
	if b == nil && n.has(to) {
		b, v = n.indexed(ctx, from, worthIndex)
	}
	if b == nil {
		return nil
	}
	into, there := b, v
	if from.Path() != to.Path() {
		if into, there = n.indexed(ctx, to, worthIndex); into == nil {
			return nil
		}
	}
	var wishes []index.Wish
	var which []int
	for i := range list {
		m := &list[i]
		if row, ok := v.FindBase(m.Have.Base()); ok {
			wishes = append(wishes, index.Wish{UID: v.ix.UID(row), As: m.As})
			which = append(which, i)
		} else if row, ok := there.FindBase(m.Want.Base()); ok {
			m.Path = to.File(there.ix.Entry(row)) // never moved: a crash came between
		}
	}
	if len(wishes) == 0 {
		return nil
	}
	done, err := b.x.FileAll(ctx, into.x, index.Moved, wishes, nil)
	for k, d := range done {
		if d.Err == nil {
			list[which[k]].Path = to.File(d.New)
		}
	}
	return err
}

// Drop is journal.Mover: it removes copies of messages that are there still.
func (n *Noted) Drop(from, to *maildir.Folder, list []journal.Dropping) error {
	ctx := context.Background()
	b, v := n.indexed(ctx, to, len(list))
	if b == nil {
		return nil
	}
	_, orig := n.indexed(ctx, from, len(list))
	if orig == nil {
		return nil
	}
	var wishes []index.Wish
	var which []int
	for i := range list {
		dup, ok := v.FindBase(list[i].Copy.Base())
		row, there := orig.FindBase(list[i].Orig.Base())
		if !ok || !there {
			continue
		}
		// One file under both names; else the bytes have to be compared.
		x, errX := os.Lstat(to.File(v.ix.Entry(dup)))
		y, errY := os.Lstat(from.File(orig.ix.Entry(row)))
		if errX == nil && errY == nil && x.Mode().IsRegular() && os.SameFile(x, y) {
			wishes = append(wishes, index.Wish{UID: v.ix.UID(dup)})
			which = append(which, i)
			list[i].Path = from.File(orig.ix.Entry(row))
		}
	}
	if len(wishes) == 0 {
		return nil
	}
	done, err := b.x.FileAll(ctx, b.x, index.Removed, wishes, nil)
	for k, i := range which {
		if k >= len(done) || done[k].Err != nil {
			list[i].Path = ""
		}
	}
	return err
}

// indexed returns a folder and its messages as its index has them now; nil if it has none that
// lasts, and n messages are not worth one.
func (n *Noted) indexed(ctx context.Context, f *maildir.Folder, messages int) (*Box, *View) {
	if n.s.opt.ReadOnly || n.s.opt.NoIndex || messages < worthIndex && !n.has(f) {
		return nil, nil
	}
	b, err := n.box(f)
	if err != nil {
		return nil, nil
	}
	v, err := b.Sync(ctx)
	if err != nil || !v.State().Sticky {
		return nil, nil
	}
	return b, v
}

// has reports whether a folder has an index.
func (n *Noted) has(f *maildir.Folder) bool {
	n.mu.Lock()
	open := n.boxes[f.Path()] != nil
	n.mu.Unlock()
	if open {
		return true
	}
	_, err := os.Stat(filepath.Join(f.Path(), "pneu.log"))
	return err == nil
}

// noteWords is Note for keywords.
func (b *Box) noteWords(ctx context.Context, batch *journal.Batch, uids []UID, add, remove []string) error {
	ix := b.View().ix
	type group struct {
		add, remove []string
		uids        []uint32
	}
	bySet := map[int]*group{}
	groups := map[string]*group{}
	var order []*group
	for _, u := range uids {
		row, ok := ix.Find(u)
		if !ok {
			continue
		}
		set := ix.KeywordSet(row)
		g := bySet[set]
		if g == nil {
			have := ix.KeywordsOf(set)
			var now group
			for _, w := range add {
				if !containsFold(have, w) && !containsFold(remove, w) && !containsFold(now.add, w) {
					now.add = append(now.add, w)
				}
			}
			for _, w := range have { // in the spelling they have
				if containsFold(remove, w) {
					now.remove = append(now.remove, w)
				}
			}
			key := strings.Join(now.add, " ") + "\n" + strings.Join(now.remove, " ")
			if g = groups[key]; g == nil {
				g = &now
				groups[key] = g
				order = append(order, g)
			}
			bySet[set] = g
		}
		g.uids = append(g.uids, uint32(u))
	}
	for _, g := range order {
		if len(g.add)+len(g.remove) == 0 {
			continue
		}
		of := journal.NewBulk(b.View().numbering(), g.uids)
		err := batch.WordAll(b.f, of, g.add, g.remove, func() error {
			return b.flag(ctx, of, index.FlagChange{AddKeywords: g.add, RemoveKeywords: g.remove})
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func containsFold(list []string, k string) bool {
	return slices.ContainsFunc(list, func(l string) bool { return strings.EqualFold(l, k) })
}
