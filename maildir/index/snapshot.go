package index

import (
	"encoding/binary"
	"fmt"
	"math"
	"runtime"
	"slices"
	"sort"

	"golang.org/x/sys/unix"
)

// Sections of pneu.idx. Numbers are never given to another use; a reader passes
// over those it does not know.
const (
	secUID        = 1 + iota
	secFlags      // u8
	secDisk       // u8
	secState      // u8
	secKeywordSet // u16
	secClass      // u16
	secModLow     // u32
	secModHigh    // u16
	secSize       // u32
	secWire       // u32
	secReceived   // u32
	secSentLow    // u32
	secSentHigh   // i8
	secCache      // u32
	secNameBlocks // u32 for every 16 names
	secNames
	secHosts
	secTable
	secSaved // pairs of u32: slot, time; by slot
	secKeywords
	secKeywordSets
	secTombs     // modseq u64, lo u32, hi u32
	secMeta      // u32 offsets into secMetaHeap, by key
	secMetaHeap  // key and value, each with its length
	secLast      // u32, of every 4096 rows the last one's UID
	sectionCount = secLast
)

const (
	sectionsAt   = 2 * sector // in the first page, after identity and slot
	sectionEntry = 24         // number u32, CRC32C u32, offset u64, length u64
)

// snapshot is pneu.idx, mapped. It is unmapped when nothing refers to it.
type snapshot struct {
	id       identity
	st       slot
	res      reservation
	n        int
	sec      [sectionCount + 1][]byte
	crc      [sectionCount + 1]uint32
	hosts    [][]byte
	blocks   []uint32
	kwNames  []string
	kwSets   [][]uint16
	saved    []uint32
	last     []uint32 // nil: written before there was such a section
	size     int64
	info     fileInfo
	overhead *mapping
}

// mapping is memory that goes when the last reference to it does.
type mapping struct{ b []byte }

func newMapping(b []byte) *mapping {
	m := &mapping{b}
	runtime.AddCleanup(m, func(b []byte) { unix.Munmap(b) }, b)
	return m
}

func openSnapshot(fsys fileSystem, path string) (*snapshot, error) {
	f, err := fsys.Open(path, false)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if info.size < pageSize {
		return nil, fmt.Errorf("%s: %d bytes: %w", path, info.size, ErrDamaged)
	}
	b, err := f.Map(info.size)
	if err != nil {
		return nil, err
	}
	s := &snapshot{size: info.size, info: info, overhead: newMapping(b)}
	err = shield(func() error { return s.decode(b) })
	if err == nil {
		err = s.verify(func(id, size int) bool { return info.size <= verifiedSize || size <= verifiedSection })
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return s, nil
}

// verifiedSize is up to how large a snapshot is read as a whole when it is opened:
// that of some 14,000 messages, in less than a millisecond. Of a larger one only sections
// up to verifiedSection are; what a disk has done to the others Check finds, and whoever
// makes the next one.
const (
	verifiedSize    = 1 << 20
	verifiedSection = 16 << 10
)

// decode reads the first page and the small sections, and checks that the large
// ones lie within the file.
func (s *snapshot) decode(b []byte) (err error) {
	if s.id, err = decodeIdentity(b, idxMagic); err != nil {
		return err
	}
	page := b[:pageSize]
	le := binary.LittleEndian
	if le.Uint32(page[pageSize-4:]) != checksum(page[:pageSize-4]) {
		return fmt.Errorf("first page: wrong checksum: %w", ErrDamaged)
	}
	var ok bool
	if s.st, ok = decodeSlot(page[sector:]); !ok {
		return fmt.Errorf("state: wrong checksum: %w", ErrDamaged)
	}
	r := fieldReader{b: page, at: identitySize}
	rows, count := r.u64(), r.u64()
	s.res = reservation{0, r.u64(), r.u64()}
	if rows > math.MaxUint32 || rows != uint64(s.st.st.Total) || count > (pageSize-4-sectionsAt)/sectionEntry {
		return fmt.Errorf("%d rows, %d sections: %w", rows, count, ErrDamaged)
	}
	s.n = int(rows)
	for k := range int(count) {
		r.at = sectionsAt + k*sectionEntry
		id, crc, off, size := r.u32(), r.u32(), r.u64(), r.u64()
		if off < pageSize || off > uint64(len(b)) || size > uint64(len(b))-off {
			return fmt.Errorf("section %d outside the file: %w", id, ErrDamaged)
		}
		if id >= 1 && id <= sectionCount {
			s.sec[id] = b[off : off+size : off+size]
			s.crc[id] = crc
		}
	}
	for id, width := range columnWidths {
		if len(s.sec[id]) != s.n*width {
			return fmt.Errorf("column %d: %d bytes for %d rows: %w", id, len(s.sec[id]), s.n, ErrDamaged)
		}
	}
	if len(s.sec[secNameBlocks]) != (s.n+nameBlock-1)/nameBlock*4 || len(s.sec[secSaved])%8 != 0 ||
		len(s.sec[secTable])%entrySize != 0 || len(s.sec[secTombs])%16 != 0 || len(s.sec[secMeta])%4 != 0 {
		return fmt.Errorf("section of odd size: %w", ErrDamaged)
	}
	s.blocks = columnOf[uint32](s.sec[secNameBlocks], len(s.sec[secNameBlocks])/4)
	s.saved = columnOf[uint32](s.sec[secSaved], len(s.sec[secSaved])/4)
	if n := (s.n + chunkSlots - 1) / chunkSlots; len(s.sec[secLast]) == 4*n {
		s.last = columnOf[uint32](s.sec[secLast], n)
	}
	d := decoder{b: s.sec[secHosts]}
	for len(d.b) > 0 {
		s.hosts = append(s.hosts, d.bytes())
	}
	d2 := decoder{b: s.sec[secKeywords]}
	for len(d2.b) > 0 && !d2.bad {
		s.kwNames = append(s.kwNames, string(d2.bytes()))
	}
	d3 := decoder{b: s.sec[secKeywordSets]}
	for len(d3.b) > 0 && !d3.bad {
		set := make([]uint16, d3.count(1))
		for i := range set {
			if v := d3.uint(); v < uint64(len(s.kwNames)) {
				set[i] = uint16(v)
			} else {
				d3.fail()
			}
		}
		s.kwSets = append(s.kwSets, set)
	}
	if d.bad || d2.bad || d3.bad || len(s.kwNames) > math.MaxUint16 || len(s.kwSets) > math.MaxUint16+1 {
		return fmt.Errorf("tables: %w", ErrDamaged)
	}
	if len(s.kwSets) == 0 {
		s.kwSets = [][]uint16{nil}
	}
	return nil
}

var columnWidths = map[int]int{
	secUID: 4, secFlags: 1, secDisk: 1, secState: 1, secKeywordSet: 2, secClass: 2, secModLow: 4, secModHigh: 2,
	secSize: 4, secWire: 4, secReceived: 4, secSentLow: 4, secSentHigh: 1, secCache: 4,
}

// copied reports whether a section is copied into the next snapshot, and not made anew.
func copied(id, _ int) bool { return id != secTable && id != secLast }

// verify checks the checksums of those sections that which wants.
func (s *snapshot) verify(which func(id, size int) bool) error {
	return shield(func() error {
		for id := range s.sec {
			if id > 0 && which(id, len(s.sec[id])) && checksum(s.sec[id]) != s.crc[id] {
				return fmt.Errorf("section %d: wrong checksum: %w", id, ErrDamaged)
			}
		}
		runtime.KeepAlive(s.overhead)
		return nil
	})
}

// chunks makes the first view's chunks: no row is touched.
func (s *snapshot) chunks() []*chunk {
	n := s.n
	all := chunk{
		uid:    columnOf[uint32](s.sec[secUID], n),
		flags:  columnOf[uint8](s.sec[secFlags], n),
		disk:   columnOf[uint8](s.sec[secDisk], n),
		state:  columnOf[uint8](s.sec[secState], n),
		kw:     columnOf[uint16](s.sec[secKeywordSet], n),
		class:  columnOf[uint16](s.sec[secClass], n),
		modlo:  columnOf[uint32](s.sec[secModLow], n),
		modhi:  columnOf[uint16](s.sec[secModHigh], n),
		size:   columnOf[uint32](s.sec[secSize], n),
		wdelta: columnOf[uint32](s.sec[secWire], n),
		recv:   columnOf[uint32](s.sec[secReceived], n),
		sentlo: columnOf[uint32](s.sec[secSentLow], n),
		senthi: columnOf[int8](s.sec[secSentHigh], n),
		cache:  columnOf[uint32](s.sec[secCache], n),
	}
	store := make([]chunk, (n+chunkSlots-1)/chunkSlots)
	out := make([]*chunk, len(store))
	for k := range store {
		lo, hi := k*chunkSlots, min((k+1)*chunkSlots, n)
		c := &store[k]
		c.uid, c.flags, c.disk, c.state = all.uid[lo:hi:hi], all.flags[lo:hi:hi], all.disk[lo:hi:hi], all.state[lo:hi:hi]
		c.kw, c.class, c.modlo, c.modhi = all.kw[lo:hi:hi], all.class[lo:hi:hi], all.modlo[lo:hi:hi], all.modhi[lo:hi:hi]
		c.size, c.wdelta, c.recv = all.size[lo:hi:hi], all.wdelta[lo:hi:hi], all.recv[lo:hi:hi]
		c.sentlo, c.senthi, c.cache = all.sentlo[lo:hi:hi], all.senthi[lo:hi:hi], all.cache[lo:hi:hi]
		c.base, c.live = hi-lo, hi-lo
		out[k] = c
	}
	return out
}

// seek places r before the name of a slot.
func (s *snapshot) seek(r *nameReader, slot int) {
	first := slot / nameBlock * nameBlock
	r.hosts = s.hosts
	r.head = 0
	heap := s.sec[secNames]
	at := s.blocks[slot/nameBlock]
	if int64(at) > int64(len(heap)) {
		r.d = decoder{bad: true}
	} else {
		r.d = decoder{b: heap[at:]}
	}
	for k := first; k < slot; k++ {
		r.skip()
	}
}

// savedTime looks up a save date that differs from the received date.
func (s *snapshot) savedTime(slot int) (uint32, bool) {
	n := len(s.saved) / 2
	k := sort.Search(n, func(k int) bool { return s.saved[2*k] >= uint32(slot) })
	if k < n && s.saved[2*k] == uint32(slot) {
		return s.saved[2*k+1], true
	}
	return 0, false
}

// metaAt returns the k-th key and value.
func (s *snapshot) metaAt(k int) (key, val []byte) {
	at := binary.LittleEndian.Uint32(s.sec[secMeta][4*k:])
	heap := s.sec[secMetaHeap]
	if int64(at) > int64(len(heap)) {
		return nil, nil
	}
	d := decoder{b: heap[at:]}
	key = d.bytes()
	return key, d.bytes()
}

func (s *snapshot) metas() int { return len(s.sec[secMeta]) / 4 }

func (s *snapshot) meta(key string) ([]byte, bool) {
	n := s.metas()
	k := sort.Search(n, func(k int) bool { got, _ := s.metaAt(k); return string(got) >= key })
	if k < n {
		if got, val := s.metaAt(k); string(got) == key {
			return slices.Clone(val), true
		}
	}
	return nil, false
}

// tombs decodes the tombstones.
func (s *snapshot) tombs() []tomb {
	b := s.sec[secTombs]
	out := make([]tomb, 0, len(b)/16)
	for ; len(b) >= 16; b = b[16:] {
		le := binary.LittleEndian
		out = append(out, tomb{le.Uint64(b), UID(le.Uint32(b[8:])), UID(le.Uint32(b[12:]))})
	}
	return out
}
