package search

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"
)

func TestFinder(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 20000 {
		text := make([]byte, r.IntN(80))
		for i := range text {
			text[i] = "aabe "[r.IntN(5)]
		}
		needle := make([]byte, r.IntN(5))
		for i := range needle {
			needle[i] = "aabe "[r.IntN(5)]
		}
		f := newFinder(needle)
		if got, want := f.index(text), bytes.Index(text, needle); got != want {
			t.Fatalf("%q in %q: %d, want %d", needle, text, got, want)
		}
	}
}

// heads makes records such as the index keeps.
func heads(n int) [][]byte {
	r := rand.New(rand.NewPCG(3, 4))
	names := []string{"ada lovelace", "grace hopper", "zoë ümlaut", "noreply", "build server", "charles babbage", "mary somerville"}
	words := []string{"re:", "build", "failed", "patch", "jitter", "buffer", "meeting", "tuesday", "invoice", "proposal", "errors", "tree", "linux", "network", "the", "of", "and", "for", "weekly", "report"}
	all := make([]byte, 0, n*200)
	recs := make([][]byte, n)
	addr := func() {
		k := r.IntN(5000)
		all = fmt.Appendf(all, "%s <user%d@host%d.example.org>", names[k%len(names)], k, k%97)
	}
	for i := range recs {
		at := len(all)
		addr()
		all = append(all, 0)
		addr()
		all = append(all, ", "...)
		addr()
		all = append(all, 0, 0, 0, 0)
		for range 4 + r.IntN(6) {
			all = append(append(all, words[r.IntN(len(words))]...), ' ')
		}
		all = append(all, 0)
		if i%3 == 0 {
			all = append(all, "golang-nuts.googlegroups.com"...)
		}
		all = fmt.Appendf(all, "\x00%d.%d@host%d.example.org", i, r.IntN(1e9), i%97)
		recs[i] = all[at:len(all):len(all)]
	}
	return recs
}

func BenchmarkFinder(b *testing.B) {
	recs := heads(1_000_000)
	total := 0
	for _, r := range recs {
		total += len(r)
	}
	for _, needle := range []string{"babbage", "quarterly", "zzz", "the", "example.org", "user4999@", "reindex", "tuesday invoice"} {
		b.Run("rare/"+needle, func(b *testing.B) {
			f := newFinder([]byte(needle))
			b.SetBytes(int64(total))
			for b.Loop() {
				n := 0
				for _, r := range recs {
					if f.in(r) {
						n++
					}
				}
			}
		})
		b.Run("bytes/"+needle, func(b *testing.B) {
			nd := []byte(needle)
			b.SetBytes(int64(total))
			for b.Loop() {
				n := 0
				for _, r := range recs {
					if bytes.Contains(r, nd) {
						n++
					}
				}
			}
		})
	}
}
