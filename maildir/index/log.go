package index

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
)

// apply performs the records of one batch.
func (b *builder) apply(payload []byte) error {
	d := decoder{b: payload}
	var ranges []UIDRange
	for len(d.b) > 0 {
		b.work++
		switch kind := d.byte(); kind {
		case recAdd:
			r := b.readAdd(&d)
			if d.bad || len(r.file) == 0 || len(r.file) > maxName || r.modseq > maxModSeq {
				return badRecord(kind)
			}
			if b.lenient && r.uid < b.st.UIDNext {
				continue
			}
			if r.uid < b.st.UIDNext || r.uid == math.MaxUint32 {
				return fmt.Errorf("UID %d below %d: %w", r.uid, b.st.UIDNext, ErrDamaged)
			}
			b.add(&r)
		case recFlags:
			ranges = d.ranges(ranges[:0])
			b.work += len(ranges) / 8
			ch := b.readFlags(&d)
			if d.bad || ch.modseq > maxModSeq {
				return badRecord(kind)
			}
			b.flags(ranges, &ch)
		case recName:
			ranges = d.ranges(ranges[:0])
			b.work += len(ranges) / 8
			ch := readName(&d)
			if d.bad {
				return badRecord(kind)
			}
			b.name(ranges, ch)
		case recRename:
			uid, bits, name := d.uid(), d.byte(), d.bytes()
			if d.bad || len(name) == 0 || len(name) > maxName {
				return badRecord(kind)
			}
			if slot, ok := b.find(uid); ok {
				b.rename(slot, name, bits&1 != 0)
			}
		case recExpunge:
			ranges = d.ranges(ranges[:0])
			b.work += len(ranges) / 8
			modseq := d.uint()
			if d.bad || modseq > maxModSeq {
				return badRecord(kind)
			}
			b.expunge(ranges, modseq)
		case recKeyword:
			id, name := d.uint(), d.bytes()
			if d.bad || id > math.MaxUint16 {
				return badRecord(kind)
			}
			if b.lenient {
				b.remapKeyword(int(id), string(name))
			} else if err := b.defineKeyword(int(id), string(name)); err != nil {
				return err
			}
		case recMeta:
			key, has, val := d.bytes(), d.byte(), d.bytes()
			if d.bad {
				return badRecord(kind)
			}
			if has == 0 {
				b.setMeta(string(key), nil)
			} else {
				b.setMeta(string(key), append([]byte{}, val...))
			}
		case recDetail:
			uid := d.uid()
			r := readDetail(&d)
			if d.bad {
				return badRecord(kind)
			}
			if slot, ok := b.find(uid); ok {
				b.detail(slot, &r)
			}
		case recSaved:
			uid, at := d.uid(), d.int()
			if d.bad {
				return badRecord(kind)
			}
			if slot, ok := b.find(uid); ok {
				b.saved(slot, at)
			}
		case recWritten:
			ranges = d.ranges(ranges[:0])
			b.work += len(ranges) / 8
			if d.bad {
				return badRecord(kind)
			}
			b.written(ranges)
		case recCache:
			b.dropCache()
		case recReset:
			v := d.uint()
			if d.bad || v > math.MaxUint32 {
				return badRecord(kind)
			}
			b.reset(uint32(v))
		case recRaise:
			next, modseq := d.uint(), d.uint()
			if d.bad || next > math.MaxUint32 || modseq > maxModSeq {
				return badRecord(kind)
			}
			b.raise(UID(next), modseq)
		default:
			return badRecord(kind)
		}
	}
	return b.err
}

// readAdd reads an ADD record.
func (b *builder) readAdd(d *decoder) (r rowData) {
	r.uid = d.uid()
	r.isNew = d.byte()&1 != 0
	r.extra = d.byte()
	r.modseq = d.uint()
	r.size, r.wire = readSizes(d)
	r.recv = d.int()
	r.saved = d.int()
	r.sent = d.int()
	r.class = uint16(d.uint())
	r.cache = uint32(d.uint())
	r.kw = b.keywordIDs(d)
	r.file = d.bytes()
	return r
}

func readSizes(d *decoder) (size, wire int64) {
	size = int64(d.uint()) - 1
	if wire = int64(d.uint()) - 1; wire >= 0 {
		wire += size
	}
	return size, wire
}

// readFlags reads what follows the ranges of a FLAGS record.
func (b *builder) readFlags(d *decoder) (ch flagChange) {
	ch.set, ch.clear = d.byte()&63, d.byte()&63
	ch.pending = d.byte() != 0
	ch.modseq = d.uint()
	ch.add = b.keywordIDs(d)
	ch.rm = b.keywordIDs(d)
	return ch
}

// readName reads what follows the ranges of a NAME record.
func readName(d *decoder) nameChange {
	return nameChange{d.byte() & 63, d.byte() & (stateNew | stateBare)}
}

// readDetail reads what follows the UID of a DETAIL record.
func readDetail(d *decoder) (r detailData) {
	r.size, r.wire = readSizes(d)
	r.recv = d.int()
	r.sent = d.int()
	r.class = uint16(d.uint())
	r.cache = uint32(d.uint())
	return r
}

const (
	maxName   = 255
	maxModSeq = 1<<48 - 1
)

func badRecord(kind byte) error { return fmt.Errorf("record of kind %d: %w", kind, ErrDamaged) }

func (b *builder) keywordIDs(d *decoder) []uint16 {
	n := d.count(1)
	if n == 0 {
		return nil
	}
	if b.lenient {
		return b.knownIDs(d, n)
	}
	out := make([]uint16, n)
	for i := range out {
		v := d.uint()
		if v >= uint64(len(b.kwNames)) {
			d.fail()
			return nil
		}
		out[i] = uint16(v)
	}
	return out
}

// knownIDs reads a list of keywords, of which some may be lost.
func (b *builder) knownIDs(d *decoder, n int) []uint16 {
	var out []uint16
	for range n {
		if k, ok := b.remap[int(d.uint())]; ok {
			out = append(out, uint16(k))
		}
	}
	return out
}

func (b *builder) remapKeyword(id int, name string) {
	k, ok := b.keyword(name)
	if !ok {
		k = len(b.kwNames)
		if b.defineKeyword(k, name) != nil {
			return
		}
	}
	if b.remap == nil {
		b.remap = map[int]int{}
	}
	b.remap[id] = k
}

func (b *builder) written(ranges []UIDRange) {
	b.each(ranges, func(k, i int) { b.setState(k, i, b.chunk(k).state[i]&^statePending) })
}

func (b *builder) raise(next UID, modseq uint64) {
	b.st.UIDNext = max(b.st.UIDNext, next)
	b.st.HighestModSeq = max(b.st.HighestModSeq, modseq)
}

// readPage reads the first page of the log.
func readPage(f file) ([]byte, error) {
	page := make([]byte, pageSize)
	if _, err := f.ReadAt(page, 0); err != nil {
		if errors.Is(err, io.EOF) {
			err = fmt.Errorf("pneu.log is shorter than its header: %w", ErrDamaged)
		}
		return nil, err
	}
	return page, nil
}

// replay applies the committed batches of the log between from and to, and
// returns where it stopped.
func (b *builder) replay(f file, from, to int64) (int64, error) {
	if to < from || to-from > 1<<40 {
		return from, fmt.Errorf("pneu.log ends at %d, before %d: %w", to, from, ErrDamaged)
	}
	if to == from {
		return from, nil
	}
	info, err := f.Stat()
	if err != nil {
		return from, err
	}
	// What is said to be committed and is not there was lost: read what is.
	end := min(to, info.size)
	if end <= from {
		return from, fmt.Errorf("pneu.log has %d bytes of %d: %w", info.size, to, ErrDamaged)
	}
	at, _, err := b.batches(f, from, end, 0)
	if err != nil {
		return at, fmt.Errorf("pneu.log at %d: %w", at, err)
	}
	if at != to {
		return at, fmt.Errorf("pneu.log has %d bytes of %d: %w", at, to, ErrDamaged)
	}
	return at, nil
}

// maxBatch bounds what a damaged length can make us read at once.
const maxBatch = 64 << 20

// batches applies what lies between at and end, and returns where it stopped and
// the number of the last commit. Numbers below least are left over from before.
func (b *builder) batches(f file, at, end int64, least uint64) (int64, uint64, error) {
	seq := least
	buf := make([]byte, min(end-at, 1<<20))
	for at < end {
		n, err := f.ReadAt(buf[:min(int64(len(buf)), end-at)], at)
		if err != nil && !errors.Is(err, io.EOF) {
			return at, seq, err
		}
		rest := buf[:n]
		for len(rest) > 0 {
			want := batchSize(rest)
			if want > int64(len(rest)) && want <= maxBatch && at+int64(len(rest)) < end && n == len(buf) {
				break // the window ends within it
			}
			payload, s, size, err := cutBatch(rest)
			if err != nil {
				return at, seq, err
			}
			if s < seq {
				return at, seq, fmt.Errorf("batch of commit %d after %d: %w", s, seq, ErrDamaged)
			}
			if err := b.apply(payload); err != nil {
				return at, seq, err
			}
			seq = s
			rest = rest[size:]
			at += int64(size)
		}
		if n == 0 {
			return at, seq, fmt.Errorf("log ends early: %w", ErrDamaged)
		}
		if len(rest) == n { // not even one fitted
			buf = make([]byte, max(batchSize(rest), int64(2*len(buf))))
		}
	}
	return at, seq, nil
}

// batchSize is how many bytes the batch at the head of b says it has.
func batchSize(b []byte) int64 {
	if len(b) < batchHeader {
		return batchHeader
	}
	return batchHeader + int64(binary.LittleEndian.Uint32(b)) + 7
}

// salvage applies what batches there are, when no slot says where they end.
func (b *builder) salvage(f file) (at int64, seq uint64) {
	info, err := f.Stat()
	if err != nil {
		return pageSize, 0
	}
	at, seq, _ = b.batches(f, pageSize, info.size, 0)
	return at, seq
}
