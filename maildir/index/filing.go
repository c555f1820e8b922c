package index

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"pneu/maildir"
	"pneu/maildir/digest"
)

// A Work is what FileAll does.
type Work int

const (
	Moved Work = iota // within one folder: renamed
	Copied
	Removed
)

// A Wish is a message and what it is to be called.
type Wish struct {
	UID UID
	// As gives the name from the present one, nil a fresh one with the same flags. In another
	// folder a fresh name gets the letters that keywords have there.
	As func(now maildir.Entry) (maildir.Entry, error)
	// Add are flags a fresh name has besides: then the message is not new any more.
	Add Flags
}

// A Filed is what becomes of a message.
type Filed struct {
	From     UID
	Old, New maildir.Entry
	To       UID
	Err      error // why nothing was done; maildir.ErrGone also if it has another name by now
}

// FileAll does to messages what its Work says: into another index or, for renaming and
// removing, x itself. Before files are touched note, if there is one, is called with each
// batch; if it returns an error, nothing of the batch is done. The result has one Filed for each
// wish, in order; the error is one that ended the work, and of the wishes it left out.
func (x *Index) FileAll(ctx context.Context, to *Index, how Work, wishes []Wish, note func([]Filed) error) ([]Filed, error) {
	if err := x.settleBoth(ctx, to); err != nil {
		return nil, err
	}
	if x.View().State().Pending > 0 {
		// Names say what there is to be carried, and to be gone back to.
		if err := x.Flush(ctx); err != nil {
			return nil, err
		}
	}
	var out []Filed
	for batch := range slices.Chunk(wishes, opBatch) {
		done, err := x.fileAll(ctx, to, how, batch, note)
		out = append(out, done...)
		if err != nil {
			return out, err
		}
	}
	to.write(to.View())
	return out, nil
}

func (x *Index) fileAll(ctx context.Context, to *Index, how Work, wishes []Wish, note func([]Filed) error) ([]Filed, error) {
	if how != Removed && x.f.Path() != to.f.Path() {
		uids := make([]UID, len(wishes))
		for i, w := range wishes {
			uids[i] = w.UID
		}
		x.lettersFor(to, uids)
	}
	from, into := x.quietFolder(), to.quietFolder()
	var hold maildir.Hold
	defer hold.Release()
	if len(wishes) > 1 {
		hold.Take(from, into)
	}
	ts, td, unlock, err := lockBoth(ctx, x, to)
	if err != nil {
		return nil, err
	}
	defer unlock()
	gd := to.mind(td)
	gs := gd
	if ts != td && how != Copied {
		gs = x.mind(ts)
	}
	theirs, err := to.learnLetters(td)
	if err != nil {
		return nil, err
	}
	u := ts.view()
	letters := u.letters()
	out := make([]Filed, len(wishes))
	noted := make([]Filed, 0, len(wishes))
	for i, w := range wishes {
		d := &out[i]
		d.From = w.UID
		row, ok := u.Find(w.UID)
		if !ok {
			d.Err = maildir.ErrGone
			continue
		}
		d.Old = u.Entry(row)
		switch {
		case how == Removed:
		case w.As != nil:
			d.New, d.Err = w.As(d.Old)
		default:
			d.New, d.Err = x.fresh(u, row, w.Add, &letters, &theirs)
		}
		if d.Err == nil && (how == Removed || d.Old != d.New || ts != td) {
			noted = append(noted, *d)
		}
	}
	if note != nil && len(noted) > 0 {
		if err := note(noted); err != nil {
			return nil, err
		}
	}
	if how == Moved && ts != td {
		var left uint32
		for i := range out {
			if out[i].Err == nil {
				left |= letters.unknown(out[i].Old.Flags())
			}
		}
		if err := ts.met(left); err != nil {
			return nil, err
		}
	}
	expected := false
	if ts != td && how != Removed {
		var list []arrival
		for i := range out {
			if d := &out[i]; d.Err == nil {
				if row, ok := u.Find(d.From); ok {
					if words := unsaid(d.New, u.Keywords(row), &theirs); len(words) > 0 {
						list = append(list, arrival{d.New.Base(), words})
					}
				}
			}
		}
		if expected, err = expect(td, list); err != nil {
			return nil, err
		}
	}
	for i := range out {
		d := &out[i]
		if d.Err != nil {
			continue
		}
		switch {
		case how == Removed:
			d.Err = from.Remove(d.Old)
		case how == Copied:
			d.Err = from.CopyAs(d.Old, into, d.New)
		default:
			d.Err = from.MoveAs(d.Old, into, d.New)
		}
		if errors.Is(d.Err, fs.ErrNotExist) {
			d.Err = fmt.Errorf("%s: %w", d.Old.File, maildir.ErrGone)
		}
	}
	if err := x.recordFiled(ts, td, how, out, wishes, u); err != nil {
		return out, err
	}
	if expected {
		if err := arrived(td); err != nil {
			return out, err
		}
	}
	if err := gd.end(ctx); err != nil {
		return out, err
	}
	if gs != gd {
		if err := gs.end(ctx); err != nil {
			return out, err
		}
	}
	// The new rows first: if we die in between, the old ones are found to be gone.
	if _, err := td.commit(); err != nil {
		return out, err
	}
	if ts != td {
		if _, err := ts.commit(); err != nil {
			return out, err
		}
	}
	return out, nil
}

// fresh is the name a message gets in another folder.
func (x *Index) fresh(u *View, row int, add Flags, letters, theirs *keywordLetters) (maildir.Entry, error) {
	e := u.Entry(row)
	// The letters of the other folder are not those of this one; what has no meaning here has
	// none there.
	as, ok := renamedTo(maildir.Fresh(e), theirs.want(plainLetters(e.Flags(), letters), u.Flags(row)|add, u.Keywords(row)))
	if !ok {
		return as, maildir.ErrInfo
	}
	if e.New && add == 0 && e.Flags() == as.Flags() {
		as = maildir.Entry{File: maildir.Fresh(e).File, New: true}
	}
	return as, nil
}

// recordFiled makes records of what was done.
func (x *Index) recordFiled(ts, td *tx, how Work, out []Filed, wishes []Wish, u *View) error {
	if how == Moved && ts == td {
		letters, err := x.learnLetters(ts)
		if err != nil {
			return err
		}
		var moves []move
		for i := range out {
			if d := &out[i]; d.Err == nil {
				d.To = d.From
				if d.Old != d.New {
					moves = append(moves, move{uid: d.From, old: d.Old, now: d.New})
				}
			}
		}
		slices.SortFunc(moves, func(a, b move) int { return cmp.Compare(a.uid, b.uid) })
		return x.applyMoves(ts, moves, &letters)
	}
	var gone []UID
	type added struct {
		at int
		m  Message
	}
	var adds []added
	now := x.now().Unix()
	for i := range out {
		d := &out[i]
		if d.Err != nil {
			continue
		}
		if how != Copied {
			gone = append(gone, d.From)
		}
		row, ok := u.Find(d.From)
		if how == Removed || !ok {
			continue
		}
		m := Message{Entry: d.New, Size: u.Size(row), WireSize: u.WireSize(row), Received: u.Received(row), Saved: now,
			Sent: u.Sent(row), Class: u.Class(row), Keywords: slices.Clone(u.Keywords(row))}
		if wishes[i].As == nil {
			m.Extra = (u.Flags(row) | wishes[i].Add) &^ FlagsOf(d.New.Flags())
		}
		if blob := u.Blob(row); blob != nil {
			m.Digest = bytes.Clone(blob) // adding may not disturb what u lent us
			if d, err := digest.Decode(m.Digest); err == nil {
				m.Head = digest.Head(nil, d)
			}
		}
		adds = append(adds, added{i, m})
	}
	for _, a := range adds {
		uid, err := td.add(a.m)
		if err != nil {
			return err
		}
		out[a.at].To = uid
	}
	if len(gone) == 0 {
		return nil
	}
	slices.Sort(gone)
	_, err := ts.expunge(gone)
	return err
}
