package index

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pneu/maildir"
	"pneu/maildir/digest"
)

// half is what a script has written when it is looked at, whole what it ends with.
const (
	halfLetter  = "From: a@example.org\nSubj"
	wholeLetter = "From: a@example.org\nSubject: whole\n\nbody\n"
)

// writeAt writes a file in place, as of a moment.
func writeAt(t testing.TB, f *maildir.Folder, name, text string, at time.Time) {
	t.Helper()
	path := filepath.Join(f.Path(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(path, at, at); err != nil {
		t.Fatal(err)
	}
}

// wantWhole looks whether the index has what the file says, and nothing to look at again.
func wantWhole(t testing.TB, what string, v *View, text string) {
	t.Helper()
	if d, err := digest.Decode(v.Blob(0)); err != nil || d.Subject() != "whole" || v.Size(0) != int64(len(text)) || v.UID(0) != 1 {
		t.Errorf("%s: UID %d, %d bytes, subject %q (%v)", what, v.UID(0), v.Size(0), d.Subject(), err)
	}
	if list := v.youngFiles(); len(list) != 0 {
		t.Errorf("%s: still to be looked at: %v", what, list)
	}
}

// A file that was read while it was written is read again when it is finished, by
// whoever comes next, and until then not more often than need be.
func TestYoung(t *testing.T) {
	start := time.Date(2026, 11, 1, 10, 0, 0, 500, time.UTC)
	for _, half := range []string{"", halfLetter, strings.Repeat("x", len(wholeLetter))} {
		now := start
		clock := func() time.Time { return now }
		f := newFolder(t)
		writeAt(t, f, "new/1.a", half, start)
		x := mustOpen(t, f, Options{Now: clock})
		v := syncIndex(t, x)
		if !v.HasDigest(0) || len(v.youngFiles()) != 1 {
			t.Fatalf("half %q: digest %v, to be looked at %v", half, v.HasDigest(0), v.youngFiles())
		}
		writeAt(t, f, "new/1.a", wholeLetter, start.Add(300*time.Millisecond))
		now = start.Add(time.Second)
		if w := syncIndex(t, x); w.Size(0) != int64(len(half)) || len(w.youngFiles()) != 1 {
			t.Errorf("half %q: looked at again before its time", half)
		}
		y := mustOpen(t, f, Options{Now: clock})
		shift(t, f, "new/1.a", "cur/1.a:2,S")
		now = start.Add(10 * time.Second)
		wantWhole(t, "another process", syncIndex(t, y), wholeLetter)
		wantWhole(t, "the same", syncIndex(t, x), wholeLetter)
		if err := x.Compact(t.Context()); err != nil {
			t.Fatal(err)
		}
		wantWhole(t, "compacted", mustOpen(t, f, Options{}).View(), wholeLetter)
	}
}

// A finished file costs one look, one that is written to for long one each time.
func TestYoungStays(t *testing.T) {
	now := time.Date(2026, 11, 1, 10, 0, 0, 0, time.UTC)
	f := newFolder(t)
	writeAt(t, f, "cur/1.a:2,", wholeLetter, now)
	writeAt(t, f, "cur/2.b:2,", halfLetter, now)
	writeAt(t, f, "cur/3.c:2,", wholeLetter, now.Add(-time.Hour)) // old: never looked at again
	writeAt(t, f, "cur/4.d:2,", wholeLetter, now.Add(time.Hour))  // a clock ahead
	x := mustOpen(t, f, Options{Now: func() time.Time { return now }})
	wantYoung := func(what string, want ...UID) {
		t.Helper()
		list := syncIndex(t, x).youngFiles()
		got := map[UID]bool{}
		for _, y := range list {
			got[y.uid] = true
		}
		if len(got) != len(want) {
			t.Errorf("%s: %v, want %v", what, list, want)
		}
		for _, uid := range want {
			if !got[uid] {
				t.Errorf("%s: %v, want %v", what, list, want)
			}
		}
	}
	wantYoung("at first", 1, 2, 4)
	now = now.Add(3 * time.Second)
	writeAt(t, f, "cur/2.b:2,", halfLetter+"ect", now.Add(-time.Second))
	wantYoung("later", 2)
	now = now.Add(3 * time.Second)
	wantYoung("at last")
	now = now.Add(-time.Hour)
	wantYoung("clock set back")
	os.Remove(filepath.Join(f.Path(), "cur/2.b:2,"))
	if v := syncIndex(t, x); v.Len() != 3 {
		t.Errorf("%d messages", v.Len())
	}
}

// The list is bounded, and what is left out of it are the older ones.
func TestYoungMany(t *testing.T) {
	now := time.Date(2026, 11, 1, 10, 0, 0, 0, time.UTC)
	f := newFolder(t)
	x := mustOpen(t, f, Options{Now: func() time.Time { return now }})
	tx := mustBegin(t, x)
	defer tx.end()
	for i := range maxYoung + 50 {
		e := maildir.Entry{File: string(rune('a'+i%26)) + strings.Repeat("b", i/26)}
		if _, err := tx.add(Message{Entry: e, seen: x.seen(sighting{mtime: now.UnixNano() + int64(i)})}); err != nil {
			t.Fatal(err)
		}
	}
	list := mustCommit(t, tx).youngFiles()
	if len(list) != maxYoung || list[0].uid != maxYoung+50 || list[maxYoung-1].uid != 51 {
		t.Errorf("%d in the list", len(list))
	}
}

// Who opens a message that is not what was digested has it digested again.
func TestOpenedRepairs(t *testing.T) {
	old := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	f := newFolder(t)
	writeAt(t, f, "cur/1.a:2,", halfLetter, old)
	writeAt(t, f, "cur/2.b:2,", wholeLetter, old)
	x := mustOpen(t, f, Options{})
	v := syncIndex(t, x)
	read := func(uid UID) *View {
		r, _, err := x.OpenMessage(t.Context(), uid)
		if err != nil {
			t.Fatal(err)
		}
		r.Close()
		return x.View()
	}
	if read(1) != v || read(2) != v {
		t.Error("what is right was noted again")
	}
	writeAt(t, f, "cur/1.a:2,", wholeLetter, old)
	wantWhole(t, "opened", read(1), wholeLetter)
	older := old.Add(-time.Hour)
	os.Chtimes(filepath.Join(f.Path(), "cur/2.b:2,"), older, older)
	if v := read(2); v.Received(1) != older.Unix() {
		t.Error("another time was not noted") // rule 21
	}
	at := x.View()
	ro := mustOpen(t, f, Options{ReadOnly: true})
	writeAt(t, f, "cur/1.a:2,", halfLetter, old)
	if r, _, err := ro.OpenMessage(t.Context(), 1); err != nil {
		t.Error(err)
	} else {
		r.Close()
	}
	if x.View() != at {
		t.Error("a reader wrote")
	}
}
