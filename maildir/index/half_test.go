package index

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"pneu/maildir"
)

// A process that died between the two renames of a compaction leaves a folder of the same GUID:
// journals name messages by it.
func TestHalfGenerationHasItsGUID(t *testing.T) {
	f := newFolder(t)
	put(t, f, "cur/1.a:2,")
	x := mustOpen(t, f, Options{})
	guid := syncIndex(t, x).State().GUID
	log, err := os.ReadFile(filepath.Join(f.Path(), logName))
	if err != nil {
		t.Fatal(err)
	}
	if err := x.Compact(t.Context()); err != nil {
		t.Fatal(err)
	}
	x.Close()
	if err := os.WriteFile(filepath.Join(f.Path(), logName), log, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, opt := range []Options{{ReadOnly: true}, {}} {
		x := mustOpen(t, f, opt)
		if st := x.View().State(); st.GUID != guid || st.Total != 1 || !st.Sticky {
			t.Errorf("%+v", st)
		}
		x.Close()
	}
}

// A process of before this was looked for went on in the log of a generation that was over: what it
// has shown is not given again.
func TestOldLogThatWentOn(t *testing.T) {
	f, g := newFolder(t), newFolder(t)
	put(t, f, "cur/1.a:2,")
	x := mustOpen(t, f, Options{})
	c := client{name: "client"}
	c.look(t, syncIndex(t, x))
	if err := os.CopyFS(g.Path()+"/copy", os.DirFS(f.Path())); err != nil {
		t.Fatal(err)
	}
	other, err := maildir.At(g.Path() + "/copy")
	if err != nil {
		t.Fatal(err)
	}
	put(t, f, "new/2.b")
	put(t, other, "new/2.b")
	put(t, other, "new/3.c")
	if err := x.Compact(t.Context()); err != nil {
		t.Fatal(err)
	}
	x.Close()
	y := mustOpen(t, other, Options{})
	syncIndex(t, y)
	setFlags(t, y, FlagChange{Add: Flagged}, 1)
	c.look(t, y.View())
	y.Close()
	log, err := os.ReadFile(filepath.Join(other.Path(), logName))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(f.Path(), logName), log, 0o600); err != nil {
		t.Fatal(err)
	}
	put(t, f, "new/0.z")
	x = mustOpen(t, f, Options{})
	c.look(t, x.View())
	c.look(t, syncIndex(t, x))
	if n := x.View().Len(); n != 3 {
		t.Errorf("%d messages", n)
	}
}

// scantFS does not make some files.
type scantFS struct {
	disk
	name string // of those
	err  error
}

func (f *scantFS) Create(path string) (file, error) {
	if filepath.Base(path) == f.name {
		return nil, f.err
	}
	return f.disk.Create(path)
}

// Who commits again after a new generation got no log does not write into the old one, which
// nobody reads.
func TestCommitAfterHalfGeneration(t *testing.T) {
	for _, cause := range []error{unix.EIO, unix.ENOSPC} {
		f := newFolder(t)
		fsys := &scantFS{err: cause}
		opt, pass := clocked(fsys)
		x := mustOpen(t, f, opt)
		tx := mustBegin(t, x)
		for n := range 9000 { // as many records as are worth a new generation
			if _, err := tx.add(Message{Entry: maildir.Entry{File: fmt.Sprintf("%d.h:2,", n)}}); err != nil {
				t.Fatal(err)
			}
		}
		fsys.name = logName + tmpSuffix
		mustCommit(t, tx)
		if x.core.stale == nil {
			t.Fatal("the new generation has a log")
		}
		fsys.name = idxName + tmpSuffix
		uid, err := tx.add(Message{Entry: maildir.Entry{File: "late:2,"}})
		if err != nil {
			t.Fatal(err)
		}
		v, err := tx.commit()
		tx.end()
		if noSpace(cause) != (err == nil) {
			t.Errorf("%v: %v", cause, err)
		}
		y := mustOpen(t, f, Options{ReadOnly: true})
		if _, ok := y.View().Find(uid); !ok && err == nil && v.State().Sticky {
			t.Errorf("%v: UID %d was committed, and is not there", cause, uid)
		}
		fsys.name = ""
		for range 2 {
			if v, err := x.Refresh(); err != nil || v.Len() != 9000 && !noSpace(cause) || v.Len() != 9001 && noSpace(cause) {
				t.Errorf("%v: %d messages, %v", cause, v.Len(), err)
			}
			pass(retryFirst + time.Second)
		}
		if row, ok := x.View().Find(uid); ok != noSpace(cause) || ok && x.View().Base(row) != "late" {
			t.Errorf("%v: the late message is there: %v", cause, ok)
		}
		if v := syncIndex(t, x); v.Len() != 0 || !v.State().Sticky { // the files are not there
			t.Errorf("%v: %d messages, %+v", cause, v.Len(), v.State())
		}
	}
}
