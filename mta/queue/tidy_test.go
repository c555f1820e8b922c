package queue

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestTidy(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "spool")
	if err := Create(dir); err != nil {
		t.Fatal(err)
	}
	s, err := Open(Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	orphan := s.path(inLog, NewID(time.Now()))
	old := time.Now().Add(-2 * abandoned)
	if err := os.MkdirAll(filepath.Dir(orphan), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(orphan, []byte("x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(orphan, old, old); err != nil {
		t.Fatal(err)
	}
	there := func() bool { _, err := os.Stat(orphan); return err == nil }
	if err := s.Tidy(time.Hour); err != nil || !there() {
		t.Errorf("before its time: %v, history there: %v", err, there())
	}
	long := time.Now().Add(-2 * time.Hour)
	if err := os.Chtimes(filepath.Join(dir, inLog), long, long); err != nil {
		t.Fatal(err)
	}
	if err := s.Tidy(time.Hour); err != nil || there() {
		t.Errorf("in time: %v, history there: %v", err, there())
	}
}
