package listen

import (
	"fmt"
	"net"
	"net/netip"

	"pneu/mta/sysexits"
)

// Networks reads a list of networks and single addresses, the value of the setting named key.
func Networks(key string, list []string) ([]netip.Prefix, error) {
	var nets []netip.Prefix
	for _, s := range list {
		p, err := netip.ParsePrefix(s)
		if a, aerr := netip.ParseAddr(s); aerr == nil {
			p, err = netip.PrefixFrom(a, a.BitLen()), nil
		}
		if err != nil {
			return nil, sysexits.New(sysexits.Config, fmt.Sprintf("%s: %q is no network: write 192.0.2.0/24, 2001:db8::/32 or one address", key, s))
		}
		nets = append(nets, p.Masked())
	}
	return nets, nil
}

// Within reports whether one of the networks holds a peer's address; a peer without one, as behind
// a Unix socket, is on this machine and held to be within.
func Within(nets []netip.Prefix, addr net.Addr) bool {
	t, ok := addr.(*net.TCPAddr)
	if !ok {
		return true
	}
	ip := t.AddrPort().Addr().Unmap().WithZone("")
	for _, n := range nets {
		if n.Contains(ip) {
			return true
		}
	}
	return false
}
