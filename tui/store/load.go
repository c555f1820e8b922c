package store

import (
	"context"
	"errors"
	"io/fs"
	"runtime"
	"sync"
	"time"

	"pneu/maildir"
	"pneu/maildir/digest"
	"pneu/maildir/message"
	"pneu/maildir/safe"
	mail "pneu/maildir/store"
	"pneu/tui/look"
)

const (
	// atOnce is how many messages without an index are read before the first screen is shown: a small folder is
	// complete at once.
	atOnce = 400
	// patience is how long opening waits for what others have done to the folder since yesterday.
	patience = 15 * time.Millisecond
	// threadsAtOnce is up to how many messages conversations are there with the first screen.
	threadsAtOnce = 30000
	// headsKept is how many messages are remembered decoded.
	headsKept = 8192
)

// Opened is the result of Open.
type Opened struct {
	Box *Box // nil: there is nothing that could be shown
	Err error
}

// Open opens a folder as the index has it, and decodes the rows that come first.
func Open(ctx context.Context, st *mail.Store, f *maildir.Folder, opt Options, first int) Opened {
	mb, err := st.BoxOf(f)
	if err != nil {
		return Opened{nil, err}
	}
	v, err := newest(ctx, mb)
	if err == nil && v.State().Undigested > 0 && v.State().Undigested <= atOnce {
		if err := mb.Build(ctx, nil); err == nil {
			v = mb.View()
		}
	}
	if err != nil {
		v = mb.View()
	}
	b := &Box{
		Folder: f, Serial: serials.Add(1), box: mb, now: v, opt: opt,
		heads: map[int]*Head{}, hidden: leaving{few: map[int]bool{}},
	}
	b.folds.reset(false)
	s := b.Snapshot()
	if v.Len() <= threadsAtOnce && s.complete() {
		if a := s.Arrange(ctx); a.order != nil {
			b.order = a.order
		}
	}
	if b.order == nil {
		b.order = s.provisional(ctx)
	}
	if err == nil {
		b.Apply(b.Reader(b.Unknown(0, first))())
		for i := range min(first, b.len()) { // pages of the index come from the disk here, not while drawing
			rows{b}.Row(i)
		}
	}
	return Opened{b, err}
}

// newest returns the folder as it is, or as it was when it was indexed last if it would take long to find out.
func newest(ctx context.Context, mb *mail.Box) (*mail.View, error) {
	type result struct {
		v   *mail.View
		err error
	}
	c := make(chan result, 1)
	go func() {
		v, err := mb.Sync(ctx)
		c <- result{v, err}
	}()
	if v := mb.View(); v.Len() > 0 {
		select {
		case r := <-c:
			return r.v, r.err
		case <-time.After(patience):
			return v, nil
		}
	}
	r := <-c
	return r.v, r.err
}

// Read is the result of reading some messages.
type Read struct {
	Serial int64
	IDs    []int
	Heads  []*Head
}

// Reader returns a function that reads what the rows of these messages show from their files.
func (b *Box) Reader(ids []int) func() Read {
	v, opt, serial := b.now, b.opt, b.Serial
	return func() Read {
		r := Read{serial, ids, make([]*Head, len(ids))}
		var wg sync.WaitGroup
		workers := min(runtime.GOMAXPROCS(0), 4)
		for w := range workers {
			wg.Go(func() {
				for i := w; i < len(ids); i += workers {
					if n, ok := v.Find(mail.UID(ids[i])); ok {
						r.Heads[i] = ReadHead(v.Row(n), opt)
					}
				}
			})
		}
		wg.Wait()
		return r
	}
}

// Unknown returns the messages of the rows from to to of which only the name of the file is known.
func (b *Box) Unknown(from, to int) []int {
	var ids []int
	ix := b.now.Index()
	seen := 0
	for i := max(0, from); i < min(to, b.len()) && seen < headsKept; i++ {
		for _, id := range b.shown(i) {
			seen++
			if n, ok := b.row(id); ok && b.heads[id] == nil && !ix.HasDigest(n) {
				ids = append(ids, id)
			}
		}
	}
	return ids
}

// Apply takes what was read.
func (b *Box) Apply(r Read) {
	if r.Serial != b.Serial {
		return
	}
	for i, id := range r.IDs {
		if r.Heads[i] != nil {
			b.keep(id, r.Heads[i])
		}
	}
	b.touch()
}

func (b *Box) keep(id int, h *Head) {
	if len(b.heads) >= headsKept {
		clear(b.heads)
	}
	b.heads[id] = h
}

// Head returns what is known of message id; nil if it has to be read yet.
func (b *Box) Head(id int) *Head {
	if h := b.heads[id]; h != nil {
		return h
	}
	n, ok := b.row(id)
	if !ok || !b.now.Index().HasDigest(n) {
		return nil
	}
	h := ReadHead(b.now.Row(n), b.opt)
	b.keep(id, h)
	return h
}

// ReadHead decodes what is kept of a message, or else reads its file.
func ReadHead(r mail.Row, opt Options) *Head {
	d, err := r.Digest()
	if err != nil {
		return &Head{Missing: err, When: r.Received(), Name: look.T("?"), Subj: look.T("unreadable: " + plain(err))}
	}
	h := NewHead(d.Summary(), opt, r.Received())
	h.HasAttachment = d.Class()&digest.Attachment != 0
	h.Words = look.T(d.Preview())
	return h
}

// plain leaves out the path that an error of the file system begins with.
func plain(err error) string {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err.Error()
	}
	return err.Error()
}

// NewHead makes a Head of a summary.
func NewHead(sum message.Summary, opt Options, arrival time.Time) *Head {
	h := &Head{Summary: sum, When: sum.Date, Subj: look.T(sum.Subject)}
	if h.When.IsZero() || h.When.Unix() > opt.future() {
		h.When = arrival
	}
	if len(sum.From) > 0 {
		from := sum.From[0]
		h.Mine = opt.Me != nil && opt.Me(from.Addr)
		h.Name, h.Short, h.Danger = person(from)
		if h.Mine {
			h.Short = look.T("you")
		}
	} else {
		h.Name = look.T("(no sender)")
		h.Short = h.Name
	}
	h.To1 = recipients(sum)
	return h
}

// Recent returns a function that decodes the newest n messages, as far as that needs no file: for those who want to
// learn from them.
func (b *Box) Recent(n int) func(ctx context.Context) []*Head {
	v, opt := b.now, b.opt
	return func(ctx context.Context) []*Head {
		var heads []*Head
		for row := v.Len() - 1; row >= max(0, v.Len()-n) && ctx.Err() == nil; row-- {
			if v.Index().HasDigest(row) {
				heads = append(heads, ReadHead(v.Row(row), opt))
			}
		}
		return heads
	}
}

// Words returns how message id begins, if it was read.
func (b *Box) Words(id int) safe.Text {
	if h := b.Head(id); h != nil {
		return h.Words
	}
	return safe.Text{}
}
