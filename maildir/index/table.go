package index

import (
	"bytes"
	"math"
	"slices"
	"sort"

	"pneu/maildir"
)

// table is the content of a view. Slots are rows with those that were expunged
// since the snapshot still among them; slot s is in chunk s>>chunkBits.
type table struct {
	snap    *snapshot // nil: nothing is from a snapshot
	names   *overlay
	seed    uint64
	parts   []*chunk // some still to be brought up to date: see chunk
	prefix  []int    // rows before each chunk, and their number
	dead    int
	moved   int // names that the hash tables do not have as they are
	slots   int
	kwNames []string
	sets    *keywordSets
	tombs   []tomb            // by MODSEQ
	meta    map[string][]byte // since the snapshot; nil: removed
}

// tomb remembers that UIDs were expunged.
type tomb struct {
	modseq uint64
	lo, hi UID
}

// maxTombs bounds what Vanished can tell. Beyond it the older half is forgotten.
const maxTombs = 1 << 16

// chunk returns a chunk as it is to be. Of one in parts itself, uid, base, dead and live
// are right in any case.
func (t *table) chunk(k int) *chunk {
	c := t.parts[k]
	if c.late != nil {
		return c.late.now()
	}
	return c
}

// at finds the slot of a row.
func (t *table) at(row int) (c *chunk, i int) {
	if t.dead == 0 {
		return t.chunk(row >> chunkBits), row & (chunkSlots - 1)
	}
	k := sort.Search(len(t.parts), func(k int) bool { return t.prefix[k+1] > row })
	c = t.chunk(k)
	if i = row - t.prefix[k]; c.dead != nil {
		i = c.dead.nth(i)
	}
	return c, i
}

// slot is at in one number.
func (t *table) slot(row int) int {
	if t.dead == 0 {
		return row
	}
	k := sort.Search(len(t.parts), func(k int) bool { return t.prefix[k+1] > row })
	i := row - t.prefix[k]
	if d := t.parts[k].dead; d != nil {
		i = d.nth(i)
	}
	return k<<chunkBits | i
}

// row is the rank of a slot that is not dead.
func (t *table) row(slot int) int {
	if t.dead == 0 {
		return slot
	}
	k := slot >> chunkBits
	return t.prefix[k] + t.parts[k].dead.before(slot&(chunkSlots-1))
}

// findSlot returns the first slot whose UID is not below uid.
func (t *table) findSlot(uid UID) int {
	k := sort.Search(len(t.parts), func(k int) bool { u := t.parts[k].uid; return u[len(u)-1] >= uint32(uid) })
	if k == len(t.parts) {
		return t.slots
	}
	i, _ := slices.BinarySearch(t.parts[k].uid, uint32(uid))
	return k<<chunkBits | i
}

// find returns the slot of a UID that is there.
func (t *table) find(uid UID) (slot int, ok bool) {
	slot = t.findSlot(uid)
	if slot >= t.slots {
		return slot, false
	}
	c, i := t.parts[slot>>chunkBits], slot&(chunkSlots-1)
	return slot, i < len(c.uid) && c.uid[i] == uint32(uid) && !c.dead.has(i)
}

// stored appends the name a slot has in store: the base, or with stateExact all
// of the file name.
func (t *table) stored(dst []byte, slot int) []byte {
	c, i := t.chunk(slot>>chunkBits), slot&(chunkSlots-1)
	if c.names != nil {
		if s, ok := c.names[uint16(i)]; ok {
			return append(dst, s...)
		}
	}
	if i >= c.base {
		i -= c.base
		lo := uint32(0)
		if i > 0 {
			lo = c.nameEnd[i-1]
		}
		return append(dst, c.arena[lo:c.nameEnd[i]]...)
	}
	var r nameReader
	t.snap.seek(&r, slot)
	return append(dst, r.next(c.sizes(i))...)
}

// file appends the file name of a slot.
func (t *table) file(dst []byte, slot int) []byte {
	dst = t.stored(dst, slot)
	c, i := t.chunk(slot>>chunkBits), slot&(chunkSlots-1)
	return append(dst, infoOf(c.state[i], c.disk[i])...)
}

// infos has the canonical info part of every combination of flags.
var infos = func() (t [64]string) {
	for i := range t {
		t[i] = ":2," + letters[i]
	}
	return t
}()

func infoOf(state, disk uint8) string {
	if state&(stateExact|stateBare) != 0 {
		return ""
	}
	return infos[disk&63]
}

// base appends the base of a slot's name.
func (t *table) base(dst []byte, slot int) []byte {
	from := len(dst)
	dst = t.stored(dst, slot)
	if t.chunk(slot >> chunkBits).state[slot&(chunkSlots-1)]&stateExact != 0 {
		dst = dst[:from+baseLen(dst[from:])]
	}
	return dst
}

// alive reports whether a slot a hash table names is one of ours.
func (t *table) alive(slot int) bool {
	if slot >= t.slots {
		return false
	}
	c, i := t.parts[slot>>chunkBits], slot&(chunkSlots-1)
	return i < len(c.uid) && !c.dead.has(i)
}

// lookup finds the slot of a base. Same says that the whole name, of which file
// is the hash, is as it was at the snapshot; without it the caller compares.
func (t *table) lookup(base []byte, hash uint64, file uint32) (slot int, same, ok bool) {
	slot = -1
	if t.snap != nil {
		b := t.snap.sec[secTable]
		places := len(b) / entrySize
		tag := uint32(hash >> 32)
		p := tablePlace(hash, places)
		for range min(places, maxProbe) {
			e := loadEntry(b[p*entrySize:])
			if e.slot == 0 {
				break
			}
			if s := int(e.slot - 1); e.tag == tag && s < t.snap.n && t.alive(s) {
				if e.file == file && !t.chunk(s>>chunkBits).moved.has(s&(chunkSlots-1)) {
					return s, true, true
				}
				if t.isBase(s, base) {
					return s, false, true
				}
			}
			if p++; p == places {
				p = 0
			}
		}
	}
	var found [4]uint32
	for _, s := range t.names.find(hash, found[:0]) {
		if t.alive(int(s)) && t.isBase(int(s), base) {
			return int(s), false, true
		}
	}
	return -1, false, false
}

// isBase reports whether a slot has that base. It is by itself because its room is
// allocated: for most names lookup does not ask.
//
//go:noinline
func (t *table) isBase(slot int, base []byte) bool {
	var buf [256]byte
	return bytes.Equal(t.base(buf[:0], slot), base)
}

// keywords returns the names of a set.
func (t *table) keywords(set uint16) []string {
	ids := t.sets.get(set)
	if len(ids) == 0 {
		return nil
	}
	out := make([]string, 0, len(ids))
	for _, k := range ids {
		out = append(out, t.kwNames[k])
	}
	slices.Sort(out)
	return out
}

// Columns a builder makes its own before it writes to them.
const (
	ownFlags = 1 << iota
	ownDisk
	ownState
	ownKeyword
	ownDetail // class, size, wdelta, recv, sent, cache
	ownModSeq
	ownDead
	ownMoved
	ownNames
	ownSaved
	ownChunk = 1 << 31
	// Of a new chunk all is its maker's but what few chunks have: that is made when it
	// is first written to.
	ownAll = math.MaxUint32 &^ (ownDead | ownMoved | ownNames | ownSaved)
)

// entry is the file of a slot.
func (t *table) entry(slot int) maildir.Entry {
	var buf [256]byte
	c, i := t.chunk(slot>>chunkBits), slot&(chunkSlots-1)
	return maildir.Entry{File: string(t.file(buf[:0], slot)), New: c.state[i]&stateNew != 0}
}
