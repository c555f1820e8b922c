package search

import (
	"iter"
	"math/bits"
	"sync/atomic"
)

// Bits is a set of the rows 0 to Len-1.
type Bits struct {
	n     int
	words []uint64
}

// NewBits returns an empty set of n possible rows.
func NewBits(n int) *Bits { return &Bits{n: n, words: make([]uint64, (n+63)/64)} }

// Len is how many rows there are, in the set or not.
func (b *Bits) Len() int { return b.n }

// Has reports whether row is in the set.
func (b *Bits) Has(row int) bool { return b.words[row>>6]&(1<<(row&63)) != 0 }

// Set puts row into the set.
func (b *Bits) Set(row int) { b.words[row>>6] |= 1 << (row & 63) }

// Clear takes row out of the set.
func (b *Bits) Clear(row int) { b.words[row>>6] &^= 1 << (row & 63) }

// set is Set for several goroutines at a time.
func (b *Bits) set(row int) { atomic.OrUint64(&b.words[row>>6], 1<<(row&63)) }

// SetRange puts the rows from lo to hi-1 into the set.
func (b *Bits) SetRange(lo, hi int) {
	for lo < hi && lo&63 != 0 {
		b.Set(lo)
		lo++
	}
	for ; lo+64 <= hi; lo += 64 {
		b.words[lo>>6] = ^uint64(0)
	}
	for ; lo < hi; lo++ {
		b.Set(lo)
	}
}

// Count is the number of rows in the set.
func (b *Bits) Count() int {
	n := 0
	for _, w := range b.words {
		n += bits.OnesCount64(w)
	}
	return n
}

// Any reports whether there is a row in the set.
func (b *Bits) Any() bool {
	for _, w := range b.words {
		if w != 0 {
			return true
		}
	}
	return false
}

// Rows yields the rows in the set, the lowest first.
func (b *Bits) Rows() iter.Seq[int] {
	return func(yield func(int) bool) {
		for i, w := range b.words {
			for ; w != 0; w &= w - 1 {
				if !yield(i<<6 + bits.TrailingZeros64(w)) {
					return
				}
			}
		}
	}
}

// Down yields the rows in the set, the highest first.
func (b *Bits) Down() iter.Seq[int] {
	return func(yield func(int) bool) {
		for i := len(b.words) - 1; i >= 0; i-- {
			for w := b.words[i]; w != 0; {
				k := 63 - bits.LeadingZeros64(w)
				if !yield(i<<6 + k) {
					return
				}
				w &^= 1 << k
			}
		}
	}
}

// And keeps the rows that are in c as well.
func (b *Bits) And(c *Bits) {
	for i := range b.words {
		b.words[i] &= c.words[i]
	}
}

// Or adds the rows of c.
func (b *Bits) Or(c *Bits) {
	for i := range b.words {
		b.words[i] |= c.words[i]
	}
}

// AndNot takes the rows of c out.
func (b *Bits) AndNot(c *Bits) {
	for i := range b.words {
		b.words[i] &^= c.words[i]
	}
}

// Not takes out the rows that are in, and puts in those that are not.
func (b *Bits) Not() {
	for i := range b.words {
		b.words[i] = ^b.words[i]
	}
	if k := b.n & 63; k != 0 {
		b.words[len(b.words)-1] &= 1<<k - 1
	}
}

// Clone returns a copy.
func (b *Bits) Clone() *Bits { return &Bits{n: b.n, words: append([]uint64(nil), b.words...)} }
