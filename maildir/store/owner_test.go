package store

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"pneu/maildir"
	"pneu/maildir/thread"
)

// Whatever root does to a folder, its owner can use all that lies there afterwards.
func TestRootLeavesFoldersToTheirOwners(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root makes files that are another's")
	}
	w := newWorld(t, 60)
	const owner = 4711
	dir := w.folder("INBOX").Path()
	if err := os.Chown(dir, owner, owner); err != nil {
		t.Skip(err)
	}
	s := w.open(Options{})
	s.keepThreads = 5
	b, v := w.box(s, "INBOX")
	if err := b.EnsureText(ctx, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := v.Threads(ctx, thread.Newest); err != nil {
		t.Fatal(err)
	}
	raw := "Subject: late\n\ntext\n"
	filed := b.Expect()
	e, err := w.folder("INBOX").Deliver(maildir.Delivery{}, strings.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	filed(e, []byte(raw))
	s.Close()
	own, err := filepath.Glob(dir + "/pneu.*")
	if err != nil {
		t.Fatal(err)
	}
	if len(own) < 7 {
		t.Errorf("only %q", own)
	}
	for _, p := range own {
		st, err := os.Stat(p)
		if err != nil {
			t.Fatal(err)
		}
		if sys := st.Sys().(*syscall.Stat_t); sys.Uid != owner || sys.Gid != owner {
			t.Errorf("%s belongs to %d:%d", filepath.Base(p), sys.Uid, sys.Gid)
		}
	}
}
