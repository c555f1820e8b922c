package radix

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestOrder(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	gens := map[string]func() int64{
		"dates":   func() int64 { return 1.6e9 + r.Int64N(1e8) },
		"few":     func() int64 { return r.Int64N(3) },
		"one":     func() int64 { return 7 },
		"any":     func() int64 { return int64(r.Uint64()) },
		"extreme": func() int64 { return []int64{math.MinInt64, math.MinInt64 + 1, math.MaxInt64, 0, -1}[r.IntN(5)] },
		"signed":  func() int64 { return r.Int64N(1<<33) - 1<<32 },
	}
	for name, gen := range gens {
		for _, n := range []int{0, 1, 2, 63, 64, 65, 1000, 5000} {
			keys := make([]int64, n)
			want := make([]int32, n)
			for i := range keys {
				keys[i], want[i] = gen(), int32(i)
			}
			slices.SortStableFunc(want, func(a, b int32) int { return cmp.Compare(keys[a], keys[b]) })
			if got := Order(keys); !slices.Equal(got, want) {
				t.Errorf("%s, %d keys: not the stable order", name, n)
			}
			some := Order(keys)[:n/2]
			slices.Sort(some)
			wantSome := slices.Clone(some)
			slices.SortStableFunc(wantSome, func(a, b int32) int { return cmp.Compare(keys[a], keys[b]) })
			if Sort(some, keys); !slices.Equal(some, wantSome) {
				t.Errorf("%s, half of %d keys: not the stable order", name, n)
			}
		}
	}
}

func BenchmarkOrder1M(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 2))
	keys := make([]int64, 1e6)
	for i := range keys {
		keys[i] = 1.4e9 + r.Int64N(3e8)
	}
	for b.Loop() {
		Order(keys)
	}
}
