package runner

import (
	"time"

	"pneu/mta/outbound"
	"pneu/mta/queue"
)

// How long a destination that does not answer is left alone: from a minute,
// doubling, to half an hour.
const (
	restMin = time.Minute
	restMax = 30 * time.Minute
)

// allowance is how many connections a destination may have after fails
// failures in a row: one, as a probe, and more with each success.
func allowance(most, fails int) int {
	return max(1, most>>min(fails, 16))
}

// judge notes whether a destination answered.
func (r *Runner) judge(dest string, reached bool, last outbound.Result) {
	h, err := r.spool.Health(dest)
	if err != nil {
		r.log.Debug("read health", "dest", dest, "error", err)
	}
	now := r.opt.Now()
	switch {
	case reached && h.Fails == 0:
		return
	case reached: // approach slowly what comes back
		h.Fails = min(h.Fails, 3) - 1
		h.Next = time.Time{}
		if h.Fails == 0 {
			h.Last = ""
		}
	case !last.Temp: // no such domain, no mail wanted: an answer about the address, not about health
		return
	case resting(h, now): // another attempt that began at the same time said so already
		return
	default:
		h.Fails++
		h.Next = now.Add(jitter(rest(h.Fails)))
		h.Last = status(last)
		if last.Host != "" {
			h.Last = last.Host + ": " + h.Last
		}
	}
	if err := r.spool.SetHealth(dest, h); err != nil {
		r.log.Debug("write health", "dest", dest, "error", err)
	}
}

// resting reports whether a destination is to be left alone. A time far off
// was written by a clock that has been put right since.
func resting(h queue.Health, now time.Time) bool {
	return h.Fails > 0 && h.Next.After(now) && h.Next.Before(now.Add(2*restMax))
}

func rest(fails int) time.Duration {
	d := restMin
	for ; fails > 1 && d < restMax; fails-- {
		d *= 2
	}
	return min(d, restMax)
}
