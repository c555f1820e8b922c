package fulltext

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
)

// benchTexts are mails of about 10 KB: words as frequent as words are, some
// addresses and identifiers that occur nowhere else.
func benchTexts(b testing.TB, n int) [][]byte {
	if testing.Short() {
		b.Skip("makes many texts")
	}
	r := rand.New(rand.NewPCG(1, 2))
	zipf := rand.NewZipf(r, 1.1, 4, 60000)
	word := func(k uint64) string {
		const syllables = "ba ce di fo gu ha je ki lo mu na pe qi ro su ta ve wi xo yu"
		w := ""
		for k += 3; k > 0; k /= 20 {
			w += syllables[k%20*3 : k%20*3+2]
		}
		return w
	}
	texts := make([][]byte, n)
	for i := range texts {
		var b []byte
		for len(b) < 10<<10 {
			switch r.IntN(60) {
			case 0:
				b = append(b, "https://example.org/"+strconv.FormatUint(r.Uint64(), 36)...)
			case 1, 2, 3:
				b = append(b, word(zipf.Uint64())+"."...)
			case 4, 5, 6:
				b = append(b, word(zipf.Uint64())+","...)
			default:
				b = append(b, word(zipf.Uint64())...)
			}
			b = append(b, ' ')
		}
		texts[i] = b
	}
	return texts
}

func benchIndex(b *testing.B, dir string, texts [][]byte, copies int) *Index {
	x, err := Open(dir, Options{})
	if err != nil {
		b.Fatal(err)
	}
	bl, err := x.Builder(context.Background())
	if err != nil {
		b.Fatal(err)
	}
	done := make(chan error)
	workers := x.opt.Workers
	for w := range workers {
		go func() {
			var err error
			for i := w; i < copies*len(texts) && err == nil; i += workers {
				err = bl.Add(uint32(i+1), texts[i%len(texts)])
			}
			done <- err
		}()
	}
	for range workers {
		if err := <-done; err != nil {
			b.Fatal(err)
		}
	}
	if err := bl.Close(); err != nil {
		b.Fatal(err)
	}
	return x
}

func BenchmarkBuild(b *testing.B) {
	texts := benchTexts(b, 2000)
	size := 0
	for _, t := range texts {
		size += len(t)
	}
	b.SetBytes(int64(size))
	b.ReportAllocs()
	for b.Loop() {
		x := benchIndex(b, b.TempDir(), texts, 1)
		b.ReportMetric(100*float64(x.View().Stat().Bytes)/float64(size), "%-of-text")
	}
}

func BenchmarkFind(b *testing.B) {
	x := benchIndex(b, b.TempDir(), benchTexts(b, 2000), 10)
	text, _ := x.View().Text(77)
	needles := []struct{ name, needle string }{
		{"frequent-word", "jeba"},
		{"one-letter", "q"},
		{"no-word", "zzz"},
		{"start-of-rare", string(text[5000:5012])},
		{"frequent-phrase", "foba jeba"},
		{"rare-phrase", string(text[4000:4040])},
		{"no-phrase", "foba zzz jeba"},
	}
	for _, n := range needles {
		for _, all := range []bool{false, true} {
			b.Run(fmt.Sprintf("%s/all=%v", n.name, all), func(b *testing.B) {
				b.ReportAllocs()
				hits := 0
				for b.Loop() {
					hits = 0
					for range x.View().Find(context.Background(), []byte(n.needle)) {
						if hits++; !all {
							break
						}
					}
				}
				b.ReportMetric(float64(hits), "hits")
			})
		}
	}
}

func BenchmarkMerge(b *testing.B) {
	texts := benchTexts(b, 2000)
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		x := benchIndex(b, b.TempDir(), texts, 2)
		b.StartTimer()
		if err := x.Merge(context.Background(), func(uid uint32) bool { return uid%50 != 0 }); err != nil {
			b.Fatal(err)
		}
		b.SetBytes(int64(x.View().Stat().Bytes))
	}
}

func BenchmarkAppend(b *testing.B) {
	texts := benchTexts(b, 100)
	x, err := Open(b.TempDir(), Options{Tail: 1 << 40})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	uid := uint32(0)
	for b.Loop() {
		uid++
		if uid%500 == 0 {
			b.StopTimer()
			if err := x.Remove(); err != nil {
				b.Fatal(err)
			}
			b.StartTimer()
		}
		if _, err := x.Append(uid, texts[uid%100]); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkOpen(b *testing.B) {
	dir := b.TempDir()
	benchIndex(b, dir, benchTexts(b, 1000), 20)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Open(dir, Options{ReadOnly: true}); err != nil {
			b.Fatal(err)
		}
	}
}

// largeIndex is an index of PNEU_BENCH_TEXTS texts (20,000 if it is not set) of about 2.5 KB, none
// like another: words out of a million, and two identifiers each that occur nowhere else.
func largeIndex(b *testing.B) *Index {
	if testing.Short() {
		b.Skip("makes many texts")
	}
	n := 20000
	if k, err := strconv.Atoi(os.Getenv("PNEU_BENCH_TEXTS")); err == nil {
		n = k
	}
	x, err := Open(b.TempDir(), Options{Memory: 112 << 20})
	if err != nil {
		b.Fatal(err)
	}
	bl, err := x.Builder(context.Background())
	if err != nil {
		b.Fatal(err)
	}
	workers := x.opt.Workers
	done := make(chan error)
	for w := range workers {
		go func() {
			r := rand.New(rand.NewPCG(uint64(w), 3))
			zipf := rand.NewZipf(r, 1.2, 8, 1<<20)
			var err error
			var text []byte
			for i := w; i < n && err == nil; i += workers {
				text = fmt.Appendf(text[:0], "commit %016x by ", r.Uint64())
				for len(text) < 2500 {
					for k := zipf.Uint64() + 20; k > 0; k /= 20 {
						const syllables = "ba ce di fo gu ha je ki lo mu na pe qi ro su ta ve wi xo yu"
						text = append(text, syllables[k%20*3:k%20*3+2]...)
					}
					text = append(text, "    .,"[r.IntN(6)], ' ')
				}
				if i == n/2 {
					text = append(text, "needle in haystack"...)
				}
				text = fmt.Appendf(text, "https://example.org/%x", r.Uint64())
				err = bl.Add(uint32(i+1), text)
			}
			done <- err
		}()
	}
	for range workers {
		if err := <-done; err != nil {
			b.Fatal(err)
		}
	}
	if err := bl.Close(); err != nil {
		b.Fatal(err)
	}
	return x
}

// BenchmarkFirst takes the time to the first hit, of an index just opened, whose checksums are
// not compared yet, and of one in use.
func BenchmarkFirst(b *testing.B) {
	x := largeIndex(b)
	st := x.View().Stat()
	needles := []struct{ name, needle string }{
		{"common-word", "bace"},
		{"rare-word", "haystack"},
		{"no-word", "nowhere"},
		{"substring", "ayst"},
		{"two-letters", "ys"},
		{"rare-phrase", "needle in hay"},
		{"common-words-far-apart", "bace dice"},
		{"no-phrase", "example.org/nowhere"},
	}
	for _, n := range needles {
		for _, fresh := range []bool{true, false} {
			b.Run(fmt.Sprintf("%s/fresh=%v", n.name, fresh), func(b *testing.B) {
				hits := 0
				for b.Loop() {
					x := x
					if fresh {
						var err error
						if x, err = Open(x.dir, Options{ReadOnly: true}); err != nil {
							b.Fatal(err)
						}
					}
					hits = 0
					for range x.View().Find(context.Background(), []byte(n.needle)) {
						hits++
						break
					}
				}
				b.ReportMetric(float64(hits), "hits")
				b.ReportMetric(float64(st.Segments), "segments")
				b.ReportMetric(float64(st.Dictionary)/1e6, "MB-dictionary")
				b.ReportMetric(float64(st.Bytes)/1e6, "MB")
			})
		}
	}
}
