package store

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"os"
	"path/filepath"
	"testing"

	"pneu/maildir/index"
)

// An index of a newer version is left alone and done without; why, is said to who asks.
func TestNewerIndex(t *testing.T) {
	w := newWorld(t, 3)
	s := w.open(Options{})
	b, v := w.box(s, "INBOX")
	path := filepath.Join(b.f.Path(), "pneu.log")
	messages := v.Len()
	b.Close()
	s.Close()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	binary.LittleEndian.PutUint32(raw[8:], 2)
	binary.LittleEndian.PutUint32(raw[60:], crc32.Checksum(raw[:60], crc32.MakeTable(crc32.Castagnoli)))
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	b, v = w.box(w.open(Options{}), "INBOX")
	if err := b.Volatile(); !errors.Is(err, index.ErrVersion) || v.Len() != messages {
		t.Errorf("%d messages of %d, %v", v.Len(), messages, err)
	}
	if now, err := os.ReadFile(path); err != nil || string(now) != string(raw) {
		t.Errorf("the newer index was touched: %v", err)
	}
}
