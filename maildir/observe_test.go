package maildir

import (
	"strings"
	"sync"
	"testing"
)

// watching counts what is open and what was told.
type watching struct {
	mu    sync.Mutex
	open  int
	most  int
	begun []string
}

func (w *watching) Begin(f *Folder) func() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.begun = append(w.begun, f.Name())
	w.open++
	w.most = max(w.most, w.open)
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.open--
	}
}

func TestObserve(t *testing.T) {
	s := newStore(t)
	f, _ := s.Folder("INBOX")
	to := newFolder(t, s, "To")
	e := deliver(t, f, Delivery{}, letter)
	w := &watching{}
	s.Observe(w)
	step := func(what, want string, err error) {
		t.Helper()
		if err != nil {
			t.Errorf("%s: %v", what, err)
		}
		if got := strings.Join(w.begun, " "); got != want || w.open != 0 {
			t.Errorf("%s: told of %q, %d still open; want %q", what, got, w.open, want)
		}
		w.begun = nil
	}
	e, err := f.SetFlags(e, "S", "")
	step("flags", "INBOX INBOX", err) // the second is that of the hold for a message in new/
	copied, err := f.Copy(e, to)
	step("copy", "To", err)
	e, err = f.Move(e, to)
	step("move", "INBOX To", err)
	_, err = f.Deliver(Delivery{}, strings.NewReader(letter))
	step("deliver", "INBOX", err)
	step("remove", "To", to.Remove(copied))
	_, err = f.Deliver(Delivery{}, strings.NewReader(""))
	if err == nil || len(w.begun) != 0 {
		t.Errorf("a delivery of nothing: %v, %q", err, w.begun)
	}
	var h Hold
	h.Take(to, f)
	h.Take(to)
	if w.open != 2 {
		t.Errorf("%d folders open in a hold", w.open)
	}
	h.Release()
	h.Release()
	step("hold", "To INBOX", nil)
	s.Observe(nil)
	_, err = to.SetFlags(e, "", "S")
	step("after", "", err)
}
