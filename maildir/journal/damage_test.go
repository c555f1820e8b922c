package journal

import (
	"bytes"
	"errors"
	"os"
	"testing"
)

// A journal that is damaged somewhere costs the chance to undo, and no message: whatever byte it
// is, undo ends, and each message is there once.
func TestDamagedJournal(t *testing.T) {
	w := newWorld(t, 9)
	inbox, to := w.folders[0], w.folders[1]
	list, err := inbox.List()
	if err != nil {
		t.Fatal(err)
	}
	work := func() {
		b := w.j.Begin("cli", "x")
		e, err := b.SetFlags(inbox, list[0], "F", "")
		if err == nil {
			_, err = b.Move(inbox, e, to)
		}
		if err == nil {
			_, err = b.Replace(inbox, list[1], []byte("Subject: other\n\nx\n"))
		}
		if err := errors.Join(err, b.Commit()); err != nil {
			t.Fatal(err)
		}
	}
	before := w.tree()
	work()
	good, err := os.ReadFile(w.j.path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.j.Undo(1); err != nil {
		t.Fatal(err)
	}
	compare(t, "undo", w.tree(), before)
	for at := range good { // nothing reads it wrong enough to fall
		for _, c := range []byte{0, '"', '{', good[at] ^ 1, good[at] ^ 0x80} {
			b := bytes.Clone(good)
			b[at] = c
			h := &history{byID: map[string]*batch{}}
			if err := h.replay(bytes.NewReader(b)); err != nil {
				t.Fatalf("byte %d: %v", at, err)
			}
		}
	}
	for at := 0; at < len(good); at += 1 + len(good)/25 {
		if err := os.WriteFile(w.j.path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		work()
		b, err := os.ReadFile(w.j.path)
		if err != nil {
			t.Fatal(err)
		}
		if at >= len(b) {
			break
		}
		was := len(w.tree())
		good := bytes.Clone(b)
		b[at] ^= 0x10
		if err := os.WriteFile(w.j.path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := w.j.Undo(1); err != nil && !errors.Is(err, ErrNothing) && !errors.Is(err, ErrNewer) {
			t.Logf("byte %d: %v", at, err)
		}
		if n := len(w.tree()); n != was {
			t.Fatalf("byte %d: %d messages of %d", at, n, was)
		}
		// What is left to do is done with the journal as it was.
		if err := os.WriteFile(w.j.path, good, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := w.j.Undo(1); err != nil {
			t.Fatalf("byte %d: %v", at, err)
		}
		if list, err = inbox.List(); err != nil || len(list) < 2 {
			t.Fatalf("byte %d: %v, %v", at, list, err)
		}
		if now := w.tree(); len(now) != len(before) {
			t.Fatalf("byte %d: %d messages of %d", at, len(now), len(before))
		}
	}
}
