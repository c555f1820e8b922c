package fulltext

import (
	"bytes"
	"encoding/binary"
	"sort"
)

// A span is the terms from lo up to, and without, hi.
type span struct{ lo, hi uint32 }

// scan calls f for every term that holds pattern, in the order of their
// numbers, until f returns false. A pattern that ends with the byte end is
// held by terms that end like it.
func (s *segment) scan(pattern []byte, f func(id uint32) bool) {
	heap, nblocks := s.heap, s.countBlocks()
	pos, base, id := 1, 1, uint32(0) // term id starts at or before base and ends behind it
	block := 0
	for pos < len(heap) {
		k := bytes.Index(heap[pos:], pattern)
		if k < 0 {
			return
		}
		at := pos + k
		if next := block + 1; next < nblocks {
			if start, _ := s.block(next); int(start) <= at {
				block += sort.Search(nblocks-next, func(i int) bool {
					start, _ := s.block(next + i)
					return int(start) > at
				})
				start, _ := s.block(block)
				base, id = int(start), uint32(block*blockTerms)
			}
		}
		id += uint32(bytes.Count(heap[base:at], []byte{end}))
		base = at
		n := bytes.IndexByte(heap[at:], end)
		if n < 0 || id >= s.terms || !f(id) {
			return
		}
		pos = at + n
	}
}

// search returns the first term in sp for which more is true, which holds for
// all that follow. sp starts with a block.
func (s *segment) search(sp span, more func(term []byte) bool) uint32 {
	first := int(sp.lo / blockTerms)
	n := (int(sp.hi-sp.lo) + blockTerms - 1) / blockTerms
	// The block before the first one that starts with such a term.
	b := sort.Search(n, func(i int) bool { return more(s.blockTerm(first + i)) })
	if b == 0 {
		return sp.lo
	}
	id := uint32((first + b - 1) * blockTerms)
	start, _ := s.block(first + b - 1)
	rest := s.heap[start:]
	for ; id < min(sp.hi, uint32((first+b)*blockTerms)); id++ {
		k := bytes.IndexByte(rest, end)
		if more(rest[:k]) {
			break
		}
		rest = rest[k+1:]
	}
	return id
}

func (s *segment) blockTerm(block int) []byte {
	start, _ := s.block(block)
	t := s.heap[start:]
	return t[:bytes.IndexByte(t, end)]
}

// eachTier calls f for each tier of terms.
func (s *segment) eachTier(f func(span)) {
	for t := range len(tiers) - 1 {
		if tiers[t] < s.terms {
			f(span{tiers[t], min(tiers[t+1], s.terms)})
		}
	}
}

// exactly returns the number of term.
func (s *segment) exactly(term []byte) (id uint32, ok bool) {
	s.eachTier(func(sp span) {
		at := s.search(sp, func(t []byte) bool { return bytes.Compare(t, term) >= 0 })
		if at < sp.hi && bytes.Equal(s.term(at), term) {
			id, ok = at, true
		}
	})
	return id, ok
}

// startingWith returns the terms that start with prefix.
func (s *segment) startingWith(prefix []byte) (list []span) {
	s.eachTier(func(sp span) {
		lo := s.search(sp, func(t []byte) bool { return bytes.Compare(t, prefix) >= 0 })
		hi := s.search(sp, func(t []byte) bool {
			return bytes.Compare(t[:min(len(t), len(prefix))], prefix) > 0
		})
		if lo < hi {
			list = append(list, span{lo, hi})
		}
	})
	return list
}

func (s *segment) term(id uint32) []byte {
	start, _ := s.block(int(id / blockTerms))
	rest := s.heap[start:]
	for range id % blockTerms {
		rest = rest[bytes.IndexByte(rest, end)+1:]
	}
	return rest[:bytes.IndexByte(rest, end)]
}

// postings reads the documents of terms. Asked for ascending terms it goes on
// where it was.
type postings struct {
	s     *segment
	block int
	id    uint32 // of the term that starts at pos
	pos   int
}

func newPostings(s *segment) *postings { return &postings{s: s, block: -1} }

// seek goes to term id.
func (p *postings) seek(id uint32) error {
	if b := int(id / blockTerms); b != p.block || id < p.id {
		_, start := p.s.block(b)
		stop := uint32(len(p.s.posts))
		if b+1 < p.s.countBlocks() {
			_, stop = p.s.block(b + 1)
		}
		if err := p.s.check(p.s.posts[start:stop]); err != nil {
			return err
		}
		p.block, p.id, p.pos = b, uint32(b*blockTerms), int(start)
	}
	for p.id < id {
		if _, _, err := p.next(); err != nil {
			return err
		}
	}
	return nil
}

// next reads the posting at pos and goes behind it.
func (p *postings) next() (x uint64, rest []byte, err error) {
	x, n := binary.Uvarint(p.s.posts[p.pos:])
	if n <= 0 {
		return 0, nil, errDamaged
	}
	p.pos += n
	size := 0
	switch x & 3 {
	case postList:
		if x>>2 > uint64(len(p.s.posts)) {
			return 0, nil, errDamaged
		}
		size = int(x >> 2)
	case postBits:
		size = (p.s.len() + 7) / 8
	}
	if p.pos+size > len(p.s.posts) {
		return 0, nil, errDamaged
	}
	rest = p.s.posts[p.pos : p.pos+size]
	p.pos += size
	p.id++
	return x, rest, nil
}

// add adds the documents of term id to set.
func (p *postings) add(set *docSet, id uint32) error {
	if err := p.seek(id); err != nil {
		return err
	}
	x, rest, err := p.next()
	if err != nil {
		return err
	}
	docs := p.s.len()
	switch x & 3 {
	case postAll:
		set.fill(docs)
	case postBits:
		set.or(rest, docs)
	case postOne:
		if x>>2 >= uint64(docs) {
			return errDamaged
		}
		set.add(int(x >> 2))
	case postList:
		d := uint64(0)
		for i := 0; i < len(rest); {
			if c := rest[i]; c < 0x80 {
				d += uint64(c)
				i++
			} else {
				delta, n := binary.Uvarint(rest[i:])
				if n <= 0 || delta > maxDocs {
					return errDamaged
				}
				d += delta
				i += n
			}
			if d >= uint64(docs) {
				return errDamaged
			}
			set.add(int(d))
		}
	}
	return nil
}

// addSpans adds the documents of all terms in list to set.
func (p *postings) addSpans(set *docSet, list []span) error {
	for _, sp := range list {
		for id := sp.lo; id < sp.hi; id++ {
			if set.left == 0 {
				return nil
			}
			if err := p.add(set, id); err != nil {
				return err
			}
		}
	}
	return nil
}
