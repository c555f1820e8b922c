package index

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"pneu/maildir"
)

// Rule 8, seen from the other side: fields that mbsync and offlineimap add, change
// or take away do not make another message of one.
func TestRule08PassingFields(t *testing.T) {
	t.Parallel()
	const fmd5 = ",U=3,FMD5=7e33429f656f1e6e9d79b29c3f82c57e"
	tests := []struct{ name, before, after, want string }{
		{"mbsync adds", "cur/17.M1P2.h,S=40,W=45:2,S", "cur/17.M1P2.h,S=40,W=45,U=1:2,S", "1 cur/17.M1P2.h,S=40,W=45,U=1:2,S [S word]"},
		{"and moves", "new/17.P2.h", "cur/17.P2.h,U=7:2,", "1 cur/17.P2.h,U=7:2, [ word]"},
		{"within new", "new/17.P2.h", "new/17.P2.h,U=7", "1 new/17.P2.h,U=7 [ word]"},
		{"a flag besides", "cur/17.P2.h:2,S", "cur/17.P2.h,U=7:2,FS", "1 cur/17.P2.h,U=7:2,FS [FS word]"},
		{"offlineimap", "cur/17.P2.h:2,S", "cur/17.P2.h" + fmd5 + ":2,S", "1 cur/17.P2.h" + fmd5 + ":2,S [S word]"},
		{"another number", "cur/17.P2.h,U=3:2,S", "cur/17.P2.h,U=12:2,S", "1 cur/17.P2.h,U=12:2,S [S word]"},
		{"taken away", "cur/17.P2.h,U=3,S=9:2,S", "cur/17.P2.h,S=9:2,S", "1 cur/17.P2.h,S=9:2,S [S word]"},
		{"a field of another kind", "cur/17.P2.h,Z=3:2,S", "cur/17.P2.h,Z=4:2,S", "2 cur/17.P2.h,Z=4:2,S [S]"},
	}
	for _, tt := range tests {
		for _, how := range []string{"read", "heard", "opened"} {
			t.Run(tt.name+", "+how, func(t *testing.T) {
				f := newFolder(t)
				put(t, f, tt.before)
				x := mustOpen(t, f, Options{})
				syncIndex(t, x)
				tx := mustBegin(t, x)
				tx.flags([]UID{1}, 0, 0, []string{"word"}, nil, false)
				was := mustCommit(t, tx)
				tx.end()
				blob := bytes.Clone(was.Blob(0))
				switch how {
				case "heard":
					listening(t, x)
				case "opened":
					x.Close()
					x = mustOpen(t, f, Options{})
				}
				shift(t, f, tt.before, tt.after)
				v := syncIndex(t, x)
				wantShow(t, "renamed", v, tt.want)
				if strings.HasPrefix(tt.want, "1 ") && (blob == nil || !bytes.Equal(v.Blob(0), blob) || v.Saved(0) != was.Saved(0)) {
					t.Error("digest or save date lost")
				}
				if row, ok := v.FindBase(maildir.Entry{File: filepath.Base(tt.after)}.Base()); !ok || row != 0 {
					t.Error("not found by its base")
				}
				if _, ok := v.FindBase(maildir.Entry{File: filepath.Base(tt.before)}.Base()); ok {
					t.Error("found by a base it has no more")
				}
				y := mustOpen(t, f, Options{})
				wantShow(t, "another process", syncIndex(t, y), tt.want)
			})
		}
	}
}

// What is not clear is not guessed, and what is there under its own name is not
// taken for gone.
func TestPassingFieldsInDoubt(t *testing.T) {
	f := newFolder(t)
	put(t, f, "cur/11.a:2,")     // will have two successors
	put(t, f, "cur/12.b,U=1:2,") // and these one between them
	put(t, f, "cur/12.b,U=2:2,")
	put(t, f, "cur/13.c:2,") // stays, and gets a sibling
	put(t, f, "cur/14.d:2,") // is removed
	x := mustOpen(t, f, Options{})
	syncIndex(t, x)
	shift(t, f, "cur/11.a:2,", "cur/11.a,U=1:2,")
	put(t, f, "cur/11.a,U=2:2,")
	os.Remove(filepath.Join(f.Path(), "cur/12.b,U=1:2,"))
	shift(t, f, "cur/12.b,U=2:2,", "cur/12.b,U=3:2,")
	put(t, f, "cur/13.c,U=9:2,")
	os.Remove(filepath.Join(f.Path(), "cur/14.d:2,"))
	wantShow(t, "in doubt", syncIndex(t, x), "4 cur/13.c:2, []", "6 cur/11.a,U=1:2, []", "7 cur/11.a,U=2:2, []",
		"8 cur/12.b,U=3:2, []", "9 cur/13.c,U=9:2, []")
}

// A flag that is not in the name yet follows to the new one.
func TestPassingFieldsPending(t *testing.T) {
	f := newFolder(t)
	put(t, f, "cur/11.a:2,")
	x := mustOpen(t, f, Options{})
	syncIndex(t, x)
	still(x)
	x.sync.mu.Lock() // SetFlags may not write the name
	setFlags(t, x, FlagChange{Add: Flagged}, 1)
	x.sync.mu.Unlock()
	shift(t, f, "cur/11.a:2,", "cur/11.a,U=1:2,S")
	wantShow(t, "renamed", syncIndex(t, x), "1 cur/11.a,U=1:2,S [FS pending]")
	if err := x.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantDisk(t, "flushed", f, "cur/11.a,U=1:2,FS")
	if r, e, err := x.OpenMessage(t.Context(), 1); err != nil || e.File != "11.a,U=1:2,FS" {
		t.Error(e, err)
	} else {
		r.Close()
	}
}

// An index that read the directory before another process noted the rename, and
// compares afterwards, neither loses the message nor counts it twice.
func TestPassingFieldsElsewhere(t *testing.T) {
	for _, back := range []bool{false, true} {
		f := newFolder(t)
		put(t, f, "cur/11.a:2,")
		put(t, f, "cur/12.b:2,")
		x, y := mustOpen(t, f, Options{}), mustOpen(t, f, Options{})
		syncIndex(t, x)
		old := syncIndex(t, y)
		if !back {
			shift(t, f, "cur/11.a:2,", "cur/11.a,U=1:2,")
		}
		r := &reading{v: old, dirs: [2]bool{true, true}}
		if err := r.read(f); err != nil {
			t.Fatal(err)
		}
		r.overlay(touched{}, f)
		if back { // the reading was before, or after it was undone
			shift(t, f, "cur/11.a:2,", "cur/11.a,U=1:2,")
		}
		syncIndex(t, x)
		want := "1 cur/11.a,U=1:2, []"
		if back {
			shift(t, f, "cur/11.a,U=1:2,", "cur/11.a:2,")
			want = "1 cur/11.a:2, []"
		}
		tx := mustBegin(t, y)
		r.rebase(tx.view())
		if err := y.apply(t.Context(), tx, r, true); err != nil {
			t.Fatal(err)
		}
		wantShow(t, fmt.Sprint("back ", back), mustCommit(t, tx), want, "2 cur/12.b:2, []")
		tx.end()
	}
}

// mbsync itself, which renames every message of ours at its first run.
func TestRule08Mbsync(t *testing.T) {
	if _, err := exec.LookPath("mbsync"); err != nil {
		t.Skip("mbsync is not installed")
	}
	t.Parallel() // it sleeps
	f, _ := account(t)
	for i := range 20 {
		put(t, f, fmt.Sprintf("cur/17000000%02d.M1P2.host:2,S", i))
	}
	put(t, f, "new/1700000020.M1P2.host")
	x := mustOpen(t, f, Options{})
	listening(t, x)
	ids := func() string {
		v := syncIndex(t, x)
		var b strings.Builder
		for row := range v.Len() {
			fmt.Fprintf(&b, "%d %s %s\n", v.UID(row), maildir.Unique(v.Base(row)), v.Flags(row).Maildir())
		}
		return b.String()
	}
	before := ids()
	home := t.TempDir()
	rc := filepath.Join(home, "mbsyncrc")
	config := fmt.Sprintf("MaildirStore near\nPath \"%s/none/\"\nInbox \"%s\"\n\nMaildirStore far\nPath \"%s/far/\"\nInbox \"%[3]s/inbox\"\n\n"+
		"Channel all\nFar :far:\nNear :near:\nCreate Far\nSync All\nExpunge None\nSyncState \"%[3]s/state/\"\n", home, f.Path(), home)
	if err := os.WriteFile(rc, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{"state", "far", "none"} {
		os.Mkdir(filepath.Join(home, dir), 0o700)
	}
	cmd := exec.CommandContext(t.Context(), "mbsync", "-q", "-c", rc, "all")
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + home}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("mbsync: %v\n%s", err, out)
	}
	if after := ids(); after != before {
		t.Errorf("after mbsync:\n%swant:\n%s", after, before)
	}
	for _, name := range onDisk(t, f) {
		if !strings.Contains(name, ",U=") {
			t.Errorf("mbsync left %s as it was: nothing was tried", name)
		}
	}
	y := mustOpen(t, f, Options{})
	if v := syncIndex(t, y); v.Len() != 21 || v.UID(20) != 21 || v.State().UIDNext != 22 {
		t.Errorf("another process has\n%s", show(v))
	}
}
