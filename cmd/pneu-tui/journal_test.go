package main

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Mail can be read where no journal can be kept, and nothing of this session's stays.
func TestJournalOfASession(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	temp := filepath.Join(dir, "temp")
	if err := os.Mkdir(temp, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("TMPDIR", temp)
	var said bytes.Buffer
	log := slog.New(slog.NewTextHandler(&said, nil))

	t.Setenv("XDG_STATE_HOME", filepath.Join(file, "state"))
	j, held, done, err := openJournal(log)
	if err != nil {
		t.Fatal(err)
	}
	if err := j.Begin("tui", "nothing").Commit(); err != nil || held != "" || !strings.Contains(said.String(), "undo") {
		t.Errorf("%v, held in %q, %s", err, held, said.String())
	}
	done()
	if left, _ := os.ReadDir(temp); len(left) > 0 {
		t.Errorf("left: %v", left)
	}

	said.Reset()
	t.Setenv("XDG_STATE_HOME", filepath.Join(dir, "state"))
	if _, held, done, err = openJournal(log); err != nil {
		t.Fatal(err)
	}
	done()
	if held == "" || said.Len() > 0 {
		t.Errorf("held in %q, %s", held, said.String())
	}

	t.Setenv("XDG_STATE_HOME", filepath.Join(file, "state"))
	t.Setenv("TMPDIR", filepath.Join(file, "temp"))
	if _, _, _, err := openJournal(log); err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("neither here nor there: %v", err)
	}
}
