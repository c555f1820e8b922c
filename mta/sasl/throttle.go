package sasl

import (
	"net/netip"
	"sync"
	"time"
)

// Bounds of a [Throttle].
const (
	freeFailures   = 5                // before anybody waits: people mistype
	firstWait      = time.Second      // after one more; it doubles with each
	longestWait    = 16 * time.Second // and goes no higher
	patience       = longestWait      // whom it would keep longer is sent away
	forgetting     = 5 * time.Minute  // a failure is forgotten
	maxFailures    = 20               // counted; what is above is forgotten at once
	throttledPeers = 10_000           // remembered at a time
)

// A Throttle makes those who guess passwords wait, however many connections
// they open: failures are counted by client address, and each further attempt
// from there has to wait its turn, the right password too. A name is never
// locked, since anyone could lock out its owner.
//
// It remembers so many addresses and no more; when it is full, one that has
// been quiet long goes. IPv6 addresses count by /64, which one host has for
// itself. Any number of goroutines, and several servers, may use it.
type Throttle struct {
	now   func() time.Time
	mu    sync.Mutex
	peers map[netip.Prefix]*guesser
}

type guesser struct {
	fails int
	since time.Time // fails is as of then
	free  time.Time // the next attempt may be made then
}

// NewThrottle returns a throttle that has seen nobody.
func NewThrottle() *Throttle {
	return &Throttle{now: time.Now, peers: map[netip.Prefix]*guesser{}}
}

// Admit takes a turn for an attempt from addr and returns how long to wait
// before it. If not ok, too many wait already: the attempt must be refused.
func (t *Throttle) Admit(addr netip.Addr) (wait time.Duration, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	g := t.peers[network(addr)]
	if g == nil {
		return 0, true
	}
	now := t.now()
	g.forget(now)
	if g.fails <= freeFailures {
		return 0, true
	}
	pause := min(firstWait<<min(g.fails-freeFailures-1, 10), longestWait)
	at := g.free
	if at.Before(now) {
		at = now
	}
	if at.Add(pause).Sub(now) > patience {
		return 0, false
	}
	g.free = at.Add(pause)
	return g.free.Sub(now), true
}

// Failed counts a wrong proof from addr and returns how many there are.
func (t *Throttle) Failed(addr netip.Addr) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	now, key := t.now(), network(addr)
	g := t.peers[key]
	if g == nil {
		if len(t.peers) >= throttledPeers {
			t.evict(now)
		}
		g = &guesser{since: now}
		t.peers[key] = g
	}
	g.forget(now)
	g.fails = min(g.fails+1, maxFailures)
	return g.fails
}

// forget takes off a failure for each span that has passed.
func (g *guesser) forget(now time.Time) {
	n := int(now.Sub(g.since) / forgetting)
	if n <= 0 {
		return
	}
	g.fails = max(0, g.fails-n)
	g.since = g.since.Add(time.Duration(n) * forgetting)
}

// evict makes room: whoever has nothing against him goes, else, of a few taken
// at random, the one with the fewest failures.
func (t *Throttle) evict(now time.Time) {
	var least netip.Prefix
	var fewest *guesser
	looked := 0
	for key, g := range t.peers { // the order of a map is random
		if g.forget(now); g.fails == 0 {
			delete(t.peers, key)
		} else if fewest == nil || g.fails < fewest.fails {
			least, fewest = key, g
		}
		if looked++; looked >= 32 {
			break
		}
	}
	if len(t.peers) >= throttledPeers {
		delete(t.peers, least)
	}
}

func network(addr netip.Addr) netip.Prefix {
	addr = addr.Unmap().WithZone("")
	bits := 32
	if addr.Is6() {
		bits = 64
	}
	p, _ := addr.Prefix(bits)
	return p
}
