package queue

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// TestMain lets the test program be a runner of its own: see TestManyRunners.
func TestMain(m *testing.M) {
	if dir := os.Getenv("QUEUE_TEST_RUNNER"); dir != "" {
		runner(dir)
		return
	}
	os.Exit(m.Run())
}

// runner takes messages until none is left, and notes each in the file sent.
func runner(dir string) {
	s, err := Open(Options{Dir: dir})
	if err != nil {
		panic(err)
	}
	sent, err := os.OpenFile(dir+".sent", os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		panic(err)
	}
	for {
		due, err := s.Due(time.Now())
		if err != nil {
			panic(err)
		}
		if len(due) == 0 {
			return
		}
		for _, r := range due {
			m, err := s.Lock(r.ID)
			if errors.Is(err, ErrBusy) || errors.Is(err, ErrGone) {
				continue
			} else if err != nil {
				panic(err)
			}
			for _, rcpt := range m.Pending() {
				fmt.Fprintf(sent, "%s %d\n", m.ID, rcpt.N)
				if err := m.SetMarks(map[int]Mark{rcpt.N: Done}); err != nil {
					panic(err)
				}
			}
			if err := m.Finish(); err != nil {
				panic(err)
			}
			m.Close()
		}
	}
}

// TestManyRunners: four processes on one spool, one of them killed; each
// recipient is tried once, except at most one that the killed one had at hand.
func TestManyRunners(t *testing.T) {
	s := newSpool(t)
	const n = 60
	for range n {
		put(t, s, "Subject: x\n\n", "a@x", "b@x")
	}
	var wg sync.WaitGroup
	for i := range 4 {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), "QUEUE_TEST_RUNNER="+s.Dir())
		cmd.Stderr = os.Stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		wg.Go(func() {
			if i == 0 {
				time.Sleep(20 * time.Millisecond)
				cmd.Process.Signal(syscall.SIGKILL)
			}
			if err := cmd.Wait(); err != nil && i > 0 {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if due, _ := s.Due(time.Now()); len(due) != 0 {
		t.Errorf("%d messages are left", len(due))
	}
	b, _ := os.ReadFile(s.Dir() + ".sent")
	times := map[string]int{}
	for line := range strings.Lines(string(b)) {
		times[line]++
	}
	again := 0
	for _, k := range times {
		again += k - 1
	}
	if len(times) != 2*n || again > 1 {
		t.Errorf("%d recipients of %d, %d tried again", len(times), 2*n, again)
	}
}

func TestSlots(t *testing.T) {
	s := newSpool(t)
	var held atomic.Int32
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 50 {
				l, err := s.Slot("Example.NET", 2)
				if errors.Is(err, ErrBusy) {
					continue
				} else if err != nil {
					t.Error(err)
					return
				}
				if held.Add(1) > 2 {
					t.Error("more than two slots are held")
				}
				held.Add(-1)
				l.Release()
			}
		})
	}
	wg.Wait()
	if _, err := s.Slot("../../../etc", 1); err != nil {
		t.Error(err)
	}
	if got := s.destDir("../../x"); !strings.HasPrefix(got, s.Dir()+"/dest/%2e") || strings.Contains(got[len(s.Dir())+6:], "/") {
		t.Errorf("a stranger's name leads out: %s", got)
	}
	h := Health{Fails: 3, Next: time.UnixMicro(1e15).UTC(), Last: "451 4.3.0 \"no\"\n"}
	if err := s.SetHealth("example.net", h); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Health("EXAMPLE.net"); err != nil || got != h {
		t.Errorf("Health = %+v, %v", got, err)
	}
	if err := s.SetHealth("example.net", Health{}); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Health("example.net"); err != nil || got != (Health{}) {
		t.Errorf("forgotten Health = %+v, %v", got, err)
	}
}

func TestWake(t *testing.T) {
	s := newSpool(t)
	w := s.Waiter()
	defer w.Close()
	s.Wake()
	begin := time.Now()
	if err := w.Wait(t.Context(), time.Minute); err != nil || time.Since(begin) > 30*time.Second {
		t.Errorf("not woken: %v after %v", err, time.Since(begin))
	}
	begin = time.Now()
	if err := w.Wait(t.Context(), 20*time.Millisecond); err != nil || time.Since(begin) < 15*time.Millisecond {
		t.Errorf("did not wait: %v after %v", err, time.Since(begin))
	}
}

func TestReadOnlySpool(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root may write everywhere")
	}
	s := newSpool(t)
	dirs, _ := filepath.Glob(s.Dir() + "/q/*")
	for _, d := range dirs {
		os.Chmod(d, 0o500)
	}
	if _, err := s.Accept(&Envelope{Recipients: []Recipient{{Addr: "a@x"}}}); !errors.Is(err, os.ErrPermission) {
		t.Errorf("Accept: %v", err)
	}
}

func BenchmarkDue100k(b *testing.B) {
	s := newSpool(b)
	next := time.Now().Add(time.Hour)
	for i := range 100_000 {
		id := NewID(time.UnixMilli(1e12 + int64(i)))
		if err := os.WriteFile(s.path(inQueue, id), nil, 0o600); err != nil {
			b.Fatal(err)
		}
		os.Chtimes(s.path(inQueue, id), next, next)
	}
	for b.Loop() {
		if due, err := s.Due(time.Now()); err != nil || len(due) != 0 {
			b.Fatal(len(due), err)
		}
	}
}

func BenchmarkAccept(b *testing.B) {
	s := newSpool(b)
	body := []byte("Subject: x\n\n" + strings.Repeat("a line of text\n", 500))
	for b.Loop() {
		d, err := s.Accept(&Envelope{Recipients: []Recipient{{Addr: "a@x"}}})
		if err != nil {
			b.Fatal(err)
		}
		d.Write(body)
		if err := d.Commit(time.Time{}); err != nil {
			b.Fatal(err)
		}
	}
}
