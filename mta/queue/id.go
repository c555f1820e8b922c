package queue

import (
	"math/rand/v2"
	"strconv"
	"time"
)

// base32 is Crockford's alphabet: sorts like the number, no I, L, O or U.
const base32 = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// NewID returns an id for a message: 9 letters of time (milliseconds, good
// until the year 3084), 4 random ones, and two hexadecimal digits that name
// its folder. Ids of later milliseconds sort later. Two processes that choose
// the same one find out when they create the file.
func NewID(now time.Time) string {
	var b [15]byte
	ms := uint64(now.UnixMilli())
	for i := 8; i >= 0; i-- {
		b[i] = base32[ms&31]
		ms >>= 5
	}
	r := rand.Uint64()
	for i := 9; i < 13; i++ {
		b[i] = base32[r&31]
		r >>= 5
	}
	b[13] = "0123"[r&3] // 64 folders
	b[14] = "0123456789abcdef"[r>>2&15]
	return string(b[:])
}

// Derive returns the id of a message that follows from another: the same
// parent, kind and recipients always give the same id, and it lies in the
// parent's folder.
func Derive(parent, kind string, rcpts ...int) string {
	h := uint64(14695981039346656037) // FNV-1a, 64 bits
	add := func(s string) {
		for i := 0; i < len(s); i++ {
			h = (h ^ uint64(s[i])) * 1099511628211
		}
		h = (h ^ 0xff) * 1099511628211
	}
	add(parent)
	add(kind)
	for _, n := range rcpts {
		add(strconv.Itoa(n))
	}
	var b [13]byte
	for i := range b {
		b[i] = base32[h&31]
		h >>= 5
	}
	return root(parent) + "-" + string(b[:])
}

// root is the id of the message that a derived id began with.
func root(id string) string {
	for i := 0; i < len(id); i++ {
		if id[i] == '-' {
			return id[:i]
		}
	}
	return id
}

// shard is the folder of an id within q/, hold/ and log/.
func shard(id string) string {
	r := root(id)
	if len(r) < 2 {
		return "00"
	}
	return r[len(r)-2:]
}

// ValidID reports whether s may be the name of a message: nothing that leads
// out of the folder, nothing hidden.
func ValidID(s string) bool {
	if len(s) < 3 || len(s) > 64 {
		return false
	}
	for i := 0; i < len(s); i++ {
		c := s[i]
		if !(c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c == '-' && i > 2) {
			return false
		}
	}
	return true
}
