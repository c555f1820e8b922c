package thread

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

var day = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// draw writes threads one node a line: indentation, key, "~" for a loose one.
func draw(nodes []Node) string {
	var b strings.Builder
	for _, n := range nodes {
		fmt.Fprintf(&b, "%s%d", strings.Repeat(" ", n.Depth), n.Key)
		if n.Loose {
			b.WriteByte('~')
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func item(key int, id, refs, subject string) Item {
	return Item{ID: id, Refs: strings.Fields(refs), Subject: subject, Date: day.Add(time.Duration(key) * time.Hour), Key: key}
}

func TestBuild(t *testing.T) {
	tests := []struct {
		name  string
		items []Item
		order Order
		want  string
	}{
		{"nothing", nil, Newest, ""},
		{"answers", []Item{item(1, "a", "", "x"), item(2, "b", "a", "Re: x"), item(3, "c", "a b", "Re: x"), item(4, "d", "a", "Re: x")},
			Newest, "1\n 2\n  3\n 4\n"},
		{"the same, given backwards", []Item{item(4, "d", "a", "Re: x"), item(3, "c", "a b", "Re: x"), item(2, "b", "a", "Re: x"), item(1, "a", "", "x")},
			Newest, "1\n 2\n  3\n 4\n"},
		{"newest thread first", []Item{item(1, "a", "", "x"), item(2, "b", "", "y"), item(3, "c", "a", "Re: x")},
			Newest, "1\n 3\n2\n"},
		{"oldest thread first", []Item{item(1, "a", "", "x"), item(2, "b", "", "y"), item(3, "c", "a", "Re: x")},
			Oldest, "2\n1\n 3\n"},
		{"order given", []Item{item(5, "e", "", "y"), item(1, "a", "", "x"), item(3, "c", "a", "Re: x")},
			Given, "5\n1\n 3\n"},
		{"order of roots", []Item{item(5, "e", "", "y"), item(1, "a", "", "x"), item(9, "c", "a", "Re: x")},
			Root, "1\n 9\n5\n"},
		{"grandparent missing", []Item{item(1, "a", "", "x"), item(3, "c", "a b", "Re: x")}, Newest, "1\n 3\n"},
		{"parent of two missing", []Item{item(2, "b", "a", "p"), item(3, "c", "a", "q"), item(4, "d", "b", "r")},
			Newest, "2\n 4\n 3~\n"},
		{"parent of one missing", []Item{item(2, "b", "a", "p")}, Newest, "2\n"},
		{"chain of missing ones", []Item{item(2, "x", "a b c", "p"), item(3, "y", "a b", "q"), item(4, "z", "a", "r")},
			Newest, "2\n 3~\n 4~\n"},
		{"by subject", []Item{item(1, "a", "", "x"), item(2, "b", "", "Re: X")}, Newest, "1\n 2~\n"},
		{"answers alone with a subject", []Item{item(1, "a", "", "Re: x"), item(2, "b", "", "AW: y"), item(3, "c", "", "Fwd: x")},
			Newest, "1\n 3~\n2\n"},
		{"no subject joins nothing", []Item{item(1, "a", "", "Re: "), item(2, "b", "", "")}, Newest, "2\n1\n"},
		{"missing parent takes in by subject", []Item{item(1, "p", "a", "Re: x"), item(2, "q", "a", "Re: x"), item(3, "r", "", "x")},
			Newest, "1\n 2~\n 3~\n"},
		{"two answer each other", []Item{item(1, "a", "b", "p"), item(2, "b", "a", "q")}, Newest, "2\n 1\n"},
		{"ring of three", []Item{item(1, "a", "c", "p"), item(2, "b", "a", "q"), item(3, "c", "b", "r")}, Newest, "3\n 1\n  2\n"},
		{"answers itself", []Item{item(1, "a", "a", "p")}, Newest, "1\n"},
		{"same id twice", []Item{item(1, "a", "", "p"), item(2, "a", "", "q"), item(3, "b", "a", "r")}, Newest, "1\n 3\n2\n"},
		{"no ids", []Item{item(1, "", "", "p"), item(2, "", "", "q")}, Newest, "2\n1\n"},
		{"quoted id", []Item{item(1, `"a"@x`, "", "p"), item(2, "b", "a@x", "q")}, Newest, "1\n 2\n"},
		{"own reference beats that of others", []Item{item(1, "a", "", "p"), item(2, "b", "", "q"), item(3, "c", "a", "r"), item(4, "d", "b c", "s")},
			Newest, "1\n 3\n  4\n2\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := draw(BuildWith(tt.items, Options{Order: tt.order})); got != tt.want {
				t.Errorf("got\n%swant\n%s", got, tt.want)
			}
		})
	}
}

func TestBuildByReference(t *testing.T) {
	items := []Item{item(1, "a", "", "report"), item(2, "b", "", "report")}
	if got := draw(BuildWith(items, Options{ByReference: true})); got != "2\n1\n" {
		t.Errorf("got\n%s", got)
	}
	if got := draw(Build(items)); got != "1\n 2~\n" {
		t.Errorf("with subjects\n%s", got)
	}
}

func TestBaseSubject(t *testing.T) {
	tests := []struct {
		in, base string
		reply    bool
	}{
		{"hello", "hello", false},
		{" a\t b ", "a b", false},
		{"Re: hello", "hello", true},
		{"RE : hello", "hello", true},
		{"Re[2]: hello", "hello", true},
		{"[list] Re: [list] hello", "hello", true},
		{"[list] hello", "hello", false},
		{"[list]", "[list]", false},
		{"[a] [b] hello", "hello", false},
		{"Fwd: Re: Fw: hello (fwd) (FWD)", "hello", true},
		{"[Fwd: hello]", "hello", true},
		{"[fwd: [list] Re: hello (fwd)]", "hello", true},
		{"Regarding: that", "Regarding: that", false},
		{"[PATCH 1/2] thing", "thing", false},
		{"Re:", "", true},
		{"", "", false},
		{"re[a[b]: c", "re[a[b]: c", false},
	}
	for _, tt := range tests {
		if base, reply := BaseSubject(tt.in); base != tt.base || reply != tt.reply {
			t.Errorf("BaseSubject(%q) = %q, %v; want %q, %v", tt.in, base, reply, tt.base, tt.reply)
		}
	}
}

// check holds what is true of any result: every item once, a tree in preorder.
func check(t *testing.T, items []Item, nodes []Node) {
	t.Helper()
	if len(nodes) != len(items) {
		t.Fatalf("%d nodes for %d items", len(nodes), len(items))
	}
	seen := map[int]bool{}
	for i, n := range nodes {
		if seen[n.Key] {
			t.Fatalf("item %d twice", n.Key)
		}
		seen[n.Key] = true
		switch {
		case n.Parent < 0:
			if n.Depth != 0 || n.Root != i {
				t.Fatalf("root %d: %+v", i, n)
			}
		case n.Parent >= i, n.Depth != nodes[n.Parent].Depth+1, n.Root != nodes[n.Parent].Root,
			i >= n.Parent+nodes[n.Parent].Size, n.Latest.After(nodes[n.Parent].Latest):
			t.Fatalf("node %d: %+v below %+v", i, n, nodes[n.Parent])
		}
		next := i + n.Size
		last := next >= len(nodes) || nodes[next].Parent != n.Parent
		if n.Parent >= 0 && n.Last != last {
			t.Fatalf("node %d: Last is %v", i, n.Last)
		}
	}
}

func FuzzBuild(f *testing.F) {
	f.Add([]byte("abcabcaab"), uint8(0))
	f.Add([]byte("\x01\x02\x03\x01\x00\x03\x03\x02\x01"), uint8(1))
	f.Fuzz(func(t *testing.T, b []byte, order uint8) {
		var items []Item
		for i := 0; i+4 <= len(b) && i < 4*300; i += 4 {
			id := func(c byte) string { return string(rune('a' + c%32)) }
			it := Item{ID: id(b[i]), Subject: []string{"x", "Re: x", "y", "", "[Fwd: x]"}[b[i+3]%5], Key: i / 4, Date: day.Add(time.Duration(b[i+3]))}
			for c := b[i+1] % 4; c > 0; c-- {
				it.Refs = append(it.Refs, id(b[i+2]*c))
			}
			items = append(items, it)
		}
		check(t, items, BuildWith(items, Options{Order: Order(order % 4)}))
	})
}

func FuzzBaseSubject(f *testing.F) {
	f.Add("[a] Re[2]: [Fwd: x (fwd)]")
	f.Fuzz(func(t *testing.T, s string) {
		base, _ := BaseSubject(s)
		if again, reply := BaseSubject(base); again != base || reply {
			t.Errorf("%q: base %q has base %q, %v", s, base, again, reply)
		}
	})
}

// mailbox makes n messages in threads of about ten.
func mailbox(n int) []Item {
	r := rand.New(rand.NewPCG(1, 2))
	items := make([]Item, n)
	for i := range items {
		it := Item{ID: fmt.Sprintf("%d@example.org", i), Subject: fmt.Sprintf("subject %d", i), Key: i, Date: day.Add(time.Duration(i) * time.Minute)}
		if i > 10 && r.IntN(10) > 0 {
			p := items[i-1-r.IntN(10)]
			it.Refs = append(append(it.Refs, p.Refs...), p.ID)
			it.Subject = "Re: " + p.Subject
		}
		items[i] = it
	}
	r.Shuffle(n, func(i, j int) { items[i], items[j] = items[j], items[i] })
	return items
}

// The worst shapes: a chain as long as the folder, given in either direction, and
// one parent for all.
func TestBuildDeep(t *testing.T) {
	const n = 40000
	for _, shape := range []string{"chain", "backwards", "star", "rings"} {
		items := make([]Item, n)
		for i := range items {
			up := fmt.Sprint(i - 1)
			switch shape {
			case "star":
				up = "missing"
			case "rings":
				up = fmt.Sprint((i*7919 + 13) % n)
			}
			items[i] = Item{ID: fmt.Sprint(i), Refs: []string{up}, Subject: "Re: s", Key: i, Date: day.Add(time.Duration(i))}
		}
		if shape == "backwards" {
			for i, j := 0, n-1; i < j; i, j = i+1, j-1 {
				items[i], items[j] = items[j], items[i]
			}
		}
		begin := time.Now()
		nodes := Build(items)
		if d := time.Since(begin); d > 20*time.Second { // what takes the square of it takes longer; a busy machine does not
			t.Errorf("%s: %v for %d messages", shape, d, n)
		}
		check(t, items, nodes)
	}
}

func BenchmarkBuild100k(b *testing.B) {
	items := mailbox(100000)
	for b.Loop() {
		Build(items)
	}
}
