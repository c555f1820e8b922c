package local

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pneu/mda/deliver"
	"pneu/mta/queue"
)

// What is sent on says what the next host must take and which recipient it
// stands for, and is accepted once.
func TestForward(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "spool")
	if err := queue.Create(dir); err != nil {
		t.Fatal(err)
	}
	f := &Forwarder{Spool: dir}
	of := deliver.Envelope{ID: queue.NewID(time.Now()), N: 3, Recipient: "list@example.org"}
	for range 2 {
		if err := f.Forward(t.Context(), of, "a@example.org", []string{"b@example.net", "c@example.net"}, strings.NewReader("Subject: x\n\ncaf\xc3\xa9\n")); err != nil {
			t.Fatal(err)
		}
	}
	s, err := queue.Open(queue.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	refs, err := s.All()
	if err != nil || len(refs) != 1 {
		t.Fatalf("queue: %v, %v", refs, err)
	}
	m, err := s.Read(refs[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if !m.EightBit || m.UTF8 || len(m.Recipients) != 2 {
		t.Errorf("envelope %+v", m.Envelope)
	}
	if m.Parent != of.ID || len(m.Covers) != 1 || m.Covers[0] != (queue.Cover{N: 3, Mark: queue.Done}) {
		t.Errorf("it stands for %s %v", m.Parent, m.Covers)
	}
}
