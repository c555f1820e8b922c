package thread

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"runtime"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"unsafe"

	"pneu/maildir/internal/radix"
)

// A saved Forest is a header, the mark and the arrays one after another, each at a multiple of
// eight bytes and in the byte order of the machine: it is kept beside a folder, never sent.
//
//	"pneuthr3"           8 bytes, which tell byte order and version
//	crc u32, mark u32    sum of all behind the crc; length of the mark
//	byReference u64      0 or 1
//	lengths              u64 each
//
// Behind each array is room for more elements, which a Forest that was loaded adds in place.
const magic = uint64('p') | 'n'<<8 | 'e'<<16 | 'u'<<24 | 't'<<32 | 'h'<<40 | 'r'<<48 | '3'<<56

// room is the number of bytes an array of n bytes has in the file.
func room(n int) int { return (n + n/64 + 256 + 7) &^ 7 }

// ErrFile is returned for bytes that are no Forest, or not the one that was asked for.
var ErrFile = errors.New("no saved threads, or other ones")

var crcTable = crc32.MakeTable(crc32.Castagnoli)

// sumPiece is how many bytes are summed at a time.
const sumPiece = 4 << 20

// sum is the CRC-32C of the CRC-32Cs of the pieces of b, which all processors make.
func sum(b []byte) uint32 {
	pieces := slices.Collect(slices.Chunk(b, sumPiece))
	sums := make([]byte, 4*len(pieces))
	var next atomic.Int64
	var wg sync.WaitGroup
	work := func() {
		for i := next.Add(1) - 1; i < int64(len(pieces)); i = next.Add(1) - 1 {
			binary.NativeEndian.PutUint32(sums[4*i:], crc32.Checksum(pieces[i], crcTable))
		}
	}
	for range min(runtime.GOMAXPROCS(0), len(pieces)) - 1 {
		wg.Go(func() {
			debug.SetPanicOnFault(true)
			defer func() { recover() }() // the sum is wrong then
			work()
		})
	}
	defer wg.Wait()
	work()
	wg.Wait()
	return crc32.Checksum(sums, crcTable)
}

// array is an array of a Forest as bytes, and how it is set.
type array struct {
	bytes func() []byte
	set   func(b []byte, n int) bool // to the first n bytes of b; the rest is room
}

func of[T any](s *[]T) array {
	var zero T
	size := int(unsafe.Sizeof(zero))
	return array{
		bytes: func() []byte {
			if len(*s) == 0 {
				return nil
			}
			return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(*s))), len(*s)*size)
		},
		set: func(b []byte, n int) bool {
			if n%size != 0 {
				return false
			}
			*s = unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(b))), len(b)/size)[:n/size]
			return true
		},
	}
}

func (f *Forest) arrays() []array {
	return []array{
		of(&f.key), of(&f.date), of(&f.subj), of(&f.state), of(&f.box), of(&f.off), of(&f.refs), of(&f.next), of(&f.in),
		of(&f.hash), of(&f.up), of(&f.head), of(&f.tail), of(&f.ids.slots),
		of(&f.start), of(&f.n), of(&f.latest), of(&f.base), of(&f.groups.slots), of(&f.spots),
	}
}

const arrayCount = 20

// Save appends the Forest to dst, which begins at a multiple of eight, under a mark that says
// what folder and state it is of.
func (f *Forest) Save(dst, mark []byte) []byte {
	f.compact()
	all := f.arrays()
	from, size := len(dst), 24+8*arrayCount+(len(mark)+7)&^7
	for _, c := range all {
		size += room(len(c.bytes()))
	}
	dst = slices.Grow(dst, size)
	dst = binary.NativeEndian.AppendUint64(dst, magic)
	dst = binary.NativeEndian.AppendUint32(dst, 0)
	dst = binary.NativeEndian.AppendUint32(dst, uint32(len(mark)))
	by := uint64(0)
	if f.byReference {
		by = 1
	}
	dst = binary.NativeEndian.AppendUint64(dst, by)
	for _, c := range all {
		dst = binary.NativeEndian.AppendUint64(dst, uint64(len(c.bytes())))
	}
	dst = append(dst, mark...)
	dst = append(dst, make([]byte, -len(mark)&7)...)
	for _, c := range all {
		b := c.bytes()
		dst = append(dst, b...)
		dst = append(dst, make([]byte, room(len(b))-len(b))...)
	}
	binary.NativeEndian.PutUint32(dst[from+8:], sum(dst[from+12:]))
	return dst
}

// Mark returns the mark of a saved Forest, without looking at the rest.
func Mark(file []byte) ([]byte, error) {
	if len(file) < 24+8*arrayCount || binary.NativeEndian.Uint64(file) != magic {
		return nil, ErrFile
	}
	n := int(binary.NativeEndian.Uint32(file[12:]))
	rest := file[24+8*arrayCount:]
	if n > len(rest) {
		return nil, ErrFile
	}
	return rest[:n], nil
}

// Load returns the Forest saved in file under the mark. It keeps the bytes, which begin at a
// multiple of eight, and changes them: a private mapping is what it is made for.
func Load(file, mark []byte) (*Forest, error) {
	have, err := Mark(file)
	if err != nil || !bytes.Equal(have, mark) || uintptr(unsafe.Pointer(unsafe.SliceData(file)))&7 != 0 {
		return nil, ErrFile
	}
	if sum(file[12:]) != binary.NativeEndian.Uint32(file[8:]) {
		return nil, ErrFile
	}
	f := &Forest{byReference: binary.NativeEndian.Uint64(file[16:]) == 1}
	at := 24 + 8*arrayCount + (len(mark)+7)&^7
	for i, c := range f.arrays() {
		n := binary.NativeEndian.Uint64(file[24+8*i:])
		if at > len(file) || n > uint64(len(file)-at) || room(int(n)) > len(file)-at || !c.set(file[at:at+room(int(n))], int(n)) {
			return nil, ErrFile
		}
		at += room(int(n))
	}
	if !f.sound() {
		return nil, ErrFile
	}
	for _, st := range f.state {
		if st&stGone == 0 {
			f.live++
		}
	}
	f.ids.used, f.groups.used = len(f.hash), len(f.start)
	return f, nil
}

// sound reports whether the arrays are as long as each other.
func (f *Forest) sound() bool {
	n, b, t := len(f.key), len(f.hash), len(f.start)
	pow := func(n int) bool { return n&(n-1) == 0 }
	return len(f.date) == n && len(f.subj) == n && len(f.state) == n && len(f.box) == n && len(f.off) == n+1 && len(f.next) == n && len(f.in) == n &&
		len(f.up) == b && len(f.head) == b && len(f.tail) == b && len(f.n) == t && len(f.latest) == t && len(f.base) == t &&
		pow(len(f.ids.slots)) && pow(len(f.groups.slots)) && int(f.off[n]) == len(f.refs)
}

// compact drops threads that are no more, and puts the others into the order of their last
// messages, so that no later sort has much to do.
func (f *Forest) compact() {
	var live []int32
	keys := make([]int64, len(f.start))
	for t, n := range f.n {
		if n > 0 {
			live = append(live, int32(t))
			keys[t] = int64(f.spots[f.start[t]].Row)
		}
	}
	radix.Sort(live, keys)
	radix.Sort(live, f.latest)
	g := Forest{
		start: make([]int32, 0, len(live)), n: make([]int32, 0, len(live)), latest: make([]int64, 0, len(live)), base: make([]uint64, 0, len(live)),
		spots: make([]Spot, 0, f.live),
	}
	for _, t := range live {
		k := int32(len(g.start))
		spots := f.spots[f.start[t] : f.start[t]+f.n[t]]
		g.start, g.n = append(g.start, int32(len(g.spots))), append(g.n, f.n[t])
		g.latest, g.base = append(g.latest, f.latest[t]), append(g.base, f.base[t])
		g.spots = append(g.spots, spots...)
		for _, s := range spots {
			f.in[s.Row] = k
		}
		if f.base[t] != 0 {
			g.groups.put(f.base[t], k, g.base)
		}
	}
	f.start, f.n, f.latest, f.base, f.groups, f.spots = g.start, g.n, g.latest, g.base, g.groups, g.spots
	for m, st := range f.state { // those that went are in no thread, whatever its number is now
		if st&stGone != 0 {
			f.in[m] = -1
		}
	}
	f.key, f.state = slices.Clip(f.key), slices.Clip(f.state)
}
