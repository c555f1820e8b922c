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
