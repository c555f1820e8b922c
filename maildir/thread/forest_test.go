package thread

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

// fact is what a Forest is told of an item.
func fact(it Item) Fact {
	f := Fact{Key: uint32(it.Key), ID: Hash(it.ID), Date: it.Date.Unix()}
	for _, r := range it.Refs {
		f.Refs = append(f.Refs, Hash(r))
	}
	base, reply := BaseSubject(it.Subject)
	f.Subject, f.Reply = Hash(strings.ToLower(base)), reply
	return f
}

// sketch writes nodes so that all there is of the tree shows.
func sketch(nodes []Node) string {
	var b strings.Builder
	for _, n := range nodes {
		fmt.Fprintf(&b, "%s%d parent %d root %d size %d last %v loose %v\n", strings.Repeat(" ", n.Depth), n.Key, n.Parent, n.Root, n.Size, n.Last, n.Loose)
	}
	return b.String()
}

// random returns a message of a small world, in which everything meets: ids twice, references
// in rings, to what is missing, to itself, in any order, and few subjects.
func random(r *rand.Rand, key, ids, subjects int) Item {
	id := func() string { return fmt.Sprint("id", r.IntN(ids)) }
	it := Item{Key: key, Date: day.Add(time.Duration(r.IntN(40)) * time.Hour)}
	if r.IntN(10) > 0 {
		it.ID = id()
	}
	for range r.IntN(4) {
		it.Refs = append(it.Refs, id())
	}
	if r.IntN(8) == 0 {
		it.Refs = append(it.Refs, it.ID, "")
	}
	it.Subject = []string{"", "Re: ", "Re: ", "[x] "}[r.IntN(4)]
	if n := r.IntN(subjects + 1); n > 0 {
		it.Subject += fmt.Sprint("s", n)
	}
	return it
}

// Whatever comes and goes in whatever steps, a Forest holds what Build makes of what is left.
func TestForestIsBuild(t *testing.T) {
	for seed := range uint64(400) {
		r := rand.New(rand.NewPCG(seed, 7))
		ids, subjects := 3+r.IntN(40), 1+r.IntN(20)
		opt := Options{ByReference: seed%5 == 0}
		f := NewForest(opt)
		var items []Item
		key := 0
		for step := range 8 {
			var add []Fact
			var remove []uint32
			for _, it := range items {
				if r.IntN(6) == 0 {
					remove = append(remove, uint32(it.Key))
				}
			}
			remove = append(remove, 1<<30)
			items = slices.DeleteFunc(items, func(it Item) bool { return slices.Contains(remove, uint32(it.Key)) })
			for range r.IntN(12) {
				key += 1 + r.IntN(3)
				it := random(r, key, ids, subjects)
				items, add = append(items, it), append(add, fact(it))
			}
			if err := f.Update(add, remove); err != nil {
				t.Fatal(err)
			}
			if f.Len() != len(items) {
				t.Fatalf("seed %d step %d: %d messages, want %d", seed, step, f.Len(), len(items))
			}
			if step == 5 && seed%3 == 0 { // as another process finds it
				g, err := Load(f.Save(nil, []byte("mark")), []byte("mark"))
				if err != nil {
					t.Fatal(err)
				}
				f = g
			}
			for _, order := range []Order{Newest, Oldest, Given, Root} {
				opt.Order = order
				want := BuildWith(items, opt)
				for i := range want { // keys become ranks
					want[i].Key = slices.IndexFunc(items, func(it Item) bool { return it.Key == want[i].Key })
				}
				tree := f.Tree(order)
				if got, want := sketch(tree.Nodes()), sketch(want); got != want {
					t.Fatalf("seed %d step %d order %d:\n%swant\n%s", seed, step, order, got, want)
				}
				for i, span := range tree.Threads {
					if n := want[span.From]; n.Size != int(span.N) || n.Depth != 0 || n.Latest.Unix() != span.Latest {
						t.Fatalf("seed %d step %d: thread %d is %+v, want %+v", seed, step, i, span, n)
					}
				}
			}
		}
	}
}

func TestForestWantsOrder(t *testing.T) {
	f := NewForest(Options{})
	if err := f.Update([]Fact{{Key: 2}, {Key: 2}}, nil); err == nil || f.Len() != 0 {
		t.Error("took one key twice")
	}
	if err := f.Update([]Fact{{Key: 0}, {Key: 2}}, nil); err != nil {
		t.Error(err)
	}
	if err := f.Update([]Fact{{Key: 1}}, nil); err == nil || f.Len() != 2 {
		t.Error("took a key below the last")
	}
}

// many makes facts as a folder of lists has them: threads of one to thirty messages.
func many(n int) []Fact {
	r := rand.New(rand.NewPCG(1, 2))
	facts := make([]Fact, n)
	for i := range facts {
		f := Fact{Key: uint32(i + 1), ID: r.Uint64() | 1, Date: 1.6e9 + int64(i)*60 + r.Int64N(600), Subject: r.Uint64() | 1}
		if i > 10 && r.IntN(10) < 6 {
			p := facts[i-1-r.IntN(min(i, 300)-1)]
			f.Subject, f.Reply = p.Subject, true
			f.Refs = append(append(f.Refs, p.Refs...), p.ID)
			if len(f.Refs) > 12 {
				f.Refs = f.Refs[len(f.Refs)-12:]
			}
		}
		facts[i] = f
	}
	return facts
}

// What is added to a saved Forest stands where it would have without saving, whatever its date.
func TestForestLoadedGrows(t *testing.T) {
	facts := many(1100)
	for i := range facts[1000:] {
		facts[1000+i].Date -= int64(i%7) * 10000
	}
	whole, saved := NewForest(Options{}), NewForest(Options{})
	whole.Update(facts, nil)
	saved.Update(facts[:1000], nil)
	loaded, err := Load(saved.Save(nil, nil), nil)
	for i := 1000; i < 1100 && err == nil; i += 20 {
		loaded.Update(facts[i:i+20], nil)
		want := sketch(loaded.Tree(Newest).Nodes())
		if loaded, err = Load(loaded.Save(nil, nil), nil); err == nil && sketch(loaded.Tree(Newest).Nodes()) != want {
			t.Fatalf("%d messages: not as saved", i+20)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, order := range []Order{Newest, Oldest, Given, Root} {
		if sketch(loaded.Tree(order).Nodes()) != sketch(whole.Tree(order).Nodes()) {
			t.Errorf("order %d: not as made at once", order)
		}
	}
}

func long(b *testing.B) {
	if testing.Short() {
		b.Skip("threads a million messages")
	}
}

func BenchmarkForestBuild1M(b *testing.B) {
	long(b)
	facts := many(1e6)
	for b.Loop() {
		if err := NewForest(Options{}).Update(facts, nil); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkForestOrder1M(b *testing.B) {
	long(b)
	f := NewForest(Options{})
	f.Update(many(1e6), nil)
	for b.Loop() {
		f.Tree(Newest)
	}
}

func BenchmarkForestLoad1M(b *testing.B) {
	long(b)
	f := NewForest(Options{})
	f.Update(many(1e6), nil)
	file := f.Save(nil, []byte("mark"))
	for b.Loop() {
		g, err := Load(file, []byte("mark"))
		if err != nil {
			b.Fatal(err)
		}
		g.Tree(Newest)
	}
	b.ReportMetric(float64(len(file))/1e6, "B/msg")
}

func BenchmarkForestAdd10To1M(b *testing.B) {
	long(b)
	f := NewForest(Options{})
	facts := many(1e6 + 10)
	f.Update(facts[:1e6], nil)
	key := uint32(2e6)
	for b.Loop() {
		add := slices.Clone(facts[1e6:])
		for i := range add {
			key++
			add[i].Key = key
		}
		f.Update(add, nil)
	}
}

func FuzzLoad(f *testing.F) { // whatever lies on the disk is refused or loaded, and loading never panics
	small := NewForest(Options{})
	small.Update([]Fact{{Key: 1, ID: 5, Subject: 9}, {Key: 2, ID: 6, Refs: []uint64{5}, Subject: 9, Reply: true}}, nil)
	good := small.Save(nil, []byte("m"))
	f.Add(good)
	f.Add(good[:100])
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, err := Load(slices.Clone(b), []byte("m")); err == nil && !slices.Equal(b, good) && len(b) == len(good) {
			t.Log("another file of the same checksum") // 1 in 2^32
		}
		if len(b) > 16 { // as a program with another idea of the format writes it
			b = slices.Clone(b)
			binary.NativeEndian.PutUint32(b[8:], crc32.Checksum(b[12:], crcTable))
			Load(b, []byte("m"))
		}
	})
}

// Strings and bytes have one number, and quotation marks do not count.
func TestHash(t *testing.T) {
	for _, id := range []string{"", `"`, "a@b", `"a b"@c`, strings.Repeat("x", 300)} {
		plain := strings.ReplaceAll(id, `"`, "")
		if h := Hash(id); h != HashBytes([]byte(id)) || h != Hash(plain) || (h == 0) != (plain == "") {
			t.Errorf("%q: %x, %x, %x", id, h, HashBytes([]byte(id)), Hash(plain))
		}
	}
	if h := Hash("a@b"); h != HashBytes([]byte(`a"@"b`)) {
		t.Errorf("%x", h)
	}
}
