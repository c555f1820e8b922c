package index

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"path/filepath"
	"slices"

	"pneu/maildir"
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
	at      int64    // where in the log they go
	changed bool
	grown   bool // something was written beyond the committed end
	lax     bool // a new generation can wait
	run     nameRun
	blob    *blobWriter
	young   []youngFile // read in this batch, to be looked at again
	err     error       // the first, that commit reports
	ended   bool
	runs    []UIDRange
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
		if err := x.refresh(); err != nil {
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
	t = &tx{x: x, lax: !wait}
	t.from()
	return t, nil
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
		// Digests may be holes now. They are made again.
		b := newBuilder(x.cur.Load().table, c.slot.st)
		b.dropCache()
		c.slot.st = b.st
		c.slot.cacheID, c.slot.cacheEnd, c.slot.headEnd, c.slot.cacheOK, c.slot.headOK = 0, 0, 0, 0, 0
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
	t.run.ranges, t.young = nil, nil
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
	b := appendBatch(make([]byte, 0, len(t.out)+batchHeader+8), t.slot.seq+1, t.out)
	if _, err := t.x.core.log.WriteAt(b, t.at); err != nil {
		t.err = err
		return
	}
	t.grown = true
	t.at += int64(len(b))
	t.out = t.out[:0]
}

// add appends a message and returns its UID.
func (t *tx) add(m Message) (UID, error) {
	b := t.build()
	t.flushRun()
	if b.st.UIDValidity == 0 {
		if err := t.reset(0); err != nil {
			return 0, err
		}
	}
	n, err := maildir.ParseName(m.Entry.File)
	if err != nil || len(m.Entry.File) > maxName || n.Base == "" {
		return 0, fmt.Errorf("add %q: %w", m.Entry.File, maildir.ErrName)
	}
	uid := m.UID
	if uid == 0 {
		uid = b.st.UIDNext
	}
	if uid < b.st.UIDNext {
		return 0, fmt.Errorf("add UID %d below %d: %w", uid, b.st.UIDNext, ErrFull)
	}
	if uid >= math.MaxUint32-1 {
		return 0, fmt.Errorf("UID %d: %w", uid, ErrFull)
	}
	r := rowData{
		uid: uid, file: []byte(m.Entry.File), isNew: m.Entry.New, extra: uint8(m.Extra) & 63,
		class: m.Class, modseq: m.ModSeq, size: m.Size, wire: m.WireSize,
		recv: m.Received, saved: m.Saved, sent: m.Sent,
	}
	if r.modseq == 0 || r.modseq > maxModSeq {
		r.modseq = b.st.HighestModSeq + 1
	}
	if r.size < 0 || r.wire < r.size {
		r.wire = -1
	}
	if len(m.Keywords) > 0 {
		if r.kw, err = t.keywordIDs(m.Keywords, true); err != nil {
			return 0, err
		}
	}
	if m.Digest != nil {
		if r.cache, err = t.keep(uid, m.Digest, m.Head); err != nil {
			return 0, err
		}
	}
	b.add(&r)
	if m.seen.at != 0 {
		t.young = append(t.young, youngFile{uid, m.seen})
	}
	o := append(t.out, recAdd)
	o = appendUint(o, uint64(uid))
	var bits byte
	if r.isNew {
		bits = 1
	}
	o = append(o, bits, r.extra)
	o = appendUint(o, r.modseq)
	o = appendSizes(o, r.size, r.wire)
	o = appendInt(o, r.recv)
	o = appendInt(o, r.saved)
	o = appendInt(o, r.sent)
	o = appendUint(o, uint64(r.class))
	o = appendUint(o, uint64(r.cache))
	o = appendIDs(o, r.kw)
	o = appendBytes(o, r.file)
	t.put(o)
	return uid, nil
}

func appendSizes(o []byte, size, wire int64) []byte {
	o = appendUint(o, uint64(max(size, -1)+1))
	if wire < 0 {
		return appendUint(o, 0)
	}
	return appendUint(o, uint64(wire-size+1))
}

func appendIDs(o []byte, ids []uint16) []byte {
	o = appendUint(o, uint64(len(ids)))
	for _, k := range ids {
		o = appendUint(o, uint64(k))
	}
	return o
}

// keywordIDs returns the numbers of keywords; with make, new ones get one.
func (t *tx) keywordIDs(names []string, make bool) ([]uint16, error) {
	var ids []uint16
	for _, name := range names {
		id, ok := t.b.keyword(name)
		if !ok {
			if !make {
				continue
			}
			if id = len(t.b.kwNames); id > math.MaxUint16 || name == "" || len(name) > 1<<10 {
				return nil, fmt.Errorf("keyword %q: %w", name, ErrFull)
			}
			if err := t.b.defineKeyword(id, name); err != nil {
				return nil, err
			}
			t.put(appendBytes(appendUint(append(t.out, recKeyword), uint64(id)), name))
		}
		ids = append(ids, uint16(id))
	}
	return ids, nil
}

// ranges turns UIDs into ranges that hold no other message.
func (t *tx) ranges(uids []UID) []UIDRange {
	if !slices.IsSorted(uids) {
		uids = slices.Clone(uids)
		slices.Sort(uids)
	}
	b := t.build()
	b.rank()
	out := t.runs[:0]
	last := -2
	slot, ok := -1, false
	for _, uid := range uids {
		// Mostly the UIDs are those of rows one after the other.
		if slot++; slot > 0 && slot < b.slots && b.chunks[slot>>chunkBits].uid[slot&(chunkSlots-1)] == uint32(uid) {
			ok = !b.chunks[slot>>chunkBits].dead.has(slot & (chunkSlots - 1))
		} else {
			slot, ok = b.find(uid)
		}
		if !ok {
			continue
		}
		switch row := b.row(slot); row {
		case last:
		case last + 1:
			out[len(out)-1].Hi = uid
			last = row
		default:
			out = append(out, UIDRange{uid, uid})
			last = row
		}
	}
	t.runs = out
	return out
}

// flags changes flags and keywords. With pending the names on disk are yet to
// follow; without it they need not, or rename has told or will tell of it. UIDs
// that are gone are passed over. It returns the MODSEQ that the changed messages
// have now, or HighestModSeq if there is none; messages it does not change keep
// theirs.
func (t *tx) flags(uids []UID, set, clear Flags, addKw, removeKw []string, pending bool) (uint64, error) {
	return t.flagsRanges(t.ranges(uids), set, clear, addKw, removeKw, pending)
}

// flagsRanges is flags for ascending ranges.
func (t *tx) flagsRanges(ranges []UIDRange, set, clear Flags, addKw, removeKw []string, pending bool) (uint64, error) {
	b := t.build()
	t.flushRun()
	ch := flagChange{set: uint8(set) & 63, clear: uint8(clear) & 63, pending: pending, modseq: b.st.HighestModSeq + 1}
	var err error
	if ch.rm, err = t.keywordIDs(removeKw, false); err != nil {
		return 0, err
	}
	if ch.add, err = t.keywordIDs(addKw, true); err != nil {
		return 0, err
	}
	before := b.st.Pending
	if b.flags(ranges, &ch) == 0 && b.st.Pending == before {
		return b.st.HighestModSeq, nil
	}
	if b.err != nil {
		t.err = b.err
		return 0, b.err
	}
	o := appendRanges(append(t.out, recFlags), ranges)
	o = append(o, ch.set, ch.clear, 0)
	if pending {
		o[len(o)-1] = 1
	}
	o = appendUint(o, ch.modseq)
	o = appendIDs(o, ch.add)
	o = appendIDs(o, ch.rm)
	t.put(o)
	return b.st.HighestModSeq, nil
}

// rename says what the file is called by now. It ends the row's pending state if
// the name's flags are those of the row, and does not touch flags or MODSEQ.
func (t *tx) rename(uid UID, e maildir.Entry) error {
	b := t.build()
	slot, ok := b.find(uid)
	if !ok {
		return nil
	}
	if _, err := maildir.ParseName(e.File); err != nil || len(e.File) > maxName {
		return fmt.Errorf("rename to %q: %w", e.File, maildir.ErrName)
	}
	file := []byte(e.File)
	stored, disk, state := classify(file)
	var buf [256]byte
	if state&stateExact == 0 && string(b.base(buf[:0], slot)) == string(stored) {
		ch := nameChange{disk, state}
		if e.New {
			ch.state |= stateNew
		}
		b.rank()
		row := b.row(slot)
		r := &t.run
		if n := len(r.ranges); n > 0 && r.ch == ch && row > r.row {
			if row == r.row+1 {
				r.ranges[n-1].Hi = uid
			} else {
				r.ranges = append(r.ranges, UIDRange{uid, uid})
			}
		} else {
			t.flushRun()
			r.ranges, r.ch = append(r.ranges[:0], UIDRange{uid, uid}), ch
		}
		r.row = row
		t.changed = true
		// The row has it at once; the record follows with the run.
		b.name([]UIDRange{{uid, uid}}, ch)
		return nil
	}
	t.flushRun()
	b.rename(slot, file, e.New)
	o := appendUint(append(t.out, recRename), uint64(uid))
	if e.New {
		o = append(o, 1)
	} else {
		o = append(o, 0)
	}
	t.put(appendBytes(o, file))
	return nil
}

// flushRun notes the gathered renames.
func (t *tx) flushRun() {
	r := &t.run
	if len(r.ranges) == 0 {
		return
	}
	o := appendRanges(append(t.out, recName), r.ranges)
	r.ranges = r.ranges[:0]
	t.put(append(o, r.ch.disk, r.ch.state))
}

// written ends the pending state of the messages: their names got no letter for
// it (keywords beyond 26), or have it by now.
func (t *tx) written(uids []UID) error {
	ranges := t.ranges(uids)
	t.flushRun()
	before := t.b.st.Pending
	t.b.written(ranges)
	if t.b.st.Pending != before {
		t.put(appendRanges(append(t.out, recWritten), ranges))
	}
	return nil
}

// expunge removes messages and leaves tombstones. It returns their MODSEQ.
func (t *tx) expunge(uids []UID) (uint64, error) {
	ranges := t.ranges(uids)
	t.flushRun()
	modseq := t.b.st.HighestModSeq + 1
	if t.b.expunge(ranges, modseq) > 0 {
		t.put(appendUint(appendRanges(append(t.out, recExpunge), ranges), modseq))
	}
	return t.b.st.HighestModSeq, nil
}

// detail fills in what the file of a message says.
func (t *tx) detail(uid UID, d Detail) error {
	b := t.build()
	t.flushRun()
	slot, ok := b.find(uid)
	if !ok {
		return nil
	}
	r := detailData{size: d.Size, wire: d.WireSize, recv: d.Received, sent: d.Sent, class: d.Class}
	if r.size < 0 || r.wire < r.size {
		r.wire = -1
	}
	r.cache = b.chunks[slot>>chunkBits].cache[slot&(chunkSlots-1)]
	if d.Digest != nil {
		var err error
		if r.cache, err = t.keep(uid, d.Digest, d.Head); err != nil {
			return err
		}
	}
	b.detail(slot, &r)
	if d.seen.at != 0 {
		t.young = append(t.young, youngFile{uid, d.seen})
	}
	o := appendUint(append(t.out, recDetail), uint64(uid))
	o = appendSizes(o, r.size, r.wire)
	o = appendInt(o, r.recv)
	o = appendInt(o, r.sent)
	o = appendUint(o, uint64(r.class))
	o = appendUint(o, uint64(r.cache))
	t.put(o)
	return nil
}

// saved changes the save date.
func (t *tx) saved(uid UID, at int64) error {
	b := t.build()
	t.flushRun()
	if slot, ok := b.find(uid); ok {
		b.saved(slot, at)
		t.put(appendInt(appendUint(append(t.out, recSaved), uint64(uid)), at))
	}
	return nil
}

// dir notes the state of the directories that the index now agrees with.
func (t *tx) dir(d DirState) {
	if t.slot.st.Dir != d {
		t.slot.st.Dir = d
		t.changed = true
	}
}

// maxMeta bounds a key with its value: a batch holds it whole.
const maxMeta = 16 << 20

// meta sets a value; nil removes the key.
func (t *tx) meta(key string, val []byte) error {
	b := t.build()
	t.flushRun()
	if len(key)+len(val) > maxMeta {
		return fmt.Errorf("meta %.40q of %d bytes: %w", key, len(val), ErrFull)
	}
	o := append(appendBytes(append(t.out, recMeta), key), 1)
	if val == nil {
		o[len(o)-1] = 0
		b.setMeta(key, nil)
	} else {
		b.setMeta(key, append([]byte{}, val...))
	}
	t.put(appendBytes(o, val))
	return nil
}

// reset empties the index under a new UIDVALIDITY (0: keep the old one): what
// import and rebuild begin with. The next UID is 1, and add takes UIDs in
// ascending order.
func (t *tx) reset(uidValidity uint32) error {
	b := t.build()
	t.flushRun()
	if uidValidity == 0 {
		uidValidity = b.st.UIDValidity
	}
	next := UID(0)
	if uidValidity == 0 {
		uidValidity = uint32(t.x.opt.Now().Unix())
		// A first commit may have been shown and lost again, within this second.
		next = b.st.UIDNext
	}
	b.reset(uidValidity)
	t.slot.st.Dir = DirState{}
	t.put(appendUint(append(t.out, recReset), uint64(uidValidity)))
	if next > 1 {
		return t.raise(next, 0)
	}
	return nil
}

// raise makes UIDNext and HighestModSeq at least as high as said.
func (t *tx) raise(next UID, modseq uint64) error {
	b := t.build()
	t.flushRun()
	if next == math.MaxUint32 || modseq >= maxModSeq {
		return fmt.Errorf("raise to UID %d, MODSEQ %d: %w", next, modseq, ErrFull)
	}
	b.raise(next, modseq)
	t.put(appendUint(appendUint(append(t.out, recRaise), uint64(next)), modseq))
	return nil
}

// keep appends a digest and returns its place in units of 8 bytes.
func (t *tx) keep(uid UID, blob, head []byte) (uint32, error) {
	v := t.x.cur.Load()
	if v.blob.fs == nil && v.blob.id != 0 {
		v.blob.mu.Lock()
		defer v.blob.mu.Unlock()
		n := int64(len(v.blob.kept) + 1)
		v.blob.kept[8*n] = slices.Clone(blob)
		v.blob.text = appendBlob(v.blob.text, uid, head)
		return uint32(n), nil
	}
	if t.x.opt.ReadOnly {
		return 0, nil
	}
	if t.blob == nil {
		if err := t.openBlobs(); err != nil {
			return 0, err
		}
	}
	at, err := t.blob.add(uid, blob, head)
	if err != nil {
		return 0, err
	}
	t.slot.cacheEnd = t.blob.cacheAt + int64(len(t.blob.cacheBuf))
	t.slot.headEnd = t.blob.headAt + int64(len(t.blob.headBuf))
	return uint32(at / 8), nil
}

// openBlobs opens pneu.cache and pneu.head for appending, and makes new ones if
// those that are there are not ours.
func (t *tx) openBlobs() error {
	x := t.x
	w := &blobWriter{cacheAt: (t.slot.cacheEnd + 7) &^ 7, headAt: t.slot.headEnd}
	guid := x.core.id.guid
	have := &blobs{fs: x.fs, dir: x.dir, guid: guid, id: t.slot.cacheID}
	ok := have.open() == nil
	if ok {
		ok = have.cache.size.Load() >= t.slot.cacheEnd && have.head.size.Load() >= t.slot.headEnd
		have.close()
	}
	var err error
	if ok {
		if w.cache, err = x.fs.Open(filepath.Join(x.dir, cacheName), true); err == nil {
			w.head, err = x.fs.Open(filepath.Join(x.dir, headName), true)
		}
	} else {
		id := randomSeed() | 2
		if w.cache, err = x.makeBlobs(cacheName, cacheMagic, identity{id, guid, 0}); err == nil {
			w.head, err = x.makeBlobs(headName, headMagic, identity{id, guid, 0})
		}
		w.cacheAt, w.headAt = pageSize, pageSize
		t.slot.cacheID, t.slot.cacheEnd, t.slot.headEnd = id, pageSize, pageSize
		t.slot.cacheOK, t.slot.headOK = 0, 0
		b := t.build()
		if b.st.Undigested != b.st.Total {
			b.dropCache()
			t.put(append(t.out, recCache))
		}
	}
	if err != nil {
		w.close()
		return err
	}
	t.blob = w
	return nil
}

// makeBlobs makes an empty file for digests or heads.
func (x *Index) makeBlobs(name, magic string, id identity) (file, error) {
	path := filepath.Join(x.dir, name)
	f, err := x.fs.Create(path + tmpSuffix)
	if err != nil {
		return nil, err
	}
	adopt(f, x.dir)
	page := make([]byte, pageSize)
	copy(page, id.encode(magic))
	if _, err = f.WriteAt(page, 0); err == nil {
		err = x.fs.Rename(path+tmpSuffix, path)
	}
	if err != nil {
		f.Close()
		x.fs.Remove(path + tmpSuffix)
		return nil, err
	}
	return f, nil
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
			t.reset(0)
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
		}
		x.core.slot = next
		x.core.forked = true
	}
	x.publish(b.done())
	t.heard = false
	t.from()
	if x.volatile == nil && x.wantCompact(t.lax) {
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
