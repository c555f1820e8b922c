package fulltext

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var words = strings.Fields(`the of and a to in is report invoice proof other them then don't e-mail foo_bar
grüße straße привет мир 漢字 日本語のテキスト 検索 한국어 메일 สวัสดีครับ 🎉 👩‍👩‍👧 “quoted” — x y z 2024 3.14 1,000`)

var marks = []string{" ", " ", " ", " ", " ", " ", " ", ", ", ". ", "", "-", "@", ".", "://", "/", "  ", "\n", " (", ") ", "。", "、"}

// randomText is mail as it comes, and worse.
func randomText(r *rand.Rand) []byte {
	var b []byte
	for range r.IntN(60) {
		switch r.IntN(30) {
		case 0: // base64
			const digits = "abcdefghijklmnopqrstuvwxyz0123456789+/"
			for range r.IntN(200) {
				b = append(b, digits[r.IntN(len(digits))])
			}
		case 1: // one long token
			b = append(b, strings.Repeat(string(rune('a'+r.IntN(3))), r.IntN(300))...)
		case 2: // any characters
			for range r.IntN(8) {
				b = append(b, string(rune(r.IntN(0x11000)))...)
			}
		case 3: // any bytes, not UTF-8
			for range r.IntN(6) {
				b = append(b, byte(r.IntN(255)))
			}
		default:
			b = append(b, words[r.IntN(len(words))]...)
		}
		b = append(b, marks[r.IntN(len(marks))]...)
	}
	return b
}

// randomNeedle is cut from a text, or made up.
func randomNeedle(r *rand.Rand, texts map[uint32][]byte) []byte {
	switch r.IntN(8) {
	case 0:
		return randomText(r)[:0]
	case 1:
		t := randomText(r)
		return t[:min(len(t), 1+r.IntN(12))]
	case 2:
		return []byte(words[r.IntN(len(words))] + " " + words[r.IntN(len(words))])
	}
	uids := slices.Sorted(maps.Keys(texts))
	t := texts[uids[r.IntN(len(uids))]]
	if len(t) == 0 {
		return nil
	}
	i := r.IntN(len(t))
	return bytes.Clone(t[i:min(len(t), i+1+r.IntN(1+r.IntN(40)))])
}

// checkFind compares what Find says with bytes.Contains.
func checkFind(t *testing.T, v *View, texts map[uint32][]byte, needle []byte) {
	t.Helper()
	found := map[uint32]bool{}
	for uid, exact := range v.Find(context.Background(), needle) {
		if found[uid] {
			t.Fatalf("%q: %d found twice", needle, uid)
		}
		found[uid] = true
		text, ok := texts[uid]
		if !ok {
			t.Fatalf("%q: found %d, which is not covered", needle, uid)
		}
		if exact && !bytes.Contains(text, needle) {
			t.Fatalf("%q: found %d, %q", needle, uid, text)
		}
	}
	for uid, text := range texts {
		if bytes.Contains(text, needle) && !found[uid] {
			t.Fatalf("%q: did not find %d, %q", needle, uid, text)
		}
	}
}

func checkCovered(t *testing.T, v *View, texts map[uint32][]byte) {
	t.Helper()
	uids := slices.Sorted(maps.Keys(texts))
	if missing := v.Missing(uids); len(missing) > 0 {
		t.Fatalf("missing %v", missing)
	}
	n := 0
	for _, r := range v.Covered() {
		n += int(r.Last - r.First + 1)
		for uid := r.First; uid <= r.Last; uid++ {
			if _, ok := texts[uid]; !ok || !v.Has(uid) {
				t.Fatalf("%d is said to be covered", uid)
			}
		}
	}
	if n != len(texts) || v.Stat().Docs != n {
		t.Fatalf("covers %d of %d, %+v", n, len(texts), v.Stat())
	}
	for uid, want := range texts {
		if got, ok := v.Text(uid); !ok || !bytes.Equal(got, want) {
			t.Fatalf("text of %d is %q, %v; want %q", uid, got, ok, want)
		}
	}
}

func mustOpen(t testing.TB, dir string, opt Options) *Index {
	t.Helper()
	if opt.Identity == "" {
		opt.Identity = "folder 1"
	}
	x, err := open(dir, opt, &breaker{mended: true, unsynced: map[string]int64{}}) // which does not wait for a disk
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func build(t testing.TB, x *Index, texts map[uint32][]byte) {
	t.Helper()
	b, err := x.Builder(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	for uid, text := range texts {
		if err := b.Add(uid, text); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestFindIsContains(t *testing.T) {
	seeds := uint64(4)
	if raceEnabled {
		seeds = 2
	}
	for seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 7))
			dir := t.TempDir()
			x := mustOpen(t, dir, Options{Memory: 60 << 10, Tail: 4 << 10})
			texts := map[uint32][]byte{}
			uid := uint32(0)
			for round := range 3 {
				more := map[uint32][]byte{}
				for range 1 + r.IntN(200) {
					uid += 1 + uint32(r.IntN(3))
					more[uid] = randomText(r)
				}
				maps.Copy(texts, more)
				if round == 1 {
					for _, u := range slices.Sorted(maps.Keys(more)) {
						full, err := x.Append(u, more[u])
						if full && r.IntN(10) == 0 || errors.Is(err, ErrTailFull) {
							if err := x.Fold(context.Background(), nil); err != nil {
								t.Fatal(err)
							}
							_, err = x.Append(u, more[u])
						}
						if err != nil {
							t.Fatal(err)
						}
					}
				} else {
					build(t, x, more)
				}
				v := x.View()
				checkCovered(t, v, texts)
				for range 80 {
					checkFind(t, v, texts, randomNeedle(r, texts))
				}
			}
			alive := func(uid uint32) bool { return uid%3 != 0 }
			if err := x.Merge(context.Background(), alive); err != nil {
				t.Fatal(err)
			}
			maps.DeleteFunc(texts, func(uid uint32, _ []byte) bool { return !alive(uid) })
			other := mustOpen(t, dir, Options{ReadOnly: true})
			for _, v := range []*View{x.View(), other.View()} {
				checkCovered(t, v, texts)
				for range 50 {
					checkFind(t, v, texts, randomNeedle(r, texts))
				}
			}
			if err := x.Check(context.Background()); err != nil {
				t.Fatal(err)
			}
			if left, _ := filepath.Glob(filepath.Join(dir, "*.new")); left != nil {
				t.Error(left)
			}
			if names, _ := os.ReadDir(dir); len(names) > 3+x.View().Stat().Segments {
				t.Error(names)
			}
		})
	}
}
