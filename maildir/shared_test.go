package maildir

import (
	"os"
	"testing"
	"time"
)

// A tree says to whoever opens a folder of it that other machines are at it too.
func TestShared(t *testing.T) {
	s := newStore(t)
	f := newFolder(t, s, "lists")
	if s.Shared() || f.Store().Shared() {
		t.Error("shared without a file that says so")
	}
	if err := os.WriteFile(s.root+"/pneu.safe", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	at, err := At(f.Path())
	if err != nil {
		t.Fatal(err)
	}
	if !s.Shared() || !at.Store().Shared() {
		t.Error("pneu.safe was not seen")
	}
}

// Rule 21: the time of a message goes where the message goes, by link, by rename
// and, as to another file system, as a file of its own.
func TestRule21Time(t *testing.T) {
	s := newStore(t)
	inbox, err := s.Folder("INBOX")
	if err != nil {
		t.Fatal(err)
	}
	to := newFolder(t, s, "to")
	at := time.Unix(1_600_000_000, 123_000_000)
	put(t, inbox, "cur/1.a:2,S", "Subject: a\n\n")
	e := Entry{File: "1.a:2,S"}
	if err := os.Chtimes(inbox.File(e), at, at); err != nil {
		t.Fatal(err)
	}
	carried := Entry{File: "2.b:2,S"}
	if err := inbox.carry(e, to, carried); err != nil {
		t.Fatal(err)
	}
	copied, err := inbox.Copy(e, to)
	if err != nil {
		t.Fatal(err)
	}
	moved, err := inbox.Move(e, to)
	if err != nil {
		t.Fatal(err)
	}
	for how, e := range map[string]Entry{"carried": carried, "copied": copied, "moved": moved} {
		st, err := os.Lstat(to.File(e))
		if err != nil || !st.ModTime().Equal(at) {
			t.Errorf("%s: %v, %v; want %v", how, st, err, at)
		}
	}
}
