package store

import (
	"fmt"
	"math/rand"
	"testing"
	"time"

	"pneu/maildir"
	"pneu/maildir/message"
	"pneu/maildir/safe"
)

var now = time.Date(2026, 11, 21, 9, 45, 0, 0, time.UTC)

// box makes a folder of n messages, three to a conversation, all headers known.
func box(n int) *Box {
	entries := make([]maildir.Entry, n)
	ids, heads := make([]int, n), make([]*Head, n)
	for i := range entries {
		entries[i] = maildir.Entry{File: fmt.Sprintf("%d.M%dP1.t:2,S", now.Unix()-int64(n-i), i)}
		s := message.Summary{From: []message.Addr{{Name: fmt.Sprint("P", i%5), Addr: fmt.Sprint(i%5, "@x")}}, Subject: fmt.Sprint("s", i/3), MessageID: fmt.Sprint(i, "@x"), Date: now.Add(-time.Duration(n-i) * time.Second)}
		if i%3 > 0 {
			s.References = []string{fmt.Sprint(i-i%3, "@x")}
		}
		ids[i], heads[i] = i, NewHead(s, Options{}, now)
	}
	b := FromEntries(nil, entries, Options{Threads: true})
	b.Apply(Read{b.Serial, ids, heads})
	b.SetView(b.Snapshot().Arrange())
	return b
}

// check compares the rows with what the box says of them.
func check(t *testing.T, b *Box, what string) {
	t.Helper()
	r := b.Rows()
	shown := map[int]bool{}
	for i := range r.Len() {
		id := r.ID(i)
		if b.Gone(id) {
			t.Fatalf("%s: row %d shows message %d, which is gone", what, i, id)
		}
		for _, m := range b.Conversation(id) {
			if shown[m] {
				t.Fatalf("%s: message %d has two rows", what, m)
			}
			shown[m] = true
			if at := r.Find(m); at != i {
				t.Fatalf("%s: message %d is found in row %d, shown in %d", what, m, at, i)
			}
		}
		_ = r.Row(i)
	}
	if len(shown) != b.Len() {
		t.Fatalf("%s: %d messages have rows, %d are there", what, len(shown), b.Len())
	}
}

// TestRowsAgree folds, removes, restores and adds at random; every message has one row, and is found in it.
func TestRowsAgree(t *testing.T) {
	for seed := range int64(20) {
		rnd := rand.New(rand.NewSource(seed))
		b := box(60)
		check(t, b, "at first")
		for step := range 60 {
			id := rnd.Intn(b.Size())
			what := fmt.Sprintf("seed %d step %d message %d", seed, step, id)
			switch rnd.Intn(7) {
			case 0:
				b.Fold(id, true)
			case 1:
				b.Fold(id, false)
			case 2:
				b.Remove(b.Conversation(id)...)
			case 3:
				b.Remove(id)
			case 4:
				b.FoldAll(rnd.Intn(2) == 0)
			case 5:
				b.Restore(id)
				b.SetView(b.Snapshot().Arrange())
			case 6:
				b.Put(maildir.Entry{File: fmt.Sprintf("%d.M%dP9.t", now.Unix(), step)})
				b.SetView(b.Snapshot().Arrange())
			}
			check(t, b, what)
		}
	}
}

func TestLateResultsAreDropped(t *testing.T) {
	a, b := box(3), box(3)
	if b.SetView(a.Snapshot().Arrange()) {
		t.Error("took the order of another folder")
	}
	v := b.Snapshot().Arrange()
	b.SetLimit(Limit{Query: "x", IDs: map[int]bool{1: true}})
	if b.SetView(v) {
		t.Error("took an order made before the limit")
	}
	b.SetView(b.Snapshot().Arrange())
	if n := b.Rows().Len(); n != 1 {
		t.Errorf("%d rows under the limit, want 1", n)
	}
}

func TestPerson(t *testing.T) {
	tests := []struct {
		in     message.Addr
		name   string
		short  string
		danger bool
	}{
		{message.Addr{Name: "Ada Lovelace", Addr: "ada@x.org"}, "Ada Lovelace", "Ada", false},
		{message.Addr{Name: "Lovelace, Ada", Addr: "ada@x.org"}, "Lovelace, Ada", "Ada", false},
		{message.Addr{Addr: "ada@x.org"}, "ada@x.org", "ada", false},
		{message.Addr{Name: "ada@x.org", Addr: "ada@x.org"}, "ada@x.org", "ada@x.org", false},
		{message.Addr{Name: "security@paypal.com", Addr: "m5@evil.example"}, `m5@evil.example "security@paypal.com"`, "m5@evil.example", true},
		{message.Addr{Name: "Ada @ work", Addr: "ada@x.org"}, "Ada @ work", "Ada", false},
		{message.Addr{Name: "\x1b[2Jx", Addr: "a@b"}, "[2Jx", "[2Jx", false},
	}
	for _, tt := range tests {
		name, short, danger := person(tt.in)
		if name.String() != tt.name || short.String() != tt.short || danger != tt.danger {
			t.Errorf("%+v is %q, %q, %v", tt.in, name.String(), short.String(), danger)
		}
	}
}

func TestPeopleFitTheirColumn(t *testing.T) {
	var heads []*Head
	for _, n := range []string{"Grace Hopper", "Linus Torvalds", "Zoë Ümlaut", "Ada Lovelace", "Grace Hopper", "Maximiliane Mustermann-Beispiel"} {
		heads = append(heads, NewHead(message.Summary{From: []message.Addr{{Name: n, Addr: n + "@x"}}}, Options{}, now))
	}
	for n := 2; n <= len(heads); n++ {
		if s := people(heads[:n]).String(); safe.Width(s) > peopleW+4 {
			t.Errorf("%q is too wide", s)
		}
	}
	if s := people(heads).String(); s != "Grace, Linus +3" {
		t.Errorf("people are %q", s)
	}
}

func TestFirstWords(t *testing.T) {
	for in, want := range map[string]string{
		"Subject: x\n\nHello,\n\n> quoted\nOn Friday Ada wrote:\nthe text\n-- \nsig\n": "Hello, the text",
		"Content-Type: text/html\n\n<p>one</p><p>two</p>":                              "one two",
		"Subject: x\n\n": "",
	} {
		if got := firstWords([]byte(in)).String(); got != want {
			t.Errorf("first words of %q are %q, want %q", in, got, want)
		}
	}
}
