package fulltext

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
)

const (
	segmentMagic = "pneutxt\n"
	version      = 1
	headerSize   = 16
	footerSize   = 80
	chunkSize    = 64 << 10 // of bytes with a checksum of their own
	blockTerms   = 64       // terms with an entry of their own in the table of blocks
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func checksum(b []byte) uint32 { return crc32.Checksum(b, castagnoli) }

var errDamaged = errors.New("damaged")

// A footer is the end of a segment's file: what is where. Sections follow each
// other without gaps, so that each ends where the next one starts.
type footer struct {
	number   uint64 // of the segment
	docs     uint32
	terms    uint32
	postings uint64 // where they start: texts start after the header
	heap     uint64
	blocks   uint64
	table    uint64
	sums     uint64 // checksums of chunks
	sumsSum  uint32 // checksum of these
}

func (ft footer) append(dst []byte) []byte {
	start := len(dst)
	dst = append(dst, segmentMagic...)
	le := binary.LittleEndian
	dst = le.AppendUint32(dst, version)
	dst = le.AppendUint32(dst, ft.docs)
	dst = le.AppendUint32(dst, ft.terms)
	dst = le.AppendUint32(dst, ft.sumsSum)
	for _, v := range [...]uint64{ft.number, ft.postings, ft.heap, ft.blocks, ft.table, ft.sums} {
		dst = le.AppendUint64(dst, v)
	}
	dst = le.AppendUint32(dst, 0)
	return le.AppendUint32(dst, checksum(dst[start:]))
}

func parseFooter(b []byte) (ft footer, err error) {
	le := binary.LittleEndian
	if len(b) != footerSize || string(b[:8]) != segmentMagic || checksum(b[:footerSize-4]) != le.Uint32(b[footerSize-4:]) {
		return ft, errDamaged
	}
	if le.Uint32(b[8:]) != version {
		return ft, ErrVersion
	}
	ft.docs, ft.terms, ft.sumsSum = le.Uint32(b[12:]), le.Uint32(b[16:]), le.Uint32(b[20:])
	for i, p := range [...]*uint64{&ft.number, &ft.postings, &ft.heap, &ft.blocks, &ft.table, &ft.sums} {
		*p = le.Uint64(b[24+8*i:])
	}
	return ft, nil
}

// A segment is a file of documents, mapped. Its bytes are checked chunk by
// chunk, when they are first looked at.
type segment struct {
	footer
	data    []byte // all of the file
	texts   []byte
	posts   []byte
	heap    []byte
	blocks  []byte   // 8 bytes per block: offsets of its first term in heap and in posts
	uids    []uint32 // a copy, since all of it is looked at without a check for a file cut short
	sum     uint32   // of the footer
	ends    []byte   // 4 bytes each, in texts
	sums    []byte
	checked []atomic.Uint64 // a bit per chunk
	bad     atomic.Bool

	once   sync.Once
	ranges []Range
}

// openSegment maps a segment's file.
func openSegment(path string) (*segment, error) {
	f, err := openPlain(path, os.O_RDONLY)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if st.Size() > 1<<32 {
		return nil, fmt.Errorf("%s: %w", path, errDamaged)
	}
	data, unmap, err := mapFile(f, int(st.Size()))
	if err != nil {
		return nil, err
	}
	s, err := newSegment(data)
	if err != nil {
		unmap(data)
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	// Views share segments, and no one counts views: the map goes when the last one does.
	runtime.AddCleanup(s, unmap, data)
	return s, nil
}

func newSegment(data []byte) (s *segment, err error) {
	err = safely(func() error {
		s, err = parseSegment(data)
		return err
	})
	return s, err
}

func parseSegment(data []byte) (*segment, error) {
	if len(data) < headerSize+footerSize {
		return nil, errDamaged
	}
	ft, err := parseFooter(data[len(data)-footerSize:])
	if err != nil {
		return nil, err
	}
	s := &segment{footer: ft, data: data}
	at := uint64(headerSize)
	for _, next := range [...]uint64{ft.postings, ft.heap, ft.blocks, ft.table, ft.sums, uint64(len(data) - footerSize)} {
		if next < at || next > uint64(len(data)) {
			return nil, errDamaged
		}
		at = next
	}
	chunks := (ft.sums + chunkSize - 1) / chunkSize
	nblocks := (uint64(ft.terms) + blockTerms - 1) / blockTerms
	if ft.docs == 0 || ft.docs > maxDocs || ft.terms > maxTerms ||
		ft.blocks-ft.heap < uint64(ft.terms)+1 || ft.table-ft.blocks != 8*nblocks ||
		ft.sums-ft.table != 8*uint64(ft.docs) || uint64(len(data)-footerSize)-ft.sums != 4*chunks {
		return nil, errDamaged
	}
	s.texts, s.posts = data[headerSize:ft.postings], data[ft.postings:ft.heap]
	s.heap, s.blocks = data[ft.heap:ft.blocks], data[ft.blocks:ft.table]
	uids := data[ft.table : ft.table+4*uint64(ft.docs)]
	s.ends = data[ft.table+4*uint64(ft.docs) : ft.sums]
	s.sum = binary.LittleEndian.Uint32(data[len(data)-4:])
	s.sums = data[ft.sums : len(data)-footerSize]
	s.checked = make([]atomic.Uint64, (chunks+63)/64)
	if checksum(s.sums) != ft.sumsSum {
		return nil, errDamaged
	}
	if err := s.check(uids); err != nil {
		return nil, err
	}
	s.uids = make([]uint32, ft.docs)
	var uid uint32
	for i := range s.uids {
		u := binary.LittleEndian.Uint32(uids[4*i:])
		s.uids[i] = u
		if u <= uid && i > 0 {
			return nil, errDamaged
		}
		uid = u
	}
	return s, nil
}

// check compares the checksums of the chunks that b, a part of data, touches.
func (s *segment) check(b []byte) error {
	if len(b) == 0 {
		return nil
	}
	start := cap(s.data) - cap(b) // b is a slice of data, so this is its offset
	for c := start / chunkSize; c <= (start+len(b)-1)/chunkSize; c++ {
		if s.checked[c/64].Load()&(1<<(c%64)) != 0 {
			continue
		}
		chunk := s.data[c*chunkSize : min((c+1)*chunkSize, int(s.footer.sums))]
		if checksum(chunk) != binary.LittleEndian.Uint32(s.sums[4*c:]) {
			s.bad.Store(true)
			return errDamaged
		}
		s.checked[c/64].Or(1 << (c % 64))
	}
	return nil
}

func (s *segment) len() int         { return int(s.docs) }
func (s *segment) countTerms() int  { return int(s.terms) }
func (s *segment) weight() int64    { return int64(len(s.texts)+len(s.heap)) + 36*int64(s.terms) }
func (s *segment) uid(i int) uint32 { return s.uids[i] }
func (s *segment) end(i int) uint32 { return binary.LittleEndian.Uint32(s.ends[4*i:]) }

// codesOf returns the text of a document, for those who have checked ends, and
// check what they get.
func (s *segment) codesOf(i int) []byte {
	start := uint32(0)
	if i > 0 {
		start = s.end(i - 1)
	}
	return s.texts[start:s.end(i)]
}

// docOf returns the number of the document uid.
func (s *segment) docOf(uid uint32) (int, bool) {
	if uid < s.uids[0] || uid > s.uids[len(s.uids)-1] {
		return 0, false
	}
	return slices.BinarySearch(s.uids, uid)
}

// covered returns the segment's UIDs as ranges.
func (s *segment) covered() []Range {
	s.once.Do(func() {
		for _, u := range s.uids {
			if n := len(s.ranges); n > 0 && s.ranges[n-1].Last == u-1 {
				s.ranges[n-1].Last = u
			} else {
				s.ranges = append(s.ranges, Range{u, u})
			}
		}
	})
	return s.ranges
}

func (s *segment) eachTerm(f func(term []byte)) error {
	if err := errors.Join(s.check(s.heap), s.check(s.ends)); err != nil {
		return err
	}
	rest := s.heap[1:]
	for range s.terms {
		n := bytes.IndexByte(rest, end)
		if n <= 0 {
			return errDamaged
		}
		f(rest[:n])
		rest = rest[n+1:]
	}
	return nil
}

// block returns where the terms of block i start in heap and posts.
func (s *segment) block(i int) (heap, posts uint32) {
	b := s.blocks[8*i:]
	return binary.LittleEndian.Uint32(b), binary.LittleEndian.Uint32(b[4:])
}

func (s *segment) countBlocks() int { return len(s.blocks) / 8 }

func updateSum(sum uint32, b []byte) uint32 { return crc32.Update(sum, castagnoli, b) }
