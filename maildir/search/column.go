package search

import (
	"math"
	"sync/atomic"
	"time"
)

// chunk is how many values of a column are fetched at a time: few enough to stay in the processor's cache.
const chunk = 1024

// column compares one column, and for dates without a Date field a second one.
func (r *run) column(t *term, c Column, want *Bits) (split, error) {
	s := split{r.empty(), r.empty()}
	decide, fallback := r.test(t, c)
	var unknown atomic.Bool
	err := r.parallel(len(want.words), chunk/64, func(lo, hi int) {
		var buf, second [chunk]int64
		for ; lo < hi && !unknown.Load(); lo += chunk / 64 {
			words := want.words[lo:min(lo+chunk/64, hi)]
			if !anyWord(words) {
				continue
			}
			n := min(len(words)*64, want.n-lo*64)
			vals := buf[:n]
			if !r.src.Column(c, r.lo+lo*64, vals) {
				unknown.Store(true)
				return
			}
			if fallback {
				for i, v := range vals {
					if v == Never {
						if !r.src.Column(Received, r.lo+lo*64, second[:n]) {
							unknown.Store(true)
							return
						}
						for i := i; i < n; i++ {
							if vals[i] == Never {
								vals[i] = second[i]
							}
						}
						break
					}
				}
			}
			for k, w := range words {
				if w != 0 {
					from := k * 64
					yes, maybe := decide(vals[from:min(from+64, n)])
					s.yes.words[lo+k], s.maybe.words[lo+k] = yes&w, maybe&w
				}
			}
		}
	})
	if unknown.Load() {
		return r.ask(want)
	}
	return s, err
}

func anyWord(words []uint64) bool {
	for _, w := range words {
		if w != 0 {
			return true
		}
	}
	return false
}

// test returns what decides up to 64 values at once, and whether rows without a date take that of their arrival.
func (r *run) test(t *term, c Column) (decide func([]int64) (yes, maybe uint64), fallback bool) {
	switch c {
	case Flags, Name:
		mask, want := t.mask, t.want
		if mask&^(usualFlags|FlagNew) != 0 {
			return func(vals []int64) (yes, maybe uint64) {
				for i, v := range vals {
					yes |= bit(v&mask == want) << i
					maybe |= bit(v&FlagMore != 0) << i
				}
				return yes &^ maybe, maybe
			}, false
		}
		return func(vals []int64) (yes, maybe uint64) {
			for i, v := range vals {
				yes |= bit(v&mask == want) << (i & 63)
			}
			return yes, 0
		}, false
	case Class:
		mask := int64(t.class)
		return func(vals []int64) (yes, maybe uint64) {
			for i, v := range vals {
				yes |= bit(v&mask != 0) << (i & 63)
				maybe |= bit(v == Unknown) << (i & 63)
			}
			return yes &^ maybe, maybe
		}, false
	case UID:
		return func(vals []int64) (yes, maybe uint64) {
			for i, v := range vals {
				if v == Unknown {
					maybe |= 1 << i
				} else if inSet(t.set, uint64(v)) {
					yes |= 1 << i
				}
			}
			return yes, maybe
		}, false
	case Sent, Received, Saved:
		lo, hi, near := int64(Never+1), int64(math.MaxInt64), int64(0)
		if !t.from.IsZero() {
			lo = t.from.Unix()
		}
		if !t.to.IsZero() {
			hi = t.to.Unix()
		}
		if t.day && c == Sent { // the day is that of the writer, whose zone the column does not have
			near = int64(widestZone / time.Second)
		}
		fallback = t.field == "date" || t.field == "older" || t.field == "newer"
		if near == 0 {
			return func(vals []int64) (yes, maybe uint64) {
				for i, v := range vals {
					yes |= bit(uint64(v-lo) < uint64(hi-lo)) << (i & 63) // lo <= v < hi
					maybe |= bit(v == Unknown) << (i & 63)
				}
				return yes, maybe
			}, fallback
		}
		return func(vals []int64) (yes, maybe uint64) {
			for i, v := range vals {
				yes |= bit(uint64(v-lo) < uint64(hi-lo)) << (i & 63)
				if v == Unknown || v != Never && (abs(v-lo) <= near || abs(v-hi) <= near) {
					maybe |= 1 << i
				}
			}
			return yes &^ maybe, maybe
		}, fallback
	}
	lo, hi := t.min, t.max
	if hi < 0 {
		hi = math.MaxInt64
	}
	return func(vals []int64) (yes, maybe uint64) {
		for i, v := range vals {
			yes |= bit(uint64(v-lo) <= uint64(hi-lo)) << (i & 63)
			maybe |= bit(v == Unknown) << (i & 63)
		}
		return yes, maybe // lo is not negative, so no row is in both
	}, false
}

// bit is 1 for true: without a branch, since which way a random row goes cannot be foretold.
func bit(b bool) uint64 {
	var n uint64
	if b {
		n = 1
	}
	return n
}

const widestZone = 101 * time.Hour // "+9959" is the most that can be written

var usualFlags = FlagBits("DFPRST")

func abs(n int64) int64 {
	if n < 0 {
		return -n
	}
	return n
}
