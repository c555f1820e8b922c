package index

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
)

// A tx is one writer's batch of changes. Nothing of it is seen before commit,
// and all of it after. Messages are named by UIDs, for rows move as the batch
// expunges.
//
//	t, err := x.begin(ctx)
//	if err != nil {
//		return err
//	}
//	defer t.end()
//	t.flags(uids, Seen, 0, nil, nil, true)
//	v, err := t.commit()
//
// A tx belongs to one goroutine.
type tx struct {
	x       *Index
	b       *builder // nil: nothing changed since the last commit
	slot    slot     // what the next commit will say
	out     []byte   // records not yet in the log
	batch   []byte   // room for them as a batch
	name    []byte   // room for a name
	at      int64    // where in the log they go
	changed bool
	grown   bool // something was written beyond the committed end
	compact urgency
	run     nameRun
	blob    *blobWriter
	young   []youngFile // read in this batch, to be looked at again
	err     error       // the first, that commit reports
	ended   bool
	runs    []UIDRange
	work    int // of the records, as builder counts them
	// heard: notices were taken from the live listener that only the next commit
	// writes down. Without it the directories have to be read.
	heard bool
}

// nameRun gathers renames to canonical names with the same flags.
type nameRun struct {
	ranges []UIDRange
	ch     nameChange
	row    int // of the last one
}

// begin waits for the folder's lock and reads what others have committed.
func (x *Index) begin(ctx context.Context) (*tx, error) { return x.beginAs(ctx, false) }

// beginLook is begin for what only brings the index up to date: reading only, it goes
// on in memory.
func (x *Index) beginLook(ctx context.Context) (*tx, error) { return x.beginAs(ctx, true) }

func (x *Index) beginAs(ctx context.Context, look bool) (*tx, error) {
	select {
	case x.writer <- struct{}{}:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	return x.start(ctx, true, look)
}

// tryBegin is begin for who does not wait: ErrBusy if the lock is taken.
func (x *Index) tryBegin() (*tx, error) {
	select {
	case x.writer <- struct{}{}:
	default:
		return nil, ErrBusy
	}
	return x.start(context.Background(), false, false)
}

func (x *Index) start(ctx context.Context, wait, look bool) (t *tx, err error) {
	defer func() {
		if err != nil {
			x.unflock()
			<-x.writer
		}
	}()
	x.mu.Lock()
	closed, volatile := x.closed, x.volatile
	x.mu.Unlock()
	if closed {
		return nil, ErrClosed
	}
	if x.opt.ReadOnly && !look {
		return nil, ErrReadOnly
	}
	if x.opt.ReadOnly && volatile == nil {
		x.mu.Lock()
		x.setVolatile(ErrReadOnly)
		x.mu.Unlock()
		volatile = ErrReadOnly
	}
	if volatile == nil {
		if err := x.flock(ctx, wait); err != nil {
			if !noSpace(err) {
				return nil, err
			}
			x.mu.Lock()
			x.setVolatile(err)
			x.mu.Unlock()
		}
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.volatile == nil {
		if err := x.lockedRefresh(); err != nil {
			return nil, err
		}
	}
	if x.volatile == nil {
		if err := x.prepare(); err != nil {
			if !noSpace(err) {
				return nil, err
			}
			x.setVolatile(err)
		}
	}
	t = &tx{x: x}
	if !wait {
		t.compact = overdue
	}
	t.from()
	return t, nil
}

// lockedRefresh is refresh under the lock. Over NFS what looked damaged without it may have been
// half of what another machine was writing. Whoever made a new snapshot may have come no
// further: then what is appended to our log would be lost. Called with mu held.
func (x *Index) lockedRefresh() error {
	if x.opt.Safe && x.core.stale != nil {
		return x.load()
	}
	if err := x.refresh(); err != nil {
		return err
	}
	if info, err := x.fs.Stat(filepath.Join(x.dir, idxName)); err == nil && x.core.log != nil && !info.same(x.core.snapInfo) {
		return x.load()
	}
	return nil
}

// setVolatile goes on in memory. Called with mu held.
func (x *Index) setVolatile(err error) {
	if x.volatile == nil && !x.opt.ReadOnly && !x.opt.Memory {
		x.opt.Log.Warn("index kept in memory", "folder", x.f.Name(), "err", err)
	}
	x.volatile = err
	x.core.slot.st.Sticky = false
	if x.core.log == nil || x.core.slot.cacheID == 0 {
		x.core.slot.cacheID = 1
		x.core.blob = &blobs{id: 1, kept: map[int64][]byte{}}
	}
	x.publish(x.cur.Load().table)
}

// prepare makes sure that a log can be appended to. Called with mu and the lock
// held.
func (x *Index) prepare() error {
	c := x.core
	fresh := c.slot.seq == 0 && errors.Is(c.stale, fs.ErrNotExist) && !errors.Is(c.stale, ErrDamaged)
	if fresh {
		if err := x.makeLog(c.id, slot{seq: 1, st: State{UIDNext: 1, HighestModSeq: 1}}); err != nil {
			return err
		}
		return x.load()
	}
	if c.stale == nil && !c.booted {
		return nil
	}
	renew := c.stale != nil
	if !c.blob.intact(&c.slot) {
		if passing(c.blob.bad) {
			return c.blob.bad
		}
		// Digests may be holes now. They are made again.
		b := newBuilder(x.cur.Load().table, c.slot.st)
		b.dropCache()
		c.slot.st = b.st
		c.slot.cacheBounds(&slot{})
		x.publish(b.done())
		renew = true
	}
	if renew {
		if c.stale != nil && !errors.Is(c.stale, errHalf) {
			x.opt.Log.Info("index repaired", "folder", x.f.Name(), "err", c.stale)
		}
		return x.compact()
	}
	// The jump that load made must outlive the next loss of power.
	s := c.slot
	s.seq++
	s.boot = x.boot
	if err := x.commitSlot(&s, true); err != nil {
		return err
	}
	c.booted = false
	x.publish(x.cur.Load().table)
	return nil
}

// commitSlot writes the slot that makes everything up to s.length committed.
func (x *Index) commitSlot(s *slot, sync bool) error {
	c := x.core
	if _, err := c.log.WriteAt(s.encode(), slotAt+int64(s.seq&1)*sector); err != nil {
		return err
	}
	if sync {
		if err := c.log.Sync(); err != nil {
			return err
		}
	}
	c.slot = *s
	return nil
}

// reserve makes sure that the counters may go as far as st says.
func (x *Index) reserve(st *State) error {
	c := x.core
	if uint64(st.UIDNext) <= c.res.uid && st.HighestModSeq <= c.res.modseq {
		return nil
	}
	r := reservation{c.res.seq + 1, c.res.uid, c.res.modseq}
	r.uid = min(uint64(st.UIDNext)+uidBlock, 1<<32-1)
	r.modseq = min(st.HighestModSeq+modseqBlock, maxModSeq)
	if _, err := c.log.WriteAt(r.encode(), reserveAt+int64(r.seq&1)*sector); err != nil {
		return err
	}
	if err := c.log.Sync(); err != nil {
		return err
	}
	c.res = r
	return nil
}

// from makes the tx go on from the newest view. Called with mu held.
func (t *tx) from() {
	t.slot = t.x.core.slot
	t.at = t.slot.length
	t.b, t.out, t.changed, t.grown, t.err = nil, t.out[:0], false, false, nil
	t.run.ranges, t.young, t.work = nil, nil, 0
	if t.blob != nil {
		t.blob.close()
		t.blob = nil
	}
}

// build returns the builder.
func (t *tx) build() *builder {
	if t.b == nil {
		v := t.x.cur.Load()
		t.b = newBuilder(v.table, v.st)
	}
	return t.b
}

// view returns the folder with the changes so far. It is good until the next
// change.
func (t *tx) view() *View {
	if t.b == nil {
		return t.x.cur.Load()
	}
	t.flushRun()
	s := t.slot
	s.st = t.b.st
	s.st.Dir = t.slot.st.Dir
	v := newView(t.b.done(), &s, t.x.cur.Load().blob)
	v.within = true
	return v
}

// put notes a record.
func (t *tx) put(rec []byte) {
	t.changed = true
	t.work++
	if t.x.volatileNow() {
		t.out = rec[:0]
		return
	}
	t.out = rec
	if len(t.out) > 1<<20 {
		t.spill()
	}
}

func (x *Index) volatileNow() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.volatile != nil
}

// spill writes records behind the committed end, where nobody looks yet.
func (t *tx) spill() {
	if len(t.out) == 0 || t.err != nil {
		return
	}
	if t.err = t.x.core.stale; t.err != nil {
		return
	}
	t.batch = appendBatch(slices.Grow(t.batch[:0], len(t.out)+batchHeader+8), t.slot.seq+1, t.out)
	b := t.batch
	if _, err := t.x.core.log.WriteAt(b, t.at); err != nil {
		t.err = err
		return
	}
	t.grown = true
	t.at += int64(len(b))
	t.out = t.out[:0]
}

// commit makes the changes seen by all, and returns the new view. The tx may go
// on with further changes and commits until end. Where there is no room for the
// index it goes on in memory, and commit succeeds. After an error nothing of the
// changes is left.
func (t *tx) commit() (*View, error) {
	x := t.x
	if t.ended {
		return nil, ErrClosed
	}
	t.flushRun()
	if err := t.noteYoung(); err != nil && t.err == nil {
		t.err = err
	}
	if !t.changed && t.err == nil {
		t.heard = false
		return x.cur.Load(), nil
	}
	b := t.build()
	if b.st.UIDValidity == 0 && t.err == nil {
		if dir := t.slot.st.Dir; b.st.Total == 0 {
			t.err = t.reset(0)
			t.slot.st.Dir = dir
		}
	}
	if b.err != nil && t.err == nil {
		t.err = b.err
	}
	if b.st.HighestModSeq >= maxModSeq && t.err == nil {
		t.err = fmt.Errorf("MODSEQ %d: %w", b.st.HighestModSeq, ErrFull)
	}
	next := t.slot
	dir := next.st.Dir
	next.st = b.st
	next.st.Dir = dir
	next.seq++
	next.boot = x.boot
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.volatile == nil {
		next.st.Sticky = true
		err := t.err
		if err == nil {
			err = t.write(&next)
		}
		switch {
		case err == nil:
			x.core.at = next.length
			x.core.work += t.work
		case noSpace(err):
			x.setVolatile(err)
		default:
			// What was written lies behind the committed end, or is the slot of
			// a commit that must not be taken for one.
			x.core.stale = nil
			t.from()
			if lerr := x.load(); lerr != nil {
				return nil, errors.Join(err, lerr)
			}
			t.from()
			return nil, fmt.Errorf("commit to index of %s: %w", x.f.Name(), err)
		}
	}
	if x.volatile != nil {
		if t.err != nil && !noSpace(t.err) {
			err := t.err
			t.from()
			return nil, err
		}
		next.st.Sticky = false
		next.seq = x.core.slot.seq
		next.length = x.core.slot.length
		if x.core.blob.fs == nil {
			next.cacheID = x.core.blob.id
		} else if t.blob != nil {
			files := x.core.slot
			b.forgetBlobs(&next, &files, false)
			next.cacheBounds(&files)
			next.st.Undigested = b.st.Undigested
		}
		if c := x.core; !c.forked {
			c.forked, c.fork = true, fork{c.id.gen, c.slot.seq, c.slot.st.UIDNext, c.slot.st.HighestModSeq}
		}
		x.core.slot = next
	}
	x.publish(b.done())
	t.heard = false
	t.from()
	if x.volatile == nil && x.wantCompact(t.compact) {
		if err := x.compact(); err != nil {
			// The log goes on; the next commit tries again.
			x.opt.Log.Warn("index not compacted", "folder", x.f.Name(), "err", err)
		}
		t.from()
	}
	return x.cur.Load(), nil
}

// write puts the commit on disk. Called with mu held.
func (t *tx) write(next *slot) error {
	if err := t.x.core.stale; err != nil { // since the commit before, which began a generation
		return err
	}
	if err := t.x.reserve(&next.st); err != nil {
		return err
	}
	if t.blob != nil {
		if err := t.blob.flush(); err != nil {
			return err
		}
		next.cacheEnd, next.headEnd = t.blob.cacheAt, t.blob.headAt
	}
	if t.spill(); t.err != nil {
		return t.err
	}
	next.length = t.at
	if t.x.opt.Safe && t.grown {
		// Other machines must not see the slot before what it says is there.
		if err := t.x.core.log.Sync(); err != nil {
			return err
		}
	}
	// What UIDs mean must not be lost once they were shown.
	durable := t.x.opt.SyncEach || next.st.UIDValidity != t.x.core.slot.st.UIDValidity
	return t.x.commitSlot(next, durable)
}

// end drops what was not committed and lets go of the lock.
func (t *tx) end() {
	if t.ended {
		return
	}
	t.ended = true
	if t.heard { // whoever takes notices holds sync.mu until here
		t.x.sync.sure = false
	}
	if t.blob != nil {
		t.blob.close()
		t.blob = nil
	}
	t.x.unflock()
	<-t.x.writer
}
