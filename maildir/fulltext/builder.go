package fulltext

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
)

// A Builder adds many documents. There is one at a time for a folder, in all
// processes. Its methods may be called from several goroutines.
type Builder struct {
	x      *lockedIndex
	ctx    context.Context
	cancel context.CancelCauseFunc
	free   chan *shard // those no one adds to
	limit  int64       // size of a shard to be written

	writing sync.Mutex // held while a segment is written
	mu      sync.Mutex
	added   map[uint32]bool // not yet in a View
	spare   []*shard
	wait    sync.WaitGroup // for the writer behind
	closed  atomic.Bool
	docs    atomic.Int64
	written atomic.Int64
}

// Builder starts to build; ErrBusy if someone else does. Documents become part
// of the index, and durable, segment by segment as memory fills up.
func (x *Index) Builder(ctx context.Context) (*Builder, error) {
	lx, err := x.lock()
	if err != nil {
		return nil, err
	}
	b := &Builder{x: lx, free: make(chan *shard, x.opt.Workers), added: map[uint32]bool{}}
	b.ctx, b.cancel = context.WithCancelCause(ctx)
	// A third is collected while a third is written, which needs as much for itself.
	b.limit = x.opt.Memory / 3
	for range x.opt.Workers {
		b.free <- newShard()
	}
	return b, nil
}

// Add adds a document in any order. A uid that is covered already is left as
// it is, and so is, uncovered, a text that is not UTF-8.
func (b *Builder) Add(uid uint32, text []byte) error {
	if !indexable(text) {
		return b.failed()
	}
	var s *shard
	select {
	case s = <-b.free:
	case <-b.ctx.Done():
		return b.failed()
	}
	if err := b.failed(); err != nil || !b.first(uid) {
		b.free <- s
		return err
	}
	s.add(uid, text)
	b.docs.Add(1)
	big := s.size() >= b.limit/int64(cap(b.free)) || s.len() >= maxDocs*3/4/cap(b.free)
	b.free <- s
	if big {
		return b.flush(true)
	}
	return nil
}

func (b *Builder) failed() error {
	if b.ctx.Err() != nil {
		return context.Cause(b.ctx)
	}
	if b.closed.Load() {
		return errors.New("builder is closed")
	}
	return nil
}

// first reports whether uid is new, and notes it.
func (b *Builder) first(uid uint32) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.added[uid] || b.x.View().inSegment(uid) {
		return false
	}
	b.added[uid] = true
	return true
}

// Missing returns those of uids, which ascend, that are neither covered nor added.
func (b *Builder) Missing(uids []uint32) []uint32 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.DeleteFunc(b.x.View().Missing(uids), func(uid uint32) bool { return b.added[uid] })
}

// flush takes the shards and writes them as a segment, if behind, in the
// background. Another one that is being written is waited for.
func (b *Builder) flush(behind bool) error {
	b.writing.Lock()
	var full []*shard
	total, docs := int64(0), 0
	for range cap(b.free) {
		s := <-b.free
		full = append(full, s)
		total += s.size()
		docs += s.len()
	}
	if behind && total < b.limit*3/4 && docs < maxDocs/2 { // someone else was first
		for _, s := range full {
			b.free <- s
		}
		b.writing.Unlock()
		return b.failed()
	}
	for range full {
		b.free <- b.empty()
	}
	write := func() {
		defer b.wait.Done()
		defer b.writing.Unlock()
		b.writeShards(full)
	}
	b.wait.Add(1)
	if behind {
		go write()
	} else {
		write()
	}
	return b.failed()
}

func (b *Builder) empty() *shard {
	b.mu.Lock()
	defer b.mu.Unlock()
	if n := len(b.spare); n > 0 {
		s := b.spare[n-1]
		b.spare = b.spare[:n-1]
		return s
	}
	return newShard()
}

func (b *Builder) writeShards(full []*shard) {
	sources, docs := make([]source, 0, len(full)), 0
	for _, s := range full {
		if s.len() > 0 {
			sources = append(sources, s)
			docs += s.len()
		}
	}
	if b.ctx.Err() == nil && docs > 0 {
		if err := b.x.write(b.ctx, sources, nil, nil); err != nil {
			b.cancel(err)
		} else {
			b.written.Add(int64(docs))
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, s := range full {
		for i := range s.len() {
			delete(b.added, s.uid(i))
		}
		s.reset()
		b.spare = append(b.spare, s)
	}
}

// Docs returns how many documents were added and how many of these are in the
// index by now.
func (b *Builder) Docs() (added, written int) { return int(b.docs.Load()), int(b.written.Load()) }

// Close writes what was added, folds the tail, merges small segments and ends
// the Builder. After an error of Add, or the end of the context, it writes
// nothing more; what was written before stays.
func (b *Builder) Close() error {
	if b.closed.Load() {
		return nil
	}
	err := b.flush(false)
	b.wait.Wait()
	err = errors.Join(err, b.failed())
	b.closed.Store(true)
	b.spare = nil
	for range cap(b.free) {
		<-b.free
	}
	if err == nil {
		err = b.x.fold(b.ctx, nil, false)
	}
	err = errors.Join(err, b.x.unlock())
	b.cancel(errors.New("builder is closed"))
	return err
}
