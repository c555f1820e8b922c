package runner

import (
	"bufio"
	"bytes"
	"io"
	"math/rand/v2"
	"time"

	"pneu/mta/outbound"
	"pneu/mta/queue"
)

// past is what a message's history says of one recipient. It is not needed for
// correctness: what is lost from it costs an earlier try.
type past struct {
	begun    bool // an attempt was begun, whatever came of it
	attempts int  // that ended without a result
	next     time.Time
	last     outbound.Result
	warned   bool
}

// Requeued is the text of a "released" event after which waits are as short
// again as for new mail.
const Requeued = "requeued"

func summarize(events []queue.Event) map[int]past {
	m := map[int]past{}
	for _, ev := range events {
		if ev.Kind == "released" { // by hand: what was planned before is void
			for n, p := range m {
				p.next = time.Time{}
				if ev.Text == Requeued {
					p.attempts = 0
				}
				m[n] = p
			}
		}
		if ev.Rcpt == 0 {
			continue
		}
		p := m[ev.Rcpt]
		switch ev.Kind {
		case "attempt":
			p.begun = true
		case "deferred":
			p.attempts++
			p.next = ev.Next
			p.last = outbound.Result{Host: ev.Host, IP: ev.IP, TLS: ev.TLS, Code: ev.Code, Enhanced: ev.Enhanced, Text: ev.Text, Temp: true}
		case "note":
			if !ev.Next.IsZero() {
				p.next = ev.Next
			}
		case "delayed":
			p.warned = true
		}
		m[ev.Rcpt] = p
	}
	return m
}

// countReceived counts the Received fields of a message (RFC 5321, 6.3).
func countReceived(r io.Reader) int {
	const most = 1 << 20 // a header beyond that is refused on the way in
	b := bufio.NewReaderSize(io.LimitReader(r, most), 16<<10)
	count, start := 0, true
	for {
		line, err := b.ReadSlice('\n')
		if start && len(line) >= 9 && bytes.EqualFold(line[:9], []byte("received:")) {
			count++
		}
		if start && len(bytes.TrimRight(line, "\r\n")) == 0 {
			return count
		}
		start = err == nil // after a piece of an overlong line comes no field
		if err != nil && err != bufio.ErrBufferFull {
			return count
		}
	}
}

// jitter spreads d by 30 % either way, so that what failed together does not
// come back together.
func jitter(d time.Duration) time.Duration {
	return time.Duration(float64(d) * (0.7 + 0.6*rand.Float64()))
}

// spread is a time up to d.
func spread(d time.Duration) time.Duration { return time.Duration(rand.Float64() * float64(d)) }
