package tui

import (
	"path/filepath"
	"testing"

	"pneu/tui/store"
	"pneu/tui/term"
)

// TestKeysWaitForAll holds keys that are typed while what they are about is still being found: T and a archive what
// matches, / and d delete what is found, not what lay under the cursor before.
func TestKeysWaitForAll(t *testing.T) {
	for _, tt := range []struct {
		kind findKind
		key  rune
		says string
		to   string
		n    int
	}{
		{findSelect, 'a', "Archived 2 messages", ".Archive", 2},
		{findNext, 'd', "Moved 1 message in .Photos from Lisbon", ".Trash", 1},
	} {
		r := newRig(t, rigOptions{})
		q, err := r.a.parse("from:zoe subject:flat OR subject:photos")
		if err != nil {
			t.Fatal(err)
		}
		view := r.a.box.View()
		set, err := view.Query(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		r.a.query = q.String()
		f := found{box: r.a.box.Serial, kind: tt.kind, query: q.String(), hits: store.Limit{Query: q.String(), View: view}}
		first, last := f, f
		go_ := make(chan bool)
		last.hits.Set = set
		first.more = func() term.Msg { <-go_; return last }
		r.send(r.a.wait(func() term.Msg { return first })())
		r.send(term.Rune(tt.key))
		if s := r.screen(); tt.says == "" || len(files(t, filepath.Join(r.dir, tt.to))) > 0 {
			t.Fatalf("%c was not held:\n%s", tt.key, s)
		}
		close(go_)
		r.settle()
		r.want(tt.says)
		if n := len(files(t, filepath.Join(r.dir, tt.to))); n != tt.n {
			t.Errorf("%d messages in %s, want %d", n, tt.to, tt.n)
		}
	}
}
