package store

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"sync"

	"pneu/maildir"
	"pneu/maildir/index"
	"pneu/maildir/journal"
)

// Note changes flags of messages as SetFlags does, written down in a batch so that it can be
// undone: one line for all messages that are changed in the same way, however many.
func (b *Box) Note(ctx context.Context, batch *journal.Batch, uids []UID, add, remove maildir.Flags) error {
	set, clear := index.FlagsOf(add)&^index.FlagsOf(remove), index.FlagsOf(remove)
	if set.Maildir() != add.Change("", remove) || clear.Maildir() != remove {
		return errLetters
	}
	ix := b.View().ix
	type change struct{ set, clear index.Flags }
	var groups [64]struct {
		change
		uids []uint32
	}
	row, ok := -1, true
	for _, u := range uids {
		if row++; row >= ix.Len() || ix.UID(row) != u { // mostly it is the next one
			if row, ok = ix.Find(u); !ok {
				row--
				continue
			}
		}
		have := ix.Flags(row)
		c := change{set &^ have, clear & have}
		if c == (change{}) {
			continue
		}
		g := &groups[(c.set|c.clear)&63] // no flag is in both
		g.change = c
		g.uids = append(g.uids, uint32(u))
	}
	for i := range groups {
		g := &groups[i]
		if len(g.uids) == 0 {
			continue
		}
		of := journal.NewBulk(b.View().numbering(), g.uids)
		err := batch.FlagAll(b.f, of, g.set.Maildir(), g.clear.Maildir(), func() error {
			return b.flag(ctx, of, index.FlagChange{Add: g.set, Remove: g.clear})
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// errLetters: the index keeps the flags that have a meaning; a file's other letters are
// changed in its name.
var errLetters = errors.New("only the flags D, F, P, R, S and T are changed by number")

// errNumbering: the UIDs of a journal's line mean other messages by now.
var errNumbering = errors.New("the folder has been numbered anew")

// numbering names what UIDs are of.
func (v *View) numbering() string { return numberingOf(v.State()) }

func numberingOf(st State) string {
	return fmt.Sprintf("%s/%d", hex.EncodeToString(st.GUID[:]), st.UIDValidity)
}

func (b *Box) flag(ctx context.Context, of journal.Bulk, c index.FlagChange) error {
	var uids []index.UIDRange
	for lo, hi := range of.Ranges() {
		uids = append(uids, index.UIDRange{Lo: UID(lo), Hi: UID(hi)})
	}
	_, err := b.x.SetFlagsRanges(ctx, uids, c)
	return err
}

// Journal returns what a journal needs to take back changes of keywords and of many messages at
// once: give it to UseKeywords, UseNumbers and UseMover. It keeps folders open until the Store is closed.
func (s *Store) Journal() *Noted { return &Noted{s: s, boxes: map[string]*Box{}} }

// Noted is a Store as a journal uses it: journal.Keywords, journal.Numbers and journal.Mover.
// What it does itself to many messages is written down in a batch, so that it can be undone.
type Noted struct {
	s     *Store
	mu    sync.Mutex
	boxes map[string]*Box
}

// Flag changes flags and keywords by number, and of messages with these bases.
func (n *Noted) Flag(f *maildir.Folder, of journal.Bulk, bases []string, c journal.Change) (paths []string, err error) {
	ctx := context.Background()
	err = n.with(ctx, f, func(b *Box, v *View) error {
		if v.numbering() != of.Numbering || !v.State().Sticky {
			// If all are known by name, the folder was made anew since they came back.
			if len(bases) < of.Count() {
				return errNumbering
			}
			of.UIDs = ""
		}
		var more []UID
		for _, base := range bases {
			row, ok := v.FindBase(base)
			if !ok { // it is back
				row, ok = v.FindBase(maildir.Returned(maildir.Entry{File: base}).Base())
			}
			if ok {
				more = append(more, v.ix.UID(row))
			}
		}
		change := index.FlagChange{Add: index.FlagsOf(c.Add), Remove: index.FlagsOf(c.Remove), AddKeywords: c.AddKeywords, RemoveKeywords: c.RemoveKeywords}
		if err := b.flag(ctx, of, change); err != nil {
			return err
		}
		if len(more) > 0 {
			if _, err := b.SetFlags(ctx, more, change); err != nil {
				return err
			}
		}
		if err := b.Flush(ctx); err != nil {
			return err
		}
		v = b.View()
		path := func(row int) { paths = append(paths, f.File(v.ix.Entry(row))) }
		for lo, hi := range of.Ranges() {
			for row, _ := v.ix.Find(UID(lo)); row < v.Len() && v.ix.UID(row) <= UID(hi); row++ {
				path(row)
			}
		}
		for _, uid := range more {
			if row, ok := v.ix.Find(uid); ok {
				path(row)
			}
		}
		return nil
	})
	return paths, err
}

// Number returns the number of a message as a journal notes it.
func (n *Noted) Number(f *maildir.Folder, e maildir.Entry) (of journal.Bulk) {
	b, err := n.box(f)
	if err != nil {
		return of
	}
	v := b.View()
	row, ok := v.FindBase(e.Base())
	if !ok {
		if v, err = b.Refresh(); err == nil {
			row, ok = v.FindBase(e.Base())
		}
	}
	if !ok || !v.State().Sticky {
		return of
	}
	return journal.NewBulk(v.numbering(), []uint32{uint32(v.ix.UID(row))})
}

// box opens a folder and keeps it open.
func (n *Noted) box(f *maildir.Folder) (*Box, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if b := n.boxes[f.Path()]; b != nil {
		return b, nil
	}
	// As one of the tree, whose changes the index hears of.
	if own, err := n.s.tree.Folder(f.Name()); err == nil && own.Path() == f.Path() {
		f = own
	}
	b, err := n.s.BoxOf(f)
	if err == nil {
		n.boxes[f.Path()] = b
	}
	return b, err
}

// Of returns the keywords of a message.
func (n *Noted) Of(f *maildir.Folder, e maildir.Entry) (words []string, err error) {
	err = n.with(context.Background(), f, func(b *Box, v *View) error {
		row, ok := v.FindBase(e.Base())
		if !ok {
			return maildir.ErrGone
		}
		words = v.Row(row).Keywords()
		return nil
	})
	return words, err
}

// Change adds and removes keywords, and returns the entry of the message then.
func (n *Noted) Change(f *maildir.Folder, e maildir.Entry, add, remove []string) (now maildir.Entry, err error) {
	ctx := context.Background()
	err = n.with(ctx, f, func(b *Box, v *View) error {
		row, ok := v.FindBase(e.Base())
		if !ok {
			return maildir.ErrGone
		}
		r, err := b.SetFlags(ctx, []UID{v.Row(row).UID()}, index.FlagChange{AddKeywords: add, RemoveKeywords: remove})
		if err != nil {
			return err
		}
		now = e
		if r.View != nil {
			if row, ok := r.View.FindBase(e.Base()); ok {
				now = r.View.Entry(row)
			}
		}
		return nil
	})
	return now, err
}

// Carry is journal.Keywords. Where nothing but letters is to be carried, it costs nothing.
func (n *Noted) Carry(from *maildir.Folder, e maildir.Entry, to *maildir.Folder, as maildir.Entry) (maildir.Entry, error) {
	if n.s.opt.NoIndex || !n.has(from) {
		return as, nil
	}
	b, err := n.box(from)
	if err != nil {
		return as, err
	}
	v, err := b.Refresh()
	if err != nil || v.State().Dir.Scanned == 0 {
		return as, err // nobody has asked for one
	}
	row, ok := v.FindBase(e.Base())
	if !ok {
		if v, err = b.Sync(context.Background()); err != nil {
			return as, err
		}
		if row, ok = v.FindBase(e.Base()); !ok {
			return as, nil // came a moment ago: it has no more than its letters
		}
	}
	have := v.ix.Keywords(row)
	if from.Path() == to.Path() {
		have = v.ix.Unsaid(row)
	}
	if len(have) == 0 {
		return as, nil
	}
	err = n.with(context.Background(), to, func(b *Box, v *View) error {
		row, ok := v.FindBase(as.Base())
		if !ok {
			return maildir.ErrGone
		}
		var missing []string
		for _, w := range have {
			if !v.ix.HasKeyword(row, w) {
				missing = append(missing, w)
			}
		}
		if len(missing) == 0 {
			return nil
		}
		r, err := b.SetFlags(context.Background(), []UID{v.ix.UID(row)}, index.FlagChange{AddKeywords: missing})
		if err == nil && r.View != nil {
			if row, ok := r.View.FindBase(as.Base()); ok {
				as = r.View.Entry(row)
			}
		}
		return err
	})
	return as, err
}

// with brings a folder up to date and calls do.
func (n *Noted) with(ctx context.Context, f *maildir.Folder, do func(b *Box, v *View) error) error {
	b, err := n.box(f)
	if err != nil {
		return err
	}
	v, err := b.Sync(ctx)
	if err != nil {
		return err
	}
	return do(b, v)
}
