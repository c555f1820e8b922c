package main

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// The current number is changed in its place, also in a file of an earlier version; a
// sequence takes the place of another when it is whole, and what a killed run left goes.
func TestSequenceFile(t *testing.T) {
	name := filepath.Join(t.TempDir(), "seq", "s")
	t.Setenv("PNEU_SEQ", name)
	x := &tool{errw: os.Stderr}
	want := func(cur int, paths ...string) {
		t.Helper()
		s, err := x.sequence()
		if err != nil || s.cur != cur || !slices.Equal(s.paths, paths) {
			t.Errorf("%+v, %v; want %d of %q", s, err, cur, paths)
		}
		list, _ := os.ReadDir(filepath.Dir(name))
		if len(list) > 1 {
			t.Errorf("there are %v", list)
		}
	}
	want(0)
	if err := os.Mkdir(filepath.Dir(name), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte("2\x00/a\x00/b\n\x00"), 0o600); err != nil {
		t.Fatal(err)
	}
	want(2, "/a", "/b\n")
	for _, n := range []int{1, 2} {
		x.remember(n)
		want(n, "/a", "/b\n")
	}
	left := name + ".1"
	if err := os.WriteFile(left, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	old := time.Now().Add(-2 * time.Hour)
	if err := os.Chtimes(left, old, old); err != nil {
		t.Fatal(err)
	}
	s := newSequence(name)
	s.add("/c")
	s.drop()
	want(2, "/a", "/b\n")
	s = newSequence(name)
	s.add("/c")
	if err := s.store(); err != nil {
		t.Fatal(err)
	}
	want(0, "/c")
	s = newSequence(name)
	if err := s.store(); err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(name); err != nil || !bytes.Equal(b, []byte("0000000000\x00")) {
		t.Errorf("%q, %v", b, err)
	}
}
