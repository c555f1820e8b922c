package thread

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"slices"
	"unsafe"

	"pneu/maildir/internal/radix"
)

// A saved Forest is a header, the mark and the arrays one after another, each at a multiple of
// eight bytes and in the byte order of the machine: it is kept beside a folder, never sent.
//
//	"pneuthr1"           8 bytes, which tell byte order and version
//	crc u32, mark u32    CRC-32C of all behind them; length of the mark
//	byReference u64      0 or 1
//	lengths              u64 each
const magic = uint64('p') | 'n'<<8 | 'e'<<16 | 'u'<<24 | 't'<<32 | 'h'<<40 | 'r'<<48 | '2'<<56

// ErrFile is returned for bytes that are no Forest, or not the one that was asked for.
var ErrFile = errors.New("no saved threads, or other ones")

var crcTable = crc32.MakeTable(crc32.Castagnoli)

// column is an array of a Forest as bytes, and how it is set.
type column struct {
	bytes func() []byte
	set   func(b []byte) bool
}

func of[T any](s *[]T) column {
	var zero T
	size := int(unsafe.Sizeof(zero))
	return column{
		bytes: func() []byte {
			if len(*s) == 0 {
				return nil
			}
			return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(*s))), len(*s)*size)
		},
		set: func(b []byte) bool {
			if len(b)%size != 0 {
				return false
			}
			if len(b) > 0 {
				*s = unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(b))), len(b)/size)
				*s = (*s)[:len(*s):len(*s)] // what is appended goes elsewhere
			}
			return true
		},
	}
}

func (f *Forest) columns() []column {
	return []column{
		of(&f.key), of(&f.date), of(&f.subj), of(&f.state), of(&f.box), of(&f.off), of(&f.refs), of(&f.next), of(&f.in),
		of(&f.hash), of(&f.up), of(&f.head), of(&f.tail), of(&f.ids.slots),
		of(&f.start), of(&f.n), of(&f.latest), of(&f.base), of(&f.groups.slots), of(&f.spots),
	}
}

const columnCount = 20

// Save appends the Forest to dst, which begins at a multiple of eight, under a mark that says
// what folder and state it is of.
func (f *Forest) Save(dst, mark []byte) []byte {
	f.compact()
	cols := f.columns()
	from := len(dst)
	dst = binary.NativeEndian.AppendUint64(dst, magic)
	dst = binary.NativeEndian.AppendUint32(dst, 0)
	dst = binary.NativeEndian.AppendUint32(dst, uint32(len(mark)))
	by := uint64(0)
	if f.byReference {
		by = 1
	}
	dst = binary.NativeEndian.AppendUint64(dst, by)
	for _, c := range cols {
		dst = binary.NativeEndian.AppendUint64(dst, uint64(len(c.bytes())))
	}
	put := func(b []byte) {
		dst = append(dst, b...)
		dst = append(dst, make([]byte, -len(dst)&7)...)
	}
	put(mark)
	for _, c := range cols {
		put(c.bytes())
	}
	binary.NativeEndian.PutUint32(dst[from+8:], crc32.Checksum(dst[from+12:], crcTable))
	return dst
}

// Mark returns the mark of a saved Forest, without looking at the rest.
func Mark(file []byte) ([]byte, error) {
	if len(file) < 24+8*columnCount || binary.NativeEndian.Uint64(file) != magic {
		return nil, ErrFile
	}
	n := int(binary.NativeEndian.Uint32(file[12:]))
	rest := file[24+8*columnCount:]
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
	if crc32.Checksum(file[12:], crcTable) != binary.NativeEndian.Uint32(file[8:]) {
		return nil, ErrFile
	}
	f := &Forest{byReference: binary.NativeEndian.Uint64(file[16:]) == 1}
	at := 24 + 8*columnCount + (len(mark)+7)&^7
	for i, c := range f.columns() {
		n := binary.NativeEndian.Uint64(file[24+8*i:])
		if at > len(file) || n > uint64(len(file)-at) || !c.set(file[at:at+int(n)]) {
			return nil, ErrFile
		}
		at += (int(n) + 7) &^ 7
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
