package index

import (
	"encoding/binary"
	"math/bits"
)

// hashBytes is a keyed 64-bit hash in the manner of wyhash. The key is random
// per folder and never leaves the index, so that no sender can choose names
// that fall together.
func hashBytes(seed uint64, b []byte) uint64 {
	const k0, k1, k2 = 0xa0761d6478bd642f, 0xe7037ed1a0b428db, 0x8ebc6af09c88c6e3
	h := seed ^ k0
	n := uint64(len(b))
	for len(b) >= 16 {
		hi, lo := bits.Mul64(binary.LittleEndian.Uint64(b)^k1, binary.LittleEndian.Uint64(b[8:])^h)
		h = hi ^ lo
		b = b[16:]
	}
	var x, y uint64
	if len(b) >= 8 {
		x = binary.LittleEndian.Uint64(b)
		b = b[8:]
	}
	for i, c := range b {
		y |= uint64(c) << (8 * i)
	}
	hi, lo := bits.Mul64(x^k2, y^h)
	hi, lo = bits.Mul64(hi^n^k1, lo^seed^k0)
	return hi ^ lo
}

// fileHash is the hash of a whole file name, made from that of its base: what
// follows the base, and in which directory it lies.
func fileHash(base uint64, info []byte, isNew bool) uint32 {
	if isNew {
		base++
	}
	return uint32(hashBytes(base, info) >> 32)
}

// baseLen returns how much of a file name is its base, by the rule of
// maildir.ParseName.
func baseLen(file []byte) int {
	best, at := 6, len(file)
	for i := len(file) - 3; i > 0; i-- {
		if file[i+2] != ',' {
			continue
		}
		rank := 6
		switch file[i+1] {
		case '2':
			rank = 0
		case '1':
			rank = 3
		default:
			continue
		}
		switch file[i] {
		case ':':
		case ';':
			rank++
		case '!':
			rank += 2
		default:
			continue
		}
		if rank == 0 {
			return i
		}
		if rank < best {
			best, at = rank, i
		}
	}
	return at
}
