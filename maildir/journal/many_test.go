package journal

import (
	"encoding/json"
	"errors"
	"os"
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

// Copies that a process did not come to make, and those that another had removed when it died,
// are no failures; one that a stranger took away is.
func TestUndoOfCopiesCutOff(t *testing.T) {
	w := newWorld(t, 4)
	inbox, to := w.folders[0], w.folders[1]
	list, err := inbox.List()
	if err != nil {
		t.Fatal(err)
	}
	before := w.tree()
	var ops []Op
	for _, e := range list {
		ops = append(ops, Op{Kind: "copy", Store: w.store.Root(), From: inbox.Path(), To: to.Path(), Old: e, New: maildir.Fresh(e)})
	}
	b := w.j.Begin("cli", "cp")
	func() {
		defer func() { recover() }()
		b.All(func(note func([]Op) error) ([]int, error) {
			if err := note(ops); err != nil {
				t.Error(err)
			}
			if err := inbox.CopyAs(list[0], to, ops[0].New); err != nil {
				t.Error(err)
			}
			panic("the process has died")
		})
	}()
	if r, err := w.j.Undo(1); err != nil || len(r.Failed) > 0 {
		t.Errorf("not made: %+v, %v", r, err)
	}
	compare(t, "not made", w.tree(), before)
	b = w.j.Begin("cli", "cp")
	var made []maildir.Entry
	for _, e := range list[:2] {
		m, err := b.Copy(inbox, e, to)
		if err != nil {
			t.Fatal(err)
		}
		made = append(made, m)
	}
	if err := b.Commit(); err != nil {
		t.Fatal(err)
	}
	if err := w.j.append(line{T: "try", ID: b.ID(), N: []int{1}}); err != nil {
		t.Fatal(err)
	}
	for _, e := range made {
		if err := to.Remove(e); err != nil {
			t.Fatal(err)
		}
	}
	if r, err := w.j.Undo(1); err != nil || len(r.Failed) != 1 || r.Failed[0].Op.New != made[1] {
		t.Errorf("taken away: %+v, %v", r, err)
	}
}

// Where a later version has written, what was done last is not known: nothing is taken back.
func TestJournalOfALaterVersion(t *testing.T) {
	w := newWorld(t, 2)
	list, err := w.folders[0].List()
	if err != nil {
		t.Fatal(err)
	}
	b := w.j.Begin("cli", "flag")
	if _, err := b.SetFlags(w.folders[0], list[0], "F", ""); err != nil {
		t.Fatal(err)
	}
	if err := b.Commit(); err != nil {
		t.Fatal(err)
	}
	after := w.tree()
	file, err := os.OpenFile(w.j.path, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if _, err := file.WriteString(`{"v":2,"t":"begin","id":"x","what":{"new":"form"}}` + "\n"); err != nil {
		t.Fatal(err)
	}
	if _, err := w.j.Undo(1); !errors.Is(err, ErrNewer) {
		t.Errorf("undo: %v", err)
	}
	if _, err := w.j.Redo(1); !errors.Is(err, ErrNewer) {
		t.Errorf("redo: %v", err)
	}
	if log, err := w.j.Log(0); err != nil || len(log) != 1 {
		t.Errorf("log: %+v, %v", log, err)
	}
	compare(t, "left alone", w.tree(), after)
}
