package index

import (
	"encoding/binary"
	"fmt"
	"math"
)

// The first page of pneu.log. Each part lies in a sector of its own and has its
// own checksum: the disk writes sectors whole, and two of a kind take turns, so
// that a torn write leaves the older one.
const (
	pageSize   = 4096
	sector     = 512
	slotAt     = 1 * sector // two slots
	reserveAt  = 3 * sector // two reservations
	version    = 1
	logMagic   = "pneu.log"
	idxMagic   = "pneu.idx"
	cacheMagic = "pneu.cac"
	headMagic  = "pneu.hea"
)

// identity is what a file of ours says of itself in its first bytes, once and
// for all.
type identity struct {
	gen  uint64   // generation: which pneu.idx a pneu.log goes on from; else an identifier
	guid [16]byte // the folder's
	seed uint64   // of the hash of names
}

const identitySize = 64

func (id identity) encode(magic string) []byte {
	b := make([]byte, identitySize)
	copy(b, magic)
	le := binary.LittleEndian
	le.PutUint32(b[8:], version)
	le.PutUint32(b[12:], pageSize)
	le.PutUint64(b[16:], id.gen)
	copy(b[24:], id.guid[:])
	le.PutUint64(b[40:], id.seed)
	le.PutUint32(b[60:], checksum(b[:60]))
	return b
}

func decodeIdentity(b []byte, magic string) (id identity, err error) {
	le := binary.LittleEndian
	if len(b) < identitySize || string(b[:8]) != magic {
		return id, fmt.Errorf("%s: not such a file: %w", magic, ErrDamaged)
	}
	// The version comes before the checksum, which a later one may lay elsewhere.
	if v := le.Uint32(b[8:]); v > version {
		return id, fmt.Errorf("%s: version %d, this program knows %d: %w", magic, v, version, ErrVersion)
	}
	if le.Uint32(b[60:]) != checksum(b[:60]) || le.Uint32(b[12:]) != pageSize {
		return id, fmt.Errorf("%s: wrong checksum: %w", magic, ErrDamaged)
	}
	id.gen = le.Uint64(b[16:])
	copy(id.guid[:], b[24:])
	id.seed = le.Uint64(b[40:])
	return id, nil
}

// slot is the state that a commit leaves.
type slot struct {
	seq      uint64 // number of the commit
	length   int64  // where the committed part of the log ends
	boot     uint64 // which run of the machine wrote this
	cacheID  uint64 // which pneu.cache the rows refer to
	cacheEnd int64  // where the next digest goes
	headEnd  int64  // and the next head
	cacheOK  int64  // how much of pneu.cache is known to be on the disk
	headOK   int64
	st       State
}

// cacheBounds takes from another slot what it says of pneu.cache and pneu.head.
func (s *slot) cacheBounds(of *slot) {
	s.cacheID, s.cacheEnd, s.headEnd, s.cacheOK, s.headOK = of.cacheID, of.cacheEnd, of.headEnd, of.cacheOK, of.headOK
}

func (s *slot) encode() []byte {
	b := make([]byte, sector)
	w := fieldWriter{b: b}
	w.u64(s.seq)
	w.u64(uint64(s.length))
	w.u64(s.boot)
	w.u64(s.cacheID)
	w.u64(uint64(s.cacheEnd))
	w.u64(uint64(s.headEnd))
	w.u64(uint64(s.cacheOK))
	w.u64(uint64(s.headOK))
	w.u64(s.st.HighestModSeq)
	w.u64(s.st.FloorModSeq)
	w.u64(uint64(s.st.Bytes))
	w.u64(uint64(s.st.WireBytes))
	w.u64(uint64(s.st.Dir.New))
	w.u64(uint64(s.st.Dir.Cur))
	w.u64(uint64(s.st.Dir.Scanned))
	w.u32(s.st.UIDValidity)
	w.u32(uint32(s.st.UIDNext))
	for _, n := range []int{s.st.Total, s.st.Unseen, s.st.Deleted, s.st.New, s.st.Pending, s.st.Undigested} {
		w.u32(uint32(n))
	}
	var settled uint32
	if s.st.Dir.NewSettled {
		settled |= 1
	}
	if s.st.Dir.CurSettled {
		settled |= 2
	}
	w.u32(settled)
	binary.LittleEndian.PutUint32(b[sector-4:], checksum(b[:sector-4]))
	return b
}

func decodeSlot(b []byte) (s slot, ok bool) {
	if len(b) < sector || binary.LittleEndian.Uint32(b[sector-4:]) != checksum(b[:sector-4]) {
		return s, false
	}
	r := fieldReader{b: b}
	s.seq = r.u64()
	s.length = int64(r.u64())
	s.boot = r.u64()
	s.cacheID = r.u64()
	s.cacheEnd = int64(r.u64())
	s.headEnd = int64(r.u64())
	s.cacheOK = int64(r.u64())
	s.headOK = int64(r.u64())
	s.st.HighestModSeq = r.u64()
	s.st.FloorModSeq = r.u64()
	s.st.Bytes = int64(r.u64())
	s.st.WireBytes = int64(r.u64())
	s.st.Dir.New = int64(r.u64())
	s.st.Dir.Cur = int64(r.u64())
	s.st.Dir.Scanned = int64(r.u64())
	s.st.UIDValidity = r.u32()
	s.st.UIDNext = UID(r.u32())
	for _, n := range []*int{&s.st.Total, &s.st.Unseen, &s.st.Deleted, &s.st.New, &s.st.Pending, &s.st.Undigested} {
		*n = int(r.u32())
	}
	settled := r.u32()
	s.st.Dir.NewSettled = settled&1 != 0
	s.st.Dir.CurSettled = settled&2 != 0
	s.st.Sticky = true
	return s, s.seq != 0 && s.length >= pageSize && s.length < math.MaxInt64/2 && s.st.UIDNext != 0
}

// newest picks the slot of the last commit from a header page.
func newest(page []byte) (s slot, ok bool) {
	for k := range 2 {
		if t, good := decodeSlot(page[slotAt+k*sector:]); good && (!ok || t.seq > s.seq) {
			s, ok = t, true
		}
	}
	return s, ok
}

// reservation is how far UIDs and MODSEQs may be given without another fsync.
// It is on the disk before the first of them is shown, and a machine that lost
// its memory goes on behind it.
type reservation struct {
	seq    uint64
	uid    uint64 // every UID given is below
	modseq uint64 // every MODSEQ given is not above
}

func (r reservation) encode() []byte {
	b := make([]byte, sector)
	w := fieldWriter{b: b}
	w.u64(r.seq)
	w.u64(r.uid)
	w.u64(r.modseq)
	binary.LittleEndian.PutUint32(b[sector-4:], checksum(b[:sector-4]))
	return b
}

// reserved takes the highest of what both reservations say.
func reserved(page []byte) (res reservation, ok bool) {
	for k := range 2 {
		b := page[reserveAt+k*sector:][:sector]
		if binary.LittleEndian.Uint32(b[sector-4:]) != checksum(b[:sector-4]) {
			continue
		}
		r := fieldReader{b: b}
		t := reservation{r.u64(), r.u64(), r.u64()}
		if t.seq == 0 || t.uid > 1<<32 {
			continue
		}
		res = reservation{max(res.seq, t.seq), max(res.uid, t.uid), max(res.modseq, t.modseq)}
		ok = true
	}
	return res, ok
}

// How far a reservation goes beyond what is needed.
const (
	uidBlock    = 1024
	modseqBlock = 65536
)

type fieldWriter struct {
	b  []byte
	at int
}

func (w *fieldWriter) u64(v uint64) { binary.LittleEndian.PutUint64(w.b[w.at:], v); w.at += 8 }
func (w *fieldWriter) u32(v uint32) { binary.LittleEndian.PutUint32(w.b[w.at:], v); w.at += 4 }

type fieldReader struct {
	b  []byte
	at int
}

func (r *fieldReader) u64() uint64 { v := binary.LittleEndian.Uint64(r.b[r.at:]); r.at += 8; return v }
func (r *fieldReader) u32() uint32 { v := binary.LittleEndian.Uint32(r.b[r.at:]); r.at += 4; return v }
