package main

import (
	"bytes"
	"log/slog"
	"strings"
	"syscall"
	"testing"
)

// What keeps the indexes of all folders from being written is said once; damage is said of
// each folder.
func TestRemarksOnce(t *testing.T) {
	var out bytes.Buffer
	log := slog.New(&notes{t: &tool{name: "pneu ls", errw: &out}})
	for _, folder := range []string{"INBOX", "Work", "Home"} {
		log.Warn("index kept in memory", "folder", folder, "err", &folderError{folder, syscall.ENOSPC})
		log.Warn("index damaged", "folder", folder, "err", "torn")
	}
	if got := out.String(); strings.Count(got, "kept in memory") != 1 || strings.Count(got, "damaged") != 3 || !strings.Contains(got, "INBOX") {
		t.Error(got)
	}
}

type folderError struct {
	folder string
	err    error
}

func (f *folderError) Error() string { return "write " + f.folder + ": " + f.err.Error() }
func (f *folderError) Unwrap() error { return f.err }
