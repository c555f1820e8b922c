package queue

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A world is what stands outside the machine and does not forget.
type world struct {
	t        *testing.T
	m        *model
	label    string
	body     map[string]string   // of every message whose Commit was called, by id
	accepted map[string][]string // recipients, once Commit returned nil
	refused  map[string]bool     // Commit returned an error
	got      map[string]int      // id/rcpt: times received
	done     map[string]bool     // id/rcpt: SetMarks(Done) returned nil
	deferred map[string]bool
	bounced  map[string]bool // parent/rcpt: a report was received
	torn     bool            // a torn file may lie in bad/
}

func newWorld(t *testing.T, strict bool) *world {
	return &world{
		t: t, m: newModel(strict), body: map[string]string{}, accepted: map[string][]string{}, refused: map[string]bool{},
		got: map[string]int{}, done: map[string]bool{}, deferred: map[string]bool{}, bounced: map[string]bool{},
	}
}

func (w *world) open() *Spool {
	s, err := Open(Options{Dir: "/m", FS: w.m, Strict: w.m.strict})
	if err != nil {
		w.t.Fatal(err)
	}
	s.buf = 1 << 10
	return s
}

func (w *world) errorf(format string, args ...any) {
	w.t.Helper()
	w.t.Errorf(w.label+": "+format, args...)
}

func (w *world) accept(s *Spool, drop bool, rcpts ...string) {
	env := &Envelope{Sender: "a@example.org", ID: fmt.Sprintf("1KQ3V8ZJ%03dAB0f", len(w.body))}
	for _, r := range rcpts {
		env.Recipients = append(env.Recipients, Recipient{Addr: r})
	}
	body := fmt.Sprintf("Subject: %s\n\n", env.ID) + strings.Repeat("a line of text\n", 100) // several writes
	w.body[env.ID] = body
	begin := s.Accept
	if drop {
		begin = s.Drop
	}
	d, err := begin(env)
	if err == nil {
		if _, err = io.WriteString(d, body); err != nil {
			d.Abort()
		} else {
			err = d.Commit(time.Time{})
		}
	}
	if err != nil {
		w.refused[env.ID] = true
		for _, place := range []string{inQueue, inDrop} {
			if w.m.names[s.path(place, env.ID)] != nil && !w.m.failOn {
				w.errorf("%s was refused (%v) and left in %s/", env.ID, err, place)
			}
		}
	} else {
		w.accepted[env.ID] = rcpts
	}
}

// run is a runner: passes until nothing is left, or eight.
func (w *world) run(s *Spool) {
	for range 8 {
		s.AdoptDrops() // an error is met again in the next pass
		due, _ := s.Due(time.Now().Add(time.Hour))
		for _, r := range due {
			m, err := s.Lock(r.ID)
			if err != nil {
				continue
			}
			w.attempt(m)
			m.Close()
		}
	}
}

func (w *world) attempt(m *Message) {
	b, err := io.ReadAll(m.Body())
	if err != nil {
		return
	}
	if want := w.body[m.ID]; m.Kind == "" && string(b) != want {
		w.errorf("%s: %d bytes are sent of %d", m.ID, len(b), len(want))
	}
	if m.Kind == "dsn" && !strings.HasSuffix(string(b), "the end\n") {
		w.errorf("%s: half a report is sent", m.ID)
	}
	for _, r := range m.Pending() {
		key := m.ID + "/" + r.Addr
		if w.done[key] {
			w.errorf("%s is tried again after it was done", key)
		}
		switch {
		case strings.HasPrefix(r.Addr, "fail"):
			if report := Derive(m.ID, "dsn", r.N); m.s.sound(report, inQueue) {
				w.errorf("%s is tried although report %s is accepted", key, report)
			}
			env := &Envelope{Recipients: []Recipient{{Addr: m.Sender}}}
			_, err := m.Bounce(env, map[int]Mark{r.N: Failed}, func(out io.Writer) error {
				_, err := io.WriteString(out, "Subject: bounce\n\n"+r.Addr+"\nthe end\n")
				return err
			})
			if err != nil {
				return
			}
		case strings.HasPrefix(r.Addr, "later") && !w.deferred[key]:
			w.deferred[key] = true
			if m.Log(Event{Kind: "deferred", Text: "later"}) != nil || m.Defer(time.Now().Add(time.Minute)) != nil {
				return
			}
		default:
			w.got[key]++
			for _, c := range m.Covers {
				w.bounced[fmt.Sprint(m.Parent, "/", c.N)] = true
			}
			if m.SetMarks(map[int]Mark{r.N: Done}) != nil {
				return
			}
			w.done[key] = true
		}
	}
	if len(m.Pending()) == 0 {
		m.Finish()
	}
}

// scenario is the life of two messages, one through drop/.
func (w *world) scenario() {
	defer func() {
		if p := recover(); p != nil {
			if _, ok := p.(stopped); !ok {
				panic(p)
			}
		}
	}()
	s := w.open()
	w.accept(s, false, "ok@x", "fail@x", "later@x")
	w.accept(s, true, "ok@y", "fail@y")
	w.run(s)
}

// recover runs again after a stop, without another.
func (w *world) recover() {
	w.m.stopAt, w.m.failAt = 0, 0
	w.m.age()
	s := w.open()
	w.run(s)
	s.Tidy(0)
}

// check holds the end against the promises.
func (w *world) check(singleFault bool) {
	for id, rcpts := range w.accepted {
		for i, r := range rcpts {
			if strings.HasPrefix(r, "fail") {
				if !w.bounced[fmt.Sprint(id, "/", i+1)] {
					w.errorf("%s/%s failed and nobody was told", id, r)
				}
			} else if w.got[id+"/"+r] == 0 {
				w.errorf("%s/%s is lost", id, r)
			}
		}
	}
	for id := range w.refused {
		for key, n := range w.got {
			if singleFault && n > 0 && strings.HasPrefix(key, id+"/") {
				w.errorf("%s was refused and yet sent", key)
			}
		}
	}
	if left := w.m.left(!w.torn); len(left) > 0 {
		w.errorf("left in the spool: %v", left)
	}
}

func steps(t *testing.T, strict bool) int {
	w := newWorld(t, strict)
	w.label = "undisturbed"
	w.scenario()
	w.check(true)
	if len(w.accepted) != 2 || t.Failed() {
		t.Fatal("the undisturbed run is wrong")
	}
	return w.m.step
}

func TestKilledAtEveryStep(t *testing.T) {
	n := steps(t, false)
	if n < 30 {
		t.Fatalf("only %d steps", n)
	}
	for k := 1; k <= n; k++ {
		for _, half := range []bool{false, true} {
			w := newWorld(t, false)
			w.label = fmt.Sprintf("killed before step %d (half %v)", k, half)
			w.m.stopAt, w.m.half = k, half
			w.scenario()
			w.m.kill()
			w.recover()
			w.check(false)
		}
	}
	t.Logf("%d steps", n)
}

func TestPowerCutAtEveryStep(t *testing.T) {
	for _, strict := range []bool{false, true} {
		n := steps(t, strict)
		for k := 1; k <= n; k++ {
			for seed := range uint64(12) {
				w := newWorld(t, strict)
				w.label = fmt.Sprintf("power cut before step %d, strict %v, seed %d", k, strict, seed)
				w.m.stopAt, w.m.half = k, seed%2 == 1
				w.scenario()
				w.torn = true
				w.m.cut(rand.New(rand.NewPCG(uint64(k), seed)))
				w.recover()
				w.check(false)
			}
		}
	}
}

// TestPowerCutTwice stops the recovery too.
func TestPowerCutTwice(t *testing.T) {
	for _, strict := range []bool{false, true} {
		n := steps(t, strict)
		for seed := range uint64(600) {
			r := rand.New(rand.NewPCG(seed, 7))
			w := newWorld(t, strict)
			k, k2 := 1+r.IntN(n), 1+r.IntN(n)
			w.label = fmt.Sprintf("power cut before step %d, then %d more, strict %v, seed %d", k, k2, strict, seed)
			for _, at := range []int{k, k2} {
				w.m.step, w.m.stopAt = 0, at
				if at == k {
					w.scenario()
				} else {
					func() {
						defer func() { recover() }()
						w.m.age()
						w.run(w.open())
					}()
				}
				if r.IntN(3) == 0 {
					w.m.kill()
				} else {
					w.torn = true
					w.m.cut(r)
				}
			}
			w.recover()
			w.check(false)
		}
	}
}

func TestErrorAtEveryStep(t *testing.T) {
	n := steps(t, false)
	for _, err := range []error{syscall.ENOSPC, syscall.EIO} {
		for k := 1; k <= n; k++ {
			for _, on := range []bool{false, true} {
				w := newWorld(t, false)
				w.label = fmt.Sprintf("%v at step %d, lasting %v", err, k, on)
				w.m.failAt, w.m.failOn, w.m.err = k, on, err
				w.scenario()
				w.m.kill()
				w.recover()
				w.check(!on)
				if len(w.accepted)+len(w.refused) != 2 {
					w.errorf("accepted %d, refused %d", len(w.accepted), len(w.refused))
				}
			}
		}
	}
}

// TestModelNotices makes sure that the model can fail a broken program: one
// that forgets to sync its marks.
func TestModelNotices(t *testing.T) {
	w := newWorld(t, false)
	s := w.open()
	w.accept(s, false, "ok@x")
	w.m.cut(rand.New(rand.NewPCG(1, 1)))
	m, err := s.Lock("1KQ3V8ZJ000AB0f")
	if err != nil {
		t.Fatalf("accepted, but %v", err)
	}
	lost := false
	for seed := range uint64(20) {
		m.f.WriteAt([]byte{byte(Done)}, m.h.marks[0])
		w.m.cut(rand.New(rand.NewPCG(seed, 2)))
		again, err := s.Lock("1KQ3V8ZJ000AB0f")
		if err != nil && !errors.Is(err, ErrBusy) {
			t.Fatal(err)
		}
		if err == nil && !again.Recipients[0].Mark.Final() {
			lost = true
			break
		}
	}
	if !lost {
		t.Error("an unsynced mark survived every power cut")
	}
}
