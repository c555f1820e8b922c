package store

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A folder that was copied with its index is told of, once; one that was moved, or has another name
// as well, is not.
func TestTwins(t *testing.T) {
	root := t.TempDir()
	for _, dir := range []string{"cur", "new", "tmp", ".A/cur", ".A/new", ".A/tmp"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	var said bytes.Buffer
	s, err := Open(root, Options{Log: slog.New(slog.NewTextHandler(&said, nil))})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	look := func() []State {
		t.Helper()
		folders, err := s.Tree().Folders()
		if err != nil {
			t.Fatal(err)
		}
		states, errs := s.StatusAll(t.Context(), folders)
		for _, err := range errs {
			if err != nil {
				t.Fatal(err)
			}
		}
		return states
	}
	look()
	if err := os.Rename(filepath.Join(root, ".A"), filepath.Join(root, ".B")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(".B", filepath.Join(root, ".Link")); err != nil {
		t.Fatal(err)
	}
	look()
	if said.Len() > 0 {
		t.Errorf("said: %s", &said)
	}
	if err := os.CopyFS(filepath.Join(root, ".C"), os.DirFS(filepath.Join(root, ".B"))); err != nil {
		t.Fatal(err)
	}
	look()
	look()
	if n := strings.Count(said.String(), "is a copy"); n != 1 || !strings.Contains(said.String(), "folder=C other=B") {
		t.Errorf("said %d times: %s", n, &said)
	}
	files, err := filepath.Glob(filepath.Join(root, ".C", "pneu.*"))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, f := range files {
		os.Remove(f)
	}
	guids := map[[16]byte]bool{}
	for _, st := range look() {
		guids[st.GUID] = true
	}
	if len(guids) != 3 { // INBOX, B with its link, C
		t.Errorf("%d GUIDs", len(guids))
	}
}
