package index

import (
	"fmt"
	"math"
	"slices"

	"pneu/maildir"
)

// file is add, but that a message has no digest where there is no room for one.
func (t *tx) file(m Message) (UID, error) {
	uid, err := t.add(m)
	if m.Digest != nil && err != nil && noSpace(err) {
		m.Digest, m.Head = nil, nil
		return t.add(m)
	}
	return uid, err
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
	t.name = append(t.name[:0], m.Entry.File...)
	r := rowData{
		uid: uid, file: t.name, isNew: m.Entry.New, extra: uint8(m.Extra) & 63,
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
	t.work++ // as builder.add has it
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
		if slot++; slot > 0 && slot < b.slots && b.parts[slot>>chunkBits].uid[slot&(chunkSlots-1)] == uint32(uid) {
			ok = !b.parts[slot>>chunkBits].dead.has(slot & (chunkSlots - 1))
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
	t.work += len(ranges) / 8
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
	t.work += len(r.ranges) / 8
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
	r.cache = b.chunk(slot >> chunkBits).cache[slot&(chunkSlots-1)]
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
