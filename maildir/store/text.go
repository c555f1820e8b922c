package store

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"

	"pneu/maildir"
	"pneu/maildir/digest"
	"pneu/maildir/fulltext"
	"pneu/maildir/message"
	"pneu/maildir/search"
)

// text is a box's index of texts, opened when it is first asked for.
type text struct {
	once sync.Once
	x    *fulltext.Index // nil: there is none
}

// text returns the index of texts. One that cannot be used is said once, and done without.
func (b *Box) text() *fulltext.Index {
	b.words.once.Do(func() {
		if b.s.opt.NoIndex || !b.View().State().Sticky {
			return
		}
		x, err := fulltext.Open(b.f.Path(), fulltext.Options{
			Identity: b.View().numbering(), ReadOnly: b.s.opt.ReadOnly,
		})
		if err != nil {
			b.say("folder is searched without its index of texts", err)
			return
		}
		b.words.x = x
	})
	return b.words.x
}

// A Coverage says of how many messages the text is indexed; the others are searched in
// their files.
type Coverage struct{ Indexed, Total int }

// Complete reports whether no file needs to be opened to search all texts.
func (c Coverage) Complete() bool { return c.Indexed == c.Total }

// TextCoverage says what part of the view a search of texts finds in the index.
func (v *View) TextCoverage() Coverage {
	c := Coverage{Total: v.Len()}
	if x := v.box.text(); x != nil {
		if t, err := x.Refresh(); err == nil {
			c.Indexed = v.covered(t).Count()
		}
	}
	return c
}

// covered returns the rows that t answers for.
func (v *View) covered(t *fulltext.View) *search.Bits {
	set := search.NewBits(v.Len())
	for _, r := range t.Covered() {
		lo, _ := v.ix.Find(UID(r.First))
		hi, ok := v.ix.Find(UID(r.Last))
		if ok {
			hi++
		}
		set.SetRange(lo, hi)
	}
	return set
}

// Text asks the index of texts.
func (s *source) Text(ctx context.Context, needle string, fn func(row int, exact bool)) (*search.Bits, error) {
	x := s.v.box.text()
	if x == nil {
		return nil, nil
	}
	t, err := x.Refresh()
	if err != nil {
		s.v.box.say("index of texts not used", err)
		return nil, nil
	}
	covered := s.v.covered(t)
	for uid, exact := range t.Find(ctx, []byte(needle)) {
		if row, ok := s.v.ix.Find(UID(uid)); ok {
			fn(row, exact)
		}
	}
	return covered, ctx.Err()
}

// EnsureText indexes the texts of all messages that are not indexed yet, and tells progress
// as it goes. Searches work meanwhile. It does nothing where no index can be written, or where
// another program is at it.
func (b *Box) EnsureText(ctx context.Context, progress func(done, total int)) error {
	if b.s.opt.ReadOnly {
		return nil
	}
	v, err := b.Sync(ctx)
	if err != nil {
		return err
	}
	x := b.text()
	if x == nil {
		return nil
	}
	t, err := x.Refresh()
	if err != nil {
		return err
	}
	uids := make([]uint32, v.Len())
	for i, u := range v.ix.AllUIDs(make([]UID, 0, v.Len())) {
		uids[i] = uint32(u)
	}
	missing := t.Missing(uids)
	if len(missing) == 0 {
		return nil
	}
	w, err := x.Builder(ctx)
	if errors.Is(err, fulltext.ErrBusy) {
		return nil
	}
	if err != nil {
		return err
	}
	var done atomic.Int64
	var failed atomic.Pointer[error]
	perr := parallelBy(ctx, len(missing), 16, func(i int) {
		row, _ := v.ix.Find(UID(missing[i]))
		raw, err := b.read(v.ix.Entry(row))
		if err == nil {
			err = w.Add(missing[i], digest.Fold(nil, digest.Text(message.Parse(raw))))
			if err != nil {
				failed.CompareAndSwap(nil, &err)
			}
		} else if !errors.Is(err, maildir.ErrGone) {
			b.s.opt.Log.Warn("text not indexed", "file", b.f.File(v.ix.Entry(row)), "err", err)
		}
		if n := int(done.Add(1)); progress != nil && (n%64 == 0 || n == len(missing)) {
			progress(n, len(missing))
		}
	})
	if p := failed.Load(); p != nil {
		perr = *p
	}
	return errors.Join(perr, w.Close())
}
