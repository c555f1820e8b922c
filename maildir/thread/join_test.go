package thread

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// Folders joined are threaded as all their messages are, whatever the facts of each were taken
// from: messages of this moment, or a Forest from which others have gone.
func TestJoinIsBuild(t *testing.T) {
	for seed := range uint64(600) {
		r := rand.New(rand.NewPCG(seed, 3))
		ids, subjects := 3+r.IntN(60), 1+r.IntN(30)
		opt := Options{ByReference: seed%5 == 0, Order: Order(r.IntN(4))}
		var items []Item
		var parts []*Facts
		for range r.IntN(6) {
			var list []Item
			key := 0
			for range r.IntN(20) {
				key += 1 + r.IntN(3)
				it := random(r, key, ids, subjects)
				if r.IntN(30) == 0 { // more than are looked at
					for k := range 600 {
						it.Refs = append(it.Refs, fmt.Sprint("id", (k*7)%ids))
					}
				}
				list = append(list, it)
			}
			parts = append(parts, known(t, r, &list))
			for _, it := range list {
				it.Key = len(items)
				items = append(items, it)
			}
		}
		got, want := sketch(Join(parts, opt).Nodes()), sketch(BuildWith(items, opt))
		if got != want {
			t.Fatalf("seed %d: %+v\n%swant\n%s", seed, opt, got, want)
		}
		once(t, parts, items, opt)
	}
}

// once compares JoinOnce with threading the first of each id.
func once(t *testing.T, parts []*Facts, items []Item, opt Options) {
	t.Helper()
	j := JoinOnce(parts, opt)
	numbers := map[string]int{}
	var of []int32
	var first []Item
	for _, it := range items {
		n, met := numbers[it.ID]
		if !met || it.ID == "" {
			n = len(first)
			numbers[it.ID] = n
			it.Key = n
			first = append(first, it)
		}
		of = append(of, int32(n))
	}
	if got, want := sketch(j.Tree.Nodes()), sketch(BuildWith(first, opt)); got != want {
		t.Fatalf("%+v once\n%swant\n%s", opt, got, want)
	}
	if !slices.Equal(j.Of, of) {
		t.Fatalf("numbers %v, want %v", j.Of, of)
	}
	for _, id := range []string{"", "id0", "id5", "id9", "nowhere"} {
		n, ok := j.Find(Hash(id))
		if want, there := numbers[id]; ok != (there && id != "") || ok && int(n) != want {
			t.Fatalf("%q is %d, %v, want %d", id, n, ok, want)
		}
	}
}

// known returns facts of a folder's messages, after some of them have gone if it is by way of a
// Forest.
func known(t *testing.T, r *rand.Rand, list *[]Item) *Facts {
	t.Helper()
	var facts []Fact
	for _, it := range *list {
		facts = append(facts, fact(it))
	}
	if r.IntN(3) == 0 {
		return NewFacts(facts)
	}
	f := NewForest(Options{})
	half := r.IntN(len(facts) + 1)
	var remove []uint32
	if r.IntN(2) == 0 {
		for _, it := range *list {
			if r.IntN(4) == 0 {
				remove = append(remove, uint32(it.Key))
			}
		}
	}
	err := errors.Join(f.Update(facts[:half], nil), f.Update(facts[half:], remove))
	if r.IntN(3) == 0 {
		var lerr error
		f, lerr = Load(f.Save(nil, nil), nil)
		err = errors.Join(err, lerr)
	}
	if err != nil {
		t.Fatal(err)
	}
	*list = slices.DeleteFunc(*list, func(it Item) bool { return slices.Contains(remove, uint32(it.Key)) })
	x, err := f.Facts()
	if err != nil {
		t.Fatal(err)
	}
	var again []Fact
	for _, it := range *list {
		again = append(again, fact(it))
	}
	if want := NewFacts(again); !slices.Equal(x.key, want.key) || !slices.Equal(x.date, want.date) || !slices.Equal(x.subj, want.subj) {
		t.Fatalf("facts of %v, want %v", x.key, want.key)
	}
	f.Update(nil, x.key) // which is nothing to what was taken of it
	return x
}

// A file with a good checksum that says what cannot be is refused when facts are taken of it.
func TestFactsAreSound(t *testing.T) {
	two := func() *Forest {
		f := NewForest(Options{})
		f.Update([]Fact{{Key: 1, ID: 5}, {Key: 2, ID: 6, Refs: []uint64{5, 7}}, {Key: 3}}, nil)
		return f
	}
	if _, err := two().Facts(); err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(f *Forest){
		"box":               func(f *Forest) { f.box[1] = 40 },
		"box below":         func(f *Forest) { f.box[1] = -1 },
		"reference":         func(f *Forest) { f.refs[1] = 40 },
		"place":             func(f *Forest) { f.off[1], f.off[2] = 2, 1 },
		"place far":         func(f *Forest) { f.off[2] = 1 << 31 },
		"no boxes":          func(f *Forest) { f.hash = nil },
		"beginning":         func(f *Forest) { f.off[0] = 1 },
		"end of references": func(f *Forest) { f.refs = f.refs[:1] },
	} {
		for _, gone := range []bool{false, true} {
			f := two()
			if gone {
				f.Update(nil, []uint32{3})
			}
			spoil(f)
			if x, err := f.Facts(); err == nil {
				t.Errorf("%s, gone %v: taken: %+v", name, gone, x)
			}
		}
	}
}

func BenchmarkJoin100k(b *testing.B) {
	facts := many(100000)
	parts := make([][]Fact, 100)
	for i, f := range facts {
		parts[i%100] = append(parts[i%100], f)
	}
	list := make([]*Facts, len(parts))
	for i := range parts {
		list[i] = NewFacts(parts[i])
	}
	b.ReportAllocs()
	for b.Loop() {
		Join(list, Options{})
	}
}

// Several goroutines may look into what was joined.
func TestFindChangesNothing(t *testing.T) {
	var list []Fact
	for n := range 48 { // as many as 64 slots take
		list = append(list, Fact{Key: uint32(n), ID: Hash(fmt.Sprint(n))})
	}
	j := JoinOnce([]*Facts{NewFacts(list)}, Options{})
	slots := &j.ids.slots[0]
	if n, ok := j.Find(Hash("7")); !ok || n != 7 {
		t.Error(n, ok)
	}
	if _, ok := j.Find(Hash("none")); ok {
		t.Error("found what is not there")
	}
	if slots != &j.ids.slots[0] {
		t.Error("the table was made anew by a look into it")
	}
}
