package main

import (
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"testing"

	"pneu/maildir"
	"pneu/maildir/journal"
)

// What the journal has on a message is the same whether it is looked through or looked up.
func TestHistoryOfMany(t *testing.T) {
	dir := t.TempDir()
	for _, sub := range []string{"cur", "new", "tmp"} {
		if err := os.Mkdir(filepath.Join(dir, sub), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	f, err := maildir.At(dir)
	if err != nil {
		t.Fatal(err)
	}
	entry := func(n int) maildir.Entry { return maildir.Entry{File: strconv.Itoa(n) + ".host:2,"} }
	ops := []journal.Op{
		{Kind: "mkdir", From: f.Path(), To: f.Path()},
		{Kind: "append", To: f.Path(), New: entry(1)},
		{Kind: "flags", From: f.Path(), To: f.Path(), Old: entry(1), New: entry(1)},
		{Kind: "move", From: f.Path(), To: "/elsewhere", Old: entry(2), New: entry(3)},
		{Kind: "move", From: "/elsewhere", To: f.Path(), Old: entry(2), New: entry(4)},
		{Kind: "flags", From: "/elsewhere", To: "/elsewhere", Old: entry(1), New: entry(1)},
		{Kind: "purge", From: f.Path(), To: f.Path(), Old: entry(4)},
	}
	h := history{records: []journal.Record{{Ops: ops[:4]}, {Ops: ops[4:]}}}
	var first [6][]moment
	for n := range first {
		first[n] = h.of(f, entry(n).Base(), uint32(n))
	}
	if want := []moment{{0, 1}, {0, 2}}; !reflect.DeepEqual(first[1], want) {
		t.Errorf("of 1: %v, want %v", first[1], want)
	}
	h.asked = fewMessages
	for n := range first {
		if got := h.of(f, entry(n).Base(), uint32(n)); !reflect.DeepEqual(got, first[n]) {
			t.Errorf("of %d: %v looked up, %v looked through", n, got, first[n])
		}
	}
}
