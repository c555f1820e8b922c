package runner

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"sort"
	"strings"
	"sync"
	"testing"
	"time"

	"pneu/mta/outbound"
	"pneu/mta/queue"
)

// world is a spool, a clock and other hosts that answer as told.
type world struct {
	t     *testing.T
	spool *queue.Spool
	opt   Options

	mu      sync.Mutex
	ahead   time.Duration              // of the real clock
	answers map[string]outbound.Result // by recipient or domain; otherwise delivered
	hold    map[string]chan struct{}   // attempts at these domains wait
	got     []delivered
	running map[string]int
	most    map[string]int
	tries   int
	log     strings.Builder
}

type delivered struct{ from, to, body string }

func newWorld(t *testing.T) *world {
	t.Helper()
	dir := t.TempDir()
	if err := queue.Create(dir); err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, answers: map[string]outbound.Result{}, hold: map[string]chan struct{}{}, running: map[string]int{}, most: map[string]int{}}
	w.spool = open(t, dir)
	w.opt = Options{
		Hostname: "mx.test", Remote: w, IsLocal: func(d string) bool { return d == "here.test" },
		Now: w.clock, Log: slog.New(slog.NewTextHandler(locked{w}, &slog.HandlerOptions{Level: slog.LevelDebug})), StopWait: time.Minute,
	}
	return w
}

func open(t *testing.T, dir string) *queue.Spool {
	t.Helper()
	s, err := queue.Open(queue.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

type locked struct{ w *world }

func (l locked) Write(p []byte) (int, error) {
	l.w.mu.Lock()
	defer l.w.mu.Unlock()
	return l.w.log.Write(p)
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return time.Now().Add(w.ahead)
}

func (w *world) advance(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ahead += d
}

// Deliver is the world's Remote.
func (w *world) Deliver(ctx context.Context, dest outbound.Destination, msg outbound.Message, rcpts []queue.Recipient) []outbound.Result {
	w.mu.Lock()
	w.tries++
	w.running[dest.Domain]++
	w.most[dest.Domain] = max(w.most[dest.Domain], w.running[dest.Domain])
	hold := w.hold[dest.Domain]
	w.mu.Unlock()
	if hold != nil {
		select {
		case <-hold:
		case <-ctx.Done():
		}
	}
	body, err := io.ReadAll(msg.Body)
	if err != nil {
		w.t.Error(err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.running[dest.Domain]--
	var out []outbound.Result
	for _, r := range rcpts {
		res, ok := w.answers[r.Addr]
		if !ok {
			res, ok = w.answers[dest.Domain]
		}
		if !ok {
			res = outbound.Result{OK: true, Code: 250, Enhanced: "2.0.0", Text: "ok", Host: dest.Domain, Reached: true}
			w.got = append(w.got, delivered{msg.Sender, r.Addr, string(body)})
		}
		if ctx.Err() != nil {
			res = outbound.Result{Temp: true, Enhanced: "4.4.0", Text: "stopped"}
		}
		res.Rcpt = r.N
		out = append(out, res)
	}
	return out
}

func refuse(code int, text string) outbound.Result {
	return outbound.Result{Code: code, Enhanced: fmt.Sprint(code/100, ".1.1"), Text: text, Host: "mx.there.test", IP: "192.0.2.1", Temp: code < 500, Reached: true}
}

func dead(text string) outbound.Result {
	return outbound.Result{Enhanced: "4.4.1", Text: text, Host: "mx.dead.test", Temp: true}
}

// accept puts a message into the spool.
func (w *world) accept(env queue.Envelope, to ...string) string {
	w.t.Helper()
	return w.acceptBody(env, "Subject: hello\nMessage-ID: <1@me.test>\n\nbody\n", to...)
}

func (w *world) acceptBody(env queue.Envelope, body string, to ...string) string {
	w.t.Helper()
	if env.Arrived.IsZero() {
		env.Arrived = w.clock()
	}
	if env.Expires.IsZero() {
		env.Expires = env.Arrived.Add(5 * 24 * time.Hour)
	}
	for _, a := range to {
		addr, notify, _ := strings.Cut(a, " ")
		env.Recipients = append(env.Recipients, queue.Recipient{N: len(env.Recipients) + 1, Addr: addr, Mark: queue.Pending, Notify: notify})
	}
	d, err := w.spool.Accept(&env)
	if err != nil {
		w.t.Fatal(err)
	}
	if _, err := io.WriteString(d, body); err != nil {
		w.t.Fatal(err)
	}
	if err := d.Commit(w.clock()); err != nil {
		w.t.Fatal(err)
	}
	return d.ID()
}

func (w *world) pass() {
	w.t.Helper()
	if err := New(w.spool, w.opt).Pass(context.Background()); err != nil {
		w.t.Fatal(err)
	}
}

// marks shows what the spool says of a message: "1. 2D", or "gone".
func (w *world) marks(id string) string {
	m, err := w.spool.Read(id)
	if err != nil {
		return "gone"
	}
	defer m.Close()
	var s []string
	for _, r := range m.Recipients {
		s = append(s, fmt.Sprint(r.N, string(r.Mark)))
	}
	return strings.Join(s, " ")
}

func (w *world) next(id string) time.Duration {
	w.t.Helper()
	m, err := w.spool.Read(id)
	if err != nil {
		w.t.Fatal(err)
	}
	defer m.Close()
	return m.Next.Sub(w.clock())
}

func (w *world) history(id string) string {
	m, err := w.spool.Read(id)
	if err != nil {
		return ""
	}
	defer m.Close()
	evs, err := m.History()
	if err != nil {
		w.t.Fatal(err)
	}
	var s []string
	for _, ev := range evs {
		s = append(s, fmt.Sprintf("%s %d %d %s", ev.Kind, ev.Rcpt, ev.Code, ev.Text))
	}
	return strings.Join(s, "\n")
}

// mail lists what other hosts got: "from>to", reports with their action.
func (w *world) mail() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var s []string
	for _, d := range w.got {
		line := d.from + ">" + d.to
		for _, l := range strings.Split(d.body, "\n") {
			if strings.HasPrefix(l, "Action: ") || strings.HasPrefix(l, "Final-Recipient: ") || strings.HasPrefix(l, "Status: ") {
				line += " " + strings.TrimPrefix(l[strings.Index(l, " ")+1:], "rfc822; ")
			}
		}
		s = append(s, line)
	}
	sort.Strings(s)
	return strings.Join(s, "\n")
}
