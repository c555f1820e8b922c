package fulltext

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// Phrases of few words again and again nearly stand in a text; of many, longer than are looked for
// in one pass, as well.
func TestPhrases(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 12))
	few := []string{"a", "the", "then", "bathe"}
	text := func(n int) []byte {
		list := make([]string, n)
		for i := range list {
			list[i] = few[r.IntN(len(few))]
			if r.IntN(4) == 0 { // of the many that have long codes
				list[i] = fmt.Sprintf("word%dthe", r.IntN(100))
			}
		}
		return []byte(strings.Join(list, " "))
	}
	s := newShard()
	var many []byte
	for i := range 3 * tier2 / 2 { // twice each, to be in front
		many = fmt.Appendf(many, "%d %d ", i, i)
	}
	s.add(1, many)
	texts := map[uint32][]byte{1: many}
	for uid := uint32(2); uid < 80; uid++ {
		texts[uid] = text(1 + r.IntN(60))
		s.add(uid, texts[uid])
	}
	path := t.TempDir() + "/segment"
	f, err := disk{}.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := writeSegment(context.Background(), noSync{f}, 1, []source{s}, nil); err != nil {
		t.Fatal(err)
	}
	f.Close()
	seg, err := openSegment(path)
	if err != nil {
		t.Fatal(err)
	}
	v := &View{segments: []*segment{seg}, workers: 1}
	for range 3000 {
		needle := text(1 + r.IntN(24))
		if r.IntN(3) > 0 {
			from := texts[2+r.Uint32N(78)]
			i := r.IntN(len(from))
			needle = from[i : i+1+r.IntN(min(len(from)-i, 150))]
		}
		found := map[uint32]bool{}
		for uid, exact := range v.Find(context.Background(), needle) {
			found[uid] = exact
		}
		for uid, text := range texts {
			if want := bytes.Contains(text, needle); found[uid] != want {
				t.Fatalf("%q in %d: %v, want %v", needle, uid, found[uid], want)
			}
		}
	}
}
