package index

import (
	"bytes"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
)

// builder makes the next table from one that others are reading.
type builder struct {
	table
	st    State
	owned []uint32
	meta1 bool // meta is ours
	kwMap map[string]int
	err   error
	work  int // records applied, as costOf counts them

	// lenient: the snapshot below the log is lost, and with it the numbers of
	// some keywords; remap has those of the others.
	lenient bool
	remap   map[int]int
}

func newBuilder(t *table, st State) *builder {
	b := &builder{table: *t, st: st}
	b.parts = slices.Clone(t.parts)
	b.prefix = nil
	b.owned = make([]uint32, len(b.parts))
	return b
}

// own returns a chunk of which these columns may be written to.
func (b *builder) own(k int, cols uint32) *chunk {
	have := b.owned[k]
	need := (cols | ownChunk) &^ have
	if need == 0 {
		return b.parts[k]
	}
	c := b.chunk(k)
	if need&ownChunk != 0 {
		d := *c
		c = &d
		b.parts[k] = c
	}
	if need&ownFlags != 0 {
		c.flags = slices.Clone(c.flags)
	}
	if need&ownDisk != 0 {
		c.disk = slices.Clone(c.disk)
	}
	if need&ownState != 0 {
		c.state = slices.Clone(c.state)
	}
	if need&ownKeyword != 0 {
		c.kw = slices.Clone(c.kw)
	}
	if need&ownDetail != 0 {
		c.class, c.size, c.wdelta = slices.Clone(c.class), slices.Clone(c.size), slices.Clone(c.wdelta)
		c.recv, c.sentlo, c.senthi = slices.Clone(c.recv), slices.Clone(c.sentlo), slices.Clone(c.senthi)
		c.cache = slices.Clone(c.cache)
	}
	if need&ownModSeq != 0 {
		c.modlo, c.modhi = slices.Clone(c.modlo), slices.Clone(c.modhi)
	}
	if need&ownDead != 0 {
		c.dead = c.dead.copy()
	}
	if need&ownMoved != 0 {
		c.moved = c.moved.copy()
	}
	if need&ownNames != 0 {
		if c.names = maps.Clone(c.names); c.names == nil {
			c.names = map[uint16]string{}
		}
	}
	if need&ownSaved != 0 {
		if c.savedTimes = maps.Clone(c.savedTimes); c.savedTimes == nil {
			c.savedTimes = map[uint16]uint32{}
		}
	}
	b.owned[k] = have | need
	return c
}

// done freezes the builder into a table.
func (b *builder) done() *table {
	t := b.table
	b.rank()
	t.prefix = b.prefix
	return &t
}

// rank brings prefix up to date, on which at, slot and row depend.
func (b *builder) rank() {
	if len(b.prefix) == 0 {
		b.prefix = make([]int, len(b.parts)+1)
		for k, c := range b.parts {
			b.prefix[k+1] = b.prefix[k] + c.live
		}
	}
}

func (b *builder) stale() { b.prefix = nil }

// row is one message as a record or an import has it.
type rowData struct {
	uid        UID
	file       []byte
	isNew      bool
	extra      uint8 // flags the name lacks
	kw         []uint16
	class      uint16
	modseq     uint64
	size, wire int64
	recv       int64
	saved      int64
	sent       int64
	cache      uint32
}

// classify takes a file name apart into what is stored of it.
func classify(file []byte) (stored []byte, flags, state uint8) {
	n := baseLen(file)
	base, info := file[:n], file[n:]
	if len(info) == 0 {
		return base, 0, stateBare
	}
	if info[1] == '2' {
		// Letters end at the first comma after "2,".
		text := info[3:]
		if k := bytes.IndexByte(text, ','); k >= 0 {
			text = text[:k]
		}
		for _, c := range text {
			if k := strings.IndexByte(flagLetters, c); k >= 0 {
				flags |= 1 << k
			}
		}
	}
	if string(info) == infos[flags] {
		return base, flags, 0
	}
	return file, flags, stateExact
}

// add appends a row.
func (b *builder) add(r *rowData) {
	k := b.slots >> chunkBits
	if k == len(b.parts) {
		c := &chunk{}
		if k > 0 && b.owned[k-1] == ownAll { // many are added
			c = roomFor(b.parts[k-1])
		}
		b.parts = append(b.parts, c)
		b.owned = append(b.owned, ownAll)
	}
	c := b.own(k, 0)
	i := len(c.uid)
	stored, disk, state := classify(r.file)
	flags := disk | r.extra
	if r.isNew {
		state |= stateNew
		b.st.New++
	}
	if flags != disk {
		state |= statePending
		b.st.Pending++
	}
	size, wdelta := packSizes(r.size, r.wire)
	lo, hi := splitSent(r.sent)
	c.uid = append(c.uid, uint32(r.uid))
	c.flags = append(c.flags, flags)
	c.disk = append(c.disk, disk)
	c.state = append(c.state, state)
	c.kw = append(c.kw, b.set(r.kw))
	c.class = append(c.class, r.class)
	c.modlo = append(c.modlo, uint32(r.modseq))
	c.modhi = append(c.modhi, uint16(r.modseq>>32))
	c.size = append(c.size, size)
	c.wdelta = append(c.wdelta, wdelta)
	c.recv = append(c.recv, clamp32(r.recv))
	c.sentlo = append(c.sentlo, lo)
	c.senthi = append(c.senthi, hi)
	c.cache = append(c.cache, r.cache)
	c.arena = append(c.arena, stored...)
	c.nameEnd = append(c.nameEnd, uint32(len(c.arena)))
	c.live++
	if r.saved != 0 && clamp32(r.saved) != clamp32(r.recv) {
		b.own(k, ownSaved).savedTimes[uint16(i)] = clamp32(r.saved)
	}
	n := baseLen(r.file)
	if b.names != nil {
		b.names.put(hashBytes(b.seed, r.file[:n]), b.slots)
	}
	b.slots++
	b.work++
	b.stale()
	b.st.Total++
	if Flags(flags)&Seen == 0 {
		b.st.Unseen++
	}
	if Flags(flags)&Trashed != 0 {
		b.st.Deleted++
	}
	if r.cache == 0 {
		b.st.Undigested++
	}
	b.count(c, i, 1)
	b.st.UIDNext = max(b.st.UIDNext, r.uid+1)
	b.st.HighestModSeq = max(b.st.HighestModSeq, r.modseq)
}

// roomFor returns an empty chunk with room for as much as another holds: one that grows row by
// row leaves three times that behind.
func roomFor(like *chunk) *chunk {
	const n = chunkSlots
	return &chunk{
		uid: make([]uint32, 0, n), flags: make([]uint8, 0, n), disk: make([]uint8, 0, n), state: make([]uint8, 0, n),
		kw: make([]uint16, 0, n), class: make([]uint16, 0, n), modlo: make([]uint32, 0, n), modhi: make([]uint16, 0, n),
		size: make([]uint32, 0, n), wdelta: make([]uint32, 0, n), recv: make([]uint32, 0, n),
		sentlo: make([]uint32, 0, n), senthi: make([]int8, 0, n), cache: make([]uint32, 0, n),
		nameEnd: make([]uint32, 0, n), arena: make([]byte, 0, len(like.arena)+len(like.arena)/32),
	}
}

// count adds or takes away the sizes of a row.
func (b *builder) count(c *chunk, i int, sign int64) {
	size, wire := c.sizes(i)
	b.st.Bytes += sign * max(size, 0)
	b.st.WireBytes += sign * max(wire, 0)
}

// spans calls fn with the slots of ascending ranges, those of one chunk at a time.
// Some may be dead.
func (b *builder) spans(ranges []UIDRange, fn func(k, lo, hi int)) {
	slot := 0
	for _, r := range ranges {
		slot = b.findNext(slot, r.Lo)
		for slot < b.slots {
			k, lo := slot>>chunkBits, slot&(chunkSlots-1)
			u := b.parts[k].uid
			if UID(u[lo]) > r.Hi {
				break
			}
			hi := len(u)
			if UID(u[hi-1]) > r.Hi {
				// Numbers without gaps are the rule.
				hi = min(lo+int(min(r.Hi-UID(u[lo]), chunkSlots))+1, hi)
				if UID(u[hi-1]) > r.Hi {
					n, found := slices.BinarySearch(u[lo:hi], uint32(r.Hi))
					if hi = lo + n; found {
						hi++
					}
				}
			}
			fn(k, lo, hi)
			if slot = k<<chunkBits + hi; hi < len(u) {
				break
			}
			slot = (k + 1) << chunkBits
		}
	}
}

// findNext is findSlot, quick if what is looked for is not far behind slot.
func (b *builder) findNext(slot int, uid UID) int {
	if slot < b.slots {
		u, i := b.parts[slot>>chunkBits].uid, slot&(chunkSlots-1)
		if first := UID(u[i]); first <= uid && uid <= UID(u[len(u)-1]) {
			end := min(i+int(min(uid-first, chunkSlots))+1, len(u))
			if UID(u[end-1]) == uid {
				return slot + end - 1 - i
			}
			n, _ := slices.BinarySearch(u[i:end], uint32(uid))
			return slot + n
		}
	}
	return b.findSlot(uid)
}

// each calls fn with the slots of the ranges that are not dead.
func (b *builder) each(ranges []UIDRange, fn func(k, i int)) {
	b.spans(ranges, func(k, lo, hi int) {
		for i := lo; i < hi; i++ {
			if !b.parts[k].dead.has(i) {
				fn(k, i)
			}
		}
	})
}

// flagChange is a FLAGS record.
type flagChange struct {
	set, clear uint8
	pending    bool
	add, rm    []uint16
	modseq     uint64

	memo [2]struct { // which sets of keywords became which
		from, to uint16
		ok       bool
	}
}

// flags applies a change and returns how many rows differ by it.
func (b *builder) flags(ranges []UIDRange, ch *flagChange) (changed int) {
	b.spans(ranges, func(k, lo, hi int) { changed += b.flagSpan(k, lo, hi, ch) })
	if changed > 0 {
		b.st.HighestModSeq = max(b.st.HighestModSeq, ch.modseq)
	}
	return changed
}

// flagSpan is flags for slots of one chunk.
func (b *builder) flagSpan(k, lo, hi int, ch *flagChange) (changed int) {
	plain := len(ch.add)+len(ch.rm) == 0
	c := b.chunk(k)
	unseen, deleted, pending := 0, 0, 0
	for i := lo; i < hi; i++ {
		if c.dead.has(i) {
			continue
		}
		old, kw, state := c.flags[i], c.kw[i], c.state[i]
		now := (old | ch.set) &^ ch.clear
		if !plain {
			m := &ch.memo[kw&1]
			if !m.ok || m.from != kw {
				m.from, m.to, m.ok = kw, b.changeSet(kw, ch.add, ch.rm), true
			}
			kw = m.to
		}
		if now != old || kw != c.kw[i] {
			changed++
			if ch.pending {
				state |= statePending
			}
			c = b.own(k, ownFlags|ownModSeq)
			c.flags[i] = now
			c.setModseq(i, ch.modseq)
			if kw != c.kw[i] {
				c = b.own(k, ownKeyword)
				c.kw[i] = kw
			}
			unseen += int(old&uint8(Seen))/int(Seen) - int(now&uint8(Seen))/int(Seen)
			deleted += int(now&uint8(Trashed))/int(Trashed) - int(old&uint8(Trashed))/int(Trashed)
		}
		if !ch.pending && now == c.disk[i] {
			state &^= statePending
		}
		if was := c.state[i]; was != state {
			c = b.own(k, ownState)
			c.state[i] = state
			pending += int(state&statePending)/statePending - int(was&statePending)/statePending
		}
	}
	b.st.Unseen += unseen
	b.st.Deleted += deleted
	b.st.Pending += pending
	return changed
}

// setState changes the state of a slot and what is counted by it.
func (b *builder) setState(k, i int, state uint8) {
	old := b.chunk(k).state[i]
	if old == state {
		return
	}
	b.own(k, ownState).state[i] = state
	b.st.Pending += int(state&statePending)/statePending - int(old&statePending)/statePending
	b.st.New += int(state&stateNew)/stateNew - int(old&stateNew)/stateNew
}

func (b *builder) setMoved(k, i int) {
	if !b.chunk(k).moved.has(i) {
		b.own(k, ownMoved).moved.set(i)
		b.moved++
	}
}

// nameChange is a NAME record: canonical names, or bare ones.
type nameChange struct {
	disk  uint8
	state uint8 // of stateNew and stateBare
}

func (b *builder) name(ranges []UIDRange, ch nameChange) {
	b.each(ranges, func(k, i int) { b.nameSlot(k, i, ch) })
}

func (b *builder) nameSlot(k, i int, ch nameChange) {
	c := b.chunk(k)
	if c.state[i]&stateExact != 0 {
		var buf [256]byte
		base := string(b.base(buf[:0], k<<chunkBits|i))
		c = b.own(k, ownNames)
		c.names[uint16(i)] = base
	}
	if c.disk[i] != ch.disk {
		b.follow(k, i, ch.disk)
		c = b.own(k, ownDisk)
		c.disk[i] = ch.disk
	}
	state := c.state[i]&statePending | ch.state
	if c.flags[i] == ch.disk {
		state &^= statePending
	}
	b.setState(k, i, state)
	b.setMoved(k, i)
}

// follow gives a slot the flags that its new name has and the old one lacked, and
// takes those that are the other way round, if the snapshot is lost: which flags it
// had before is not known then, and a name must not lose them as if that had been
// asked for.
func (b *builder) follow(k, i int, disk uint8) {
	c := b.chunk(k)
	was := c.disk[i]
	old := c.flags[i]
	now := (old | disk&^was) &^ (was &^ disk)
	if !b.lenient || now == old {
		return
	}
	b.own(k, ownFlags).flags[i] = now
	b.st.Unseen += int(old&uint8(Seen))/int(Seen) - int(now&uint8(Seen))/int(Seen)
	b.st.Deleted += int(now&uint8(Trashed))/int(Trashed) - int(old&uint8(Trashed))/int(Trashed)
}

// rename gives a slot any other name.
func (b *builder) rename(slot int, file []byte, isNew bool) {
	k, i := slot>>chunkBits, slot&(chunkSlots-1)
	stored, disk, state := classify(file)
	c := b.own(k, ownDisk|ownNames)
	c.names[uint16(i)] = string(stored)
	b.follow(k, i, disk)
	c.disk[i] = disk
	if isNew {
		state |= stateNew
	}
	if c.flags[i] != disk {
		state |= c.state[i] & statePending
	}
	b.setState(k, i, state)
	b.setMoved(k, i)
	n := baseLen(file)
	if b.names != nil {
		b.names.put(hashBytes(b.seed, file[:n]), slot)
	}
}

// expunge takes slots away. Their UIDs are given to gone.
func (b *builder) expunge(ranges []UIDRange, modseq uint64) (n int) {
	g := graves{b: b, modseq: modseq}
	b.each(ranges, func(k, i int) {
		c := b.own(k, ownDead)
		c.dead.set(i)
		c.live--
		b.dead++
		n++
		b.st.Total--
		f := Flags(c.flags[i])
		if f&Seen == 0 {
			b.st.Unseen--
		}
		if f&Trashed != 0 {
			b.st.Deleted--
		}
		b.st.Pending -= int(c.state[i]&statePending) / statePending
		b.st.New -= int(c.state[i]&stateNew) / stateNew
		if c.cache[i] == 0 {
			b.st.Undigested--
		}
		b.count(c, i, -1)
		g.add(UID(c.uid[i]))
	})
	if n == 0 {
		return 0
	}
	b.stale()
	g.done()
	b.st.HighestModSeq = max(b.st.HighestModSeq, modseq)
	return n
}

// graves are the tombstones of one record.
type graves struct {
	b      *builder
	modseq uint64
	any    bool
}

func (g *graves) add(uid UID) {
	tombs := g.b.tombs
	if m := len(tombs) - 1; g.any && tombs[m].hi+1 == uid {
		tombs[m].hi = uid
		return
	}
	// The array is shared with older views, which do not look this far.
	g.b.tombs = append(tombs, tomb{g.modseq, uid, uid})
	g.any = true
}

// done forgets what is too much.
func (g *graves) done() {
	b, tombs := g.b, g.b.tombs
	if over := len(tombs) - maxTombs; over > 0 {
		cut := over + maxTombs/2
		// What is forgotten is forgotten up to a whole MODSEQ.
		b.st.FloorModSeq = max(b.st.FloorModSeq, tombs[cut-1].modseq)
		tombs = slices.Clone(tombs[cut:])
		for len(tombs) > 0 && tombs[0].modseq <= b.st.FloorModSeq {
			tombs = tombs[1:]
		}
	}
	b.tombs = tombs
}

// detail is a DETAIL record.
type detailData struct {
	size, wire, recv, sent int64
	class                  uint16
	cache                  uint32
}

func (b *builder) detail(slot int, d *detailData) {
	k, i := slot>>chunkBits, slot&(chunkSlots-1)
	// The name may be kept as one derived from the sizes: they must not change
	// under it.
	old := b.chunk(k)
	size, wdelta := packSizes(d.size, d.wire)
	if i < old.base && d.size >= 0 && (old.size[i] != size || old.wdelta[i] != wdelta) {
		if _, ok := old.names[uint16(i)]; !ok {
			name := string(b.stored(nil, slot))
			b.own(k, ownNames).names[uint16(i)] = name
		}
	}
	c := b.own(k, ownDetail)
	b.count(c, i, -1)
	if d.size >= 0 {
		c.size[i], c.wdelta[i] = size, wdelta
	}
	b.count(c, i, 1)
	if d.recv != 0 {
		c.recv[i] = clamp32(d.recv)
	}
	c.sentlo[i], c.senthi[i] = splitSent(d.sent)
	c.class[i] = d.class
	if (c.cache[i] == 0) != (d.cache == 0) {
		if d.cache == 0 {
			b.st.Undigested++
		} else {
			b.st.Undigested--
		}
	}
	c.cache[i] = d.cache
}

// touch gives every row a MODSEQ above all that were shown, and forgets the
// tombstones: nobody knows what changed in a part that is lost.
func (b *builder) touch() {
	m := min(b.st.HighestModSeq+1, maxModSeq-1)
	b.st.HighestModSeq, b.st.FloorModSeq = m, m
	b.tombs = nil
	for k, c := range b.parts {
		if len(c.uid) > 0 {
			c = b.own(k, ownModSeq)
			for i := range c.uid {
				c.setModseq(i, m)
			}
		}
	}
}

func (b *builder) saved(slot int, at int64) {
	k, i := slot>>chunkBits, slot&(chunkSlots-1)
	b.own(k, ownSaved).savedTimes[uint16(i)] = clamp32(at)
}

// dropCache forgets every digest.
func (b *builder) dropCache() {
	for k := range b.parts {
		clear(b.own(k, ownDetail).cache)
	}
	b.st.Undigested = b.st.Total
}

// reset empties the table. GUID and MODSEQ go on.
func (b *builder) reset(validity uint32) {
	st := b.st
	b.table = table{names: &overlay{}, seed: b.seed, kwNames: b.kwNames, sets: b.sets, meta: b.allMeta()}
	b.owned = nil
	b.meta1 = true
	b.st = State{
		GUID: st.GUID, UIDValidity: validity, UIDNext: 1,
		HighestModSeq: st.HighestModSeq, FloorModSeq: st.HighestModSeq, Sticky: st.Sticky,
	}
}

// allMeta is what the snapshot and the changes since say together.
func (t *table) allMeta() map[string][]byte {
	out := map[string][]byte{}
	if t.snap != nil {
		for k := range t.snap.metas() {
			key, val := t.snap.metaAt(k)
			out[string(key)] = slices.Clone(val)
		}
	}
	for key, val := range t.meta {
		if val == nil {
			delete(out, key)
		} else {
			out[key] = val
		}
	}
	return out
}

func (b *builder) setMeta(key string, val []byte) {
	if !b.meta1 {
		if b.table.meta = maps.Clone(b.table.meta); b.table.meta == nil {
			b.table.meta = map[string][]byte{}
		}
		b.meta1 = true
	}
	b.table.meta[key] = val
}

// keyword returns the number of a name, in any case of letters (RFC 3501, 9:
// keywords are atoms compared without case by all servers in use).
func (b *builder) keyword(name string) (id int, ok bool) {
	if b.kwMap == nil {
		b.kwMap = make(map[string]int, len(b.kwNames))
		for k, n := range b.kwNames {
			b.kwMap[strings.ToLower(n)] = k
		}
	}
	id, ok = b.kwMap[strings.ToLower(name)]
	return id, ok
}

func (b *builder) defineKeyword(id int, name string) error {
	if id != len(b.kwNames) || id > math.MaxUint16 {
		return fmt.Errorf("keyword %d of %d: %w", id, len(b.kwNames), ErrDamaged)
	}
	b.keyword("")
	b.kwNames = append(b.kwNames, name)
	b.kwMap[strings.ToLower(name)] = id
	return nil
}

// set interns a set of keyword numbers.
func (b *builder) set(ids []uint16) uint16 {
	if len(ids) == 0 {
		return 0
	}
	id, ok := b.sets.number(ids)
	if !ok {
		b.err = fmt.Errorf("more than %d combinations of keywords: %w", math.MaxUint16, ErrFull)
	}
	return id
}

func (b *builder) changeSet(set uint16, add, rm []uint16) uint16 {
	ids := append(slices.Clone(b.sets.get(set)), add...)
	ids = slices.DeleteFunc(ids, func(k uint16) bool { return slices.Contains(rm, k) })
	return b.set(ids)
}
