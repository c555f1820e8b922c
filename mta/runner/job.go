package runner

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"time"

	"pneu/maildir/address"
	"pneu/mta/dns"
	"pneu/mta/outbound"
	"pneu/mta/queue"
)

// job is the work on one message, under its lock.
type job struct {
	r   *Runner
	m   *queue.Message
	now time.Time

	past    map[int]past
	fresh   bool // the history could be read
	groups  []*group
	changed bool // there is something to record even without an attempt

	mu       sync.Mutex // guards m and what follows while groups are under way
	delivers []verdict
	fails    []verdict
	defers   []verdict
	left     bool // some recipients were not tried and stay due
}

// here is the destination of local recipients; no domain has this name.
const here = ""

// group is the recipients of one destination.
type group struct {
	dest    string // the name of its slots and health
	to      outbound.Destination
	local   bool
	rcpts   []queue.Recipient
	release func()
	health  queue.Health
	why     string // there is no attempt for now
}

// verdict is what became of a recipient in this job.
type verdict struct {
	rcpt   queue.Recipient
	res    outbound.Result
	local  bool
	mark   queue.Mark
	next   time.Time
	untold bool // deferred without having been tried
}

// plan groups the recipients and takes what they need. It returns the
// destinations without room.
func (j *job) plan() (waits []string) {
	m := j.m
	if m.Next.After(j.now) || m.State == queue.Held {
		return nil
	}
	pending := m.Pending()
	if len(pending) == 0 { // a crash came between the last mark and the end
		j.changed = true
		return nil
	}
	events, err := m.History()
	if err != nil { // it is for people; the worst case is an earlier try
		j.r.log.Warn("read history", "qid", m.ID, "error", err)
	}
	j.past, j.fresh = summarize(events), err == nil
	if hops := countReceived(m.Body()); hops > j.r.opt.MaxHops {
		j.changed = true
		for _, rc := range pending {
			j.fails = append(j.fails, verdict{rcpt: rc, mark: queue.Failed, res: outbound.Result{Enhanced: "5.4.6",
				Text: "too many hops: the message has been through " + itoa(hops) + " servers and is in a loop"}})
		}
		return nil
	}
	due := pending[:0:0]
	for _, rc := range pending {
		if !j.past[rc.N].next.After(j.now) {
			due = append(due, rc)
		} else {
			j.defers = append(j.defers, verdict{rcpt: rc, next: j.past[rc.N].next, untold: true})
		}
	}
	if len(due) == 0 { // due as a whole and in no part: somebody touched the file to have it tried
		due, j.defers = pending, nil
	}
	for _, g := range j.group(due) {
		switch ok, down := j.take(g); {
		case ok:
			j.groups = append(j.groups, g)
		case down:
			j.changed = true
			j.skip(g)
		default:
			j.left = true
			waits = append(waits, g.dest)
		}
	}
	return waits
}

// group sorts recipients by where they go, in order of first appearance.
func (j *job) group(rcpts []queue.Recipient) []*group {
	var list []*group
	byDest := map[string]*group{}
	for _, rc := range rcpts {
		g := &group{}
		_, domain := address.Split(rc.Addr)
		switch ascii, err := dns.ASCII(domain); {
		case domain == "" || j.r.opt.IsLocal(strings.ToLower(domain)) || err == nil && j.r.opt.IsLocal(ascii):
			g.local, g.dest = true, here
		case j.r.opt.Relay != nil:
			g.dest = strings.ToLower(j.r.opt.Relay.Host)
			g.to = outbound.Destination{Domain: domain, Relay: j.r.opt.Relay}
		default:
			if err != nil {
				ascii = strings.ToLower(domain)
			}
			g.dest, g.to = ascii, outbound.Destination{Domain: ascii}
		}
		if known := byDest[g.dest]; known != nil {
			g = known
		} else {
			byDest[g.dest] = g
			list = append(list, g)
		}
		g.rcpts = append(g.rcpts, rc)
	}
	return list
}

// take gets the right to an attempt. If the destination is down there is none
// to be had for now; otherwise there may be soon.
func (j *job) take(g *group) (ok, down bool) {
	r := j.r
	if g.local {
		select {
		case r.local <- struct{}{}:
		default:
			return false, false
		}
		g.release = func() { <-r.local }
		return true, false
	}
	health, err := r.spool.Health(g.dest)
	if err != nil {
		r.log.Debug("read health", "dest", g.dest, "error", err)
	}
	g.health = health
	if resting(health, j.now) {
		g.why = "the destination is down: " + health.Last
		return false, true
	}
	limit := allowance(r.opt.PerDestination, health.Fails)
	r.mu.Lock()
	full := r.conns[g.dest] >= limit
	if !full {
		r.conns[g.dest]++
	}
	r.mu.Unlock()
	if full {
		return false, false
	}
	give := func() {
		r.mu.Lock()
		if r.conns[g.dest]--; r.conns[g.dest] == 0 {
			delete(r.conns, g.dest)
		}
		r.mu.Unlock()
	}
	select {
	case r.remote <- struct{}{}:
	default:
		give()
		return false, false
	}
	slot, err := r.spool.Slot(g.dest, limit)
	if err != nil {
		<-r.remote
		give()
		if errors.Is(err, queue.ErrBusy) {
			return false, false
		}
		r.log.Error("take a slot", "qid", j.m.ID, "dest", g.dest, "error", err)
		g.health.Next, g.why = j.now.Add(restMin), err.Error()
		return false, true
	}
	g.release = func() {
		slot.Release()
		<-r.remote
		give()
	}
	return true, false
}

// skip puts off the recipients of a destination that is down or cannot be had.
func (j *job) skip(g *group) {
	for _, rc := range g.rcpts {
		res := outbound.Result{Enhanced: "4.4.1", Text: "not tried, " + g.why, Temp: true}
		// Spread over the time after the next probe: what waits must not come back as one crowd.
		next := g.health.Next.Add(spread(time.Minute + j.r.opt.Backoff/5))
		j.defers = append(j.defers, verdict{rcpt: rc, res: res, next: next, untold: true})
		j.note(queue.Event{Kind: "note", Rcpt: rc.N, Enhanced: res.Enhanced, Text: res.Text, Next: next})
	}
}

func (j *job) note(evs ...queue.Event) {
	for i := range evs {
		evs[i].Time = j.r.opt.Now()
	}
	if err := j.m.Log(evs...); err != nil {
		j.r.log.Warn("write history", "qid", j.m.ID, "error", err)
	}
}

// run makes the attempts and records what came of them.
func (j *job) run(ctx context.Context) {
	defer j.m.Close()
	var wg sync.WaitGroup
	for _, g := range j.groups {
		wg.Go(func() {
			defer g.release()
			j.mu.Lock()
			var begun []queue.Event
			for _, rc := range g.rcpts {
				begun = append(begun, queue.Event{Kind: "attempt", Rcpt: rc.N})
			}
			j.note(begun...)
			j.mu.Unlock()
			if g.local {
				j.deliverLocal(ctx, g)
			} else {
				j.deliverRemote(ctx, g)
			}
		})
	}
	wg.Wait()
	j.settle()
}

// batch is how many recipients one transaction carries: what every server must
// take (RFC 5321, 4.5.3.1.8).
const batch = 100

func (j *job) deliverRemote(ctx context.Context, g *group) {
	reached, tried := false, false
	var last outbound.Result
	for rest := g.rcpts; len(rest) > 0; {
		now := rest[:min(batch, len(rest))]
		rest = rest[len(now):]
		var results []outbound.Result
		if tried && !reached { // the destination does not answer: once is enough
			for _, rc := range now {
				res := last
				res.Rcpt = rc.N
				results = append(results, res)
			}
		} else {
			msg := outbound.Message{Envelope: j.m.Envelope, Body: j.m.Body(), Tried: func(res outbound.Result) {
				j.mu.Lock()
				defer j.mu.Unlock()
				j.note(event("attempt", 0, res))
			}}
			results = j.r.opt.Remote.Deliver(ctx, g.to, msg, now)
			tried = true
		}
		if ctx.Err() != nil { // stopped by us: it says nothing about the destination
			results = j.unstopped(results, now)
		}
		for _, res := range results {
			reached = reached || res.Reached
			last = res
		}
		j.record(now, results, false)
	}
	if ctx.Err() == nil {
		j.r.judge(g.dest, reached, last)
	}
}

// unstopped drops the results that only say that we stopped.
func (j *job) unstopped(results []outbound.Result, rcpts []queue.Recipient) []outbound.Result {
	for i := range results {
		if results[i].Temp && results[i].Code == 0 {
			results[i].Rcpt = 0
		}
	}
	return results
}

func (j *job) deliverLocal(ctx context.Context, g *group) {
	for _, rc := range g.rcpts {
		if ctx.Err() != nil {
			j.mu.Lock()
			j.left = true
			j.mu.Unlock()
			return
		}
		var err error
		if j.r.opt.Local == nil {
			err = errors.New("there is no local delivery here")
		} else {
			body := j.m.Body()
			err = j.r.opt.Local(ctx, LocalDelivery{ID: j.m.ID, N: rc.N, Sender: j.m.Sender, Recipient: rc.Addr, ORcpt: rc.ORcpt,
				Arrived: j.m.Arrived, First: j.fresh && !j.past[rc.N].begun, Body: body, Size: j.m.Size})
		}
		res := localResult(err)
		res.Rcpt = rc.N
		if err != nil && ctx.Err() != nil {
			res.Rcpt = 0
		}
		j.record([]queue.Recipient{rc}, []outbound.Result{res}, true)
	}
}

// record marks what was delivered, durably, and keeps the rest for settle.
func (j *job) record(rcpts []queue.Recipient, results []outbound.Result, local bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	marks := map[int]queue.Mark{}
	for _, res := range results {
		if res.OK {
			marks[res.Rcpt] = queue.Done
		}
	}
	if len(marks) > 0 {
		if err := j.m.SetMarks(marks); err != nil {
			// The one hole nobody can close: it was taken, and we cannot say so on disk.
			j.r.log.Error("record delivery", "qid", j.m.ID, "error", err)
			j.left = true
		}
	}
	for i, res := range results {
		v := verdict{rcpt: rcpts[i], res: res, local: local}
		switch {
		case res.Rcpt == 0:
			j.left = true
		case res.OK:
			v.mark = queue.Done
			j.delivers = append(j.delivers, v)
			j.note(event("delivered", v.rcpt.N, res))
			level := slog.LevelInfo
			if local { // whoever delivers has said so, and where to
				level = slog.LevelDebug
			}
			j.r.log.Log(context.Background(), level, "delivered", "qid", j.m.ID, "to", v.rcpt.Addr, "host", res.Host, "ip", res.IP, "tls", res.TLS, "status", status(res))
		case res.Temp:
			j.defers = append(j.defers, v)
		default:
			v.mark = queue.Failed
			j.fails = append(j.fails, v)
		}
	}
}

func event(kind string, n int, res outbound.Result) queue.Event {
	return queue.Event{Kind: kind, Rcpt: n, Host: res.Host, IP: res.IP, TLS: res.TLS, Code: res.Code, Enhanced: res.Enhanced, Text: res.Text}
}

func status(res outbound.Result) string {
	s := res.Enhanced
	if res.Code != 0 {
		s = strings.TrimSpace(itoa(res.Code) + " " + s)
	}
	return strings.TrimSpace(s + " " + res.Text)
}
