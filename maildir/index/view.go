package index

import (
	"bytes"
	"encoding/binary"
	"math"
	"runtime"
	"slices"
	"strings"

	"pneu/maildir"
)

// View is a folder at one moment. It never changes and may be used by any
// number of goroutines. Its rows are 0 to Len-1 in ascending order of UIDs: the
// message sequence number is the row plus one.
type View struct {
	*table
	st   State
	blob *blobs

	cacheEnd, headEnd int64
	within            bool // a tx: digests may not have been written yet
}

// newView shows what commit s left.
func newView(t *table, s *slot, blob *blobs) *View {
	return &View{t, s.st, blob, s.cacheEnd, s.headEnd, false}
}

// Len returns the number of messages.
func (v *View) Len() int { return v.st.Total }

// State returns the counters. If pneu.cache or pneu.head has gone, or lacks what
// was written, no message has a digest.
func (v *View) State() State {
	st := v.st
	if st.Undigested < st.Total && !v.within && !v.blob.has(v.cacheEnd) {
		st.Undigested = st.Total
	}
	return st
}

// UID returns the UID of a row.
func (v *View) UID(row int) UID {
	c, i := v.at(row)
	uid := UID(c.uid[i])
	runtime.KeepAlive(v)
	return uid
}

// Find returns the row of a UID. Without one, row is where it would stand.
func (v *View) Find(uid UID) (row int, ok bool) {
	defer runtime.KeepAlive(v)
	slot := v.findSlot(uid)
	if slot >= v.slots {
		return v.Len(), false
	}
	k, i := slot>>chunkBits, slot&(chunkSlots-1)
	c := v.parts[k]
	if v.dead == 0 {
		row = slot
	} else {
		row = v.prefix[k] + c.dead.before(i)
	}
	return row, i < len(c.uid) && UID(c.uid[i]) == uid && !c.dead.has(i)
}

// FindBase returns the row of the message whose file name has that base.
func (v *View) FindBase(base string) (row int, ok bool) {
	defer runtime.KeepAlive(v)
	b := []byte(base)
	h := hashBytes(v.seed, b)
	// No file hash is asked for: what lookup calls the same must still be the base.
	slot, _, ok := v.lookup(b, h, fileHash(h, []byte{0}, false))
	if !ok {
		return 0, false
	}
	return v.row(slot), true
}

// Match is what Lookup found.
type Match int

// What a file name can be to an index.
const (
	Unknown Match = iota // no message of that base
	Renamed              // the message is known under another name or directory
	Same                 // exactly as the index has it
)

// Lookup compares a file found in a directory with what is known. It touches no
// name as long as the file is called what the index says.
func (v *View) Lookup(file []byte, isNew bool) (row int, m Match) {
	defer runtime.KeepAlive(v)
	n := baseLen(file)
	h := hashBytes(v.seed, file[:n])
	slot, same, ok := v.lookup(file[:n], h, fileHash(h, file[n:], isNew))
	switch {
	case !ok:
		return 0, Unknown
	case same:
		return v.row(slot), Same
	}
	var buf [256]byte
	state := v.chunk(slot >> chunkBits).state[slot&(chunkSlots-1)]
	if (state&stateNew != 0) == isNew && bytes.Equal(v.file(buf[:0], slot), file) {
		return v.row(slot), Same
	}
	return v.row(slot), Renamed
}

// Flags returns the flags of a row.
func (v *View) Flags(row int) Flags {
	c, i := v.at(row)
	f := Flags(c.flags[i])
	runtime.KeepAlive(v)
	return f
}

// DiskFlags returns the flags in the file name of a row, which lag behind Flags
// while Pending.
func (v *View) DiskFlags(row int) Flags {
	c, i := v.at(row)
	f := Flags(c.disk[i])
	runtime.KeepAlive(v)
	return f
}

// Pending reports whether the file name lacks a change of flags or keywords.
func (v *View) Pending(row int) bool { return v.state(row)&statePending != 0 }

// InNew reports whether the file lies in new/.
func (v *View) InNew(row int) bool { return v.state(row)&stateNew != 0 }

func (v *View) state(row int) uint8 {
	c, i := v.at(row)
	s := c.state[i]
	runtime.KeepAlive(v)
	return s
}

// PendingRows returns the rows that Pending is true of.
func (v *View) PendingRows() []int {
	if v.st.Pending <= 0 { // below only if a damaged snapshot said so
		return nil
	}
	defer runtime.KeepAlive(v)
	n := min(v.st.Pending, v.st.Total)
	rows := make([]int, 0, n)
	first := 0
	for k := range v.parts {
		c := v.chunk(k)
		for i := 0; i < len(c.state); i++ {
			// Few are: eight are passed over at once.
			if i&7 == 0 && i+8 <= len(c.state) && binary.LittleEndian.Uint64(c.state[i:])&(statePending*0x0101010101010101) == 0 {
				i += 7
				continue
			}
			if c.state[i]&statePending == 0 || c.dead.has(i) {
				continue
			}
			if rows = append(rows, first+c.dead.before(i)); len(rows) == n {
				return rows
			}
		}
		first += c.live
	}
	return rows
}

// UndigestedRows returns the rows that HasDigest is false of.
func (v *View) UndigestedRows() []int {
	if v.st.Total == 0 || v.st.Undigested == 0 && v.blob.has(v.cacheEnd) {
		return nil
	}
	rows := make([]int, 0, min(max(0, v.st.Undigested), v.st.Total))
	v.scan(func(row int, c *chunk, i int) {
		if at := int64(c.cache[i]); at == 0 || !v.blob.has(at*8+blobHeader) {
			rows = append(rows, row)
		}
	})
	return rows
}

// scan calls fn with every row in order.
func (v *View) scan(fn func(row int, c *chunk, i int)) {
	row := 0
	for k := range v.parts {
		c := v.chunk(k)
		for i := range c.uid {
			if !c.dead.has(i) {
				fn(row, c, i)
				row++
			}
		}
	}
	runtime.KeepAlive(v)
}

// Keywords returns the keywords of a row, sorted.
func (v *View) Keywords(row int) []string {
	c, i := v.at(row)
	kw := c.kw[i]
	runtime.KeepAlive(v)
	return v.keywords(kw)
}

// KeywordSet returns a number that rows with the same keywords have in common
// within this view, below KeywordSets. 0 is no keyword.
func (v *View) KeywordSet(row int) int {
	c, i := v.at(row)
	kw := c.kw[i]
	runtime.KeepAlive(v)
	return int(kw)
}

// KeywordSets returns how many numbers KeywordSet may return.
func (v *View) KeywordSets() int {
	for k, c := range v.parts {
		if c.late != nil && c.late.keywords {
			v.chunk(k) // may need a number
		}
	}
	return len(v.sets.all())
}

// KeywordsOf returns the keywords of a KeywordSet.
func (v *View) KeywordsOf(set int) []string {
	if set < 0 || set > math.MaxUint16 {
		return nil
	}
	return v.keywords(uint16(set))
}

// HasKeyword reports whether a row has the keyword, in any case.
func (v *View) HasKeyword(row int, name string) bool {
	for _, k := range v.sets.get(uint16(v.KeywordSet(row))) {
		if strings.EqualFold(v.kwNames[k], name) {
			return true
		}
	}
	return false
}

// KeywordNames returns all keywords the folder knows, by their number.
func (v *View) KeywordNames() []string { return slices.Clone(v.kwNames) }

// ModSeq returns when, in order of changes, the row changed last.
func (v *View) ModSeq(row int) uint64 {
	c, i := v.at(row)
	m := c.modseq(i)
	runtime.KeepAlive(v)
	return m
}

// Size returns the size of the file in bytes; negative if not known.
func (v *View) Size(row int) int64 {
	c, i := v.at(row)
	size, _ := c.sizes(i)
	runtime.KeepAlive(v)
	return size
}

// WireSize returns the size with CRLF line ends; negative if not known.
func (v *View) WireSize(row int) int64 {
	c, i := v.at(row)
	_, wire := c.sizes(i)
	runtime.KeepAlive(v)
	return wire
}

// Received returns INTERNALDATE in seconds since 1970.
func (v *View) Received(row int) int64 {
	c, i := v.at(row)
	t := int64(c.recv[i])
	runtime.KeepAlive(v)
	return t
}

// Saved returns when the message came into this folder.
func (v *View) Saved(row int) int64 {
	defer runtime.KeepAlive(v)
	slot := v.slot(row)
	c, i := v.chunk(slot>>chunkBits), slot&(chunkSlots-1)
	if t, ok := c.savedTimes[uint16(i)]; ok {
		return int64(t)
	}
	if i < c.base {
		if t, ok := v.snap.savedTime(slot); ok {
			return int64(t)
		}
	}
	return int64(c.recv[i])
}

// Sent returns what the Date field says, as given in Message or Detail.
func (v *View) Sent(row int) int64 {
	c, i := v.at(row)
	t := c.sent(i)
	runtime.KeepAlive(v)
	return t
}

// Class returns the bits of the digest.
func (v *View) Class(row int) uint16 {
	c, i := v.at(row)
	b := c.class[i]
	runtime.KeepAlive(v)
	return b
}

// Entry returns the file of a row.
func (v *View) Entry(row int) maildir.Entry {
	defer runtime.KeepAlive(v)
	return v.entry(v.slot(row))
}

// Base returns the part of the file name that stays.
func (v *View) Base(row int) string {
	defer runtime.KeepAlive(v)
	var buf [256]byte
	return string(v.base(buf[:0], v.slot(row)))
}

// Files calls fn with the file of every row from lo up to but not including hi,
// in order, until fn returns false. It is several times as fast as Entry for
// each. Fn must not keep the name.
func (v *View) Files(lo, hi int, fn func(row int, file []byte, isNew bool) bool) {
	defer runtime.KeepAlive(v)
	var names cursor
	for row := max(lo, 0); row < min(hi, v.Len()); row++ {
		slot := v.slot(row)
		if !fn(row, names.file(v.table, slot), v.chunk(slot >> chunkBits).state[slot&(chunkSlots-1)]&stateNew != 0) {
			return
		}
	}
}

// FilesOf is Files for some rows, in any order. It is quick where they ascend.
func (v *View) FilesOf(rows []int32, fn func(row int, file []byte, isNew bool) bool) {
	defer runtime.KeepAlive(v)
	var names cursor
	for _, row := range rows {
		slot := v.slot(int(row))
		if !fn(int(row), names.file(v.table, slot), v.chunk(slot >> chunkBits).state[slot&(chunkSlots-1)]&stateNew != 0) {
			return
		}
	}
}

// HasDigest reports whether a digest of the row is kept.
func (v *View) HasDigest(row int) bool {
	c, i := v.at(row)
	at := c.cache[i]
	runtime.KeepAlive(v)
	return at != 0 && v.blob.has(int64(at)*8+blobHeader)
}

// Blob returns the encoded digest of a row, nil if none is kept or it is
// damaged. It must not be changed, nor used after v is let go of
// (runtime.KeepAlive): it lies in a mapped file.
func (v *View) Blob(row int) []byte {
	c, i := v.at(row)
	at, uid := c.cache[i], UID(c.uid[i])
	runtime.KeepAlive(v)
	if at == 0 {
		return nil
	}
	return v.blob.read(int64(at)*8, uid)
}

// HeadScan calls fn with every row's folded header text, from several goroutines
// and in no order. A row without a digest is not visited; a row may be visited
// twice. It stops when fn returns false.
func (v *View) HeadScan(fn func(row int, rec []byte) bool) error {
	defer runtime.KeepAlive(v)
	return v.blob.scan(v, func(b []byte) bool { return scanHeads(b, v, fn) })
}

// Changed returns the rows whose MODSEQ is higher than since.
func (v *View) Changed(since uint64) []int {
	if since >= v.st.HighestModSeq {
		return nil
	}
	var rows []int
	row := 0
	hi, lo := uint16(since>>32), uint32(since)
	for k := range v.parts {
		c := v.chunk(k)
		for i, m := range c.modlo {
			if h := c.modhi[i]; (h > hi || h == hi && m > lo) && !c.dead.has(i) {
				rows = append(rows, row+c.dead.before(i))
			}
		}
		row += c.live
	}
	runtime.KeepAlive(v)
	return rows
}

// Vanished returns what was expunged after since, by UID. Known is false if
// since is before FloorModSeq: then nobody remembers.
func (v *View) Vanished(since uint64) (gone []UIDRange, known bool) {
	if since < v.st.FloorModSeq {
		return nil, false
	}
	k, _ := slices.BinarySearchFunc(v.tombs, since, func(t tomb, since uint64) int {
		if t.modseq <= since {
			return -1
		}
		return 1
	})
	for _, t := range v.tombs[k:] {
		gone = append(gone, UIDRange{t.lo, t.hi})
	}
	return joinRanges(gone), true
}

// joinRanges sorts ranges and joins those that touch.
func joinRanges(r []UIDRange) []UIDRange {
	slices.SortFunc(r, func(a, b UIDRange) int { return int(int64(a.Lo) - int64(b.Lo)) })
	out := r[:0]
	for _, g := range r {
		if n := len(out) - 1; n >= 0 && uint64(g.Lo) <= uint64(out[n].Hi)+1 {
			out[n].Hi = max(out[n].Hi, g.Hi)
		} else {
			out = append(out, g)
		}
	}
	return out
}

// Meta returns the value of a key set with tx.meta.
func (v *View) Meta(key string) (val []byte, ok bool) {
	defer runtime.KeepAlive(v)
	if val, ok := v.meta[key]; ok {
		return slices.Clone(val), val != nil
	}
	if v.snap == nil {
		return nil, false
	}
	return v.snap.meta(key)
}

// MetaKeys returns the keys with that prefix, sorted.
func (v *View) MetaKeys(prefix string) []string {
	defer runtime.KeepAlive(v)
	var keys []string
	for key := range v.allMeta() {
		if strings.HasPrefix(key, prefix) {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}

// column appends a whole column to dst, as convert has it.
func column[T, D any](v *View, dst []D, col func(c *chunk) []T, convert func(T) D) []D {
	dst = slices.Grow(dst, v.Len())
	for k := range v.parts {
		c := v.chunk(k)
		s := col(c)
		for i, x := range s {
			if !c.dead.has(i) {
				dst = append(dst, convert(x))
			}
		}
	}
	runtime.KeepAlive(v)
	return dst
}

// AllFlags appends the flags of every row to dst.
func (v *View) AllFlags(dst []Flags) []Flags {
	return column(v, dst, func(c *chunk) []uint8 { return c.flags }, func(f uint8) Flags { return Flags(f) })
}

// AllUIDs appends the UID of every row to dst.
func (v *View) AllUIDs(dst []UID) []UID {
	return column(v, dst, func(c *chunk) []uint32 { return c.uid }, func(u uint32) UID { return UID(u) })
}

// AllReceived appends INTERNALDATE of every row to dst.
func (v *View) AllReceived(dst []int64) []int64 {
	return column(v, dst, func(c *chunk) []uint32 { return c.recv }, func(t uint32) int64 { return int64(t) })
}

// AllSent appends Sent of every row to dst.
func (v *View) AllSent(dst []int64) []int64 {
	dst = slices.Grow(dst, v.Len())
	v.scan(func(_ int, c *chunk, i int) { dst = append(dst, c.sent(i)) })
	return dst
}

// AllSizes appends the size of every row to dst.
func (v *View) AllSizes(dst []int64) []int64 {
	dst = slices.Grow(dst, v.Len())
	v.scan(func(_ int, c *chunk, i int) {
		size, _ := c.sizes(i)
		dst = append(dst, size)
	})
	return dst
}
