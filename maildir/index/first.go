package index

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime"
	"slices"
	"sync"
	"time"

	"pneu/maildir"
	"pneu/maildir/digest"
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

	// wholeLimit is the largest file that is looked at wholly; of a larger one
	// the beginning must do, and its size on the wire is counted.
	wholeLimit = 64 << 20
	// largeFile is what only one reader at a time may hold.
	largeFile = 4 << 20
)

// errUnsteady: the file changed while it was read.
var errUnsteady = errors.New("message is still being written")

// A fileReader reads message files into one buffer that it uses again.
type fileReader struct {
	f     *maildir.Folder
	buf   []byte
	large *sync.Mutex // nil: need not be asked
	held  bool
}

// contents is what a file said.
type contents struct {
	raw      []byte // unpacked; valid until the next read
	size     int64  // of the message
	wire     int64  // -1: as the digest says
	received int64
	seen     sighting
}

// read returns what e's file holds. fs.ErrNotExist: it is called otherwise.
func (r *fileReader) read(e maildir.Entry) (c contents, err error) {
	r.done()
	f, err := openMessage(r.f, e)
	if err != nil {
		return c, err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return c, err
	}
	if !st.Mode().IsRegular() {
		return c, fmt.Errorf("%s: %w", e.File, maildir.ErrNotMail)
	}
	if st.Size() > largeFile && r.large != nil {
		r.large.Lock()
		r.held = true
	}
	n := min(st.Size(), wholeLimit)
	if int64(cap(r.buf)) < n+1 {
		r.buf = make([]byte, max(n+1, 64<<10))
	}
	got := 0
	for got < int(n)+1 {
		k, err := f.Read(r.buf[got : n+1])
		got += k
		if err == io.EOF {
			break
		}
		if err != nil {
			return c, err
		}
	}
	// A file that is written in place says something else next time.
	if after, err := f.Stat(); err != nil || after.Size() != st.Size() || !after.ModTime().Equal(st.ModTime()) ||
		got < int(n) || got > int(n) && n == st.Size() {
		return c, errors.Join(errUnsteady, err)
	}
	c = contents{size: st.Size(), wire: -1, received: st.ModTime().Unix(), seen: sightingOf(st)}
	if c.raw, err = maildir.Unpack(r.buf[:n]); err != nil {
		// Damaged, but a message: what is there is what a reader gets.
		c.raw = r.buf[:n]
	} else if len(c.raw) != int(n) {
		c.size = int64(len(c.raw))
	}
	if n < st.Size() {
		if c.wire, err = wireSize(f, r.buf[:got]); err != nil {
			return c, err
		}
	}
	return c, nil
}

// done lets another reader have a large file.
func (r *fileReader) done() {
	if r.held {
		r.held = false
		r.buf = nil
		r.large.Unlock()
	}
}

// wireSize counts bytes and line ends of what was read and of the rest of f.
func wireSize(f io.Reader, begun []byte) (int64, error) {
	var n int64
	last := byte(0)
	count := func(b []byte) {
		for _, c := range b {
			if c == '\n' && last != '\r' {
				n++
			}
			last = c
		}
		n += int64(len(b))
	}
	count(begun)
	b := make([]byte, 256<<10)
	for {
		k, err := f.Read(b)
		count(b[:k])
		if err == io.EOF {
			return n, nil
		}
		if err != nil {
			return n, err
		}
	}
}

// detailOf makes of a file's bytes what the index keeps. All of it is copied.
func detailOf(c contents) Detail {
	blob := digest.Make(nil, c.raw)
	return detailFrom(c, blob)
}

func detailFrom(c contents, blob []byte) Detail {
	d := Detail{Size: c.size, WireSize: c.wire, Received: c.received, Digest: blob}
	g, err := digest.Decode(blob)
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
	d.Head = digest.Head(nil, g)
	return d
}

// describe reads the file of a message that is about to be added.
func (x *Index) describe(m *Message) {
	r := fileReader{f: x.f}
	c, err := r.read(m.Entry)
	if err != nil {
		return // Build tries again, and says why if it must
	}
	m.fill(detailOf(c))
	m.seen = x.seen(c.seen)
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
		again, err := x.build(ctx, v, failed, progress)
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
func (x *Index) build(ctx context.Context, v *View, failed map[UID]bool, progress func(done, total int)) (again bool, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	workers := runtime.GOMAXPROCS(0)
	rows := make(chan []int, workers)
	out := make(chan []described, workers)
	lost := make(chan UID, workers*buildRows)
	go func() {
		defer close(rows)
		var chunk []int
		give := func() bool {
			slices.Reverse(chunk) // chunks from the newest, rows within as they were filed
			select {
			case rows <- chunk:
				chunk = nil
				return true
			case <-ctx.Done():
				return false
			}
		}
		for _, row := range slices.Backward(v.UndigestedRows()) {
			if failed[v.UID(row)] {
				continue
			}
			if chunk = append(chunk, row); len(chunk) == buildRows && !give() {
				return
			}
		}
		if len(chunk) > 0 {
			give()
		}
	}()
	var wg sync.WaitGroup
	var large sync.Mutex
	bad := make(chan UID, workers)
	for range workers {
		wg.Go(func() {
			r := fileReader{f: x.f, large: &large}
			defer r.done()
			for chunk := range rows {
				done := make([]described, 0, len(chunk))
				for _, row := range chunk {
					c, err := r.read(v.Entry(row))
					switch {
					case err == nil:
						d := detailOf(c)
						d.seen = x.seen(c.seen)
						done = append(done, described{v.UID(row), d})
						continue
					case errors.Is(err, fs.ErrNotExist), errors.Is(err, errUnsteady):
						select {
						case lost <- v.UID(row):
						case <-ctx.Done():
							return
						}
					default:
						x.logOnce("message not readable", "file", v.Entry(row).File, "err", err)
						select {
						case bad <- v.UID(row):
						case <-ctx.Done():
							return
						}
					}
				}
				select {
				case out <- done:
				case <-ctx.Done():
					return
				}
			}
		})
	}
	go func() { wg.Wait(); close(out) }()
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

// details commits a batch.
func (x *Index) details(ctx context.Context, batch []described) (State, error) {
	t, err := x.begin(context.WithoutCancel(ctx))
	if err != nil {
		return State{}, err
	}
	defer t.end()
	t.lax = true
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
