package main

import (
	"fmt"
	"maps"
	"math/rand"
	"os"
	"testing"

	"pneu/maildir"
	"pneu/maildir/store"
)

// What is known by an index is what is known by a list, whatever comes and goes.
func TestKnown(t *testing.T) {
	dir := t.TempDir()
	s, err := store.Create(dir, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	entry := func(n int, flags string, isNew bool) maildir.Entry {
		return maildir.Entry{File: fmt.Sprintf("%d.M%dP1.host:2,%s", 1700000000+n/3, n, flags), New: isNew}
	}
	for n := range 30 {
		if err := os.WriteFile(dir+"/cur/"+entry(n, "S", false).File, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	b, err := s.Box("INBOX")
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	v, err := b.Sync(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	list, err := b.Folder().List()
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewSource(1))
	by, plain, want := knownOf(v, nil), knownOf(nil, list), map[string]maildir.Entry{}
	for _, e := range list {
		want[e.Base()] = e
	}
	for range 2000 {
		e := entry(random.Intn(40), []string{"", "S", "FS"}[random.Intn(3)], random.Intn(2) == 0)
		if random.Intn(2) == 0 {
			by.keep(e)
			plain.keep(e)
			want[e.Base()] = e
		} else {
			by.drop(e)
			plain.drop(e)
			delete(want, e.Base())
		}
		for name, k := range map[string]*known{"index": by, "list": plain} {
			got := map[string]maildir.Entry{}
			k.all(func(e maildir.Entry) { got[e.Base()] = e })
			if !maps.Equal(got, want) {
				t.Fatalf("by %s: %v, want %v", name, got, want)
			}
			now, ok := k.get(e.Base())
			there, was := want[e.Base()]
			second := 0
			for _, o := range want {
				if o.Time().Unix() == e.Time().Unix() {
					second++
				}
			}
			if now != there || ok != was || k.at(e.Time().Unix()) != second {
				t.Fatalf("by %s: %v %v %d, want %v %v %d", name, now, ok, k.at(e.Time().Unix()), there, was, second)
			}
		}
	}
}
