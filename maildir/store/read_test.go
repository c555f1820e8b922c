package store

import (
	"os"
	"strings"
	"testing"
)

// A message that was written over, or read before it was whole, shows what its file
// says once it was opened.
func TestReadRepairs(t *testing.T) {
	w := newWorld(t, 1)
	b, _ := w.box(w.open(Options{}), "INBOX")
	if err := b.Build(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	v := w.sync(b)
	row := v.Row(0)
	path := b.f.File(row.Entry())
	raw, err := row.Read()
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Replace(string(raw), "Subject: ", "Subject: in the end ", 1)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if raw, err = row.Read(); err != nil || string(raw) != text {
		t.Fatalf("%q, %v", raw, err)
	}
	if got := w.sync(b).Row(0); !strings.HasPrefix(got.Subject(), "in the end ") || got.UID() != row.UID() || got.Size() != int64(len(text)) {
		t.Errorf("UID %d, %d bytes, subject %q", got.UID(), got.Size(), got.Subject())
	}
}
