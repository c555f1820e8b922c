package store

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pneu/maildir"
	"pneu/maildir/journal"
)

var _ journal.Mover = (*Noted)(nil)

// Changes of few and of many messages, by number and by name, with an index and without, are
// what their results say, and each is taken back to the byte and done again.
func TestMany(t *testing.T) {
	for seed := range uint64(3) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { t.Parallel(); testMany(t, seed) })
	}
}

func testMany(t *testing.T, seed uint64) {
	w := newWorld(t, 280)
	s := w.open(Options{})
	r := rand.New(rand.NewPCG(seed, 9))
	if seed > 0 { // else the index comes when it is worth it
		for _, n := range names {
			w.box(s, n)
		}
	}
	j, err := journal.Open(filepath.Join(t.TempDir(), "journal"))
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	n := s.Journal()
	j.UseKeywords(n)
	j.UseNumbers(n)
	j.UseMover(n)
	state := func() map[string]string {
		m := map[string]string{}
		for _, name := range names {
			f := w.folder(name)
			list, err := f.List()
			if err != nil {
				t.Fatal(err)
			}
			var v *View
			if n.has(f) {
				if _, v = n.indexed(ctx, f, worthIndex); v == nil || v.Len() != len(list) {
					t.Fatal("the index of ", name, " is another")
				}
			}
			for _, e := range list {
				raw, err := os.ReadFile(f.File(e))
				if err != nil {
					t.Fatal(err)
				}
				m[f.File(e)] = string(raw)
				if v == nil {
					continue
				}
				row, ok := v.FindBase(e.Base())
				if !ok || v.Row(row).Path() != f.File(e) {
					t.Fatal("the index has not ", f.File(e))
				}
				m[f.File(e)] += strings.Join(v.Row(row).Keywords(), " ")
			}
		}
		return m
	}
	states := []map[string]string{state()}
	for step := range 10 {
		f := w.folder(names[r.IntN(3)])
		list, err := f.List()
		if err != nil {
			t.Fatal(err)
		}
		r.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
		list = list[:min(len(list), []int{1, 5, 40, 90}[r.IntN(4)])]
		to := w.folder(names[(r.IntN(2)+slices.Index(names, f.Name())+1)%3])
		b := j.Begin("cli", "test")
		var results []Result
		what := []string{"flags", "words", "both", "move", "copy", "take", "move", "odd"}[(step+int(seed))%8]
		at := f
		switch what {
		case "flags":
			results = n.SetFlags(ctx, b, f, list, journal.Change{Add: "FT", Remove: "S"})
		case "words":
			results = n.SetFlags(ctx, b, f, list, journal.Change{AddKeywords: []string{"one", "two"}, RemoveKeywords: []string{"three"}})
		case "both":
			results = n.SetFlags(ctx, b, f, list, journal.Change{Add: "R", AddKeywords: []string{"Three", "$Forwarded"}, RemoveKeywords: []string{"ONE"}})
		case "odd":
			results = n.SetFlags(ctx, b, f, list, journal.Change{Add: "z"})
		case "take":
			results = n.SetFlags(ctx, b, f, list, journal.Change{})
		case "move":
			at, results = to, n.File(ctx, b, f, list, to, Moved, "S")
		case "copy":
			at, results = to, n.File(ctx, b, f, list, to, Copied, "")
		}
		if err := b.Commit(); err != nil {
			t.Fatal(err)
		}
		if len(results) != len(list) {
			t.Fatalf("%s: %d results for %d messages", what, len(results), len(list))
		}
		for i, r := range results {
			if r.Err != nil {
				t.Fatalf("%s %s: %v", what, list[i].File, r.Err)
			}
			if _, err := os.Lstat(at.File(r.Entry)); err != nil {
				t.Fatalf("%s %s: %v", what, list[i].File, err)
			}
			if have := r.Entry.Flags(); what == "flags" && (!have.Has('F') || have.Has('S')) || what == "move" && !have.Has('S') || what == "take" && r.Entry.New {
				t.Fatalf("%s %s: %s", what, list[i].File, have)
			}
		}
		if b.ID() != "" { // else nothing had to be done
			states = append(states, state())
		}
	}
	for round := range 2 {
		for k := len(states) - 2; k >= 0; k-- {
			r, err := j.Undo(1)
			if err != nil || len(r.Failed) > 0 {
				t.Fatal(r.Failed, err)
			}
			sameTree(t, fmt.Sprintf("round %d, back to %d", round, k), state(), states[k])
			for _, p := range r.Paths {
				if _, err := os.Lstat(p); err != nil {
					t.Fatal(err)
				}
			}
		}
		if round > 0 {
			break
		}
		for k := 1; k < len(states); k++ {
			r, err := j.Redo(1)
			if err != nil || len(r.Failed) > 0 {
				t.Fatal(r.Failed, err)
			}
			sameTree(t, fmt.Sprintf("on to %d", k), state(), states[k])
		}
	}
}

func sameTree(t *testing.T, when string, got, want map[string]string) {
	t.Helper()
	for p, text := range want {
		if now, ok := got[p]; !ok {
			t.Fatalf("%s: there is no %s", when, p)
		} else if now != text {
			t.Fatalf("%s: %s has %q, not %q", when, p, now[max(len(now)-40, 0):], text[max(len(text)-40, 0):])
		}
	}
	if len(got) != len(want) {
		t.Fatalf("%s: %d messages, not %d", when, len(got), len(want))
	}
}

// A message that another program has renamed since is found, one that it removed is missed,
// and neither keeps the others.
func TestManyStale(t *testing.T) {
	w := newWorld(t, 300)
	s := w.open(Options{})
	in, v := w.box(s, "INBOX")
	var list []maildir.Entry
	for n := range 60 {
		list = append(list, v.Row(n).Entry())
	}
	f := in.Folder()
	if err := os.Remove(f.File(list[3])); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(f.File(list[5]), filepath.Join(f.Path(), "cur", list[5].Base()+":2,PT")); err != nil {
		t.Fatal(err)
	}
	j, err := journal.Open(filepath.Join(t.TempDir(), "journal"))
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	n := s.Journal()
	j.UseMover(n)
	for _, do := range []func(b *journal.Batch) ([]Result, *maildir.Folder){
		func(b *journal.Batch) ([]Result, *maildir.Folder) {
			return n.SetFlags(ctx, b, f, list, journal.Change{Add: "F"}), f
		},
		func(b *journal.Batch) ([]Result, *maildir.Folder) {
			to := w.folder("Sent")
			return n.File(ctx, b, f, list, to, Moved, ""), to
		},
		func(b *journal.Batch) ([]Result, *maildir.Folder) {
			to := w.folder("Sent")
			sent := make([]maildir.Entry, 0, 60)
			all, err := to.List()
			if err != nil {
				t.Fatal(err)
			}
			for i := range 60 {
				sent = append(sent, all[i])
			}
			os.Remove(to.File(sent[3]))
			return n.File(ctx, b, to, sent, to, Removed, ""), nil
		},
	} {
		b := j.Begin("cli", "stale")
		results, at := do(b)
		if err := b.Commit(); err != nil {
			t.Fatal(err)
		}
		for i, r := range results {
			if (r.Err != nil) != (i == 3) {
				t.Errorf("%d: %v", i, r.Err)
			} else if r.Err == nil && at != nil {
				if _, err := os.Lstat(at.File(r.Entry)); err != nil {
					t.Error(err)
				}
			}
		}
	}
	log, err := j.Log(0)
	if err != nil || len(log) != 3 || log[0].Messages() != 59 || log[1].Messages() != 59 {
		t.Errorf("log %d %v", len(log), err)
	}
}
