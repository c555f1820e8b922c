package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pneu/mta/sysexits"
)

// Who may write neither q/ nor drop/ hears so in one line, before any mail.
func TestMayDrop(t *testing.T) {
	spool := t.TempDir()
	if err := mayDrop(true, spool); err != nil {
		t.Errorf("the owner: %v", err)
	}
	err := mayDrop(false, spool) // without drop/ nobody may write it
	if sysexits.Code(err) != sysexits.NoPerm || strings.Contains(err.Error(), "\n") || !strings.Contains(err.Error(), "sendmail") {
		t.Errorf("a stranger: %v", err)
	}
	if err := os.Mkdir(filepath.Join(spool, "drop"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := mayDrop(false, spool); err != nil {
		t.Errorf("one who may drop: %v", err)
	}
}
