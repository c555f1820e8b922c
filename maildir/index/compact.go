package index

import (
	"context"
	"encoding/binary"
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
)

// An urgency says what a commit does about a new generation that is due.
type urgency int

const (
	due      urgency = iota
	overdue          // deliveries, which wait for nobody, leave it to others for a while
	overlong         // and Build to its end
)

// logCost is the cost of reading the log, which every Open does, in bytes: a record takes as
// long as so many of them.
func (c *core) logCost() int64 { return c.slot.length - pageSize + 96*int64(c.work) }

// wantCompact says whether a new generation is to be made at once. The log must be read in
// less than a millisecond for a million messages, and the hash table must know most names
// as they are. Writing a new snapshot costs 70 bytes a message and half a second for a
// million, and is to be worth it: there it takes some 4,000 changes, or half as many new
// messages. Who commits need not wait for it unless it is due for long: it is begun in the
// background.
func (x *Index) wantCompact(u urgency) bool {
	c := x.core
	cost, limit := c.logCost(), max(1<<19, c.idxSize/128)
	moved, some := x.cur.Load().moved, max(1<<14, c.slot.st.Total/16)
	switch {
	case u == overlong:
		return c.slot.length > max(4<<20, c.idxSize/4)
	case cost > limit+limit/2 || u == due && moved > 2*some:
		return true
	case u == due && (cost > limit || moved > some):
		x.background()
	}
	return false
}

// tidy makes a new generation after much was done at once, so that what opens the
// folder next has little to replay.
func (x *Index) tidy(ctx context.Context) {
	t, err := x.begin(ctx)
	if err != nil {
		return
	}
	defer t.end()
	x.mu.Lock()
	defer x.mu.Unlock()
	c, moved := x.core, x.cur.Load().moved
	if x.volatile != nil || c.logCost() <= max(256<<10, c.idxSize/128) && moved <= max(1<<12, c.slot.st.Total/64) {
		return
	}
	if err := x.compact(); err != nil {
		x.opt.Log.Warn("index not compacted", "folder", x.f.Name(), "err", err)
	}
	t.from()
}

// Compact makes a new snapshot, whatever the length of the journal.
func (x *Index) Compact(ctx context.Context) error {
	t, err := x.begin(ctx)
	if err != nil {
		return err
	}
	defer t.end()
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.volatile != nil {
		return x.volatile
	}
	return x.compact()
}

// proveSnapshot reads all of the snapshot before it is copied under new checksums. What is
// damaged is not gone on with: the index is loaded again as if that had been found when it
// was opened. Called with mu and the lock held.
func (x *Index) proveSnapshot() error {
	s := x.cur.Load().snap
	damage := x.cur.Load().provenSnap()
	if damage == nil {
		return nil
	}
	x.distrusted, x.distrust = s.info, damage
	if err := x.load(); err != nil {
		return err
	}
	x.opt.Log.Warn("index damaged", "folder", x.f.Name(), "err", x.damage, "uids lost", x.lost)
	return x.volatile
}

// provenSnap reads all of the snapshot that t stands on.
func (t *table) provenSnap() error {
	if t.snap == nil {
		return nil
	}
	return t.snap.verify(copied)
}

// makeLog puts an empty log in place. Called with mu and the lock held.
func (x *Index) makeLog(id identity, s slot) error {
	path := filepath.Join(x.dir, logName)
	f, err := x.fs.Create(path + tmpSuffix)
	if err != nil {
		return err
	}
	defer f.Close()
	adopt(f, x.dir)
	s.length = pageSize
	s.boot = x.boot
	page := make([]byte, pageSize)
	copy(page, id.encode(logMagic))
	copy(page[slotAt+int(s.seq&1)*sector:], s.encode())
	// No more is reserved than was given: the first commit reserves, and until
	// then a loss of power costs no UIDs.
	r := reservation{seq: 1, uid: uint64(s.st.UIDNext), modseq: min(s.st.HighestModSeq+modseqBlock, maxModSeq)}
	copy(page[reserveAt+sector:], r.encode())
	if _, err = f.WriteAt(page, 0); err == nil {
		err = f.Sync()
	}
	if err != nil {
		x.fs.Remove(path + tmpSuffix)
		return err
	}
	if err := x.fs.Rename(path+tmpSuffix, path); err != nil {
		return err
	}
	return x.fs.SyncDir(x.dir)
}

// compact makes a new generation of what is known. Called with mu and the lock
// held.
func (x *Index) compact() error {
	if err := x.proveSnapshot(); err != nil {
		return err
	}
	if err := x.generation(x.core, x.cur.Load()); err != nil {
		return err
	}
	x.distrust = nil
	return x.load()
}

// generation writes v as the generation after c. At every moment what lies on the disk
// can be opened: the new snapshot has everything the old log has, and the old log is
// recognised as older. Called with mu and the lock held.
func (x *Index) generation(c *core, v *View) error {
	s := c.slot
	s.seq++
	s.boot = x.boot
	s.st = v.st
	s.st.Sticky = true
	s.length = pageSize
	if err := x.syncBlobs(&s); err != nil {
		return err
	}
	id := c.id
	id.gen++
	id.seed = v.seed
	path := filepath.Join(x.dir, idxName)
	f, err := x.fs.Create(path + tmpSuffix)
	if err != nil {
		return err
	}
	adopt(f, x.dir)
	places := x.repack(v, &s)
	err = shield(func() error { return writeSnapshot(f, v, id, s, places) })
	if err == nil {
		err = f.Sync()
	}
	f.Close()
	if err == nil && places != nil {
		err = x.putRepacked()
	}
	if err != nil {
		x.fs.Remove(path + tmpSuffix)
		if places != nil {
			x.dropRepacked()
		}
		return err
	}
	if err := x.fs.Rename(path+tmpSuffix, path); err != nil {
		return err
	}
	// From here the old log must not be appended to, whatever becomes of the rest.
	c.stale, c.id.gen, c.slot.seq = errHalf, id.gen, s.seq
	if err = x.fs.SyncDir(x.dir); err == nil {
		err = x.makeLog(id, s)
	}
	if err != nil {
		c.stale = fmt.Errorf("%w: %w", errHalf, err)
	}
	return err
}

// syncBlobs makes the digests durable, so that a loss of power later on needs
// only look at what came after.
func (x *Index) syncBlobs(s *slot) error {
	if s.cacheID == 0 {
		return nil
	}
	for _, name := range []string{cacheName, headName} {
		f, err := x.fs.Open(filepath.Join(x.dir, name), false)
		if err != nil {
			return nil // made anew when the next digest comes
		}
		err = f.Sync()
		f.Close()
		if err != nil {
			return err
		}
	}
	s.cacheOK, s.headOK = s.cacheEnd, s.headEnd
	return nil
}

// sections writes the sections of a snapshot one after the other.
type sections struct {
	f     file
	buf   []byte
	at    int64 // of buf in the file
	table []byte
	err   error
}

func (w *sections) flush() {
	if w.err == nil && len(w.buf) > 0 {
		_, w.err = w.f.WriteAt(w.buf, w.at)
	}
	w.at += int64(len(w.buf))
	w.buf = w.buf[:0]
}

// section writes one section, which parts makes piece by piece.
func (w *sections) section(id uint32, parts func(put func([]byte))) {
	for (w.at+int64(len(w.buf)))%64 != 0 {
		w.buf = append(w.buf, 0)
	}
	start := w.at + int64(len(w.buf))
	size, crc := 0, uint32(0)
	parts(func(b []byte) {
		size += len(b)
		crc = update(crc, b)
		for len(b) > 0 {
			if len(w.buf) >= 1<<20 {
				w.flush()
			}
			n := min(len(b), 1<<20)
			w.buf = append(w.buf, b[:n]...)
			b = b[n:]
		}
	})
	le := binary.LittleEndian
	w.table = le.AppendUint32(w.table, id)
	w.table = le.AppendUint32(w.table, crc)
	w.table = le.AppendUint64(w.table, uint64(start))
	w.table = le.AppendUint64(w.table, uint64(size))
}

func (w *sections) bytes(id uint32, b []byte) {
	w.section(id, func(put func([]byte)) { put(b) })
}

// columnSection writes what is alive of a column, as convert has it.
func columnSection[T any](w *sections, id uint32, v *View, col func(c *chunk) []T, convert func(T) T) {
	var tmp []T
	w.section(id, func(put func([]byte)) {
		for k := range v.parts {
			c := v.chunk(k)
			s := col(c)
			if c.dead != nil || convert != nil {
				tmp = tmp[:0]
				for i, x := range s {
					if !c.dead.has(i) {
						if convert != nil {
							x = convert(x)
						}
						tmp = append(tmp, x)
					}
				}
				s = tmp
			}
			b := bytesOf(s)
			if size := len(b) / max(len(s), 1); !littleEndian && size > 1 {
				b = swapped(b, size)
			}
			put(b)
		}
	})
}

// writeSnapshot writes a view as pneu.idx. Places, if not nil, are where the digests of the
// rows will be.
func writeSnapshot(f file, v *View, id identity, s slot, places []uint32) error {
	defer runtime.KeepAlive(v)
	w := &sections{f: f, at: pageSize}

	// Keyword sets nobody has any longer are left out.
	n := v.KeywordSets() // once all are known
	kwSets := v.sets.all()[:n]
	used := make([]bool, len(kwSets))
	used[0] = true
	for k := range v.parts {
		c := v.chunk(k)
		for i, k := range c.kw {
			if int(k) < len(used) && !c.dead.has(i) {
				used[k] = true
			}
		}
	}
	renumber := make([]uint16, len(kwSets))
	var sets []byte
	n = 0
	for k, set := range kwSets {
		if used[k] {
			renumber[k] = uint16(n)
			n++
			sets = appendIDs(sets, set)
		}
	}

	columnSection(w, secUID, v, func(c *chunk) []uint32 { return c.uid }, nil)
	columnSection(w, secFlags, v, func(c *chunk) []uint8 { return c.flags }, nil)
	columnSection(w, secDisk, v, func(c *chunk) []uint8 { return c.disk }, nil)
	columnSection(w, secState, v, func(c *chunk) []uint8 { return c.state }, nil)
	columnSection(w, secKeywordSet, v, func(c *chunk) []uint16 { return c.kw }, func(k uint16) uint16 {
		if int(k) < len(renumber) {
			return renumber[k]
		}
		return 0
	})
	columnSection(w, secClass, v, func(c *chunk) []uint16 { return c.class }, nil)
	columnSection(w, secModLow, v, func(c *chunk) []uint32 { return c.modlo }, nil)
	columnSection(w, secModHigh, v, func(c *chunk) []uint16 { return c.modhi }, nil)
	columnSection(w, secSize, v, func(c *chunk) []uint32 { return c.size }, nil)
	columnSection(w, secWire, v, func(c *chunk) []uint32 { return c.wdelta }, nil)
	columnSection(w, secReceived, v, func(c *chunk) []uint32 { return c.recv }, nil)
	columnSection(w, secSentLow, v, func(c *chunk) []uint32 { return c.sentlo }, nil)
	columnSection(w, secSentHigh, v, func(c *chunk) []int8 { return c.senthi }, nil)
	if places == nil {
		columnSection(w, secCache, v, func(c *chunk) []uint32 { return c.cache }, nil)
	} else {
		b := bytesOf(places)
		if !littleEndian {
			b = swapped(b, 4)
		}
		w.bytes(secCache, b)
	}

	var names nameWriter
	names.heap = make([]byte, 0, 32*v.Len())
	table := make([]byte, (v.Len()+v.Len()/4+8)*entrySize)
	row := 0
	v.eachName(func(c *chunk, i int, stored []byte) {
		size, wire := c.sizes(i)
		names.add(stored, size, wire)
		n := len(stored)
		if c.state[i]&stateExact != 0 {
			n = baseLen(stored)
		}
		h := hashBytes(v.seed, stored[:n])
		info := stored[n:]
		if len(info) == 0 {
			info = append(info, infoOf(c.state[i], c.disk[i])...)
		}
		tablePut(table, h, row, fileHash(h, info, c.state[i]&stateNew != 0))
		row++
	})
	if names.full || row != v.Len() {
		return ErrFull
	}
	blocks := bytesOf(names.blocks)
	if !littleEndian {
		blocks = swapped(blocks, 4)
	}
	w.bytes(secNameBlocks, blocks)
	w.bytes(secNames, names.heap)
	var hosts []byte
	for _, h := range names.list {
		hosts = appendBytes(hosts, h)
	}
	w.bytes(secHosts, hosts)
	w.bytes(secTable, table)

	le := binary.LittleEndian
	var saved []byte
	row = 0
	for k := range v.parts {
		c := v.chunk(k)
		for i := range c.uid {
			if c.dead.has(i) {
				continue
			}
			t, ok := c.savedTimes[uint16(i)]
			if !ok && i < c.base && len(v.snap.saved) > 0 {
				t, ok = v.snap.savedTime(k<<chunkBits | i)
			}
			if ok {
				saved = le.AppendUint32(le.AppendUint32(saved, uint32(row)), t)
			}
			row++
		}
	}
	w.bytes(secSaved, saved)

	var last []byte
	row = 0
	uid := uint32(0)
	for k := range v.parts {
		c := v.parts[k]
		for i, u := range c.uid {
			if c.dead.has(i) {
				continue
			}
			if row > 0 && row%chunkSlots == 0 {
				last = le.AppendUint32(last, uid)
			}
			uid = u
			row++
		}
	}
	if row > 0 {
		last = le.AppendUint32(last, uid)
	}
	w.bytes(secLast, last)

	var keywords []byte
	for _, k := range v.kwNames {
		keywords = appendBytes(keywords, k)
	}
	w.bytes(secKeywords, keywords)
	w.bytes(secKeywordSets, sets)
	var tombs []byte
	for _, t := range v.tombs {
		tombs = le.AppendUint32(le.AppendUint32(le.AppendUint64(tombs, t.modseq), uint32(t.lo)), uint32(t.hi))
	}
	w.bytes(secTombs, tombs)

	meta := v.allMeta()
	keys := make([]string, 0, len(meta))
	for k := range meta {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	var offsets, heap []byte
	for _, k := range keys {
		offsets = le.AppendUint32(offsets, uint32(len(heap)))
		heap = appendBytes(appendBytes(heap, k), meta[k])
	}
	w.bytes(secMeta, offsets)
	w.bytes(secMetaHeap, heap)
	w.flush()
	if w.err != nil {
		return w.err
	}

	page := make([]byte, pageSize)
	copy(page, id.encode(idxMagic))
	h := fieldWriter{b: page, at: identitySize}
	h.u64(uint64(v.Len()))
	h.u64(uint64(len(w.table) / sectionEntry))
	h.u64(uint64(s.st.UIDNext))
	h.u64(s.st.HighestModSeq)
	copy(page[sector:], s.encode())
	copy(page[sectionsAt:], w.table)
	le.PutUint32(page[pageSize-4:], checksum(page[:pageSize-4]))
	_, err := f.WriteAt(page, 0)
	return err
}

// eachName calls fn with every row that is alive and its stored name, in order.
// Fn must not keep the name.
func (t *table) eachName(fn func(c *chunk, i int, stored []byte)) {
	var r nameReader
	var buf []byte
	for k := range t.parts {
		c := t.chunk(k)
		for i := range c.uid {
			slot := k<<chunkBits | i
			var name []byte
			if i < c.base {
				if slot%nameBlock == 0 {
					t.snap.seek(&r, slot)
				}
				name = r.next(c.sizes(i))
			}
			if c.dead.has(i) {
				continue
			}
			if i >= c.base || c.names != nil {
				buf = t.storedHeap(buf[:0], name, slot)
				name = buf
			}
			fn(c, i, name)
		}
	}
}

// storedHeap is stored where the name in the snapshot is known already.
func (t *table) storedHeap(dst, name []byte, slot int) []byte {
	c, i := t.chunk(slot>>chunkBits), slot&(chunkSlots-1)
	if s, ok := c.names[uint16(i)]; ok {
		return append(dst, s...)
	}
	if i < c.base {
		return append(dst, name...)
	}
	return t.stored(dst, slot)
}
