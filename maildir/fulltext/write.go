package fulltext

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"slices"
)

const (
	maxDocs = 1 << 16 // of a segment, so that two bytes number them
	// full is the weight at which a segment is not merged any more.
	full = 48 << 20
)

// A writer writes a segment's file front to back and takes checksums on the way.
type writer struct {
	f    file
	buf  *bufio.Writer
	at   int64
	sum  uint32
	sums []byte
	err  error
}

func (w *writer) write(b []byte) {
	for len(b) > 0 && w.err == nil {
		n := min(len(b), int(chunkSize-w.at%chunkSize))
		w.sum = updateSum(w.sum, b[:n])
		_, w.err = w.buf.Write(b[:n])
		if w.at += int64(n); w.at%chunkSize == 0 {
			w.endChunk()
		}
		b = b[n:]
	}
}

func (w *writer) endChunk() {
	w.sums = binary.LittleEndian.AppendUint32(w.sums, w.sum)
	w.sum = 0
}

// A posting is a term's documents: a varint whose lowest two bits say what follows.
const (
	postList = iota // rest is a length in bytes; varints of differences follow
	postOne         // rest is the document
	postBits        // a bitmap follows
	postAll         // every document; nothing follows
)

// A plan is how sources become a segment: which documents in which order, and
// which number each of their terms has.
type plan struct {
	sources []source
	docs    []planDoc
	terms   *dict      // of all sources
	remap   [][]uint32 // of each source: its number of a term to that in terms, later to the final one
}

type planDoc struct {
	uid    uint32
	source uint32
	doc    uint32
}

// writeSegment writes the living documents of sources into f as segment number.
// It returns how many there were: with none, f holds nothing.
func writeSegment(ctx context.Context, f file, number uint64, sources []source, alive func(uid uint32) bool) (docs int, err error) {
	err = safely(func() error {
		docs, err = planSegment(sources, alive).write(ctx, f, number)
		return err
	})
	return docs, err
}

func planSegment(sources []source, alive func(uid uint32) bool) *plan {
	p := &plan{sources: sources}
	for i, s := range sources {
		for d := range s.len() {
			if uid := s.uid(d); alive == nil || alive(uid) {
				p.docs = append(p.docs, planDoc{uid, uint32(i), uint32(d)})
			}
		}
	}
	slices.SortFunc(p.docs, func(a, b planDoc) int {
		if a.uid != b.uid {
			return cmp.Compare(a.uid, b.uid)
		}
		return int(a.source) - int(b.source)
	})
	p.docs = slices.CompactFunc(p.docs, func(a, b planDoc) bool { return a.uid == b.uid })
	return p
}

func (p *plan) write(ctx context.Context, f file, number uint64) (int, error) {
	if len(p.docs) == 0 {
		return 0, nil
	}
	if len(p.docs) > maxDocs {
		return 0, errors.New("too many documents for a segment")
	}
	if err := p.union(); err != nil {
		return 0, err
	}
	counts, dfs, err := p.count(ctx)
	if err != nil {
		return 0, err
	}
	order := p.number(counts)
	w := &writer{f: f, buf: bufio.NewWriterSize(f, 256<<10)}
	head := append([]byte(segmentMagic), make([]byte, headerSize-len(segmentMagic))...)
	binary.LittleEndian.PutUint32(head[8:], version)
	w.write(head)
	starts, lists, ends, err := p.transcode(ctx, w, order, dfs)
	if err != nil {
		return 0, err
	}
	ft := footer{number: number, docs: uint32(len(p.docs)), terms: uint32(len(order)), postings: uint64(w.at)}
	offsets := p.writePostings(w, starts, lists)
	ft.heap = uint64(w.at)
	blocks := p.writeHeap(w, order, offsets)
	ft.blocks = uint64(w.at)
	w.write(blocks)
	ft.table = uint64(w.at)
	var table []byte
	for _, d := range p.docs {
		table = binary.LittleEndian.AppendUint32(table, d.uid)
	}
	for _, end := range ends {
		table = binary.LittleEndian.AppendUint32(table, end)
	}
	w.write(table)
	ft.sums = uint64(w.at)
	if w.at%chunkSize != 0 {
		w.endChunk()
	}
	ft.sumsSum = checksum(w.sums)
	if w.err == nil {
		_, w.err = w.buf.Write(ft.append(w.sums))
	}
	if w.err == nil {
		w.err = w.buf.Flush()
	}
	if w.err == nil {
		w.err = f.Sync()
	}
	if w.at > 1<<32-1<<20 && w.err == nil {
		w.err = errors.New("segment is too large")
	}
	return len(p.docs), w.err
}

// union makes one dictionary of all.
func (p *plan) union() error {
	if len(p.sources) == 1 {
		if s, ok := p.sources[0].(*shard); ok {
			p.terms = s.dict
			p.remap = [][]uint32{nil}
			return nil
		}
	}
	most := 0
	for _, s := range p.sources {
		most = max(most, s.countTerms())
	}
	p.terms = newDict(most + most/4)
	for _, s := range p.sources {
		remap := make([]uint32, 0, s.countTerms())
		if err := s.eachTerm(func(term []byte) {
			remap = append(remap, p.terms.add(term, 0, len(term)))
		}); err != nil {
			return err
		}
		p.remap = append(p.remap, remap)
	}
	if p.terms.len() > maxTerms {
		return errors.New("too many terms for a segment")
	}
	return nil
}

// codesOf returns document d as it is kept in its source.
func (p *plan) codesOf(d planDoc) ([]byte, error) {
	s := p.sources[d.source]
	b := s.codesOf(int(d.doc))
	if seg, ok := s.(*segment); ok {
		return b, seg.check(b)
	}
	return b, nil
}

// counted returns what count does from what shards have counted, if nothing of them is left out.
func (p *plan) counted() (counts, dfs []uint32, ok bool) {
	docs := 0
	for _, s := range p.sources {
		if _, ok := s.(*shard); !ok {
			return nil, nil, false
		}
		docs += s.len()
	}
	if docs != len(p.docs) {
		return nil, nil, false
	}
	counts, dfs = make([]uint32, p.terms.len()), make([]uint32, p.terms.len())
	for i, s := range p.sources {
		for id, t := range s.(*shard).terms {
			if p.remap[i] != nil {
				id = int(p.remap[i][id])
			}
			counts[id] += t.count
			dfs[id] += uint32(t.docs-1) + 1
		}
	}
	return counts, dfs, true
}

// count returns for each term how often it occurs and in how many documents.
func (p *plan) count(ctx context.Context) (counts, dfs []uint32, err error) {
	if counts, dfs, ok := p.counted(); ok {
		return counts, dfs, nil
	}
	n := p.terms.len()
	counts, dfs = make([]uint32, n), make([]uint32, n)
	seen := make([]uint32, n) // the last document, plus one
	for i, d := range p.docs {
		if i%256 == 0 && ctx.Err() != nil {
			return nil, nil, ctx.Err()
		}
		b, err := p.codesOf(d)
		if err != nil {
			return nil, nil, err
		}
		mark, remap := uint32(i+1), p.remap[d.source]
		for at := 0; at < len(b); {
			var id uint32
			if id, at = codeAt(b, at); remap != nil {
				if int(id) >= len(remap) {
					return nil, nil, errDamaged
				}
				id = remap[id]
			}
			counts[id]++
			if seen[id] != mark {
				seen[id] = mark
				dfs[id]++
			}
		}
	}
	return counts, dfs, nil
}

// number gives the terms that occur their final numbers: returned are the terms
// in that order, and p.remap leads to the numbers.
func (p *plan) number(counts []uint32) (order []uint32) {
	order = make([]uint32, 0, len(counts))
	// Most terms occur once or twice: they are not sorted by frequency.
	const rare = 3
	for id, c := range counts {
		if c >= rare {
			order = append(order, uint32(id))
		}
	}
	slices.SortFunc(order, func(a, b uint32) int { return int(int64(counts[b]) - int64(counts[a])) })
	for c := uint32(rare - 1); c > 0; c-- {
		for id, n := range counts {
			if n == c {
				order = append(order, uint32(id))
			}
		}
	}
	for t := range len(tiers) - 1 {
		if int(tiers[t]) < len(order) {
			p.sortTerms(order[tiers[t]:min(int(tiers[t+1]), len(order))])
		}
	}
	final := make([]uint32, len(counts))
	for n, id := range order {
		final[id] = uint32(n)
	}
	for i, remap := range p.remap {
		if remap == nil {
			p.remap[i] = final
			continue
		}
		for k, id := range remap {
			remap[k] = final[id]
		}
	}
	return order
}

// sortTerms sorts terms by their bytes.
func (p *plan) sortTerms(ids []uint32) {
	type keyed struct {
		key uint64 // the first eight bytes
		id  uint32
	}
	list := make([]keyed, len(ids))
	for i, id := range ids {
		term := p.terms.term(id)
		var b [8]byte
		copy(b[:], term)
		list[i] = keyed{binary.BigEndian.Uint64(b[:]), id}
	}
	slices.SortFunc(list, func(a, b keyed) int {
		switch {
		case a.key < b.key:
			return -1
		case a.key > b.key:
			return 1
		}
		return bytes.Compare(p.terms.term(a.id), p.terms.term(b.id))
	})
	for i, k := range list {
		ids[i] = k.id
	}
}

// A spot is where a term's next document goes in the lists.
type spot struct {
	next uint32
	seen uint32 // the last document, plus one
}

// transcode writes the texts. It returns where each term's documents start in
// lists, and where each text ends.
func (p *plan) transcode(ctx context.Context, w *writer, order, dfs []uint32) (starts []uint32, lists []uint16, ends []uint32, err error) {
	starts = make([]uint32, len(order)+1)
	spots := make([]spot, len(order))
	total := 0
	for n, id := range order {
		starts[n] = uint32(total)
		spots[n].next = uint32(total)
		total += int(dfs[id])
	}
	if uint64(total) >= 1<<32 {
		return nil, nil, nil, errors.New("too many postings for a segment")
	}
	starts[len(order)] = uint32(total)
	lists = make([]uint16, total)
	ends = make([]uint32, 0, len(p.docs))
	var out []byte
	for i, d := range p.docs {
		if i%256 == 0 && ctx.Err() != nil {
			return nil, nil, nil, ctx.Err()
		}
		b, err := p.codesOf(d)
		if err != nil {
			return nil, nil, nil, err
		}
		if need := 4*len(b) + 4; len(out) < need {
			out = make([]byte, need+need/4)
		}
		mark, remap, n := uint32(i+1), p.remap[d.source], 0
		for at := 0; at < len(b); {
			var id uint32
			if id, at = codeAt(b, at); int(id) >= len(remap) {
				return nil, nil, nil, errDamaged
			}
			id = remap[id]
			n = putCode(out, n, id)
			// Whether a document is a term's next is as good as chance: one that is
			// not is written again where it stands.
			s, first := &spots[id], uint32(0)
			if s.seen != mark {
				first = 1
			}
			s.seen = mark
			s.next += first
			lists[s.next-1] = uint16(i)
		}
		w.write(out[:n])
		if w.err != nil {
			return nil, nil, nil, w.err
		}
		ends = append(ends, uint32(w.at-headerSize))
	}
	return starts, lists, ends, nil
}

// writePostings returns where the postings of each block start.
func (p *plan) writePostings(w *writer, starts []uint32, lists []uint16) (offsets []uint32) {
	base := w.at
	var out, list []byte
	bitmap := make([]byte, (len(p.docs)+7)/8)
	for n := range len(starts) - 1 {
		if n%blockTerms == 0 {
			w.write(out)
			out = out[:0]
			offsets = append(offsets, uint32(w.at-base))
		}
		docs := lists[starts[n]:starts[n+1]]
		switch {
		case len(docs) == len(p.docs):
			out = append(out, postAll)
		case len(docs) == 1:
			out = binary.AppendUvarint(out, uint64(docs[0])<<2|postOne)
		case len(docs) > len(bitmap):
			clear(bitmap)
			for _, d := range docs {
				bitmap[d/8] |= 1 << (d % 8)
			}
			out = append(append(out, postBits), bitmap...)
		default:
			list = list[:0]
			last := uint16(0)
			for _, d := range docs {
				list = binary.AppendUvarint(list, uint64(d-last))
				last = d
			}
			out = binary.AppendUvarint(out, uint64(len(list))<<2) // postList
			out = append(out, list...)
		}
	}
	w.write(out)
	return offsets
}

// writeHeap writes the terms, a byte of end before, between and after them, and
// returns the table of blocks.
func (p *plan) writeHeap(w *writer, order, offsets []uint32) (blocks []byte) {
	base := w.at
	w.write([]byte{end})
	var out []byte
	for n, id := range order {
		if n%blockTerms == 0 {
			w.write(out)
			out = out[:0]
			blocks = binary.LittleEndian.AppendUint32(blocks, uint32(w.at-base))
			blocks = binary.LittleEndian.AppendUint32(blocks, offsets[n/blockTerms])
		}
		out = append(append(out, p.terms.term(id)...), end)
	}
	w.write(out)
	return blocks
}
