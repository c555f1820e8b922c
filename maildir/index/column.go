package index

import (
	"encoding/binary"
	"math/bits"
	"unsafe"
)

// Rows are kept in chunks of columns. A chunk is either part of the mapped
// snapshot or, where something changed since, on the heap; views share all
// chunks that no change between them has touched.
const (
	chunkBits  = 12
	chunkSlots = 1 << chunkBits
)

// What the state column says of a file name.
const (
	statePending = 1 << iota // the name lacks a change
	stateNew                 // the file lies in new/
	stateBare                // the name has no info part
	stateExact               // the info part is kept with the name, for it cannot be made from flags
)

const unknownSize = 1<<32 - 1

// chunk is a run of chunkSlots slots. The columns are as long as there are slots.
type chunk struct {
	uid        []uint32
	flags      []uint8 // in force
	disk       []uint8 // in the file name
	state      []uint8
	kw         []uint16 // number of the keyword set
	class      []uint16
	modlo      []uint32
	modhi      []uint16
	size       []uint32
	wdelta     []uint32 // wire size less size
	recv       []uint32
	sentlo     []uint32
	senthi     []int8
	cache      []uint32 // place in pneu.cache, in units of 8 bytes; 0: none
	base       int      // how many slots are the snapshot's
	nameEnd    []uint32 // ends in arena of the names of slots from base on
	arena      []byte
	names      map[uint16]string // names changed since
	savedTimes map[uint16]uint32
	dead       *bitmap
	moved      *bitmap // the hash tables' file hash is out of date
	live       int

	late *late // not nil: only uid, base, dead and live are as they are to be
}

type bitmap [chunkSlots / 64]uint64

func (b *bitmap) has(i int) bool { return b != nil && b[i>>6]>>(i&63)&1 != 0 }
func (b *bitmap) set(i int)      { b[i>>6] |= 1 << (i & 63) }

func (b *bitmap) copy() *bitmap {
	if b == nil {
		return new(bitmap)
	}
	c := *b
	return &c
}

// nth returns the place of the clear bit that has n clear bits before it.
func (b *bitmap) nth(n int) int {
	for w, x := range b {
		x = ^x
		c := bits.OnesCount64(x)
		if n >= c {
			n -= c
			continue
		}
		for range n {
			x &= x - 1
		}
		return w<<6 + bits.TrailingZeros64(x)
	}
	return 0
}

// before counts the clear bits below i.
func (b *bitmap) before(i int) int {
	if b == nil {
		return i
	}
	n := 0
	for w := range i >> 6 {
		n += bits.OnesCount64(^b[w])
	}
	return n + bits.OnesCount64(^b[i>>6]&(1<<(i&63)-1))
}

func (c *chunk) modseq(i int) uint64 { return uint64(c.modhi[i])<<32 | uint64(c.modlo[i]) }

func (c *chunk) setModseq(i int, m uint64) {
	c.modlo[i], c.modhi[i] = uint32(m), uint16(m>>32)
}

func (c *chunk) sent(i int) int64 { return int64(c.senthi[i])<<32 | int64(c.sentlo[i]) }

// splitSent clamps to 40 bits: some 17,000 years either way.
func splitSent(t int64) (lo uint32, hi int8) {
	t = max(min(t, 1<<39-1), -1<<39)
	return uint32(t), int8(t >> 32)
}

// clamp32 keeps a time in the 32 bits of its column: to the year 2106.
func clamp32(t int64) uint32 { return uint32(max(min(t, 1<<32-1), 0)) }

func (c *chunk) sizes(i int) (size, wire int64) {
	size, wire = -1, -1
	if s := c.size[i]; s != unknownSize {
		size = int64(s)
		if w := c.wdelta[i]; w != unknownSize {
			wire = size + int64(w)
		}
	}
	return size, wire
}

func packSizes(size, wire int64) (s, w uint32) {
	s, w = unknownSize, unknownSize
	if size >= 0 {
		s = uint32(min(size, unknownSize-1))
		if wire >= size {
			w = uint32(min(wire-size, unknownSize-1))
		}
	}
	return s, w
}

// bytesOf is a column as it lies in memory.
func bytesOf[T any](s []T) []byte {
	if len(s) == 0 {
		return nil
	}
	var zero T
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(s))), len(s)*int(unsafe.Sizeof(zero)))
}

// littleEndian machines use columns as they lie in the file.
var littleEndian = binary.NativeEndian.Uint16([]byte{1, 0}) == 1

// swapped reverses the bytes of every element, for machines of the other order.
func swapped(b []byte, size int) []byte {
	b = append([]byte(nil), b...)
	for i := 0; i+size <= len(b); i += size {
		for j := range size / 2 {
			b[i+j], b[i+size-1-j] = b[i+size-1-j], b[i+j]
		}
	}
	return b
}

// columnOf takes n elements of T from the bytes of a section, which the caller
// has checked to be that long.
func columnOf[T any](b []byte, n int) []T {
	if n == 0 {
		return nil
	}
	var zero T
	size := int(unsafe.Sizeof(zero))
	if !littleEndian && size > 1 || uintptr(unsafe.Pointer(unsafe.SliceData(b)))%uintptr(size) != 0 {
		c := append([]byte(nil), b[:n*size]...)
		if !littleEndian {
			c = swapped(c, size)
		}
		out := make([]T, n)
		copy(bytesOf(out), c)
		return out
	}
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(b))), n)
}
