package main

import (
	"bufio"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"syscall"
	"testing"

	"pneu/maildir"
)

// That a folder cannot be read is said in one line, however often it is looked into.
func TestClosedFolder(t *testing.T) {
	dir := t.TempDir()
	s, err := maildir.Create(dir)
	if err != nil {
		t.Fatal(err)
	}
	f, err := s.Folder("INBOX")
	if err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	x := &tool{name: "pneu search", out: bufio.NewWriter(io.Discard), errw: &said}
	for range 3 {
		x.failFolder(f, fmt.Errorf("list: %w", &fs.PathError{Op: "open", Path: dir + "/new", Err: syscall.EACCES}))
	}
	if want := "pneu search: " + dir + ": permission denied\n"; said.String() != want || x.failed != 1 {
		t.Errorf("%d failures: %q, want %q", x.failed, said.String(), want)
	}
}
