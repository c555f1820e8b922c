package index

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pneu/maildir"
)

// A delivery tells the index while the message is in memory; what it cannot tell
// is found by whoever looks next.
func TestFiled(t *testing.T) {
	f := newFolder(t)
	put(t, f, "cur/1.a:2,")
	x := mustOpen(t, f, Options{})
	e, err := f.Deliver(maildir.Delivery{}, strings.NewReader(letterOf("early")))
	if err != nil {
		t.Fatal(err)
	}
	x.Filed(e, []byte(letterOf("early")))
	if n := x.View().Len(); n != 0 {
		t.Errorf("%d messages before the folder was ever read", n)
	}
	syncIndex(t, x)
	for _, flags := range []maildir.Flags{"", "F"} {
		text := letterOf("flags" + string(flags))
		filed := x.Expect()
		e, err := f.Deliver(maildir.Delivery{Flags: flags}, strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		filed(e, []byte(text))
		v := x.View()
		row := v.Len() - 1
		if v.Entry(row) != e || !v.HasDigest(row) || v.WireSize(row) != int64(len(text)+strings.Count(text, "\n")) {
			t.Errorf("filed:\n%s", show(v))
		}
		s, _ := x.stamps()
		if isNew, cur := v.State().Dir.agrees(s); f.Fine() && !(isNew && cur) {
			t.Error("the folder must be read again")
		}
	}
	filed := x.Expect()
	filed(maildir.Entry{}, nil) // the delivery failed
	before := x.View().Len()
	e, _ = f.Deliver(maildir.Delivery{}, strings.NewReader(letterOf("late")))
	x.Filed(e, []byte(letterOf("late")))
	x.Filed(e, []byte(letterOf("late")))
	x.Filed(maildir.Entry{File: "9.gone"}, nil)
	if v := syncIndex(t, x); v.Len() != before+1 {
		t.Errorf("told twice:\n%s", show(v))
	}
}

func TestAppend(t *testing.T) {
	f := newFolder(t)
	x := mustOpen(t, f, Options{})
	uid, v, err := x.AppendKeywords(t.Context(), maildir.Delivery{Flags: "S"}, []string{"work", "$Forwarded"}, strings.NewReader(letterOf("a")))
	if err != nil || uid != 1 {
		t.Fatal(uid, err)
	}
	if !v.HasKeyword(0, "work") || v.Flags(0) != Seen|Passed || !v.HasDigest(0) || v.Pending(0) || v.InNew(0) {
		t.Errorf("appended:\n%s", show(v))
	}
	if e := v.Entry(0); e.Flags() != "PSa" {
		t.Errorf("letters %q", e.Flags())
	}
	if w := syncIndex(t, x); w != v && f.Fine() {
		t.Error("the folder was read again")
	}
	if _, _, err := x.Append(t.Context(), maildir.Delivery{}, strings.NewReader("")); !errors.Is(err, maildir.ErrEmpty) {
		t.Errorf("nothing appended: %v", err)
	}
	if _, _, err := x.AppendKeywords(t.Context(), maildir.Delivery{}, []string{"a b"}, strings.NewReader("x")); !errors.Is(err, maildir.ErrName) {
		t.Errorf("a keyword with a blank: %v", err)
	}
	if v := syncIndex(t, x); v.Len() != 1 || len(onDisk(t, f)) != 1 {
		t.Errorf("left over: %q", onDisk(t, f))
	}
}

// What was moved away by someone else is left out, and said; the rest is moved.
func TestMoveToLeavesOut(t *testing.T) {
	in, other := account(t)
	for _, name := range []string{"cur/1.a:2,S", "new/2.b", "cur/3.c:2,", "cur/4.d;2,F"} {
		put(t, in, name)
	}
	x, y := mustOpen(t, in, Options{}), mustOpen(t, other, Options{})
	syncIndex(t, x)
	os.Remove(in.Path() + "/cur/3.c:2,")
	done, err := x.MoveTo(t.Context(), y, []UID{1, 2, 3, 4, 9})
	if !errors.Is(err, maildir.ErrGone) || len(done) != 3 || done[1] != (Filing{2, 2}) {
		t.Errorf("%v, %v", done, err)
	}
	v := syncIndex(t, y)
	if v.Len() != 3 || v.Flags(0) != Seen || !v.InNew(1) || v.Flags(2) != Flagged {
		t.Errorf("moved:\n%s", show(v))
	}
	if v := syncIndex(t, x); v.Len() != 0 {
		t.Errorf("left:\n%s", show(v))
	}
	back, err := y.CopyTo(t.Context(), y, []UID{1}) // into the same folder
	if err != nil || len(back) != 1 || y.View().Len() != 4 {
		t.Errorf("%v, %v:\n%s", back, err, show(y.View()))
	}
}

// What was delivered and taken away again before it got its row is not held to be
// there, be its end heard of already.
func TestAppendOfWhatIsGone(t *testing.T) {
	f := newFolder(t)
	x := mustOpen(t, f, Options{})
	listening(t, x)
	put(t, f, "new/1.a")
	os.Remove(filepath.Join(f.Path(), "new/1.a"))
	syncIndex(t, x)
	e := maildir.Entry{File: "1.a", New: true}
	x.Filed(e, []byte("\n"))
	if n := syncIndex(t, x).Len(); n != 0 {
		t.Errorf("filed: %d messages", n)
	}
	x.sync.mu.Lock()
	tx := mustBegin(t, x)
	if _, err := x.addFile(tx, e, nil, nil); err != nil {
		t.Fatal(err)
	}
	if err := x.heard(t.Context(), tx, nil); err != nil {
		t.Fatal(err)
	}
	mustCommit(t, tx)
	tx.end()
	x.sync.mu.Unlock()
	if v := syncIndex(t, x); v.Len() != 0 {
		t.Errorf("appended:\n%s", show(v))
	}
}
