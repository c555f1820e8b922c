package index

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
)

// Kinds of records. A reader that meets another kind calls the log damaged:
// new kinds come with a new version.
const (
	recAdd     = 1 + iota
	recFlags   // flags and keywords of ranges
	recName    // ranges got canonical names with these flags
	recRename  // one file's whole name
	recExpunge // ranges are gone
	recKeyword // a keyword gets its number
	recMeta    // a key gets a value
	recDetail  // columns that reading the file has filled
	recSaved   // a save date
	recWritten // ranges are no longer pending
	recCache   // another cache file: no digest is kept any more
	recReset   // everything is forgotten
	recRaise   // counters go up
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func checksum(b []byte) uint32 { return crc32.Checksum(b, castagnoli) }

// A batch in the log is 16 bytes of header (length of the payload, CRC32C of
// the rest of the batch, sequence number of the commit), the payload, and
// zeros up to a multiple of 8.
const batchHeader = 16

func appendBatch(dst []byte, seq uint64, payload []byte) []byte {
	at := len(dst)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(payload)))
	dst = append(dst, 0, 0, 0, 0)
	dst = binary.LittleEndian.AppendUint64(dst, seq)
	dst = append(dst, payload...)
	binary.LittleEndian.PutUint32(dst[at+4:], checksum(dst[at+8:]))
	for len(dst)%8 != 0 {
		dst = append(dst, 0)
	}
	return dst
}

// cutBatch takes the first batch off b. Size is what it occupies.
func cutBatch(b []byte) (payload []byte, seq uint64, size int, err error) {
	if len(b) < batchHeader {
		return nil, 0, 0, fmt.Errorf("log ends within a batch: %w", ErrDamaged)
	}
	n := int64(binary.LittleEndian.Uint32(b))
	if n == 0 || n > int64(len(b)-batchHeader) {
		return nil, 0, 0, fmt.Errorf("batch of %d bytes in %d: %w", n, len(b), ErrDamaged)
	}
	end := batchHeader + int(n)
	if checksum(b[8:end]) != binary.LittleEndian.Uint32(b[4:]) {
		return nil, 0, 0, fmt.Errorf("batch: wrong checksum: %w", ErrDamaged)
	}
	return b[batchHeader:end], binary.LittleEndian.Uint64(b[8:]), min((end+7)&^7, len(b)), nil
}

// A decoder reads fields from hostile bytes. After a field that is not there it
// yields zeros, and bad says so.
type decoder struct {
	b   []byte
	bad bool
}

func (d *decoder) fail() { d.b, d.bad = nil, true }

func (d *decoder) byte() byte {
	if len(d.b) == 0 {
		d.fail()
		return 0
	}
	c := d.b[0]
	d.b = d.b[1:]
	return c
}

func (d *decoder) uint() uint64 {
	if len(d.b) > 0 && d.b[0] < 0x80 {
		v := d.b[0]
		d.b = d.b[1:]
		return uint64(v)
	}
	v, n := binary.Uvarint(d.b)
	if n <= 0 {
		d.fail()
		return 0
	}
	d.b = d.b[n:]
	return v
}

func (d *decoder) int() int64 {
	u := d.uint()
	return int64(u>>1) ^ -int64(u&1)
}

// count reads how many elements of at least size bytes follow.
func (d *decoder) count(size int) int {
	n := d.uint()
	if n > uint64(len(d.b)/size) {
		d.fail()
		return 0
	}
	return int(n)
}

func (d *decoder) bytes() []byte {
	n := d.count(1)
	b := d.b[:n]
	d.b = d.b[n:]
	return b
}

func (d *decoder) uid() UID {
	v := d.uint()
	if v == 0 || v > 1<<32-1 {
		d.fail()
		return 0
	}
	return UID(v)
}

// ranges reads ascending ranges, each as its distance from the one before and
// its length.
func (d *decoder) ranges(dst []UIDRange) []UIDRange {
	n := d.count(2)
	at := uint64(0)
	for range n {
		gap, length := d.uint(), d.uint()
		lo := at + gap
		hi := lo + length
		if gap == 0 || hi > 1<<32-1 || gap >= 1<<32 || length >= 1<<32 {
			d.fail()
			return dst
		}
		dst = append(dst, UIDRange{UID(lo), UID(hi)})
		at = hi
	}
	return dst
}

func appendInt(b []byte, v int64) []byte { return binary.AppendVarint(b, v) }

func appendUint(b []byte, v uint64) []byte { return binary.AppendUvarint(b, v) }

func appendBytes[T string | []byte](b []byte, s T) []byte {
	return append(appendUint(b, uint64(len(s))), s...)
}

func appendRanges(b []byte, r []UIDRange) []byte {
	b = appendUint(b, uint64(len(r)))
	at := UID(0)
	for _, r := range r {
		b = appendUint(b, uint64(r.Lo-at))
		b = appendUint(b, uint64(r.Hi-r.Lo))
		at = r.Hi
	}
	return b
}

func update(crc uint32, b []byte) uint32 { return crc32.Update(crc, castagnoli, b) }
