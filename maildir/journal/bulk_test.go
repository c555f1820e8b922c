package journal

import (
	"errors"
	"maps"
	"slices"
	"testing"

	"pneu/maildir"
)

// numbered is a folder of an index: flags by number.
type numbered struct {
	numbering string
	flags     map[uint32]maildir.Flags
}

func (n *numbered) Number(*maildir.Folder, maildir.Entry) Bulk { return Bulk{} }

func (n *numbered) Flag(f *maildir.Folder, b Bulk, bases []string, c Change) ([]string, error) {
	if b.Numbering != n.numbering {
		return nil, errors.New("numbered anew")
	}
	for lo, hi := range b.Ranges() {
		for u := lo; u <= hi; u++ {
			if was, ok := n.flags[u]; ok {
				n.flags[u] = was.Change(c.Add, c.Remove)
			}
		}
	}
	return nil, nil
}

func TestBulk(t *testing.T) {
	w := newWorld(t, 1)
	inbox := w.folders[0]
	n := &numbered{"a/1", map[uint32]maildir.Flags{}}
	var even, all []uint32
	for u := range uint32(200000) {
		n.flags[u+1] = maildir.Flags([]string{"", "S"}[u%2])
		if all = append(all, u+1); u%2 == 0 {
			even = append(even, u+1)
		}
	}
	before := maps.Clone(n.flags)
	of := NewBulk("a/1", even) // no two in a row: longer than a line
	if of.Count() != len(even) || NewBulk("x", all).UIDs != "1:200000" {
		t.Fatalf("%d numbers in %.60q", of.Count(), of.UIDs)
	}
	mark := func() error {
		b := w.j.Begin("tui", "mark all read")
		if err := b.FlagAll(inbox, of, "S", "", func() error {
			_, err := n.Flag(inbox, of, nil, Change{Add: "S"})
			return err
		}); err != nil {
			return err
		}
		return b.Commit()
	}
	if err := mark(); err != nil {
		t.Fatal(err)
	}
	after := maps.Clone(n.flags)
	if maps.Equal(before, after) {
		t.Fatal("nothing done")
	}
	if r, err := w.j.Undo(1); err != nil || len(r.Failed) == 0 || !maps.Equal(n.flags, after) {
		t.Errorf("undo without an index: %v, %v", r.Failed, err)
	}
	w.j.UseNumbers(n)
	n.flags = maps.Clone(before)
	if err := mark(); err != nil {
		t.Fatal(err)
	}
	log, err := w.j.Log(1)
	if err != nil || log[0].Messages() != len(even) {
		t.Errorf("log says %+v, %v", log[0].Messages(), err)
	}
	if r, err := w.j.Undo(1); err != nil || len(r.Failed) > 0 || !maps.Equal(n.flags, before) {
		t.Errorf("undo: %v, %v", r.Failed, err)
	}
	if r, err := w.j.Redo(1); err != nil || len(r.Failed) > 0 || !maps.Equal(n.flags, after) {
		t.Errorf("redo: %v, %v", r.Failed, err)
	}
	n.numbering = "a/2"
	if r, err := w.j.Undo(1); err != nil || len(r.Failed) == 0 || !maps.Equal(n.flags, after) {
		t.Errorf("undo in a folder numbered anew: %v, %v", r.Failed, err)
	}
	b := w.j.Begin("tui", "in vain")
	wrong := errors.New("wrong")
	if err := b.FlagAll(inbox, NewBulk("a/2", []uint32{1}), "F", "", func() error { return wrong }); !errors.Is(err, wrong) {
		t.Error(err)
	}
	for _, damaged := range []string{"", ",", "x", "5:1", "1:2:3", "99999999999"} {
		if got := slices.Collect(maps.Keys(maps.Collect(Bulk{UIDs: damaged}.Ranges()))); len(got) > 0 {
			t.Errorf("%q has ranges %v", damaged, got)
		}
	}
}
