package runner

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"pneu/mta/outbound"
	"pneu/mta/queue"
	"pneu/mta/sysexits"
)

func TestPass(t *testing.T) {
	refused := map[string]outbound.Result{"x@there.test": refuse(550, "no such user"), "y@there.test": refuse(451, "greylisted"),
		"x@gone.test": {Enhanced: "5.1.2", Text: "no such domain: gone.test"}}
	old := func(d time.Duration) queue.Envelope {
		return queue.Envelope{Sender: "a@me.test", Arrived: time.Now().Add(-d), Expires: time.Now().Add(5*24*time.Hour - d)}
	}
	from := queue.Envelope{Sender: "a@me.test"}
	tests := []struct {
		name        string
		env         queue.Envelope
		to          []string
		marks, mail string
	}{
		{"all delivered", from, []string{"b@there.test", "c@other.test"}, "gone", "a@me.test>b@there.test\na@me.test>c@other.test"},
		{"one refused: one report", from, []string{"b@there.test", "x@there.test"}, "gone",
			">a@me.test x@there.test failed 5.1.1\na@me.test>b@there.test"},
		{"two refused at two places: one report", from, []string{"x@there.test", "x@gone.test"}, "gone",
			">a@me.test x@there.test failed 5.1.1 x@gone.test failed 5.1.2"},
		{"one refused, one later", from, []string{"x@there.test", "y@there.test", "c@other.test"}, "1F 2. 3D",
			">a@me.test x@there.test failed 5.1.1\na@me.test>c@other.test"},
		{"NOTIFY=NEVER", from, []string{"x@there.test NEVER"}, "gone", ""},
		{"NOTIFY=DELAY alone", from, []string{"x@there.test DELAY"}, "gone", ""},
		{"NOTIFY=FAILURE", from, []string{"x@there.test FAILURE,DELAY"}, "gone", ">a@me.test x@there.test failed 5.1.1"},
		{"null sender is never answered", queue.Envelope{}, []string{"x@there.test"}, "gone", ""},
		{"success asked for, host does not report", from, []string{"b@there.test SUCCESS"}, "gone",
			">a@me.test b@there.test relayed 2.0.0\na@me.test>b@there.test"},
		{"success asked for, into a mailbox", from, []string{"b@here.test SUCCESS"}, "gone", ">a@me.test b@here.test delivered 2.0.0"},
		{"success asked for by nobody", queue.Envelope{}, []string{"b@here.test SUCCESS"}, "gone", ""},
		{"late: the sender is told", old(5 * time.Hour), []string{"y@there.test"}, "1.", ">a@me.test y@there.test delayed 4.1.1"},
		{"late, but DELAY is not in NOTIFY", old(5 * time.Hour), []string{"y@there.test FAILURE"}, "1.", ""},
		{"expired", old(121 * time.Hour), []string{"y@there.test", "b@there.test"}, "gone",
			">a@me.test y@there.test failed 4.4.7\na@me.test>b@there.test"},
		{"expired, nobody to tell", queue.Envelope{Arrived: time.Now().Add(-121 * time.Hour), Expires: time.Now().Add(-time.Hour)}, []string{"y@there.test"}, "gone", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			w.answers = refused
			w.opt.Local = func(context.Context, LocalDelivery) error { return nil }
			id := w.accept(tt.env, tt.to...)
			w.pass()
			if got := w.marks(id); got != tt.marks {
				t.Errorf("marks %s, want %s", got, tt.marks)
			}
			if got := w.mail(); got != tt.mail {
				t.Errorf("mail\n%s\nwant\n%s", got, tt.mail)
			}
			if t.Failed() {
				t.Log(w.log.String())
			}
		})
	}
}

func TestBackoffOfMessage(t *testing.T) {
	w := newWorld(t)
	w.opt.Warn = -1
	w.answers["there.test"] = refuse(451, "later")
	id := w.accept(queue.Envelope{Sender: "a@me.test"}, "b@there.test")
	want := 5 * time.Minute
	for i := range 8 {
		w.pass()
		got := w.next(id)
		if got < want*7/10-time.Second || got > want*13/10+time.Second {
			t.Errorf("after attempt %d: %v, want about %v", i+1, got, want)
		}
		w.pass() // not due: nothing happens
		w.mu.Lock()
		if w.tries != i+1 {
			t.Errorf("%d attempts, want %d", w.tries, i+1)
		}
		w.mu.Unlock()
		w.advance(got + time.Second)
		want = min(2*want, 4*time.Hour)
	}
	if h := w.history(id); !strings.Contains(h, "deferred 1 451 later") {
		t.Errorf("history:\n%s", h)
	}
}

func TestBackoff(t *testing.T) {
	tests := []struct {
		attempts int
		want     time.Duration
	}{
		{0, 5 * time.Minute}, {1, 10 * time.Minute}, {5, 160 * time.Minute}, {6, 4 * time.Hour}, {1000000, 4 * time.Hour},
	}
	for _, tt := range tests {
		low, high := 100*time.Hour, time.Duration(0)
		for range 1000 {
			d := backoff(5*time.Minute, 4*time.Hour, tt.attempts)
			low, high = min(low, d), max(high, d)
		}
		if low < tt.want*7/10 || high > tt.want*13/10 || low > tt.want*8/10 || high < tt.want*12/10 {
			t.Errorf("%d attempts: %v to %v, want %v and 30 %% either way", tt.attempts, low, high, tt.want)
		}
	}
}

func TestRecipientsWaitForThemselves(t *testing.T) { // each has its own back-off; the message is due when the first is
	w := newWorld(t)
	w.answers["y@there.test"] = refuse(451, "later")
	id := w.accept(queue.Envelope{Sender: "a@me.test"}, "y@there.test", "z@other.test")
	for range 3 { // y is at its third wait
		w.pass()
		w.advance(w.next(id) + time.Second)
	}
	m, err := w.spool.Lock(id)
	if err != nil {
		t.Fatal(err)
	}
	m.Log(queue.Event{Time: w.clock(), Kind: "deferred", Rcpt: 1, Next: w.clock().Add(time.Hour)})
	m.Defer(w.clock())
	m.Close()
	before := w.tries
	w.pass() // due as a whole, by hand: all are tried
	if w.tries != before+1 {
		t.Errorf("%d attempts", w.tries-before)
	}
}

func TestTouchedByHand(t *testing.T) {
	w := newWorld(t)
	w.answers["there.test"] = refuse(451, "later")
	id := w.accept(queue.Envelope{Sender: "a@me.test"}, "b@there.test", "c@other.test")
	w.pass()
	m, err := w.spool.Lock(id)
	if err != nil {
		t.Fatal(err)
	}
	m.Log(queue.Event{Time: w.clock(), Kind: "released"})
	m.Defer(w.clock())
	m.Close()
	delete(w.answers, "there.test")
	w.pass()
	if got := w.marks(id); got != "gone" {
		t.Errorf("marks %s", got)
	}
}

func TestDelayToldOnce(t *testing.T) {
	w := newWorld(t)
	w.answers["there.test"] = refuse(451, "later")
	id := w.accept(queue.Envelope{Sender: "a@me.test"}, "b@there.test")
	for w.clock().Before(time.Now().Add(24 * time.Hour)) {
		w.pass()
		w.advance(w.next(id) + time.Second)
	}
	if got := w.mail(); got != ">a@me.test b@there.test delayed 4.1.1" {
		t.Errorf("mail in a day:\n%s", got)
	}
	w.advance(5 * 24 * time.Hour)
	w.pass()
	if got := w.mail(); got != ">a@me.test b@there.test delayed 4.1.1\n>a@me.test b@there.test failed 4.4.7" || w.marks(id) != "gone" {
		t.Errorf("at the end: %s\n%s", w.marks(id), got)
	}
}

func TestExpiresOnTime(t *testing.T) { // the last wait ends when the time is over
	w := newWorld(t)
	w.answers["there.test"] = refuse(451, "later")
	id := w.accept(queue.Envelope{Sender: "a@me.test", Expires: w.clock().Add(time.Minute)}, "b@there.test")
	w.pass()
	if d := w.next(id); d > time.Minute {
		t.Errorf("next in %v", d)
	}
}

func TestDoubleBounce(t *testing.T) { // the report cannot be delivered either: marked, logged, and that is all
	w := newWorld(t)
	w.answers["there.test"], w.answers["me.test"] = refuse(550, "no such user"), refuse(550, "nor here")
	id := w.accept(queue.Envelope{Sender: "a@me.test"}, "x@there.test")
	w.pass()
	w.pass()
	if all, err := w.spool.All(); err != nil || len(all) != 0 || w.marks(id) != "gone" {
		t.Errorf("left in the spool: %v, %v", all, err)
	}
	if w.tries != 2 || !strings.Contains(w.log.String(), "double bounce") {
		t.Errorf("%d attempts; log:\n%s", w.tries, w.log.String())
	}
}

func TestReportHoldsWhatWasAsked(t *testing.T) {
	for ret, whole := range map[string]bool{"": false, "HDRS": false, "FULL": true} {
		w := newWorld(t)
		w.answers["there.test"] = refuse(550, "no such user")
		w.accept(queue.Envelope{Sender: "a@me.test", Ret: ret, EnvID: "e1"}, "x@there.test")
		w.pass()
		if len(w.got) != 1 {
			t.Fatalf("%q: %v", ret, w.got)
		}
		body := w.got[0].body
		if strings.Contains(body, "\nbody\n") != whole || !strings.Contains(body, "Subject: hello") || !strings.Contains(body, "Original-Envelope-Id: e1") ||
			!strings.Contains(body, "Diagnostic-Code: smtp; 550 5.1.1 no such user") {
			t.Errorf("%q: report is\n%s", ret, body)
		}
	}
}

func TestHops(t *testing.T) {
	for n, gone := range map[int]bool{50: false, 51: true} {
		w := newWorld(t)
		body := strings.Repeat("Received: from a\n\tby b; now\n", n) + "Subject: x\n\nReceived: not this\n"
		w.acceptBody(queue.Envelope{Sender: "a@me.test"}, body, "b@there.test")
		w.pass()
		want := "a@me.test>b@there.test"
		if gone {
			want = ">a@me.test b@there.test failed 5.4.6"
		}
		if got := w.mail(); got != want {
			t.Errorf("%d hops: %s", n, got)
		}
	}
}

func TestCountReceived(t *testing.T) {
	tests := []struct {
		in   string
		want int
	}{
		{"", 0}, {"Received: a", 1}, {"RECEIVED: a\r\n b\r\nreceived: c\r\n\r\nReceived: d\r\n", 2}, {"X-Received: a\nReceived-SPF: b\n", 0},
		{"X: " + strings.Repeat("y", 20000) + "Received: z\nReceived: a\n\n", 1}, {"\nReceived: a\n", 0},
	}
	for _, tt := range tests {
		if got := countReceived(strings.NewReader(tt.in)); got != tt.want {
			t.Errorf("%.40q: %d, want %d", tt.in, got, tt.want)
		}
	}
}

func TestLocal(t *testing.T) {
	tests := []struct {
		err   error
		marks string
		mail  string
	}{
		{nil, "gone", ""},
		{sysexits.New(sysexits.NoUser, "no such user"), "gone", ">a@me.test b@here.test failed 5.1.1"},
		{sysexits.New(sysexits.NoPerm, "not yours"), "gone", ">a@me.test b@here.test failed 5.7.1"},
		{sysexits.New(sysexits.Unavailable, "mail loop"), "gone", ">a@me.test b@here.test failed 5.3.0"},
		{fmt.Errorf("deliver: %w", sysexits.New(sysexits.Data, "bad")), "gone", ">a@me.test b@here.test failed 5.6.0"},
		{sysexits.New(sysexits.TempFail, "full"), "1.", ""},
		{sysexits.New(sysexits.Config, "aliases:3"), "1.", ""},
		{sysexits.New(sysexits.Software, "a bug"), "1.", ""},
		{sysexits.New(1, "a command said 1"), "1.", ""},
		{errors.New("who knows"), "1.", ""},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprint(tt.err), func(t *testing.T) {
			w := newWorld(t)
			var got LocalDelivery
			var text []byte
			w.opt.Local = func(_ context.Context, d LocalDelivery) error {
				got = d
				text, _ = io.ReadAll(d.Body)
				return tt.err
			}
			id := w.accept(queue.Envelope{Sender: "a@me.test"}, "b@HERE.test")
			w.pass()
			if m := w.marks(id); m != tt.marks {
				t.Errorf("marks %s, want %s", m, tt.marks)
			}
			if m := strings.ReplaceAll(w.mail(), "HERE", "here"); m != tt.mail {
				t.Errorf("mail %q, want %q", m, tt.mail)
			}
			if got.ID != id || got.N != 1 || got.Sender != "a@me.test" || got.Recipient != "b@HERE.test" || !strings.HasSuffix(string(text), "\nbody\n") || got.Size != int64(len(text)) {
				t.Errorf("delivered %+v with %q", got, text)
			}
		})
	}
}

func TestDeadDestination(t *testing.T) {
	w := newWorld(t)
	w.answers["dead.test"] = dead("connection refused")
	var ids []string
	for range 5 {
		ids = append(ids, w.accept(queue.Envelope{Sender: "a@me.test"}, "x@dead.test"))
	}
	live := w.accept(queue.Envelope{Sender: "a@me.test"}, "x@dead.test", "b@there.test")
	w.opt.PerDestination = 1
	w.pass()
	if w.tries != 2 { // one at the dead one, one at the live one
		t.Errorf("%d attempts", w.tries)
	}
	if got := w.marks(live); got != "1. 2D" {
		t.Errorf("with a live recipient: %s", got)
	}
	skipped := 0
	for _, id := range ids {
		if strings.Contains(w.history(id), "not tried, the destination is down: mx.dead.test: 4.4.1 connection refused") {
			skipped++
		}
		if d := w.next(id); d < 30*time.Second || d > 10*time.Minute {
			t.Errorf("next attempt in %v", d)
		}
	}
	if skipped < 4 {
		t.Errorf("%d of 5 were put off without a try", skipped)
	}
	// It comes back: a probe, then all.
	delete(w.answers, "dead.test")
	w.advance(10 * time.Minute)
	w.pass()
	if got := strings.Count(w.mail(), "x@dead.test"); got != 6 {
		t.Errorf("%d of 6 delivered after it came back", got)
	}
	for range 3 {
		w.accept(queue.Envelope{Sender: "a@me.test"}, "x@dead.test")
		w.pass()
	}
	if h, err := w.spool.Health("dead.test"); err != nil || h.Fails != 0 {
		t.Errorf("health %+v, %v", h, err)
	}
}

func TestAllowance(t *testing.T) {
	for _, tt := range []struct{ most, fails, want int }{{20, 0, 20}, {20, 1, 10}, {20, 2, 5}, {20, 5, 1}, {20, 1000, 1}, {1, 1, 1}} {
		if got := allowance(tt.most, tt.fails); got != tt.want {
			t.Errorf("%d after %d failures: %d, want %d", tt.most, tt.fails, got, tt.want)
		}
	}
}

func TestSlowDestinationDelaysNobody(t *testing.T) {
	w := newWorld(t)
	hold := make(chan struct{})
	w.hold["slow.test"] = hold
	for range 20 {
		w.accept(queue.Envelope{Sender: "a@me.test"}, "x@slow.test")
	}
	for range 20 {
		w.accept(queue.Envelope{Sender: "a@me.test"}, "b@there.test")
	}
	done := make(chan error)
	go func() { done <- New(w.spool, w.opt).Pass(context.Background()) }()
	eventually(t, func() bool { return strings.Count(w.mail(), "b@there.test") == 20 })
	w.mu.Lock()
	if n := w.running["slow.test"]; n != 5 {
		t.Errorf("%d connections to the slow one", n)
	}
	w.mu.Unlock()
	close(hold)
	if err := <-done; err != nil {
		t.Error(err)
	}
	if n := strings.Count(w.mail(), "x@slow.test"); n != 20 || w.most["slow.test"] > 5 {
		t.Errorf("%d of 20 in the same pass, at most %d at once", n, w.most["slow.test"])
	}
}

func TestLimitsHoldAcrossRunners(t *testing.T) {
	w := newWorld(t)
	w.opt.PerDestination = 2
	for range 60 {
		w.accept(queue.Envelope{Sender: "a@me.test"}, "b@there.test")
	}
	var wg sync.WaitGroup
	for range 4 {
		s := open(t, w.spool.Dir())
		wg.Go(func() {
			if err := New(s, w.opt).Pass(context.Background()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := strings.Count(w.mail(), "b@there.test"); n != 60 || w.most["there.test"] > 2 {
		t.Errorf("%d of 60 delivered, %d connections at once", n, w.most["there.test"])
	}
}

func TestManyRecipientsInBatches(t *testing.T) {
	w := newWorld(t)
	var to []string
	for i := range 250 {
		to = append(to, fmt.Sprintf("u%d@there.test", i))
	}
	id := w.accept(queue.Envelope{Sender: "a@me.test"}, to...)
	w.pass()
	if w.tries != 3 || w.marks(id) != "gone" || len(w.got) != 250 {
		t.Errorf("%d transactions, %d delivered, %s", w.tries, len(w.got), w.marks(id))
	}
	w.answers["dead.test"] = dead("refused")
	for i := range to {
		to[i] = strings.Replace(to[i], "there", "dead", 1)
	}
	w.accept(queue.Envelope{Sender: "a@me.test"}, to...)
	w.pass()
	if w.tries != 4 {
		t.Errorf("%d attempts at a destination that does not answer", w.tries-3)
	}
}

func TestServe(t *testing.T) {
	w := newWorld(t)
	w.opt.Now = time.Now
	w.opt.Backoff = 200 * time.Millisecond
	w.answers["y@there.test"] = refuse(451, "later")
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- New(w.spool, w.opt).Serve(ctx) }()
	time.Sleep(50 * time.Millisecond)
	w.accept(queue.Envelope{Sender: "a@me.test"}, "b@there.test", "y@there.test")
	eventually(t, func() bool { return w.mail() == "a@me.test>b@there.test" }) // woken, long before Rescan
	w.mu.Lock()
	delete(w.answers, "y@there.test")
	w.mu.Unlock()
	eventually(t, func() bool { return strings.Contains(w.mail(), "y@there.test") }) // its time came
	// A stop lets the attempt in flight end.
	hold := make(chan struct{})
	w.mu.Lock()
	w.hold["slow.test"] = hold
	w.mu.Unlock()
	id := w.accept(queue.Envelope{Sender: "a@me.test"}, "x@slow.test")
	eventually(t, func() bool { w.mu.Lock(); defer w.mu.Unlock(); return w.running["slow.test"] == 1 })
	cancel()
	select {
	case <-done:
		t.Error("stopped with an attempt in flight")
	case <-time.After(100 * time.Millisecond):
	}
	close(hold)
	if err := <-done; err != nil || w.marks(id) != "gone" {
		t.Errorf("%v, %s", err, w.marks(id))
	}
}

func TestStopEndsWhatTakesTooLong(t *testing.T) {
	w := newWorld(t)
	w.opt.StopWait = 50 * time.Millisecond
	w.hold["slow.test"] = make(chan struct{})
	id := w.accept(queue.Envelope{Sender: "a@me.test"}, "x@slow.test")
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- New(w.spool, w.opt).Serve(ctx) }()
	eventually(t, func() bool { w.mu.Lock(); defer w.mu.Unlock(); return w.running["slow.test"] == 1 })
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if d := w.next(id); d > 0 || w.marks(id) != "1." { // our stopping is not held against the destination
		t.Errorf("%s, next in %v", w.marks(id), d)
	}
	if h, _ := w.spool.Health("slow.test"); h.Fails != 0 {
		t.Errorf("health %+v", h)
	}
}

func TestHeldIsLeftAlone(t *testing.T) {
	w := newWorld(t)
	id := w.accept(queue.Envelope{Sender: "a@me.test"}, "b@there.test")
	m, err := w.spool.Lock(id)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Hold(); err != nil {
		t.Fatal(err)
	}
	m.Close()
	w.pass()
	if w.tries != 0 || w.marks(id) != "1." {
		t.Errorf("%d attempts, %s", w.tries, w.marks(id))
	}
}

func eventually(t *testing.T, ok func() bool) {
	t.Helper()
	for range 3000 { // a loaded machine is slow
		if ok() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatal("it did not come to pass")
}
