package look

import (
	"sort"
	"strings"
	"unicode"
)

// Fuzzy scores how well pattern is found in s, in order, with gaps: higher is better, negative is not at all.
// The beginning, beginnings of words and runs count more.
func Fuzzy(pattern, s string) int {
	if pattern == "" {
		return 0
	}
	p, r := []rune(strings.ToLower(pattern)), []rune(s)
	low := []rune(strings.ToLower(s))
	if len(low) != len(r) {
		r = low
	}
	best := -1
	for start := 0; start < len(low) && start < 64; start++ {
		if low[start] != p[0] {
			continue
		}
		score, at, last := 0, 0, -2
		for i := start; i < len(low) && at < len(p); i++ {
			if low[i] != p[at] {
				continue
			}
			score += 2
			switch {
			case i == 0:
				score += 9
			case !unicode.IsLetter(r[i-1]) && !unicode.IsDigit(r[i-1]):
				score += 7
			case i == last+1:
				score += 5
			}
			last = i
			at++
		}
		if at == len(p) {
			score = max(0, score*8-(last-start)-len(low)/4)
			best = max(best, score)
		}
	}
	return best
}

// Filter returns the indices of the n strings that match pattern, best first, the order kept among equals.
func Filter(pattern string, n int, at func(int) string) []int {
	type hit struct{ i, score int }
	hits := make([]hit, 0, n)
	for i := range n {
		if s := Fuzzy(pattern, at(i)); s >= 0 {
			hits = append(hits, hit{i, s})
		}
	}
	if pattern != "" {
		sort.SliceStable(hits, func(a, b int) bool { return hits[a].score > hits[b].score })
	}
	out := make([]int, len(hits))
	for k, h := range hits {
		out[k] = h.i
	}
	return out
}
