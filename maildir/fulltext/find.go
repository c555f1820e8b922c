package fulltext

import (
	"bytes"
	"context"
	"iter"
	"math/bits"
	"runtime"
	"slices"
	"sync/atomic"
)

// A query is a needle cut for segments.
type query struct {
	needle []byte
	pieces [][]byte
	exact  bool
}

func newQuery(needle []byte) query {
	q := query{needle: bytes.Clone(needle)}
	q.pieces, q.exact = pieces(q.needle)
	return q
}

// find calls emit for the documents that match, the last one first, until it
// returns false. What a damaged segment may hold is emitted as not exact.
func (s *segment) find(ctx context.Context, q query, emit func(doc int, exact bool) bool) {
	defer runtime.KeepAlive(s) // its cleanup unmaps what is read here
	if ctx.Err() != nil {
		return
	}
	next := s.len() - 1 // documents above are dealt with
	going := true
	err := safely(func() error {
		set, match, err := s.candidates(q)
		if err != nil || set == nil {
			return err
		}
		for i := len(set.words) - 1; i >= 0 && going; i-- {
			if ctx.Err() != nil {
				going = false
				return nil
			}
			for w := set.words[i]; w != 0 && going; {
				b := 63 - bits.LeadingZeros64(w)
				w &^= 1 << b
				d := 64*i + b
				next = d
				if match != nil {
					if ok, err := match(d); err != nil {
						return err
					} else if !ok {
						continue
					}
				}
				going = emit(d, q.exact)
				next--
			}
		}
		return nil
	})
	if err == nil || !going {
		return
	}
	s.bad.Store(true)
	for ; next >= 0 && ctx.Err() == nil && emit(next, false); next-- {
	}
}

// candidates returns the documents that may match, nil for none, and what to
// ask about each of them, nil if all of them do.
func (s *segment) candidates(q query) (set *docSet, match func(doc int) (bool, error), err error) {
	if len(q.pieces) == 0 {
		set = newDocSet(s.len())
		set.fill(s.len())
		return set, nil, nil
	}
	if s.terms == 0 {
		return nil, nil, nil
	}
	if err := s.check(s.heap); err != nil {
		return nil, nil, err
	}
	if err := s.check(s.blocks); err != nil {
		return nil, nil, err
	}
	posts := newPostings(s)
	set = newDocSet(s.len())
	if len(q.pieces) == 1 {
		s.scan(q.pieces[0], func(id uint32) bool {
			err = posts.add(set, id)
			return err == nil && set.left > 0
		})
		return set, nil, err
	}
	if err := s.check(s.ends); err != nil {
		return nil, nil, err
	}
	var middle []uint32
	for _, piece := range q.pieces[1 : len(q.pieces)-1] {
		id, ok := s.exactly(piece)
		if !ok {
			return nil, nil, nil
		}
		middle = append(middle, id)
	}
	last := s.startingWith(q.pieces[len(q.pieces)-1])
	if len(last) == 0 {
		return nil, nil, nil
	}
	var starts []uint32
	first := make([]uint64, (s.terms+63)/64)
	s.scan(append(bytes.Clone(q.pieces[0]), end), func(id uint32) bool {
		first[id/64] |= 1 << (id % 64)
		if len(starts) <= maxPatterns {
			starts = append(starts, id)
		}
		if set.left > 0 {
			err = posts.add(set, id)
		}
		return err == nil
	})
	if err != nil {
		return nil, nil, err
	}
	other := newDocSet(s.len())
	if err := posts.addSpans(other, last); err != nil {
		return nil, nil, err
	}
	set.and(other)
	for _, id := range middle {
		if set.empty() {
			return nil, nil, nil
		}
		other := newDocSet(s.len())
		if err := posts.add(other, id); err != nil {
			return nil, nil, err
		}
		set.and(other)
	}
	ph := &phrase{s: s, first: first, middle: middle, last: last, starts: starts}
	ph.makePatterns()
	return set, ph.match, nil
}

// A phrase is a needle of several tokens.
type phrase struct {
	s        *segment
	first    []uint64 // set of terms
	middle   []uint32
	last     []span
	starts   []uint32 // the terms of first, or too many
	patterns [][]byte // codes one of which a match has in it; nil if they are too many
	short    []uint16 // places of the terms with short codes
	ids      []uint32
}

const maxPatterns = 8

// makePatterns spells out the codes of the phrase, or of as much of it as has
// few spellings: one look for these bytes is faster than decoding a text. They
// are found at wrong places too.
func (ph *phrase) makePatterns() {
	var codes []byte
	for _, id := range ph.middle {
		codes = appendCode(codes, id)
	}
	patterns := [][]byte{codes}
	count := 0
	for _, sp := range ph.last {
		count += int(min(sp.hi-sp.lo, maxPatterns+1))
	}
	if count <= maxPatterns {
		patterns = nil
		for _, sp := range ph.last {
			for id := sp.lo; id < sp.hi; id++ {
				patterns = append(patterns, appendCode(bytes.Clone(codes), id))
			}
		}
	}
	if len(ph.starts)*len(patterns) <= maxPatterns {
		var longer [][]byte
		for _, id := range ph.starts {
			for _, p := range patterns {
				longer = append(longer, append(appendCode(nil, id), p...))
			}
		}
		patterns = longer
	}
	// A single byte, or little more of a text than that, is nearly everywhere.
	for _, p := range patterns {
		if len(p) < 2 {
			return
		}
	}
	ph.patterns = patterns
}

func (ph *phrase) match(doc int) (bool, error) {
	codes := ph.s.codesOf(doc)
	if err := ph.s.check(codes); err != nil {
		return false, err
	}
	if ph.patterns != nil && !slices.ContainsFunc(ph.patterns, func(p []byte) bool { return bytes.Contains(codes, p) }) {
		return false, nil
	}
	if !ph.stand(codes) {
		return false, nil
	}
	n := len(ph.middle)
	if n+2 <= maxPlaces {
		return true, nil
	}
	ph.ids = decode(ph.ids[:0], codes)
	for i := n + 1; i < len(ph.ids); i++ {
		if ph.ends(ph.ids[i]) && ph.follows(ph.ids[i-n-1:i]) {
			return true, nil
		}
	}
	return false, nil
}

// maxPlaces is how many tokens of a phrase are looked for in one pass.
const maxPlaces = 16

// places has a bit for each place in the phrase that a term may stand at.
func (ph *phrase) places(id uint32) (set uint16) {
	if int(id/64) < len(ph.first) && ph.first[id/64]&(1<<(id%64)) != 0 {
		set = 1
	}
	last := len(ph.middle) + 1
	for i, m := range ph.middle[:min(last-1, maxPlaces-1)] {
		if m == id {
			set |= 2 << i
		}
	}
	if last < maxPlaces && ph.ends(id) {
		set |= 1 << last
	}
	return set
}

// stand reports whether the terms of the phrase, or the first maxPlaces of them, stand in a row
// in a text. What is kept of those passed is at which places of the phrase the last one may
// be, all before it being there. The length of a code is computed, since a branch on it would
// be guessed wrong at every third term.
func (ph *phrase) stand(codes []byte) bool {
	if ph.short == nil {
		ph.short = make([]uint16, tier2)
		for id := range min(ph.s.terms, tier2) {
			ph.short[id] = ph.places(id)
		}
	}
	short := (*[tier2]uint16)(ph.short)
	whole := uint16(1) << (min(len(ph.middle)+2, maxPlaces) - 1)
	at := uint16(0)
	i := 0
	for i+1 < len(codes) {
		c, next := uint32(codes[i]), uint32(codes[i+1])
		var set uint16
		if c < 0xF8 {
			two := (c + 64) >> 8 // 1 from C0 on
			set = short[c+(-two&((c-tier1)*255+next))]
			i += 1 + int(two)
		} else {
			id, n := decodeOne(codes[i:])
			set = ph.places(id)
			i += n
		}
		if at = (at<<1 | 1) & set; at&whole != 0 {
			return true
		}
	}
	return i < len(codes) && codes[i] < 0xC0 && (at<<1|1)&short[codes[i]]&whole != 0
}

func (ph *phrase) ends(id uint32) bool {
	for _, sp := range ph.last {
		if id-sp.lo < sp.hi-sp.lo {
			return true
		}
	}
	return false
}

// follows reports whether ids are the pieces before the last one.
func (ph *phrase) follows(ids []uint32) bool {
	for i, id := range ph.middle {
		if ids[i+1] != id {
			return false
		}
	}
	id := ids[0]
	return int(id/64) < len(ph.first) && ph.first[id/64]&(1<<(id%64)) != 0
}

type hit struct {
	uid   uint32
	exact bool
}

// Find yields the UIDs of documents that hold needle, newest segment first and
// the highest UID of a segment first. With exact false the caller must look
// into the message itself: the case of damage, and of a needle that starts
// within a character. An empty needle is in every document. It stops when ctx
// ends: ask ctx.Err afterwards.
func (v *View) Find(ctx context.Context, needle []byte) iter.Seq2[uint32, bool] {
	return func(yield func(uint32, bool) bool) {
		if bytes.IndexByte(needle, end) >= 0 {
			return // no document that is covered has it
		}
		for i := len(v.tail) - 1; i >= 0; i-- {
			if d := v.tail[i]; bytes.Contains(d.text, needle) && !yield(d.uid, true) {
				return
			}
		}
		v.findSegments(ctx, newQuery(needle), yield)
	}
}

// findSegments looks into several segments at once and yields in their order.
func (v *View) findSegments(ctx context.Context, q query, yield func(uint32, bool) bool) {
	workers := min(v.workers, len(v.segments))
	if workers <= 1 {
		going := true
		for _, s := range v.segments {
			if !going || ctx.Err() != nil {
				return
			}
			s.find(ctx, q, func(doc int, exact bool) bool {
				going = yield(s.uid(doc), exact)
				return going
			})
		}
		return
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	results := make([]chan []hit, len(v.segments))
	for i := range results {
		results[i] = make(chan []hit, 4)
	}
	var next atomic.Int64
	for range workers {
		go func() {
			for {
				i := int(next.Add(1) - 1)
				if i >= len(v.segments) {
					return
				}
				v.segments[i].send(ctx, q, results[i])
				close(results[i])
			}
		}()
	}
	for _, ch := range results {
		for hits := range ch {
			for _, h := range hits {
				if ctx.Err() != nil || !yield(h.uid, h.exact) {
					return
				}
			}
		}
	}
}

// send sends what find emits, the first hit at once and later ones in batches.
func (s *segment) send(ctx context.Context, q query, ch chan<- []hit) {
	var batch []hit
	size := 1
	flush := func() bool {
		select {
		case ch <- batch:
			batch, size = make([]hit, 0, min(4*size, 1024)), min(4*size, 1024)
			return true
		case <-ctx.Done():
			return false
		}
	}
	s.find(ctx, q, func(doc int, exact bool) bool {
		batch = append(batch, hit{s.uid(doc), exact})
		return len(batch) < size || flush()
	})
	if len(batch) > 0 {
		flush()
	}
}
