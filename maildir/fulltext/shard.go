package fulltext

// A shard is documents in memory: what one worker of a Builder collects. Texts
// are kept as in a segment, but terms are numbered in order of first sight.
type shard struct {
	dict  *dict
	codes []byte
	docs  []shardDoc
}

type shardDoc struct {
	uid uint32
	end int // in codes
}

func newShard() *shard { return &shard{dict: newDict(0)} }

func (s *shard) reset() {
	s.dict.reset()
	s.codes, s.docs = s.codes[:0], s.docs[:0]
}

func (s *shard) size() int64 { return s.dict.size() + int64(len(s.codes)+16*len(s.docs)) }

func (s *shard) add(uid uint32, text []byte) {
	codes := s.codes
	for i := 0; i < len(text); {
		j := tokenEnd(text, i)
		codes = appendCode(codes, s.dict.add(text, i, j))
		i = j
	}
	s.codes = codes
	s.docs = append(s.docs, shardDoc{uid, len(codes)})
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
