package store

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"pneu/maildir"
	"pneu/maildir/journal"
)

// An actor is a program with the journal: the screen, or a tool.
type actor struct {
	name string
	s    *Store
	j    *journal.Journal
	n    *Noted
}

// A stage is a tree of mail with two actors and a vandal who knows of neither.
type stage struct {
	*world
	actors  []*actor
	touched map[string]bool // messages that the vandal renamed or removed, by their X-Id
	removed map[string]bool
	ids     map[string]bool // all there ever were
}

func newStage(t *testing.T, seed uint64, messages int) *stage {
	t.Helper()
	w := &stage{world: newWorld(t, 0), touched: map[string]bool{}, removed: map[string]bool{}, ids: map[string]bool{}}
	w.r = rand.New(rand.NewPCG(seed, 77))
	for i := range messages {
		w.put(names[i%7%3])
	}
	path := filepath.Join(t.TempDir(), "journal")
	for _, name := range []string{"tui", "cli"} {
		s, err := Open(w.root, Options{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		j, err := journal.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { j.Close() })
		a := &actor{name, s, j, s.Journal()}
		j.UseKeywords(a.n)
		j.UseNumbers(a.n)
		j.UseMover(a.n)
		w.actors = append(w.actors, a)
	}
	for _, f := range names { // so that all is numbered before the first move
		w.keywordsOf(w.actors[0], f)
	}
	return w
}

// put writes a message with a name of its own that stays when it is edited.
func (w *stage) put(folder string) {
	w.n++
	id := fmt.Sprint("m", w.n)
	w.ids[id] = true
	w.file(folder, "X-Id: "+id+"\n"+w.text(w.n))
}

var idLine = regexp.MustCompile(`(?m)^X-Id: (\S+)$`)

func idOf(text string) string {
	if m := idLine.FindStringSubmatch(text); m != nil {
		return m[1]
	}
	return ""
}

// tree is every message file in the folders: its bytes and time.
func (w *stage) tree() map[string]string {
	w.t.Helper()
	all := map[string]string{}
	for _, name := range names {
		for _, sub := range []string{"new", "cur", "tmp"} {
			dir := filepath.Join(w.folder(name).Path(), sub)
			list, err := os.ReadDir(dir)
			if err != nil {
				w.t.Fatal(err)
			}
			for _, e := range list {
				b, err1 := os.ReadFile(filepath.Join(dir, e.Name()))
				st, err2 := os.Stat(filepath.Join(dir, e.Name()))
				if err := errors.Join(err1, err2); err != nil {
					w.t.Fatal(err)
				}
				all[name+"/"+sub+"/"+e.Name()] = st.ModTime().UTC().Format(time.RFC3339Nano) + "\n" + string(b)
			}
		}
	}
	return all
}

func (w *stage) keywordsOf(a *actor, folder string) map[string]string {
	w.t.Helper()
	b, err := a.s.Box(folder)
	if err != nil {
		w.t.Fatal(err)
	}
	defer b.Close()
	v, err := b.Sync(ctx)
	if err != nil {
		w.t.Fatal(err)
	}
	all := map[string]string{}
	for n := range v.Len() {
		if words := v.Row(n).Keywords(); len(words) > 0 {
			all[folder+"/"+v.Row(n).Base()] = strings.Join(words, " ")
		}
	}
	return all
}

// all is the tree and the keywords of all messages, as an actor sees them.
func (w *stage) all(a *actor) map[string]string {
	all := w.tree()
	for _, f := range names {
		maps.Copy(all, w.keywordsOf(a, f))
	}
	return all
}

// some returns a few messages of a folder, or most of it.
func (w *stage) some(a *actor) (*maildir.Folder, []maildir.Entry) {
	w.t.Helper()
	f, err := a.s.Tree().Folder(names[w.r.IntN(len(names))])
	if err != nil {
		w.t.Fatal(err)
	}
	list, err := f.List()
	if err != nil {
		w.t.Fatal(err)
	}
	w.r.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	n := 1 + w.r.IntN(4)
	if w.r.IntN(3) == 0 {
		n = len(list) * 4 / 5
	}
	return f, list[:min(n, len(list))]
}

// act is one action of a person. An error is that of a message that went away.
func (w *stage) act(a *actor) error {
	f, list := w.some(a)
	to, err := a.s.Tree().Folder(names[w.r.IntN(len(names))])
	if err != nil {
		w.t.Fatal(err)
	}
	letters := func() maildir.Flags { return maildir.MakeFlags([]string{"", "S", "FR", "T", "S"}[w.r.IntN(5)]) }
	words := func() []string { return [][]string{nil, {"work"}, {"$Label1", "home"}, nil}[w.r.IntN(4)] }
	if w.r.IntN(4) == 0 { // more than there are letters for
		words = func() (many []string) {
			first := w.r.IntN(40)
			for n := range w.r.IntN(20) {
				many = append(many, fmt.Sprintf("word%02d", (first+n)%40))
			}
			return many
		}
	}
	var results []Result
	b := a.j.Begin(a.name, "something")
	what := w.r.IntN(8)
	switch what {
	case 0, 1:
		results = a.n.SetFlags(ctx, b, f, list, journal.Change{Add: letters(), Remove: letters()})
	case 2:
		results = a.n.SetFlags(ctx, b, f, list, journal.Change{Add: letters(), AddKeywords: words(), RemoveKeywords: words()})
	case 3, 4:
		results = a.n.File(ctx, b, f, list, to, Moved, letters())
	case 5:
		results = a.n.File(ctx, b, f, list, to, Copied, "")
	case 6:
		for _, e := range list[:min(len(list), 3)] {
			raw, rerr := os.ReadFile(f.File(e))
			if rerr != nil {
				err = rerr
				continue
			}
			_, rerr = b.Replace(f, e, append(raw, "edited\n"...))
			err = errors.Join(err, rerr)
		}
	case 7:
		w.n++
		id := fmt.Sprint("m", w.n)
		w.ids[id] = true
		_, err = b.Deliver(to, maildir.Delivery{Flags: letters(), Cur: true}, strings.NewReader("X-Id: "+id+"\nSubject: draft\n\nx\n"))
	}
	for _, r := range results {
		err = errors.Join(err, r.Err)
	}
	if cerr := b.Commit(); cerr != nil {
		w.t.Fatal(cerr)
	}
	return err
}

// vandalise does what other programs do.
func (w *stage) vandalise() {
	f := w.folder(names[w.r.IntN(len(names))])
	what := w.r.IntN(6)
	if what == 0 {
		w.put(f.Name())
		return
	}
	list, err := f.List()
	if err != nil {
		w.t.Fatal(err)
	}
	if len(list) == 0 {
		return
	}
	e := list[w.r.IntN(len(list))]
	b, err := os.ReadFile(f.File(e))
	if err != nil {
		w.t.Fatal(err)
	}
	id := idOf(string(b))
	w.touched[id] = true
	if what == 1 {
		if err := os.Remove(f.File(e)); err != nil {
			w.t.Fatal(err)
		}
		w.removed[id] = true
		return
	}
	n, err := maildir.ParseName(e.File)
	if err != nil {
		w.t.Fatal(err)
	}
	if n, err = n.WithFlags(n.Flags().Change([]maildir.Flags{"S", "F", "R"}[w.r.IntN(3)], []maildir.Flags{"", "F", "T"}[w.r.IntN(3)])); err != nil {
		w.t.Fatal(err)
	}
	if err := os.Rename(f.File(e), f.Path()+"/cur/"+n.String()); err != nil {
		w.t.Fatal(err)
	}
}

func different(t *testing.T, what string, got, want map[string]string) {
	t.Helper()
	n := 0
	for _, k := range slices.Sorted(maps.Keys(want)) {
		if got[k] != want[k] {
			if n++; n < 8 {
				t.Errorf("%s: %s was %.60q, is %.60q", what, k, want[k], got[k])
			}
		}
	}
	for _, k := range slices.Sorted(maps.Keys(got)) {
		if _, ok := want[k]; !ok {
			if n++; n < 16 {
				t.Errorf("%s: %s was not there", what, k)
			}
		}
	}
}

func (a *actor) undoAll(t *testing.T) (failed []journal.Failure) {
	t.Helper()
	for {
		r, err := a.j.Undo(3)
		if errors.Is(err, journal.ErrNothing) {
			return failed
		}
		if err != nil {
			t.Fatal(err)
		}
		failed = append(failed, r.Failed...)
	}
}

func seeds() int {
	if testing.Short() {
		return 2
	}
	return 4
}

// Whatever two programs did, undoing all of it leaves every file with the name, flags,
// bytes and time it had, and every message its keywords; redo leads back.
func TestUndoRestoresEverything(t *testing.T) {
	for seed := range seeds() {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			w := newStage(t, uint64(seed), 150)
			before := w.all(w.actors[0])
			for range 14 {
				if err := w.act(w.actors[w.r.IntN(2)]); err != nil {
					t.Fatal(err)
				}
			}
			after := w.all(w.actors[0])
			for round := range 2 {
				for _, f := range w.actors[round%2].undoAll(t) {
					t.Errorf("not undone: %v", f)
				}
				different(t, fmt.Sprint("undo ", round), w.all(w.actors[0]), before)
				if t.Failed() {
					return
				}
				if r, err := w.actors[(round+1)%2].j.Redo(100); err != nil || len(r.Failed) > 0 {
					t.Errorf("redo: %v, %v", r.Failed, err)
				}
				different(t, fmt.Sprint("redo ", round), w.all(w.actors[0]), after)
				if t.Failed() {
					return
				}
			}
		})
	}
}

// With other programs interfering no message is lost by undo, and what it could not
// restore of those nobody else has touched, it says.
func TestUndoBesideOthers(t *testing.T) {
	for seed := range seeds() {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			w := newStage(t, uint64(seed), 150)
			before := w.tree()
			for range 14 {
				for range w.r.IntN(4) {
					w.vandalise()
				}
				w.act(w.actors[w.r.IntN(2)])
			}
			for range w.r.IntN(10) {
				w.vandalise()
			}
			failed := w.actors[w.r.IntN(2)].undoAll(t)
			for _, f := range failed {
				t.Log(f.Op.Kind, f.Op.FromFolder, f.Op.ToFolder, f.Op.Bulk, f)
			}
			told := map[string]bool{}
			for _, f := range failed {
				told[f.Op.Base()], told[f.Op.NewBase()] = true, true
			}
			after := w.tree()
			have := map[string]bool{}
			for _, text := range after {
				have[idOf(text)] = true
			}
			kept, _ := filepath.Glob(filepath.Join(w.t.TempDir(), "..", "*", "journal.kept", "cur", "*"))
			for _, path := range kept {
				b, _ := os.ReadFile(path)
				have[idOf(string(b))] = true
			}
			for id := range w.ids {
				if !have[id] && !w.removed[id] {
					t.Errorf("message %s is lost", id)
				}
			}
			for path, was := range before {
				e := maildir.Entry{File: filepath.Base(path)}
				if id := idOf(was); after[path] != was && !w.touched[id] && !told[e.Base()] {
					now := ""
					for p, text := range after {
						if idOf(text) == id {
							now += " " + p
						}
					}
					t.Errorf("%s of %s is not as it was, and undo did not say so: it is%s", path, id, now)
				}
			}
		})
	}
}
