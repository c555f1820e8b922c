package index

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"pneu/maildir"
)

// A folder has letters for 26 keywords. A process that dies while it moves messages costs none
// of the others either.
func TestDeathOnTheWayKeepsKeywords(t *testing.T) {
	var words []string
	for n := range letterCount + 4 {
		words = append(words, fmt.Sprintf("word%02d", n))
	}
	for left := 0; ; left++ {
		in, other := account(t)
		for n := range 5 {
			put(t, in, fmt.Sprintf("cur/%d.a:2,S", n))
		}
		x, y := mustOpen(t, in, Options{}), mustOpen(t, other, Options{})
		v := syncIndex(t, x)
		syncIndex(t, y)
		if _, err := x.SetFlags(t.Context(), v.AllUIDs(nil), FlagChange{AddKeywords: words}); err != nil {
			t.Fatal(err)
		}
		y.Close()
		fsys := newFaultFS(-1, rand.New(rand.NewPCG(1, uint64(left))))
		y = mustOpen(t, other, Options{fs: fsys})
		fsys.left = left
		_, err := x.MoveTo(t.Context(), y, v.AllUIDs(nil)[:4])
		died := err != nil || fsys.dead()
		y.Close()
		x.Close()
		all := 0
		for _, f := range []*maildir.Folder{in, other} {
			z := mustOpen(t, f, Options{})
			v := syncIndex(t, z)
			for row := range v.Len() {
				all++
				if got := v.Keywords(row); !slices.Equal(got, words) {
					t.Errorf("dead after %d changes: %s of %s has %q", left, v.Entry(row).File, f.Name(), got)
				}
			}
			if _, ok := v.Meta(arrivingKey); ok {
				t.Errorf("dead after %d changes: %s still waits for messages", left, f.Name())
			}
		}
		if all != 5 {
			t.Errorf("dead after %d changes: %d messages", left, all)
		}
		if t.Failed() || !died {
			if left < 4 {
				t.Errorf("%d changes", left)
			}
			return
		}
	}
}

// A letter that means nothing stays free for the messages that have it, also for those that
// undo will bring back.
func TestLettersOfThoseThatLeft(t *testing.T) {
	in, other := account(t)
	put(t, in, "cur/1.a:2,Sa")
	put(t, in, "cur/2.a:2,")
	x, y := mustOpen(t, in, Options{}), mustOpen(t, other, Options{})
	syncIndex(t, x)
	syncIndex(t, y)
	if _, err := x.MoveTo(t.Context(), y, []UID{1}); err != nil {
		t.Fatal(err)
	}
	if _, err := x.SetFlags(t.Context(), []UID{2}, FlagChange{AddKeywords: []string{"work"}}); err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(filepath.Join(in.Path(), keywordFile)); err != nil || string(b) != "1 work\n" {
		t.Errorf("letters: %q, %v", b, err)
	}
	var words []string
	for n := range letterCount {
		words = append(words, fmt.Sprint("word", n))
	}
	if _, err := x.SetFlags(t.Context(), []UID{2}, FlagChange{AddKeywords: words}); err != nil {
		t.Fatal(err)
	}
	if l, _, _, err := loadKeywordLetters(in.Path(), fileMark{}); err != nil || l[0] != "" || l[25] == "" {
		t.Errorf("letters: %q, %v", l, err)
	}
}
