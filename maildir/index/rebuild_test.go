package index

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// Forget and Build make digests anew from the files and keep what these do not say.
func TestRebuild(t *testing.T) {
	f := newFolder(t)
	for i := range 20 {
		name := filepath.Join(f.Path(), "cur", fmt.Sprintf("17000000%02d.M1P1.host:2,S", i))
		if err := os.WriteFile(name, []byte(fmt.Sprintf("Subject: s%d\n\ntext\n", i)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	x, err := Open(f, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer x.Close()
	v, err := x.Sync(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := x.SetFlags(t.Context(), []UID{v.UID(3)}, FlagChange{AddKeywords: []string{"kept"}}); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		before := x.View()
		last := 0
		if err := x.Forget(t.Context()); err != nil {
			t.Fatal(err)
		}
		if n := x.View().State().Undigested; n != 20 {
			t.Errorf("%d are to be read", n)
		}
		if err := x.Build(t.Context(), func(done, total int) { last = done }); err != nil {
			t.Fatal(err)
		}
		if err := x.Compact(t.Context()); err != nil {
			t.Fatal(err)
		}
		now, err := x.Refresh()
		if err != nil {
			t.Fatal(err)
		}
		st := now.State()
		if st.Undigested != 0 || st.Total != 20 || st.UIDValidity != before.State().UIDValidity || last != 20 {
			t.Errorf("rebuilt: %+v, progress %d", st, last)
		}
		for row := range now.Len() {
			if now.UID(row) != before.UID(row) || len(now.Keywords(row)) != len(before.Keywords(row)) || now.Blob(row) == nil {
				t.Errorf("row %d: UID %d, keywords %v, %d bytes kept", row, now.UID(row), now.Keywords(row), len(now.Blob(row)))
			}
		}
		if !now.HasKeyword(3, "kept") {
			t.Error("the keyword has gone")
		}
	}
	if errs := x.Check(); len(errs) > 0 {
		t.Error(errs)
	}
}
