package fulltext

import (
	"encoding/binary"
	"slices"
)

// Texts are kept as the numbers of their terms. Frequent terms have small
// numbers and short codes:
//
//	00..BF                 terms 0..191
//	C0..F7 b               the next 56 x 256
//	F8..FE b b             the next 7 x 65536
//	FF b b b               the next 2^24
//
// Within each of these four tiers terms are sorted by their bytes.
const (
	tier1    = 192
	tier2    = tier1 + 56<<8
	tier3    = tier2 + 7<<16
	maxTerms = tier3 + 1<<24
)

// tiers are the borders of the four tiers.
var tiers = [...]uint32{0, tier1, tier2, tier3, maxTerms}

func appendCode(dst []byte, id uint32) []byte {
	switch {
	case id < tier1:
		return append(dst, byte(id))
	case id < tier2:
		id -= tier1
		return append(dst, byte(0xC0+id>>8), byte(id))
	case id < tier3:
		id -= tier2
		return append(dst, byte(0xF8+id>>16), byte(id>>8), byte(id))
	default:
		id -= tier3
		return append(dst, 0xFF, byte(id>>16), byte(id>>8), byte(id))
	}
}

// putCode writes the code of a term at dst[n:], which has room for four bytes, and returns
// where it ends. Which of the two usual lengths it has is computed, since a branch on it
// would be guessed wrong at every third term.
func putCode(dst []byte, n int, id uint32) int {
	if id >= tier2 {
		return n + len(appendCode(dst[n:n:n+4], id))
	}
	long := id - tier1
	code, size := id, 1
	if id >= tier1 {
		code = 0xC0 + long>>8 | long<<8
	}
	if id >= tier1 {
		size = 2
	}
	binary.LittleEndian.PutUint16(dst[n:n+2], uint16(code))
	return n + size
}

// codeAt returns the number at b[i:] and where its code ends. A code that is cut short is
// no term's number.
func codeAt(b []byte, i int) (id uint32, end int) {
	c, next := uint32(b[i]), uint32(0)
	if i+1 < len(b) {
		next = uint32(b[i+1])
	} else if c >= 0xC0 {
		return maxTerms, len(b)
	}
	if c >= 0xF8 {
		id, n := decodeOne(b[i:])
		return id, i + n
	}
	two := (c + 64) >> 8 // 1 from C0 on
	return c + (-two & ((c-tier1)*255 + next)), i + 1 + int(two)
}

// decodeOne returns the first number in b, which has one of the longer codes, and
// the length of its code. One that is cut short is no term's number.
func decodeOne(b []byte) (id uint32, n int) {
	switch {
	case b[0] < 0xFF && len(b) >= 3:
		return tier2 + uint32(b[0]-0xF8)<<16 + uint32(b[1])<<8 + uint32(b[2]), 3
	case b[0] == 0xFF && len(b) >= 4:
		return tier3 + uint32(b[1])<<16 + uint32(b[2])<<8 + uint32(b[3]), 4
	}
	return maxTerms, len(b)
}

// decode appends the numbers in b to dst.
func decode(dst []uint32, b []byte) []uint32 {
	n := len(dst)
	dst = slices.Grow(dst, len(b))[:n+len(b)]
	for i := 0; i < len(b); n++ {
		dst[n], i = codeAt(b, i)
	}
	return dst[:n]
}
