package index

import (
	"os"
	"path/filepath"
	"testing"
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
