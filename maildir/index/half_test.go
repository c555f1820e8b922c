package index

import (
	"os"
	"path/filepath"
	"testing"

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
