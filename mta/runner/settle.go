package runner

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"pneu/mta/outbound"
	"pneu/mta/queue"
	"pneu/mta/sysexits"
)

// settle ends the job: reports, marks, the time of the next attempt. Groups are
// done; nothing else touches the message.
func (j *job) settle() {
	now := j.r.opt.Now()
	log := j.r.log
	expires := j.r.expires(j.m)
	var waits []verdict
	for _, v := range j.defers {
		p := j.past[v.rcpt.N]
		if !v.untold {
			v.next = now.Add(backoff(j.r.opt.Backoff, j.r.opt.BackoffMax, p.attempts))
		}
		if !now.Before(expires) {
			if v.untold && v.res.Text == "" {
				v.res = p.last
			}
			v.mark = queue.Expired
			j.fails = append(j.fails, v)
			continue
		}
		if v.next.After(expires) {
			v.next = expires // be there on time for the last attempt
		}
		if at := j.m.Arrived.Add(j.r.opt.Warn); j.r.opt.Warn > 0 && now.Before(at) && v.next.After(at) {
			v.next = at // and for the warning
		}
		waits = append(waits, v)
		if !v.untold {
			ev := event("deferred", v.rcpt.N, v.res)
			ev.Next = v.next
			j.note(ev)
			log.Info("deferred", "qid", j.m.ID, "to", v.rcpt.Addr, "host", v.res.Host, "ip", v.res.IP, "next", v.next.Format(time.RFC3339), "status", status(v.res))
		}
	}
	byNumber := func(a, b verdict) int { return a.rcpt.N - b.rcpt.N }
	slices.SortFunc(j.fails, byNumber) // destinations end in any order
	slices.SortFunc(j.delivers, byNumber)
	j.reportSuccess()
	recorded := true
	if len(j.fails) > 0 {
		recorded = j.fail()
	}
	j.reportDelay(now, waits)
	switch {
	case !recorded: // nothing was recorded: the whole is tried again
		if err := j.m.Defer(now.Add(spread(j.r.opt.Backoff))); err != nil {
			log.Error("put off", "qid", j.m.ID, "error", err)
		}
	case j.left: // part of it is due now
	case len(waits) > 0:
		next := waits[0].next
		for _, v := range waits {
			if v.next.Before(next) {
				next = v.next
			}
		}
		if err := j.m.Defer(next); err != nil {
			log.Error("put off", "qid", j.m.ID, "error", err)
		}
		j.r.expect(next)
	default:
		if err := j.m.Finish(); err != nil {
			log.Error("finish", "qid", j.m.ID, "error", err)
		}
	}
}

// expires is when a message is given up.
func (r *Runner) expires(m *queue.Message) time.Time {
	if r.opt.Expire > 0 {
		return m.Arrived.Add(r.opt.Expire)
	}
	if m.Expires.IsZero() {
		return m.Arrived.Add(5 * 24 * time.Hour) // RFC 5321, 4.5.4.1
	}
	return m.Expires
}

// backoff is the wait after an attempt when attempts were made before it.
func backoff(first, most time.Duration, attempts int) time.Duration {
	d := first
	for ; attempts > 0 && d < most; attempts-- {
		d *= 2
	}
	return jitter(min(d, most))
}

// localResult reads the error of a local delivery. RFC 3463 codes stand in for
// what an exit code cannot say.
func localResult(err error) outbound.Result {
	if err == nil {
		return outbound.Result{OK: true, Enhanced: "2.0.0", Text: "delivered to mailbox"}
	}
	res := outbound.Result{Text: err.Error()}
	switch sysexits.Code(err) {
	case sysexits.NoUser:
		res.Enhanced = "5.1.1"
	case sysexits.NoHost:
		res.Enhanced = "5.1.2"
	case sysexits.Data:
		res.Enhanced = "5.6.0"
	case sysexits.Unavailable:
		res.Enhanced = "5.3.0"
	case sysexits.NoPerm:
		res.Enhanced = "5.7.1"
	default: // our own trouble, and whatever a command may exit with: mail is kept
		res.Enhanced, res.Temp = "4.3.0", true
	}
	// Who delivered may know more, and what it knows must not contradict its exit code.
	var known interface{ Enhanced() string }
	if errors.As(err, &known) {
		if code := known.Enhanced(); strings.HasPrefix(code, res.Enhanced[:2]) {
			res.Enhanced = code
		}
	}
	return res
}

func itoa(n int) string { return strconv.Itoa(n) }
