package index

import (
	"bytes"
	"encoding/binary"
	"math"
	"strconv"
	"sync"
	"sync/atomic"
)

// Names lie in the snapshot in blocks of 16. An entry is: kind, length of what
// is shared with the head of the entry before, length of the rest of the head,
// the rest, and what kind says. The name is head, host, sizes and tail.
const nameBlock = 16

const (
	kindSize   = 1 << iota // ",S=" and the size column follow
	kindWire               // and ",W=" and the wire size
	kindHost               // the host is in the table of hosts; its number follows
	kindTail               // length and text of more follow
	kindHex                // the head ends in R and 16 hexadecimal digits, in 8 bytes
	kindPacked             // the rest of the head is packed, two characters a byte
)

// packAlphabet has the characters of heads as programs make them.
const packAlphabet = "0123456789.MPQR_"

var packCode = func() (t [256]uint8) {
	for i := range t {
		t[i] = 0xff
	}
	for i := range len(packAlphabet) {
		t[packAlphabet[i]] = uint8(i)
	}
	return t
}()

// nameWriter encodes the names of a snapshot.
type nameWriter struct {
	heap   []byte
	blocks []uint32
	n      int
	prev   []byte
	hosts  map[string]int
	list   []string
	full   bool
}

// add encodes a stored name whose row has these sizes.
func (w *nameWriter) add(name []byte, size, wire int64) {
	if w.n%nameBlock == 0 {
		w.blocks = append(w.blocks, uint32(len(w.heap)))
		w.prev = w.prev[:0]
		if uint64(len(w.heap)) > math.MaxUint32-1024 {
			w.full = true
		}
	}
	w.n++
	head, tail := name, []byte(nil)
	if i := bytes.IndexByte(name, ','); i >= 0 {
		head, tail = name[:i], name[i:]
	}
	var kind byte
	var num [24]byte
	if size >= 0 {
		if rest, ok := bytes.CutPrefix(tail, strconv.AppendInt(append(num[:0], ",S="...), size, 10)); ok && fieldEnds(rest) {
			kind |= kindSize
			tail = rest
			if wire >= 0 {
				if rest, ok := bytes.CutPrefix(tail, strconv.AppendInt(append(num[:0], ",W="...), wire, 10)); ok && fieldEnds(rest) {
					kind |= kindWire
					tail = rest
				}
			}
		}
	}
	host := -1
	if i := bytes.IndexByte(head, '.'); i >= 0 {
		if j := bytes.IndexByte(head[i+1:], '.'); j >= 0 {
			host = w.host(head[i+1+j:])
			if host >= 0 {
				head = head[:i+1+j]
				kind |= kindHost
			}
		}
	}
	var hex uint64
	if n := len(head); n >= 17 && head[n-17] == 'R' {
		if v, ok := parseHex(head[n-16:]); ok {
			hex, head = v, head[:n-17]
			kind |= kindHex
		}
	}
	shared := 0
	for shared < len(head) && shared < len(w.prev) && head[shared] == w.prev[shared] {
		shared++
	}
	rest := head[shared:]
	packed := len(rest) > 1
	for _, c := range rest {
		if packCode[c] == 0xff {
			packed = false
			break
		}
	}
	if packed {
		kind |= kindPacked
	}
	if len(tail) > 0 {
		kind |= kindTail
	}
	w.heap = append(w.heap, kind, byte(shared), byte(len(rest)))
	if packed {
		for i := 0; i < len(rest); i += 2 {
			b := packCode[rest[i]]
			if i+1 < len(rest) {
				b |= packCode[rest[i+1]] << 4
			}
			w.heap = append(w.heap, b)
		}
	} else {
		w.heap = append(w.heap, rest...)
	}
	if kind&kindHex != 0 {
		w.heap = binary.LittleEndian.AppendUint64(w.heap, hex)
	}
	if kind&kindHost != 0 {
		w.heap = appendUint(w.heap, uint64(host))
	}
	if kind&kindTail != 0 {
		w.heap = appendBytes(w.heap, tail)
	}
	w.prev = append(w.prev[:0], head...)
}

// fieldEnds keeps ",S=12" from being taken out of ",S=123".
func fieldEnds(rest []byte) bool {
	return len(rest) == 0 || rest[0] < '0' || rest[0] > '9'
}

// host numbers a host. A folder with very many of them keeps further ones in the
// names: the table is for what repeats.
func (w *nameWriter) host(h []byte) int {
	if k, ok := w.hosts[string(h)]; ok {
		return k
	}
	if len(w.list) >= 1<<14 {
		return -1
	}
	if w.hosts == nil {
		w.hosts = map[string]int{}
	}
	k := len(w.list)
	s := string(h)
	w.hosts[s] = k
	w.list = append(w.list, s)
	return k
}

func parseHex(b []byte) (v uint64, ok bool) {
	for _, c := range b {
		switch {
		case c >= '0' && c <= '9':
			v = v<<4 | uint64(c-'0')
		case c >= 'a' && c <= 'f':
			v = v<<4 | uint64(c-'a'+10)
		default:
			return 0, false
		}
	}
	return v, true
}

// packPairs are the two characters of every packed byte.
var packPairs = func() (t [256][2]byte) {
	for i := range t {
		t[i] = [2]byte{packAlphabet[i&15], packAlphabet[i>>4]}
	}
	return t
}()

// nameReader decodes names of a block one after the other.
type nameReader struct {
	d     decoder
	hosts [][]byte
	head  int        // length of the head of the last entry, with which out begins
	out   [1024]byte // the last name
}

// next returns the next stored name, good until the call after. A damaged heap
// yields some name or none, and never a fault.
func (r *nameReader) next(size, wire int64) []byte {
	d := &r.d
	kind := r.shared()
	out := r.out[:r.head]
	if kind&kindHex != 0 {
		if len(d.b) < 8 {
			d.fail()
		} else {
			out = append(out, 'R')
			v := binary.LittleEndian.Uint64(d.b)
			for s := 60; s >= 0; s -= 4 {
				out = append(out, "0123456789abcdef"[v>>s&15])
			}
			d.b = d.b[8:]
		}
	}
	if kind&kindHost != 0 {
		if k := d.uint(); k < uint64(len(r.hosts)) {
			out = append(out, r.hosts[k]...)
		} else {
			d.fail()
		}
	}
	if kind&kindSize != 0 {
		out = strconv.AppendInt(append(out, ",S="...), size, 10)
	}
	if kind&kindWire != 0 {
		out = strconv.AppendInt(append(out, ",W="...), wire, 10)
	}
	if kind&kindTail != 0 {
		out = append(out, d.bytes()...)
	}
	return out
}

// skip passes over an entry.
func (r *nameReader) skip() {
	d := &r.d
	kind := r.shared()
	if kind&kindHex != 0 {
		if len(d.b) < 8 {
			d.fail()
		} else {
			d.b = d.b[8:]
		}
	}
	if kind&kindHost != 0 {
		d.uint()
	}
	if kind&kindTail != 0 {
		d.bytes()
	}
}

// shared reads an entry up to the end of its head, which it leaves in out: what
// is shared with the head before is there already.
func (r *nameReader) shared() (kind byte) {
	d := &r.d
	if len(d.b) < 3 {
		d.fail()
		return 0
	}
	kind, shared, rest := d.b[0], int(d.b[1]), int(d.b[2])
	d.b = d.b[3:]
	if shared > r.head {
		d.fail()
		shared = 0
	}
	if kind&kindPacked != 0 {
		n := (rest + 1) / 2
		if n > len(d.b) {
			d.fail()
			n, rest = 0, 0
		}
		h := r.out[shared:][:2*n]
		for i, c := range d.b[:n] {
			*(*[2]byte)(h[2*i:]) = packPairs[c]
		}
		d.b = d.b[n:]
	} else {
		if rest > len(d.b) {
			d.fail()
			rest = 0
		}
		copy(r.out[shared:], d.b[:rest])
		d.b = d.b[rest:]
	}
	// Names have at most 255 bytes; only damage makes more of them.
	r.head = min(shared+rest, 255)
	return kind
}

// A cursor reads the names of files of one table in the order of slots, each from
// where the one before ended.
type cursor struct {
	r   nameReader
	at  int // the slot that r stands before; 0: none yet
	buf []byte
}

// file returns the name of a slot's file, good until the next call.
func (c *cursor) file(t *table, slot int) []byte {
	ch, i := t.chunk(slot>>chunkBits), slot&(chunkSlots-1)
	var name []byte
	if i < ch.base {
		if slot%nameBlock == 0 || slot < c.at || c.at == 0 || c.at/nameBlock != slot/nameBlock {
			t.snap.seek(&c.r, slot) // at each block: damage to one is not the next one's
		} else {
			for at := c.at; at < slot; at++ {
				c.r.skip()
			}
		}
		name = c.r.next(ch.sizes(i))
		c.at = slot + 1
	}
	info := infoOf(ch.state[i], ch.disk[i])
	if i >= ch.base || ch.names != nil {
		c.buf = append(t.storedHeap(c.buf[:0], name, slot), info...)
		return c.buf
	}
	return append(name, info...) // where r writes the next name
}

// A hash table of names has entries of 12 bytes: slot plus one (0: free), the
// upper half of the hash of the base, the file hash when it was put in. Its place
// comes from the lower half. A name that matches an entry agrees with it in some
// 80 bits of keyed hashes, which is taken as proof.
const (
	entrySize = 12
	// maxProbe bounds a search in a damaged table that has no free entry.
	maxProbe = 1 << 16
)

func tablePlace(hash uint64, places int) int {
	return int((hash & 0xffffffff) * uint64(places) >> 32)
}

type tableEntry struct{ slot, tag, file uint32 }

func loadEntry(b []byte) tableEntry {
	_ = b[11]
	le := binary.LittleEndian
	return tableEntry{le.Uint32(b), le.Uint32(b[4:]), le.Uint32(b[8:])}
}

func storeEntry(b []byte, e tableEntry) {
	le := binary.LittleEndian
	le.PutUint32(b, e.slot)
	le.PutUint32(b[4:], e.tag)
	le.PutUint32(b[8:], e.file)
}

func tablePut(table []byte, hash uint64, slot int, file uint32) {
	places := len(table) / entrySize
	for p := tablePlace(hash, places); ; p++ {
		if p == places {
			p = 0
		}
		b := table[p*entrySize:]
		if binary.LittleEndian.Uint32(b) == 0 {
			storeEntry(b, tableEntry{uint32(slot) + 1, uint32(hash >> 32), file})
			return
		}
	}
}

// overlay is the hash table of names that came since the snapshot. All views on
// one snapshot share it: entries are only ever added, and a view passes over
// those that are not, or no longer, its own.
type overlay struct {
	mu    sync.RWMutex
	n     int
	table []overlayEntry

	late atomic.Pointer[lateNames]
	fill sync.Mutex
}

// lateNames are to be put in when something is first looked for.
type lateNames struct {
	t    *table
	log  []byte
	list []lateName
}

// A lateName is a file's name somewhere in a log.
type lateName struct {
	uid  UID
	at   uint32
	size uint8
}

// settle puts in what there is to do.
func (o *overlay) settle() {
	o.fill.Lock()
	defer o.fill.Unlock()
	l := o.late.Load()
	if l == nil {
		return
	}
	for _, n := range l.list {
		if slot, ok := l.t.find(n.uid); ok {
			file := l.log[n.at:][:n.size]
			o.put(hashBytes(l.t.seed, file[:baseLen(file)]), slot)
		}
	}
	o.late.Store(nil)
}

// An overlayEntry has the half of the hash that says where it stands, in a table of any size.
type overlayEntry struct {
	hash uint32
	slot uint32 // plus one
}

func (o *overlay) put(hash uint64, slot int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.n >= len(o.table)/4*3 {
		old := o.table
		o.table = make([]overlayEntry, max(64, 2*len(old)))
		for _, e := range old {
			if e.slot != 0 {
				o.place(e)
			}
		}
	}
	o.place(overlayEntry{uint32(hash), uint32(slot) + 1})
	o.n++
}

func (o *overlay) place(e overlayEntry) {
	mask := uint64(len(o.table) - 1)
	p := uint64(e.hash) & mask
	for o.table[p].slot != 0 {
		p = (p + 1) & mask
	}
	o.table[p] = e
}

// find copies the candidates, for the names they are compared with are read
// without the lock.
func (o *overlay) find(hash uint64, dst []uint32) []uint32 {
	if o.late.Load() != nil {
		o.settle()
	}
	o.mu.RLock()
	defer o.mu.RUnlock()
	if o.n == 0 {
		return dst
	}
	mask := uint64(len(o.table) - 1)
	for p := hash & mask; o.table[p].slot != 0; p = (p + 1) & mask {
		if e := o.table[p]; e.hash == uint32(hash) {
			dst = append(dst, e.slot-1)
		}
	}
	return dst
}
