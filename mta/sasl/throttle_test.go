package sasl

import (
	"net/netip"
	"testing"
	"time"
)

func TestThrottle(t *testing.T) {
	now := time.Unix(1e9, 0)
	th := NewThrottle()
	th.now = func() time.Time { return now }
	a, b := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")
	for range freeFailures {
		if w, ok := th.Admit(a); w != 0 || !ok {
			t.Fatalf("waits %v before it has failed often", w)
		}
		th.Failed(a)
	}
	for i, want := range []time.Duration{0, 1, 2, 4, 8, 16, 16, 16} {
		w, ok := th.Admit(a)
		if w != want*time.Second || !ok {
			t.Errorf("attempt %d waits %v, %v; want %v s", i, w, ok, want)
		}
		now = now.Add(w)
		th.Failed(a)
	}
	if w, ok := th.Admit(b); w != 0 || !ok {
		t.Errorf("a stranger to it all waits %v, %v", w, ok)
	}
	// Many connections at once get no more attempts than one.
	admitted := 0
	for range 50 {
		if w, ok := th.Admit(a); ok {
			admitted++
			if w > patience {
				t.Errorf("kept for %v", w)
			}
		}
	}
	if admitted != 1 {
		t.Errorf("%d of 50 were admitted", admitted)
	}
	now = now.Add(12 * forgetting)
	if w, ok := th.Admit(a); w != 0 || !ok {
		t.Errorf("an hour later it waits %v, %v", w, ok)
	}
}

func TestThrottleNetworks(t *testing.T) {
	th := NewThrottle()
	for _, s := range []string{"2001:db8::1", "2001:db8::2", "2001:db8::ffff:1", "2001:db8::3", "2001:db8::4", "2001:db8::5"} {
		th.Failed(netip.MustParseAddr(s))
	}
	if w, _ := th.Admit(netip.MustParseAddr("2001:db8::77")); w == 0 {
		t.Error("another address of the same /64 does not wait")
	}
	if w, _ := th.Admit(netip.MustParseAddr("2001:db8:0:1::77")); w != 0 {
		t.Error("another /64 waits")
	}
	for range 6 {
		th.Failed(netip.MustParseAddr("::ffff:192.0.2.1"))
	}
	if w, _ := th.Admit(netip.MustParseAddr("192.0.2.1")); w == 0 {
		t.Error("the mapped form is another address")
	}
}

// Neither many addresses nor their coming all at once makes it grow, and those
// who fail most are not the ones forgotten.
func TestThrottleIsBounded(t *testing.T) {
	th := NewThrottle()
	bad := netip.MustParseAddr("192.0.2.1")
	for range 10 {
		th.Failed(bad)
	}
	addr := netip.MustParseAddr("10.0.0.0")
	for range throttledPeers + 2000 {
		addr = addr.Next()
		th.Failed(addr)
	}
	if n := len(th.peers); n != throttledPeers {
		t.Errorf("remembers %d", n)
	}
	if w, ok := th.Admit(bad); ok && w == 0 {
		t.Error("the worst was forgotten")
	}
	th.Failed(netip.Addr{}) // a peer without an address
}
