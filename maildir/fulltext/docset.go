package fulltext

import (
	"encoding/binary"
	"math/bits"
)

// A docSet is a set of a segment's documents.
type docSet struct {
	words []uint64
	left  int // documents not in the set
}

func newDocSet(docs int) *docSet {
	return &docSet{make([]uint64, (docs+63)/64), docs}
}

func (s *docSet) add(d int) {
	w, bit := &s.words[d/64], uint64(1)<<(d%64)
	if *w&bit == 0 {
		*w |= bit
		s.left--
	}
}

// fill makes it the set of all documents.
func (s *docSet) fill(docs int) {
	for d := range s.words {
		s.words[d] = ^uint64(0)
	}
	if r := docs % 64; r != 0 {
		s.words[len(s.words)-1] = 1<<r - 1
	}
	s.left = 0
}

// or adds a bitmap of the given number of documents. Bits past it are ignored.
func (s *docSet) or(bitmap []byte, docs int) {
	merge := func(i int, w uint64) {
		s.left -= bits.OnesCount64(w &^ s.words[i])
		s.words[i] |= w
	}
	full := docs / 64
	for i := range full {
		merge(i, binary.LittleEndian.Uint64(bitmap[8*i:]))
	}
	if r := docs % 64; r != 0 {
		var last [8]byte
		copy(last[:], bitmap[8*full:])
		merge(full, binary.LittleEndian.Uint64(last[:])&(1<<r-1))
	}
}

// and leaves what is in both. left is not kept up.
func (s *docSet) and(other *docSet) {
	for i, w := range other.words {
		s.words[i] &= w
	}
}

func (s *docSet) empty() bool {
	for _, w := range s.words {
		if w != 0 {
			return false
		}
	}
	return true
}
