package index

import (
	"fmt"
	"testing"

	"pneu/maildir"
)

// What was revised is kept until its text was made anew since; too many are all.
func TestRevised(t *testing.T) {
	x, err := Open(newFolder(t), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer x.Close()
	tx, err := x.begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	const n = maxRevised + 1
	for i := range n {
		m := Message{Entry: maildir.Entry{File: fmt.Sprintf("17%08d.M1P1.host:2,", i)}, Digest: []byte{1}}
		if _, err := tx.add(m); err != nil {
			t.Fatal(err)
		}
	}
	revise := func(uids ...UID) []Revised {
		t.Helper()
		for _, uid := range uids {
			if err := tx.detail(uid, Detail{Digest: []byte{2}}); err != nil {
				t.Fatal(err)
			}
			if err := tx.revise(uid); err != nil {
				t.Fatal(err)
			}
		}
		v, err := tx.commit()
		if err != nil {
			t.Fatal(err)
		}
		list, all := v.Revised()
		if all {
			t.Fatal("all")
		}
		return list
	}
	first := revise(5, 7, 9)
	second := revise(7)
	if len(first) != 3 || len(second) != 3 || second[2].UID != 7 || second[2] == first[1] {
		t.Errorf("first %v, then %v", first, second)
	}
	if _, err := tx.expunge([]UID{9}); err != nil {
		t.Fatal(err)
	}
	if _, err := tx.commit(); err != nil {
		t.Fatal(err)
	}
	tx.end()
	if err := x.Settled(t.Context(), first, false); err != nil {
		t.Fatal(err)
	}
	if list, all := x.View().Revised(); len(list) != 1 || list[0] != second[2] || all {
		t.Errorf("left: %v, all %v", list, all)
	}
	if tx, err = x.begin(t.Context()); err != nil {
		t.Fatal(err)
	}
	full := make([]Revised, maxRevised)
	for i := range full {
		full[i] = Revised{UID(i + 10), 1}
	}
	if err := tx.keepRevised(full); err != nil {
		t.Fatal(err)
	}
	if err := tx.revise(1); err != nil {
		t.Fatal(err)
	}
	if _, err := tx.commit(); err != nil {
		t.Fatal(err)
	}
	tx.end()
	for _, all := range []bool{false, true} {
		if _, is := x.View().Revised(); !is {
			t.Error("not all are revised")
		}
		if err := x.Settled(t.Context(), full, all); err != nil {
			t.Fatal(err)
		}
	}
	if list, all := x.View().Revised(); len(list) > 0 || all {
		t.Errorf("left: %v, all %v", list, all)
	}
}
