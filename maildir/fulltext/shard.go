package fulltext

import (
	"encoding/binary"
	"math/bits"
)

// A shard is documents in memory: what one worker of a Builder collects. Texts
// are kept as in a segment, but terms are numbered in order of first sight.
type shard struct {
	dict  *dict
	terms []termStat // of each term
	codes []byte
	docs  []shardDoc
	room  []byte // for the codes of one document
}

type shardDoc struct {
	uid uint32
	end int // in codes
}

// A termStat says how often a term occurs. Counted while texts come in, it costs less than a
// pass over all of them later.
type termStat struct {
	count uint32 // of occurrences
	docs  uint16 // with it; 0 is all that a segment can have
	last  uint16 // of these, counted from 1
}

func newShard() *shard { return &shard{dict: newDict(0)} }

func (s *shard) reset() {
	s.dict.reset()
	s.terms, s.codes, s.docs = s.terms[:0], s.codes[:0], s.docs[:0]
}

func (s *shard) size() int64 {
	return s.dict.size() + int64(8*len(s.terms)+len(s.codes)+16*len(s.docs))
}

// add adds a document. There are at most maxDocs.
func (s *shard) add(uid uint32, text []byte) {
	if cap(s.room) < 4*len(text)+4 {
		s.room = make([]byte, 4*len(text)+4)
	}
	room := s.room[:cap(s.room)]
	d, terms := s.dict, s.terms
	mark := uint16(len(s.docs) + 1) // a new term has 0: it is of no document yet
	n := 0
	for i := 0; i < len(text); {
		id, size := uint32(0), 0
		if i+9 <= len(text) {
			// Nearly all tokens are words of up to eight bytes, with the blank. Where one
			// ends is computed: the end of a loop would be guessed wrong at every other.
			w := binary.LittleEndian.Uint64(text[i:])
			c := byte(w)
			if c == ' ' {
				c = byte(w >> 8)
			}
			if noWord[c] == 0 {
				if ends := wordEnds(w>>8 | uint64(text[i+8])<<56); ends != 0 {
					size = 1 + bits.TrailingZeros32(ends)
					key := w << (8 * (8 - size)) // other bytes shifted out
					if at := &d.slots[d.place(key, size)]; at.key == key && int(at.n) == size {
						id = at.id
					} else {
						id = d.addShort(key, size)
					}
				} else if i+17 <= len(text) {
					if ends := wordEnds(binary.LittleEndian.Uint64(text[i+9:])); ends != 0 {
						size = 9 + bits.TrailingZeros32(ends)
						id = d.addLong(text[i : i+size])
					}
				}
			}
		}
		if size == 0 {
			j := tokenEnd(text, i)
			id = d.add(text, i, j)
			size = j - i
		}
		i += size
		if int(id) == len(terms) {
			terms = append(terms, termStat{})
		}
		t := &terms[id]
		first := uint16(0)
		if t.last != mark {
			first = 1
		}
		t.count++
		t.docs += first
		t.last = mark
		n = putCode(room, n, id)
	}
	s.terms = terms
	s.codes = append(s.codes, room[:n]...)
	s.docs = append(s.docs, shardDoc{uid, len(s.codes)})
	if len(s.room) > 1<<20 {
		s.room = nil
	}
}

// A source is documents to be written into a segment: a shard or a segment.
type source interface {
	len() int
	uid(i int) uint32
	codesOf(i int) []byte
	countTerms() int
	// eachTerm calls f for all terms in the order of their numbers.
	eachTerm(f func(term []byte)) error
	// weight is what a merge takes of memory, roughly, and a search of time.
	weight() int64
}

func (s *shard) len() int         { return len(s.docs) }
func (s *shard) uid(i int) uint32 { return s.docs[i].uid }
func (s *shard) countTerms() int  { return s.dict.len() }
func (s *shard) weight() int64    { return s.size() }

func (s *shard) codesOf(i int) []byte {
	start := 0
	if i > 0 {
		start = s.docs[i-1].end
	}
	return s.codes[start:s.docs[i].end]
}

func (s *shard) eachTerm(f func(term []byte)) error {
	for id := range s.dict.ends {
		f(s.dict.term(uint32(id)))
	}
	return nil
}
