// Package radix sorts rows by numbers in time linear in their count: a million dates in a few milliseconds.
package radix

import "slices"

// digit is how many bits one pass looks at: its counts fit the first-level cache.
const digit = 11

// Order returns the numbers 0 to len(keys)-1 in the ascending order of the keys. Equal keys keep their order.
func Order(keys []int64) []int32 {
	n := len(keys)
	order := make([]int32, n)
	for i := range order {
		order[i] = int32(i)
	}
	Sort(order, keys)
	return order
}

// Sort sorts rows by keys[row], ascending and stable.
func Sort(rows []int32, keys []int64) {
	if len(rows) < 64 {
		slices.SortStableFunc(rows, func(a, b int32) int {
			switch {
			case keys[a] < keys[b]:
				return -1
			case keys[a] > keys[b]:
				return 1
			}
			return 0
		})
		return
	}
	least, most, sorted := keys[rows[0]], keys[rows[0]], true
	prev := least
	for _, r := range rows {
		k := keys[r]
		least, most = min(least, k), max(most, k)
		sorted = sorted && k >= prev
		prev = k
	}
	if sorted {
		return
	}
	if span := uint64(most) - uint64(least); span < 1<<32 {
		sort32(rows, keys, least, uint32(span))
	} else {
		sort64(rows, keys, least, span)
	}
}

// sort32 moves key and row together in one word.
func sort32(rows []int32, keys []int64, least int64, span uint32) {
	a := make([]uint64, 2*len(rows))
	a, b := a[:len(rows)], a[len(rows):]
	for i, r := range rows {
		a[i] = (uint64(keys[r])-uint64(least))<<32 | uint64(uint32(r))
	}
	for shift := 0; shift < 32 && span>>shift != 0; shift += digit {
		var at [1 << digit]int
		for _, x := range a {
			at[x>>(32+shift)&(1<<digit-1)]++
		}
		if add(&at, len(a)) {
			continue
		}
		for _, x := range a {
			d := x >> (32 + shift) & (1<<digit - 1)
			b[at[d]] = x
			at[d]++
		}
		a, b = b, a
	}
	for i, x := range a {
		rows[i] = int32(uint32(x))
	}
}

func sort64(rows []int32, keys []int64, least int64, span uint64) {
	a, b := rows, make([]int32, len(rows))
	for shift := 0; shift < 64 && span>>shift != 0; shift += digit {
		var at [1 << digit]int
		for _, r := range a {
			at[(uint64(keys[r])-uint64(least))>>shift&(1<<digit-1)]++
		}
		if add(&at, len(a)) {
			continue
		}
		for _, r := range a {
			d := (uint64(keys[r]) - uint64(least)) >> shift & (1<<digit - 1)
			b[at[d]] = r
			at[d]++
		}
		a, b = b, a
	}
	if &a[0] != &rows[0] {
		copy(rows, a)
	}
}

// add makes counts into places, and reports whether all n were in one.
func add(at *[1 << digit]int, n int) (same bool) {
	sum := 0
	for d, c := range at {
		if c == n {
			return true
		}
		at[d] = sum
		sum += c
	}
	return false
}
