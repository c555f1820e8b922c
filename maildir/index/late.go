package index

import (
	"errors"
	"io"
	"slices"
	"sync"
	"sync/atomic"
)

// What was committed since the snapshot is read when a folder is opened, and applied
// where somebody looks: a chunk whose rows changed is brought up to date when it is
// first asked for. So opening costs what the log has in records, and not what they
// touch; counters come from the slot. Added and expunged rows are known at once, for
// ranks depend on them.
//
// A log that is not as a writer leaves it is applied at once, as far as that goes.

// journal is what the chunks to be brought up to date have in common.
type journal struct {
	log    []byte // batches
	ops    []lateOp
	snap   *snapshot
	chunks int
	seed   uint64
	words  []string
	sets   *keywordSets

	mu    sync.Mutex // held by the one chunk that is brought up to date
	parts []*chunk   // what its builder has: nothing but the chunk
	owned []uint32
}

// A lateOp is a record as it concerns one chunk. Places are those in journal.log.
type lateOp struct {
	next uint32 // the op after it in its chunk; 0: none
	at   uint32 // what is to be read: the first range that meets the chunk, or the record
	end  uint32 // of the ranges
	prev UID    // where the range before ended
	kind byte
}

// late is a chunk to be brought up to date.
type late struct {
	j        *journal
	was      *chunk
	k        int
	first    uint32 // of its ops
	keywords bool   // some op changes keywords

	done atomic.Pointer[chunk]
}

// now returns the chunk with all ops applied.
func (l *late) now() *chunk {
	if c := l.done.Load(); c != nil {
		return c
	}
	return l.apply()
}

func (l *late) apply() *chunk {
	j := l.j
	j.mu.Lock()
	defer j.mu.Unlock()
	if c := l.done.Load(); c != nil {
		return c
	}
	c := *l.was
	c.late = nil
	c.uid = c.uid[:c.base:c.base] // add appends them
	if j.parts == nil {
		j.parts, j.owned = make([]*chunk, j.chunks), make([]uint32, j.chunks)
	}
	b := &builder{
		table: table{
			snap: j.snap, seed: j.seed, kwNames: j.words, sets: j.sets,
			parts: j.parts, slots: l.k<<chunkBits + c.base,
		},
		owned: j.owned,
	}
	b.parts[l.k], b.owned[l.k] = &c, ownChunk
	if c.base == 0 {
		b.owned[l.k] = ownAll
	}
	for n := l.first; n != 0; n = j.ops[n].next {
		b.perform(l.k, j.log, &j.ops[n])
	}
	b.parts[l.k] = nil
	c.dead, c.live = l.was.dead, l.was.live
	l.done.Store(&c)
	return &c
}

// perform applies an op to the chunk, of which it may change all but dead and live.
func (b *builder) perform(k int, log []byte, op *lateOp) {
	d := decoder{b: log[op.at:]}
	switch op.kind {
	case recAdd:
		r := b.readAdd(&d)
		b.add(&r)
	case recFlags:
		d.b = log[op.end:]
		ch := b.readFlags(&d)
		b.within(k, log, op, func(lo, hi int) { b.flagSpan(k, lo, hi, &ch) })
	case recName:
		d.b = log[op.end:]
		ch := readName(&d)
		b.within(k, log, op, func(lo, hi int) {
			for i := lo; i < hi; i++ {
				if !b.parts[k].dead.has(i) {
					b.nameSlot(k, i, ch)
				}
			}
		})
	case recWritten:
		b.within(k, log, op, func(lo, hi int) {
			for i := lo; i < hi; i++ {
				if !b.parts[k].dead.has(i) {
					b.setState(k, i, b.parts[k].state[i]&^statePending)
				}
			}
		})
	case recRename:
		if slot, ok := b.slotIn(k, d.uid()); ok {
			isNew := d.byte()&1 != 0
			b.rename(slot, d.bytes(), isNew)
		}
	case recDetail:
		if slot, ok := b.slotIn(k, d.uid()); ok {
			r := readDetail(&d)
			b.detail(slot, &r)
		}
	case recSaved:
		if slot, ok := b.slotIn(k, d.uid()); ok {
			b.saved(slot, d.int())
		}
	case recCache:
		clear(b.own(k, ownDetail).cache)
	}
}

// slotIn returns the slot of a UID in a chunk.
func (b *builder) slotIn(k int, uid UID) (slot int, ok bool) {
	c := b.parts[k]
	i := seekUID(c.uid, 0, uid)
	return k<<chunkBits | i, i < len(c.uid) && UID(c.uid[i]) == uid && !c.dead.has(i)
}

// within calls fn with the slots of the chunk that the ranges of op name.
func (b *builder) within(k int, log []byte, op *lateOp, fn func(lo, hi int)) {
	d := decoder{b: log[op.at:op.end]}
	u := b.parts[k].uid
	at, i := op.prev, 0
	for len(d.b) > 0 && len(u) > 0 {
		lo := at + UID(d.uint())
		at = lo + UID(d.uint())
		if lo > UID(u[len(u)-1]) {
			return
		}
		from := seekUID(u, i, lo)
		i = from
		if i < len(u) && UID(u[i]) <= at {
			i = seekUID(u, i, at)
			if i < len(u) && UID(u[i]) == at {
				i++
			}
			fn(from, i)
		}
	}
}

// seekUID returns the first place from i on whose UID is not below uid.
func seekUID(u []uint32, i int, uid UID) int {
	if i >= len(u) || UID(u[i]) >= uid {
		return i
	}
	// Numbers without gaps are the rule.
	end := min(i+int(min(uid-UID(u[i]), chunkSlots))+1, len(u))
	if UID(u[end-1]) == uid {
		return end - 1
	}
	n, _ := slices.BinarySearch(u[i:end], uint32(uid))
	return i + n
}

// A lateReader reads a log for chunks to be brought up to date from it.
type lateReader struct {
	b     *builder
	j     *journal
	last  []uint32 // UID of the last row of each chunk
	ops   []opList // of each chunk
	guess int
	names []lateName

	modseq uint64 // the highest
}

// opList is where the ops of a chunk begin and end.
type opList struct {
	first, last uint32
	keywords    bool
}

// errNow: the log has to be applied at once.
var errNow = errors.New("log is not as a writer leaves it")

// maxLate bounds what is read of a log at once: compaction keeps it far smaller.
const maxLate = 64 << 20

// replayLate is replay for all of the log that s says. After an error the builder is not to
// be used.
func (b *builder) replayLate(f file, s *slot) error {
	size := s.length - pageSize
	if size < 0 || size > maxLate {
		return errNow
	}
	log := make([]byte, size)
	if n, err := f.ReadAt(log, pageSize); n < len(log) {
		return errors.Join(errNow, err)
	} else if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	j := &journal{log: log, snap: b.snap, seed: b.seed, sets: b.sets}
	j.ops = make([]lateOp, 1, 1+size/32)
	r := lateReader{b: b, j: j, last: b.lastUIDs(), names: make([]lateName, 0, size/128)}
	r.ops = make([]opList, len(r.last), len(r.last)+16)
	seq := uint64(0)
	for at := 0; at < len(log); {
		payload, n, size, err := cutBatch(log[at:])
		if err != nil || n < seq {
			return errors.Join(errNow, err)
		}
		if err := r.records(at+batchHeader, len(payload)); err != nil {
			return err
		}
		seq = n
		at += size
	}
	// A record of flags that only a name lacked took a MODSEQ that no row has.
	if b.err != nil || b.slots-b.dead != s.st.Total || b.st.UIDNext > s.st.UIDNext || r.modseq > s.st.HighestModSeq+1 {
		return errNow
	}
	for _, n := range []int{s.st.Unseen, s.st.Deleted, s.st.New, s.st.Pending, s.st.Undigested} {
		if n < 0 || n > s.st.Total {
			return errNow
		}
	}
	r.attach()
	j.words, j.chunks = b.kwNames, len(b.parts)
	b.work += len(j.ops) - 1
	st := s.st
	st.GUID = b.st.GUID
	st.FloorModSeq = max(st.FloorModSeq, b.st.FloorModSeq)
	b.st = st
	b.stale()
	if len(r.names) > 0 {
		t := b.table
		b.names.late.Store(&lateNames{&t, log, r.names})
	}
	return nil
}

// lastUIDs returns the UID of the last row of each chunk.
func (b *builder) lastUIDs() []uint32 {
	if b.snap != nil && len(b.snap.last) == len(b.parts) {
		return slices.Clone(b.snap.last)
	}
	out := make([]uint32, len(b.parts))
	for k, c := range b.parts {
		out[k] = c.uid[len(c.uid)-1]
	}
	return out
}

// chunkOf returns the first chunk with a UID not below uid, as far as the log has come.
func (r *lateReader) chunkOf(uid UID) int {
	k, u := r.guess, uint32(uid)
	if k < len(r.last) && u <= r.last[k] && (k == 0 || u > r.last[k-1]) {
		return k
	}
	r.guess, _ = slices.BinarySearch(r.last, u)
	return r.guess
}

// op notes a record for a chunk.
func (r *lateReader) op(k int, op lateOp) {
	n := uint32(len(r.j.ops))
	r.j.ops = append(r.j.ops, op)
	l := &r.ops[k]
	if l.first == 0 {
		l.first = n
	} else {
		r.j.ops[l.last].next = n
	}
	l.last = n
}

// attach gives the chunks their ops.
func (r *lateReader) attach() {
	n := 0
	for _, l := range r.ops {
		if l.first != 0 {
			n++
		}
	}
	all := make([]late, n)
	for k, l := range r.ops {
		if l.first == 0 {
			continue
		}
		c, t := r.b.parts[k], &all[0]
		all = all[1:]
		t.j, t.was, t.k, t.first, t.keywords = r.j, c, k, l.first, l.keywords
		c.late = t
	}
}

// records reads the payload of a batch.
func (r *lateReader) records(at, size int) error {
	b := r.b
	log := r.j.log[:at+size]
	d := decoder{b: log[at:]}
	place := func() uint32 { return uint32(len(log) - len(d.b)) }
	for len(d.b) > 0 {
		kind := d.byte()
		start := place()
		switch kind {
		case recAdd:
			m := b.readAdd(&d)
			if d.bad || len(m.file) == 0 || len(m.file) > maxName || m.modseq > maxModSeq || m.uid < b.st.UIDNext || m.uid == 1<<32-1 {
				return errNow
			}
			r.modseq = max(r.modseq, m.modseq)
			r.add(&m, start)
			r.name(m.uid, place(), len(m.file))
		case recFlags, recName, recWritten:
			if err := r.ranges(kind, &d, log); err != nil {
				return err
			}
		case recRename:
			uid, _, name := d.uid(), d.byte(), d.bytes()
			if d.bad || len(name) == 0 || len(name) > maxName {
				return errNow
			}
			if k := r.chunkOf(uid); k < len(r.last) {
				r.op(k, lateOp{kind: recRename, at: start})
				r.name(uid, place(), len(name))
				b.moved++
			}
		case recDetail:
			uid := d.uid()
			readDetail(&d)
			if k := r.chunkOf(uid); k < len(r.last) {
				r.op(k, lateOp{kind: recDetail, at: start})
			}
		case recSaved:
			uid := d.uid()
			d.int()
			if k := r.chunkOf(uid); k < len(r.last) {
				r.op(k, lateOp{kind: recSaved, at: start})
			}
		case recExpunge:
			gone := d.ranges(nil)
			modseq := d.uint()
			if d.bad || modseq > maxModSeq {
				return errNow
			}
			r.modseq = max(r.modseq, modseq)
			r.expunge(gone, modseq)
		case recKeyword:
			id, name := d.uint(), d.bytes()
			if d.bad || id != uint64(len(b.kwNames)) || b.defineKeyword(int(id), string(name)) != nil {
				return errNow
			}
		case recMeta:
			key, has, val := d.bytes(), d.byte(), d.bytes()
			if has == 0 {
				val = nil
			} else {
				val = append([]byte{}, val...)
			}
			if d.bad {
				return errNow
			}
			b.setMeta(string(key), val)
		case recCache:
			for k := range b.parts {
				r.op(k, lateOp{kind: recCache})
			}
		case recRaise:
			next, modseq := d.uint(), d.uint()
			if d.bad || next > 1<<32-1 || modseq > maxModSeq {
				return errNow
			}
			r.modseq = max(r.modseq, modseq)
			b.raise(UID(next), modseq)
		default: // after a reset all is in the log
			return errNow
		}
		if d.bad {
			return errNow
		}
	}
	return nil
}

// name notes a name that ends at end.
func (r *lateReader) name(uid UID, end uint32, size int) {
	r.names = append(r.names, lateName{uid, end - uint32(size), uint8(size)})
}

// add notes a row, whose record is at at.
func (r *lateReader) add(m *rowData, at uint32) {
	b := r.b
	k := b.slots >> chunkBits
	if k == len(b.parts) {
		b.parts = append(b.parts, &chunk{})
		b.owned = append(b.owned, 0)
		r.last = append(r.last, 0)
		r.ops = append(r.ops, opList{})
	}
	r.op(k, lateOp{kind: recAdd, at: at})
	c := b.parts[k]
	r.ops[k].keywords = r.ops[k].keywords || len(m.kw) > 0
	if len(c.uid) == cap(c.uid) {
		c.uid = append(make([]uint32, 0, chunkSlots), c.uid...)
	}
	c.uid = append(c.uid, uint32(m.uid))
	c.live++
	r.last[k] = uint32(m.uid)
	b.slots++
	b.work++ // a row costs twice what a change does
	b.st.UIDNext = m.uid + 1
}

// ranges notes a record that begins with ranges for every chunk they meet.
func (r *lateReader) ranges(kind byte, d *decoder, log []byte) error {
	n := d.count(2)
	from := len(r.j.ops)
	at, rows := uint64(0), 0
	last := -1 // the last chunk that has an op
	for range n {
		place := uint32(len(log) - len(d.b))
		gap, length := d.uint(), d.uint()
		lo := at + gap
		hi := lo + length
		if gap == 0 || hi > 1<<32-1 || gap >= 1<<32 || length >= 1<<32 || d.bad {
			return errNow
		}
		for k := r.chunkOf(UID(lo)); k < len(r.last); k++ {
			if k != last {
				r.op(k, lateOp{kind: kind, at: place, prev: UID(at)})
				last = k
			}
			if uint64(r.last[k]) >= hi {
				break
			}
		}
		rows += int(length) + 1
		at = hi
	}
	end := uint32(len(log) - len(d.b))
	keywords := false
	switch kind {
	case recFlags:
		ch := r.b.readFlags(d)
		if ch.modseq > maxModSeq {
			return errNow
		}
		r.modseq = max(r.modseq, ch.modseq)
		keywords = len(ch.add)+len(ch.rm) > 0
	case recName:
		readName(d)
		r.b.moved = min(r.b.moved+rows, r.b.slots)
	}
	for i := range r.j.ops[from:] {
		r.j.ops[from+i].end = end
	}
	if keywords {
		for k := range r.ops {
			if int(r.ops[k].last) >= from {
				r.ops[k].keywords = true
			}
		}
	}
	r.b.work += n / 8
	return nil
}

// expunge takes rows away.
func (r *lateReader) expunge(gone []UIDRange, modseq uint64) {
	b := r.b
	g := graves{b: b, modseq: modseq}
	for _, uids := range gone {
		for k := r.chunkOf(uids.Lo); k < len(r.last); k++ {
			c := b.parts[k]
			for i := seekUID(c.uid, 0, uids.Lo); i < len(c.uid) && UID(c.uid[i]) <= uids.Hi; i++ {
				if c.dead.has(i) {
					continue
				}
				if c.dead == nil {
					c.dead = new(bitmap)
				}
				c.dead.set(i)
				c.live--
				b.dead++
				g.add(UID(c.uid[i]))
			}
			if UID(r.last[k]) >= uids.Hi {
				break
			}
		}
	}
	if g.any {
		g.done()
	}
}
