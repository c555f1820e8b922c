package index

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"pneu/maildir"
	"pneu/maildir/digest"
	"pneu/maildir/message"
)

// Rows are there as soon as names are read. What the files say follows: a pool of
// readers, and one goroutine that puts what they found into the journal, batch by
// batch, so that others see it grow and a crash costs one batch.

const (
	buildRows   = 64   // what a reader takes at a time, in the order of UIDs: the order in which files were made
	buildBatch  = 4096 // what is committed at once
	buildBytes  = 8 << 20
	buildTime   = 300 * time.Millisecond
	buildPasses = 4 // for files that were renamed while it went on

	// buildReaders are readers for each processor: on a cold disk most of them wait, on a warm one they do no harm.
	buildReaders = 8
)

// detailOf makes of a file's bytes what the index keeps. All of it is copied.
func detailOf(c contents) Detail {
	var d describer
	return d.detail(c, message.Parse(c.raw))
}

// A describer makes details one after the other, in room that it uses again.
type describer struct {
	digest, head []byte
	piece        int // how much is set aside at once for details that come and go together
	kept         []byte
}

// detail makes of a message what the index keeps.
func (k *describer) detail(c contents, m *message.Message) Detail {
	k.digest = digest.Append(k.digest[:0], m)
	if c.cut {
		digest.Cut(k.digest, c.size, c.wire)
	}
	d := Detail{Size: c.size, WireSize: c.wire, Received: c.received, Digest: k.keep(k.digest), seen: c.seen}
	g, err := digest.Decode(d.Digest)
	if err != nil {
		return d
	}
	if d.WireSize < 0 {
		d.WireSize = g.WireSize()
	}
	if at, ok := g.Sent(); ok {
		d.Sent = at
	} else {
		d.Sent = c.received
	}
	d.Class = uint16(g.Class())
	k.head = digest.Head(k.head[:0], g)
	d.Head = k.keep(k.head)
	return d
}

// keep copies b to where nothing is written again.
func (k *describer) keep(b []byte) []byte {
	if cap(k.kept)-len(k.kept) < len(b) {
		k.kept = make([]byte, 0, max(len(b), k.piece))
	}
	at := len(k.kept)
	k.kept = append(k.kept, b...)
	return k.kept[at:len(k.kept):len(k.kept)]
}

// describe reads the file of a message that is about to be added.
func (x *Index) describe(m *Message) {
	r := fileReader{f: x.f}
	defer r.done()
	c, err := r.read(x, m.Entry)
	if err != nil {
		return // Build tries again, and says why if it must
	}
	m.fill(detailOf(c))
	m.seen = c.seen
}

// DigestFile makes the digest of the message in a file, following it if another program
// renamed it. It is not kept.
func (x *Index) DigestFile(e maildir.Entry) (blob []byte, err error) {
	err = x.readFile(e, func(c contents) { blob = detailOf(c).Digest })
	return blob, err
}

// WithMessage calls fn with the message in a file, as much of it as digest.MaxRaw says, as
// DigestFile would read it. It is good until fn returns.
func (x *Index) WithMessage(e maildir.Entry, fn func(m *message.Message)) error {
	return x.readFile(e, func(c contents) { fn(message.Parse(c.raw)) })
}

func (x *Index) readFile(e maildir.Entry, fn func(contents)) error {
	r := fileReader{f: x.f}
	defer r.done()
	c, err := r.read(x, e)
	if errors.Is(err, fs.ErrNotExist) {
		f, now, err := x.f.Open(e)
		if err != nil {
			return err
		}
		f.Close()
		if c, err = r.read(x, now); err != nil {
			return err
		}
	} else if err != nil {
		return err
	}
	fn(c)
	return nil
}

func (m *Message) fill(d Detail) {
	m.Size, m.WireSize, m.Received = d.Size, d.WireSize, d.Received
	m.Sent, m.Class, m.Digest, m.Head = d.Sent, d.Class, d.Digest, d.Head
}

// Build reads the files of the messages of which no digest is kept yet: after
// the first Sync of a folder all of them. The newest come first. Progress, if not
// nil, is told how many of all messages are done; from one goroutine.
//
// Several processes do not do the same work: the second one waits for the first
// and reports its progress. Files that cannot be read are left out and tried
// again next time; an error means that the index could not be written, or ctx.
func (x *Index) Build(ctx context.Context, progress func(done, total int)) error {
	return x.BuildWith(ctx, progress, nil)
}

// BuildWith is Build, and hands every message that it reads to with, from several
// goroutines, so that who wants more of it than a digest need not read it again. A
// message is good until with returns. Those that another process reads are not among
// them.
func (x *Index) BuildWith(ctx context.Context, progress func(done, total int), with func(UID, *message.Message)) error {
	if progress == nil {
		progress = func(int, int) {}
	}
	v := x.View()
	for v.State().Undigested > 0 {
		unlock, err := x.lockBuild()
		if err == nil {
			defer unlock()
			break
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
		if v, err = x.Refresh(); err != nil {
			return err
		}
		st := v.State()
		progress(st.Total-st.Undigested, st.Total)
	}
	failed := map[UID]bool{}
	for pass := range buildPasses {
		v, err := x.Refresh()
		if err != nil {
			return err
		}
		if v.State().Undigested == 0 {
			break
		}
		if pass > 0 { // files were renamed, or have gone
			if v, err = x.Sync(ctx); err != nil {
				return err
			}
		}
		again, err := x.build(ctx, v, failed, progress, with)
		if err == nil && !again {
			x.tidy(ctx)
		}
		if err != nil {
			return err
		}
		if !again {
			break
		}
	}
	x.keepRescue(x.View())
	return nil
}

// described is what a reader found out.
type described struct {
	uid UID
	d   Detail
}

// build is one pass over v. again: some files were not where v has them.
func (x *Index) build(ctx context.Context, v *View, failed map[UID]bool, progress func(done, total int), with func(UID, *message.Message)) (again bool, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	rows := slices.DeleteFunc(v.UndigestedRows(), func(row int) bool { return failed[v.UID(row)] })
	// As much as is committed at once: readers go on meanwhile.
	out := make(chan []described, buildBatch/buildRows)
	lost := make(chan UID, buildBatch)
	bad := make(chan UID, buildBatch)
	tell := func(to chan UID, uid UID) {
		select {
		case to <- uid:
		case <-ctx.Done():
		}
	}
	go func() {
		defer close(out)
		x.readRows(ctx, v, rows, func() func(int, contents, error) {
			k := describer{piece: 64 << 10}
			done := make([]described, 0, buildRows)
			return func(row int, c contents, err error) {
				switch {
				case row < 0:
					select {
					case out <- done:
						done = make([]described, 0, buildRows)
					case <-ctx.Done():
					}
				case err == nil:
					m := message.Parse(c.raw)
					uid := v.UID(row)
					done = append(done, described{uid, k.detail(c, m)})
					if with != nil {
						with(uid, m)
					}
				case errors.Is(err, fs.ErrNotExist), errors.Is(err, errUnsteady):
					tell(lost, v.UID(row))
				default:
					x.logOnce("message not readable", "file", v.Entry(row).File, "err", err)
					tell(bad, v.UID(row))
				}
			}
		})
	}()
	var batch []described
	size, last := 0, time.Now()
	flush := func() error {
		if len(batch) == 0 {
			return nil
		}
		st, err := x.details(ctx, batch)
		if err != nil {
			return err
		}
		progress(st.Total-st.Undigested, st.Total)
		batch, size, last = batch[:0], 0, time.Now()
		return nil
	}
	defer func() { // whatever happened, nobody is left behind
		cancel()
		for range out {
		}
	}()
	for {
		select {
		case <-lost:
			again = true
		case uid := <-bad:
			failed[uid] = true
		case done, ok := <-out:
			if !ok {
				for len(bad) > 0 {
					failed[<-bad] = true
				}
				again = again || len(lost) > 0
				return again, flush()
			}
			for _, d := range done {
				batch = append(batch, d)
				size += len(d.d.Digest) + len(d.d.Head)
			}
			if len(batch) >= buildBatch || size >= buildBytes || time.Since(last) > buildTime {
				if err := flush(); err != nil {
					return again, err
				}
			}
		case <-ctx.Done():
			return again, errors.Join(ctx.Err(), flush())
		}
	}
}

// readRows reads the files of rows in several goroutines: chunks from the newest on,
// rows within as they were filed, which is the order they lie in on the disk. Each
// goroutine calls worker once, and what that returns with what every file held, and
// with row -1 after each chunk.
func (x *Index) readRows(ctx context.Context, v *View, rows []int, worker func() func(row int, c contents, err error)) {
	dirs, room := openDirsOf(x.f), newRoom(digest.MaxRaw)
	defer dirs.close()
	chunks := (len(rows) + buildRows - 1) / buildRows
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(buildReaders*runtime.GOMAXPROCS(0), chunks) {
		wg.Go(func() {
			r := fileReader{f: x.f, dirs: dirs, room: room}
			defer r.done()
			do := worker()
			for ctx.Err() == nil {
				k := int(next.Add(1))
				if k > chunks {
					return
				}
				end := len(rows) - (k-1)*buildRows
				for _, row := range rows[max(0, end-buildRows):end] {
					if ctx.Err() != nil {
						return
					}
					c, err := r.read(x, v.Entry(row))
					do(row, c, err)
					r.done()
					// On a warm disk so many readers always have something to do: whoever else
					// needs a processor, a screen say, is not to wait until each was preempted.
					runtime.Gosched()
				}
				do(-1, contents{}, nil)
			}
		})
	}
	wg.Wait()
}

// ReadMessages reads the messages that have these numbers in v, the newest first, and hands
// each to with from several goroutines, or why it could not be read. It is good until
// with returns.
func (x *Index) ReadMessages(ctx context.Context, v *View, uids []UID, with func(uid UID, m *message.Message, err error)) error {
	rows := make([]int, 0, len(uids))
	for _, uid := range uids {
		if row, ok := v.Find(uid); ok {
			rows = append(rows, row)
		}
	}
	x.readRows(ctx, v, rows, func() func(int, contents, error) {
		return func(row int, c contents, err error) {
			switch {
			case row < 0:
			case err != nil:
				with(v.UID(row), nil, err)
			default:
				with(v.UID(row), message.Parse(c.raw), nil)
			}
		}
	})
	return ctx.Err()
}

// details commits a batch.
func (x *Index) details(ctx context.Context, batch []described) (State, error) {
	t, err := x.begin(context.WithoutCancel(ctx))
	if err != nil {
		return State{}, err
	}
	defer t.end()
	t.compact = overlong
	u := t.view()
	for _, b := range batch {
		if row, ok := u.Find(b.uid); !ok || u.HasDigest(row) {
			continue
		}
		if err := t.detail(b.uid, b.d); err != nil {
			return State{}, err
		}
	}
	v, err := t.commit()
	if err != nil {
		return State{}, err
	}
	return v.State(), nil
}

// openMessage opens the file without waiting on pipes or following links out of
// the tree.
func openMessage(f *maildir.Folder, e maildir.Entry) (*os.File, error) {
	path := f.File(e)
	if path == "" {
		return nil, maildir.ErrName
	}
	return openPlain(f, e, path)
}
