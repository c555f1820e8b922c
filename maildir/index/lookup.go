package index

import (
	"bytes"
	"encoding/binary"
	"runtime"
)

// A Found is what LookupAll tells of a name: a row that means nothing if Match is Unknown.
type Found struct {
	Row   int32
	Match Match
}

// lookupGroup is how many names are looked up at once: so many waits for memory overlap.
const lookupGroup = 32

// LookupAll is Lookup for many files, all in new/ or all in cur/, several times as fast. It
// appends to dst.
func (v *View) LookupAll(dst []Found, files [][]byte, isNew bool) []Found {
	defer runtime.KeepAlive(v)
	for len(files) > lookupGroup {
		dst = v.lookupGroup(dst, files[:lookupGroup], isNew)
		files = files[lookupGroup:]
	}
	return v.lookupGroup(dst, files, isNew)
}

// lookupGroup touches the places of all names in the table before it looks at the first.
func (v *View) lookupGroup(dst []Found, files [][]byte, isNew bool) []Found {
	var hashes [lookupGroup]uint64
	var lens [lookupGroup]uint8
	var table []byte
	if v.snap != nil {
		table = v.snap.sec[secTable]
	}
	places := len(table) / entrySize
	touched := uint32(0)
	for i, file := range files {
		if len(file) > 255 {
			continue // no file system has it
		}
		n := baseLen(file)
		h := hashBytes(v.seed, file[:n])
		hashes[i], lens[i] = h, uint8(n)
		if places > 0 {
			touched |= binary.LittleEndian.Uint32(table[tablePlace(h, places)*entrySize:])
		}
	}
	v.warm(touched)
	var buf [256]byte
	for i, file := range files {
		if len(file) > 255 {
			dst = append(dst, Found{Match: Unknown})
			continue
		}
		n, h := int(lens[i]), hashes[i]
		slot, same, ok := v.lookup(file[:n], h, fileHash(h, file[n:], isNew))
		if !ok {
			dst = append(dst, Found{Match: Unknown})
			continue
		}
		f := Found{Row: int32(v.row(slot)), Match: Same}
		if !same {
			state := v.chunk(slot >> chunkBits).state[slot&(chunkSlots-1)]
			if (state&stateNew != 0) != isNew || !bytes.Equal(v.file(buf[:0], slot), file) {
				f.Match = Renamed
			}
		}
		dst = append(dst, f)
	}
	return dst
}

// warm is given what was read only to have it at hand.
//
//go:noinline
func (v *View) warm(uint32) {}

// A Finder is LookupAll for names that come in the order of rows more often than not, as
// they do from a list: that they are so is seen without a look into the table of names.
// It is for one goroutine. The zero value is ready.
type Finder struct {
	v     *View
	names cursor
	next  int  // the row behind the one found last
	trust bool // it may be the one that is asked for
	room  [lookupGroup * 256]byte
	files [lookupGroup][]byte
}

// LookupAll is [View.LookupAll].
func (f *Finder) LookupAll(v *View, dst []Found, files []string, isNew bool) []Found {
	defer runtime.KeepAlive(v)
	if f.v != v {
		f.v, f.names.at, f.next, f.trust = v, 0, 0, true
	}
	for len(files) > 0 {
		if f.trust && f.is(files[0], isNew) {
			dst = append(dst, Found{Row: int32(f.next), Match: Same})
			f.next++
			files = files[1:]
			continue
		}
		n := min(len(files), lookupGroup)
		dst = f.group(dst, files[:n], isNew)
		files = files[n:]
	}
	return dst
}

// is reports whether a file is that of the next row.
func (f *Finder) is(file string, isNew bool) bool {
	v := f.v
	if f.next >= v.Len() {
		return false
	}
	slot := v.slot(f.next)
	if (v.chunk(slot >> chunkBits).state[slot&(chunkSlots-1)]&stateNew != 0) != isNew {
		return false
	}
	return string(f.names.file(v.table, slot)) == file
}

// group looks files up in the table, and judges by them whether to trust that those which
// follow are in order.
func (f *Finder) group(dst []Found, files []string, isNew bool) []Found {
	room := f.room[:0]
	for i, file := range files {
		if len(file) > 255 { // no file system has it
			f.files[i] = []byte(file[:256])
			continue
		}
		at := len(room)
		room = append(room, file...)
		f.files[i] = room[at:]
	}
	from := len(dst)
	dst = f.v.lookupGroup(dst, f.files[:len(files)], isNew)
	inOrder := 0
	for _, found := range dst[from:] {
		if found.Match == Unknown {
			continue
		}
		if int(found.Row) == f.next {
			inOrder++
		}
		f.next = int(found.Row) + 1
	}
	f.trust = 4*inOrder >= 3*len(files)
	return dst
}
