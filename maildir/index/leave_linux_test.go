package index

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// handles counts what this process holds open whose name has the prefix.
func handles(t *testing.T, prefix string) (n int) {
	t.Helper()
	fds, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip(err)
	}
	for _, fd := range fds {
		if to, err := os.Readlink(filepath.Join("/proc/self/fd", fd.Name())); err == nil && strings.HasPrefix(to, prefix) {
			n++
		}
	}
	return n
}

// TestLeave: a listener that is left to the kernel is closed like any other, and what it
// heard is in the journal; where changes follow one another none is left.
func TestLeave(t *testing.T) {
	now := time.Now()
	f := newFolder(t)
	for _, name := range []string{"1700000001.1.h:2,", "1700000002.1.h:2,"} {
		if err := os.WriteFile(filepath.Join(f.Path(), "cur", name), []byte("Subject: x\n\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	opt := Options{Now: func() time.Time { return now }}
	x := mustOpen(t, f, opt)
	syncIndex(t, x)
	if x.remote() || !x.View().State().Dir.CurSettled {
		t.Skip("nobody listens here")
	}
	sockets := handles(t, "socket:")
	for i, rested := range []bool{false, true, false} {
		if rested {
			now = now.Add(leaveEvery + time.Second)
		}
		if _, err := x.SetFlags(t.Context(), []UID{1}, FlagChange{Add: Flags(1 << i)}); err != nil {
			t.Fatal(err)
		}
		if !x.sync.lingers || x.sync.rested != rested {
			t.Fatalf("change %d: lingers %v, rested %v", i, x.sync.lingers, x.sync.rested)
		}
		x.Close()
		if n := handles(t, "socket:"); n > sockets {
			t.Errorf("%d sockets, there were %d", n, sockets)
		}
		x = mustOpen(t, f, opt)
		want := x.View().State()
		if v := syncIndex(t, x); v.State() != want || want.Pending != 0 {
			t.Errorf("looked again: %+v, was %+v", v.State(), want)
		}
	}
}
