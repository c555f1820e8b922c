package fulltext

import (
	"bytes"
	"encoding/binary"
	"hash/maphash"
	"math/bits"
	"math/rand/v2"
)

// A dict numbers terms in order of first sight. Terms of up to eight bytes, most
// of them, are compared as one integer within the slot. The hash is seeded: a
// stranger's message cannot aim at one slot.
type dict struct {
	slots []slot // a power of two of them, at most 3/4 taken
	bytes []byte
	ends  []uint32 // of each term in bytes
	seed  [2]uint64
	long  maphash.Seed
}

type slot struct {
	key uint64 // the term itself, or the hash of a longer one
	id  uint32
	n   uint32 // length of the term; 0 is a free slot
}

// newDict returns a dict with room for some terms.
func newDict(terms int) *dict {
	return &dict{
		slots: make([]slot, 1<<max(10, bits.Len(uint(terms*4/3)))),
		seed:  [2]uint64{rand.Uint64(), rand.Uint64() | 1},
		long:  maphash.MakeSeed(),
	}
}

func (d *dict) reset() {
	clear(d.slots)
	d.bytes, d.ends = d.bytes[:0], d.ends[:0]
}

// size is what the terms take in memory: those there are, not those there were before a reset.
func (d *dict) size() int64 {
	return int64(len(d.ends)*(2*16+4) + len(d.bytes))
}

func (d *dict) len() int { return len(d.ends) }

func (d *dict) term(id uint32) []byte {
	if id == 0 {
		return d.bytes[:d.ends[0]]
	}
	return d.bytes[d.ends[id-1]:d.ends[id]]
}

func (d *dict) place(key uint64, n int) int {
	hi, lo := bits.Mul64(key^d.seed[0]^uint64(n)<<56, d.seed[1])
	return int(hi^lo) & (len(d.slots) - 1)
}

// add returns the number of the term b[i:j].
func (d *dict) add(b []byte, i, j int) uint32 {
	n := j - i
	var key uint64
	switch {
	case n > 8:
		return d.addLong(b[i:j])
	case i+8 <= len(b):
		key = binary.LittleEndian.Uint64(b[i:]) << (8 * (8 - n)) // other bytes shifted out
	default:
		for k := i; k < j; k++ {
			key = key>>8 | uint64(b[k])<<56
		}
	}
	return d.addShort(key, n)
}

// addShort is add for a term of up to eight bytes, which are the highest of key.
func (d *dict) addShort(key uint64, n int) uint32 {
	for at := d.place(key, n); ; at = (at + 1) & (len(d.slots) - 1) {
		s := &d.slots[at]
		if s.key == key && int(s.n) == n {
			return s.id
		}
		if s.n == 0 {
			var b [8]byte
			binary.LittleEndian.PutUint64(b[:], key>>(8*(8-n)))
			return d.insert(s, key, b[:n])
		}
	}
}

func (d *dict) addLong(term []byte) uint32 {
	if n := len(term); n <= 16 { // two integers are all of it
		head, tail := binary.LittleEndian.Uint64(term), binary.LittleEndian.Uint64(term[n-8:])
		hi, lo := bits.Mul64(head^d.seed[0], tail^d.seed[1])
		key := hi ^ lo
		for at := d.place(key, n); ; at = (at + 1) & (len(d.slots) - 1) {
			s := &d.slots[at]
			if s.n == 0 {
				return d.insert(s, key, term)
			}
			if s.key == key && int(s.n) == n {
				t := d.term(s.id)
				if binary.LittleEndian.Uint64(t) == head && binary.LittleEndian.Uint64(t[n-8:]) == tail {
					return s.id
				}
			}
		}
	}
	key := maphash.Bytes(d.long, term)
	for at := d.place(key, len(term)); ; at = (at + 1) & (len(d.slots) - 1) {
		s := &d.slots[at]
		if s.n == 0 {
			return d.insert(s, key, term)
		}
		if s.key == key && int(s.n) == len(term) && bytes.Equal(d.term(s.id), term) {
			return s.id
		}
	}
}

// insert puts a new term into a free slot.
func (d *dict) insert(s *slot, key uint64, term []byte) uint32 {
	id := uint32(len(d.ends))
	*s = slot{key, id, uint32(len(term))}
	d.bytes = append(d.bytes, term...)
	d.ends = append(d.ends, uint32(len(d.bytes)))
	if len(d.ends)*4 > len(d.slots)*3 {
		d.grow()
	}
	return id
}

func (d *dict) grow() {
	old := d.slots
	d.slots = make([]slot, 2*len(old))
	for _, s := range old {
		if s.n == 0 {
			continue
		}
		at := d.place(s.key, int(s.n))
		for d.slots[at].n != 0 {
			at = (at + 1) & (len(d.slots) - 1)
		}
		d.slots[at] = s
	}
}
