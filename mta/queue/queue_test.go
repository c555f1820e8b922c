package queue

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func newSpool(t testing.TB) *Spool {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "spool")
	if err := Create(dir); err != nil {
		t.Fatal(err)
	}
	s, err := Open(Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func put(t testing.TB, s *Spool, body string, rcpts ...string) string {
	t.Helper()
	env := &Envelope{Sender: "a@example.org"}
	for _, r := range rcpts {
		env.Recipients = append(env.Recipients, Recipient{Addr: r})
	}
	d, err := s.Accept(env)
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(d, body)
	if err := d.Commit(time.Time{}); err != nil {
		t.Fatal(err)
	}
	return d.ID()
}

func TestLife(t *testing.T) {
	s := newSpool(t)
	body := "Subject: x\r\n\r\n\x00" + strings.Repeat("y", 300_000)
	id := put(t, s, body, "b@example.net", `"a b"@example.net`, "c%d@example.com")
	due, err := s.Due(time.Now())
	if err != nil || len(due) != 1 || due[0].ID != id {
		t.Fatalf("Due = %v, %v", due, err)
	}
	m, err := s.Lock(id)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Lock(id); !errors.Is(err, ErrBusy) {
		t.Fatalf("second Lock: %v, want busy", err)
	}
	if got := s.Active(due); !got[id] {
		t.Error("a locked message is not active")
	}
	got, _ := io.ReadAll(m.Body())
	if string(got) != body {
		t.Fatal("body differs")
	}
	if m.Recipients[1].Addr != `"a b"@example.net` || m.Recipients[2].Addr != "c%d@example.com" {
		t.Errorf("recipients %+v", m.Recipients)
	}
	if err := m.SetMarks(map[int]Mark{1: Done, 3: Failed}); err != nil {
		t.Fatal(err)
	}
	if err := m.Finish(); err == nil {
		t.Error("finished with a pending recipient")
	}
	if err := m.Log(Event{Kind: "deferred", Rcpt: 2, Host: "mx", Code: 451, Enhanced: "4.7.1", Text: "later\r\n\x1b[2J", Next: time.Now()}); err != nil {
		t.Fatal(err)
	}
	next := time.Now().Add(time.Hour).Truncate(time.Microsecond)
	if err := m.Defer(next); err != nil {
		t.Fatal(err)
	}
	m.Close()
	if due, _ := s.Due(time.Now()); len(due) != 0 {
		t.Errorf("deferred message is due: %v", due)
	}
	if at, _ := s.Next(); !at.Equal(next) {
		t.Errorf("Next = %v, want %v", at, next)
	}
	v, err := s.Read(id)
	if err != nil || v.State != Deferred || len(v.Pending()) != 1 || v.Pending()[0].N != 2 {
		t.Fatalf("Read = %+v, %v", v, err)
	}
	evs, err := v.History()
	if err != nil || len(evs) != 2 || evs[1].Text != "later\r\n\x1b[2J" || evs[1].Code != 451 {
		t.Errorf("History = %+v, %v", evs, err)
	}
	v.Close()
	m, err = s.Lock(id)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Hold(); err != nil {
		t.Fatal(err)
	}
	m.Close()
	if due, _ := s.Due(time.Now().Add(24 * time.Hour)); len(due) != 0 {
		t.Error("held message is due")
	}
	m, err = s.Lock(id)
	if err != nil || m.State != Held {
		t.Fatalf("Lock of a held message: %v", err)
	}
	if err := m.Release(); err != nil {
		t.Fatal(err)
	}
	if err := m.SetMarks(map[int]Mark{1: Removed, 2: Expired}); err != nil {
		t.Fatal(err)
	}
	if m.Recipients[0].Mark != Done {
		t.Error("a final mark changed")
	}
	if err := m.Finish(); err != nil {
		t.Fatal(err)
	}
	m.Close()
	if _, err := s.Lock(id); !errors.Is(err, ErrGone) {
		t.Errorf("Lock after Finish: %v", err)
	}
	if all, err := s.All(); len(all) != 0 || err != nil {
		t.Errorf("All = %v, %v", all, err)
	}
}

func TestDropIsAdoptedOnce(t *testing.T) {
	s := newSpool(t)
	d, err := s.Drop(&Envelope{Sender: "a@example.org", Auth: "root", Recipients: []Recipient{{Addr: "b@example.net"}}})
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(d, "Subject: x\n\nbody\n")
	if err := d.Commit(time.Time{}); err != nil {
		t.Fatal(err)
	}
	if n, err := s.AdoptDrops(); n != 1 || err != nil {
		t.Fatalf("AdoptDrops = %d, %v", n, err)
	}
	if n, err := s.AdoptDrops(); n != 0 || err != nil {
		t.Fatalf("again: AdoptDrops = %d, %v", n, err)
	}
	m, err := s.Lock(d.ID())
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if m.Auth != "" || !strings.HasPrefix(m.Client, "uid ") {
		t.Errorf("a drop vouches for itself: auth %q client %q", m.Auth, m.Client)
	}
	if b, _ := io.ReadAll(m.Body()); string(b) != "Subject: x\n\nbody\n" {
		t.Errorf("body %q", b)
	}
}

func TestDamageIsPutAside(t *testing.T) {
	tests := []struct {
		name   string
		damage func([]byte) []byte
		want   error
	}{
		{"a byte of the body", func(b []byte) []byte { b[len(b)-3] ^= 1; return b }, ErrDamaged},
		{"a byte of the head", func(b []byte) []byte { b[strings.Index(string(b), "example.net")] = 'X'; return b }, ErrDamaged},
		{"cut short", func(b []byte) []byte { return b[:len(b)-1] }, ErrDamaged},
		{"something appended", func(b []byte) []byte { return append(b, 'x') }, ErrDamaged},
		{"cut in the first line", func(b []byte) []byte { return b[:20] }, ErrDamaged},
		{"an unknown mark", func(b []byte) []byte { b[strings.Index(string(b), " . ")+1] = '?'; return b }, ErrDamaged},
		{"zeros", func(b []byte) []byte { clear(b); return b }, ErrDamaged},
		{"a mark is no damage", func(b []byte) []byte { b[strings.Index(string(b), " . ")+1] = 'D'; return b }, nil},
		{"never committed", func(b []byte) []byte { copy(b, firstLine(openWord, 0, 0, 'Q')); return b }, ErrGone},
		{"empty", func(b []byte) []byte { return nil }, ErrGone},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newSpool(t)
			id := put(t, s, "Subject: x\n\nbody body\n", "b@example.net")
			name := s.path(inQueue, id)
			b, _ := os.ReadFile(name)
			b = tt.damage(b)
			if err := os.WriteFile(name, b, 0o600); err != nil {
				t.Fatal(err)
			}
			old := time.Now().Add(-2 * abandoned)
			os.Chtimes(name, old, old)
			m, err := s.Lock(id)
			if !errors.Is(err, tt.want) {
				t.Fatalf("Lock: %v, want %v", err, tt.want)
			}
			if err == nil {
				m.Close()
			}
			if tt.want == ErrDamaged {
				kept, err := os.ReadFile(s.path(inBad, id))
				if err != nil || string(kept) != string(b) {
					t.Errorf("not kept as it was: %v", err)
				}
				v, err := s.Read(id)
				if err != nil || v.State != Bad || v.Reason == "" || v.Reason == "unknown" {
					t.Errorf("Read of it: %+v, %v", v, err)
				}
			}
		})
	}
}

func TestStrictWhereUnknown(t *testing.T) {
	if (OS{}).commitsNames("/proc") || (OS{}).commitsNames("/nowhere") {
		t.Error("an unknown file system is trusted")
	}
}
