package journal

import (
	"encoding/json"
	"errors"
	"slices"
	"testing"

	"pneu/maildir"
)

// What shares a line comes out of it as it went in, whatever the names; damage makes fewer
// operations, and no panic.
func TestManyLines(t *testing.T) {
	common := Op{Kind: "move", Store: "/m", FromFolder: "INBOX", ToFolder: "A", From: "/m", To: "/m/.A"}
	names := []maildir.Entry{{File: "1.a:2,"}, {File: "2.b\n:2,S"}, {File: "3.\xff\xfe", New: true}, {File: "4.ü\u2028\"\\<"}}
	var ops []Op
	for i, e := range names {
		o := common
		o.Old, o.New = e, names[len(names)-1-i]
		if i != 2 {
			o.Bulk = NewBulk("g/1", []uint32{uint32(i + 1)})
		}
		ops = append(ops, o)
	}
	ops[2].Bulk.Numbering = "g/1"
	purges := []Op{{Kind: "purge", From: "/m", Old: names[0]}, {Kind: "purge", From: "/m", Old: names[2]}}
	for _, want := range [][]Op{ops, purges} {
		b := &Batch{id: "x"}
		lines := b.many(want)
		if len(lines) != 1 || b.n != len(want) {
			t.Fatalf("%d lines, %d numbers", len(lines), b.n)
		}
		var l line
		if err := json.Unmarshal(lines[0].encode(), &l); err != nil || l.T != "many" {
			t.Fatal(l.T, err)
		}
		got := l.Op.unpackMany()
		for i := range want {
			if want[i].Bulk.UIDs == "" {
				want[i].Bulk = Bulk{}
			}
		}
		if !slices.EqualFunc(got, want, func(a, b Op) bool {
			return a.Kind == b.Kind && a.Old == b.Old && a.New == b.New && a.Bulk == b.Bulk && a.From == b.From && a.To == b.To
		}) {
			t.Errorf("got %+v\nwant %+v", got, want)
		}
		whole := string(l.Op.Each)
		for cut := range whole {
			l.Op.Each = raw(whole[:cut])
			if n := len(l.Op.unpackMany()); n > len(want) {
				t.Errorf("%d operations in %q", n, whole[:cut])
			}
		}
	}
}

// What was noted and not done is struck out, and what was not noted leaves no trace.
func TestAllFails(t *testing.T) {
	w := newWorld(t, 1)
	f := w.folders[0]
	wrong := errors.New("wrong")
	b := w.j.Begin("cli", "nothing")
	if err := b.All(func(func([]Op) error) ([]int, error) { return nil, wrong }); !errors.Is(err, wrong) || b.ID() != "" {
		t.Error(err, b.ID())
	}
	if err := b.Commit(); err != nil {
		t.Fatal(err)
	}
	b = w.j.Begin("cli", "half")
	err := b.All(func(note func([]Op) error) ([]int, error) {
		op := Op{Kind: "purge", Store: f.Store().Root(), From: f.Path(), FromFolder: f.Name()}
		var ops []Op
		for _, name := range []string{"1.a", "2.a", "3.a"} {
			op.Old.File = name
			ops = append(ops, op)
		}
		return []int{0, 2}, note(ops)
	})
	if err != nil {
		t.Fatal(err)
	}
	log, err := w.j.Log(0)
	if err != nil || len(log) != 1 || len(log[0].Ops) != 1 || log[0].Ops[0].Old.File != "2.a" {
		t.Errorf("%+v %v", log, err)
	}
}
