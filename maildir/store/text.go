package store

import (
	"context"
	"errors"
	"io/fs"
	"runtime"
	"sync"
	"sync/atomic"

	"pneu/maildir"
	"pneu/maildir/digest"
	"pneu/maildir/fulltext"
	"pneu/maildir/index"
	"pneu/maildir/message"
	"pneu/maildir/search"
)

// text is a box's index of texts, opened when it is first asked for.
type text struct {
	mu   sync.Mutex
	of   string          // the numbering it is of
	x    *fulltext.Index // nil: there is none
	done bool            // the box was closed
}

// textMemory is what EnsureText may hold: more makes fewer and larger segments, which are read
// and merged in less time.
const textMemory = 112 << 20

// text returns the index of texts. One that cannot be used is said once, and done without.
func (b *Box) text() *fulltext.Index {
	v := b.View()
	if b.s.opt.NoIndex || !v.State().Sticky {
		return nil
	}
	w := &b.words
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.of == v.numbering() || w.done {
		return w.x
	}
	if w.x != nil {
		w.x.Close()
	}
	x, err := fulltext.Open(b.f.Path(), fulltext.Options{Identity: v.numbering(), ReadOnly: b.s.opt.ReadOnly, Memory: textMemory})
	if err != nil {
		b.say("folder is searched without its index of texts", err)
		x = nil
	}
	w.of, w.x = v.numbering(), x
	return x
}

func (w *text) close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.done = true
	if w.x == nil {
		return nil
	}
	err := w.x.Close()
	w.x = nil
	return err
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

// covered returns the rows that t answers for: not those whose files turned out to hold
// something else than they did when their texts were taken.
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
	revised, all := v.ix.Revised()
	if all {
		return search.NewBits(v.Len())
	}
	for _, r := range revised {
		if row, ok := v.ix.Find(r.UID); ok {
			set.Clear(row)
		}
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
		if row, ok := s.v.ix.Find(UID(uid)); ok && covered.Has(row) {
			fn(row, exact)
		}
	}
	return covered, ctx.Err()
}

// EnsureText indexes the texts of all messages that are not indexed yet, and tells progress
// as it goes. Searches work meanwhile. It does nothing where no index can be written, or where
// another program is at it. Messages of which nothing is kept yet are read for Build and for
// this at once.
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
	revised, all := v.ix.Revised()
	if len(revised) > 0 || all {
		if err := dropTexts(ctx, x, t, revised, all); errors.Is(err, fulltext.ErrBusy) {
			return nil
		} else if err != nil {
			return err
		}
	} else if v.State().Undigested == 0 && len(t.Missing(v.uids())) == 0 {
		return nil
	}
	w, err := x.Builder(ctx)
	if errors.Is(err, fulltext.ErrBusy) {
		return nil
	}
	if err != nil {
		return err
	}
	p := textBuild{b: b, w: w, makers: make(chan *textMaker, runtime.GOMAXPROCS(0))}
	for range cap(p.makers) {
		p.makers <- &textMaker{}
	}
	err = p.build(ctx, v, progress)
	if err := errors.Join(err, w.Close()); err != nil {
		return err
	}
	if len(revised) > 0 || all {
		if err := b.x.Settled(ctx, revised, all); err != nil {
			return err
		}
	}
	return b.mergeText(ctx, x)
}

// dropTexts takes the texts of messages out of x that turned out to be others.
func dropTexts(ctx context.Context, x *fulltext.Index, t *fulltext.View, revised []index.Revised, all bool) error {
	if all {
		return x.Remove()
	}
	drop := map[uint32]bool{}
	for _, r := range revised {
		if t.Has(uint32(r.UID)) {
			drop[uint32(r.UID)] = true
		}
	}
	if len(drop) == 0 {
		return nil
	}
	return x.Merge(ctx, func(uid uint32) bool { return !drop[uid] })
}

// uids returns the numbers of all messages as the index of texts has them.
func (v *View) uids() []uint32 {
	uids := make([]uint32, v.Len())
	for i, u := range v.ix.AllUIDs(make([]UID, 0, v.Len())) {
		uids[i] = uint32(u)
	}
	return uids
}

// A textBuild adds texts to the index of texts, in several goroutines.
type textBuild struct {
	b      *Box
	w      *fulltext.Builder
	failed atomic.Pointer[error]
	// makers are as many as can work at a time. Readers are more, and wait.
	makers chan *textMaker
}

// A textMaker makes texts and keeps its room from one to the next.
type textMaker struct {
	folded []byte
	texts  digest.Texter
}

// roomKept is the most room that is kept after a large message.
const roomKept = 1 << 20

// build adds the texts that are missing.
func (p *textBuild) build(ctx context.Context, v *View, progress func(done, total int)) error {
	if v.State().Undigested > 0 {
		err := p.b.x.BuildWith(ctx, progress, p.add)
		if err == nil {
			v, err = p.b.Refresh()
		}
		if err != nil {
			return err
		}
	}
	var missing []UID
	for _, uid := range p.w.Missing(v.uids()) {
		missing = append(missing, UID(uid))
	}
	var done atomic.Int64
	err := p.b.x.ReadMessages(ctx, v.ix, missing, func(uid UID, m *message.Message, err error) {
		if err == nil {
			p.add(uid, m)
		} else if row, ok := v.ix.Find(uid); ok && !errors.Is(err, fs.ErrNotExist) {
			p.b.s.opt.Log.Warn("text not indexed", "file", p.b.f.File(v.ix.Entry(row)), "err", err)
		}
		if n := int(done.Add(1)); progress != nil && (n%64 == 0 || n == len(missing)) {
			progress(n, len(missing))
		}
	})
	if failed := p.failed.Load(); failed != nil {
		return *failed
	}
	return err
}

// add adds the text of a message.
func (p *textBuild) add(uid UID, m *message.Message) {
	if p.failed.Load() != nil {
		return
	}
	r := <-p.makers
	defer func() { p.makers <- r }()
	r.folded = r.texts.Folded(r.folded[:0], m)
	if err := p.w.Add(uint32(uid), r.folded); err != nil {
		p.failed.CompareAndSwap(nil, &err)
	}
	if cap(r.folded) > roomKept {
		r.folded = nil
	}
}

// mergeText drops the texts of messages that are gone, once they are many.
func (b *Box) mergeText(ctx context.Context, x *fulltext.Index) error {
	v := b.View()
	if x.View().Stat().Docs < v.Len()+v.Len()/4+1000 {
		return nil
	}
	err := x.Merge(ctx, func(uid uint32) bool {
		_, ok := v.Find(UID(uid))
		return ok
	})
	if errors.Is(err, fulltext.ErrBusy) {
		return nil
	}
	return err
}

// Expect is to be called before a message is delivered into the folder, and what it returns
// after that, with the whole message: index and index of texts then learn of it while it is in
// memory. It waits for nobody and cannot fail: what is not noted now is found out later.
// Without a delivery the entry is the zero one.
func (b *Box) Expect() (filed func(e maildir.Entry, raw []byte)) {
	if b.s.opt.ReadOnly || b.s.opt.NoIndex {
		return func(maildir.Entry, []byte) {}
	}
	tell := b.x.Expect()
	return func(e maildir.Entry, raw []byte) {
		tell(e, raw)
		v, err := b.Refresh()
		if e.File == "" || err != nil {
			return
		}
		row, ok := v.FindBase(e.Base())
		if !ok {
			return
		}
		x := b.text()
		if x == nil || x.View().Stat().Docs+x.View().Stat().TailDocs == 0 {
			return // nobody searches texts here yet
		}
		x.Append(uint32(v.ix.UID(row)), digest.Fold(nil, digest.Text(message.Parse(raw))))
	}
}
