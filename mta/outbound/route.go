package outbound

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"sort"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"pneu/mta/dns"
)

// host is one address to try.
type host struct {
	name string
	addr netip.AddrPort
}

// maxMX bounds the exchangers looked at; more are somebody's joke.
const maxMX = 20

// route finds the addresses for dest in the order of trying.
func (c *Client) route(ctx context.Context, dest Destination) ([]host, *Result) {
	if dest.Relay != nil {
		return c.addresses(ctx, []dns.MX{{Host: dest.Relay.Host}}, dest.Relay.Port, false)
	}
	if strings.HasPrefix(dest.Domain, "[") {
		ip, ok := literal(dest.Domain)
		if !ok {
			return nil, local(false, "5.1.2", "not an address literal: "+dest.Domain)
		}
		if slices.Contains(c.opt.Self, ip) {
			return nil, local(false, "5.4.6", "mail for "+dest.Domain+" loops back to this host")
		}
		return []host{{dest.Domain, netip.AddrPortFrom(ip, uint16(c.opt.Port))}}, nil
	}
	list, err := c.opt.Resolver.MX(ctx, dest.Domain)
	switch {
	case errors.Is(err, dns.ErrNullMX): // RFC 7505, 4.2
		return nil, local(false, "5.1.10", dest.Domain+" accepts no mail (null MX)")
	case errors.Is(err, dns.ErrNotFound):
		return nil, local(false, "5.1.2", "no such domain: "+dest.Domain)
	case errors.Is(err, dns.ErrNoData):
		list = []dns.MX{{Host: dest.Domain}} // RFC 5321, 5.1: the implicit MX
	case err != nil:
		return nil, local(true, "4.4.3", err.Error())
	}
	return c.addresses(ctx, list, c.opt.Port, true)
}

// addresses resolves the exchangers and puts their addresses in order. With
// self, those at and behind ourselves are left out.
func (c *Client) addresses(ctx context.Context, list []dns.MX, port int, self bool) ([]host, *Result) {
	shuffle(list) // RFC 5321, 5.1: equals in random order
	sort.SliceStable(list, func(i, j int) bool { return list[i].Pref < list[j].Pref })
	list = list[:min(len(list), maxMX)]
	type found struct {
		addrs []netip.Addr
		err   error
	}
	results := make([]found, len(list))
	var wg sync.WaitGroup
	for i, m := range list {
		wg.Go(func() {
			if ip, err := netip.ParseAddr(strings.Trim(m.Host, "[]")); err == nil {
				if self { // an address where a name belongs: RFC 5321, 5.1 knows no such thing
					results[i] = found{nil, &dns.Error{Name: m.Host, Type: "A", Kind: dns.ErrNotFound}}
					return
				}
				results[i].addrs = []netip.Addr{ip}
				return
			}
			if !self && strings.EqualFold(m.Host, "localhost") { // RFC 6761, 6.3: no question for the DNS
				results[i].addrs = []netip.Addr{netip.MustParseAddr("127.0.0.1"), netip.IPv6Loopback()}
				return
			}
			ask := c.opt.Resolver.Addrs
			if !self && c.opt.RelayAddrs != nil {
				ask = c.opt.RelayAddrs
			}
			addrs, err := ask(ctx, m.Host)
			for i := range addrs {
				addrs[i] = addrs[i].Unmap()
			}
			results[i] = found{addrs, err}
		})
	}
	wg.Wait()
	limit := 1 << 16
	if self {
		for i, m := range list { // RFC 5321, 5.1: drop ourselves and all that is not preferred to us
			ours := c.opt.Self != nil && strings.EqualFold(m.Host, c.opt.Hostname)
			for _, ip := range results[i].addrs {
				ours = ours || slices.Contains(c.opt.Self, ip)
			}
			if ours {
				limit = min(limit, int(m.Pref))
			}
		}
	}
	var hosts []host
	var temp, gone error
	dropped := false
	for i, m := range list {
		if int(m.Pref) >= limit {
			dropped = true
			continue
		}
		switch err := results[i].err; {
		case errors.Is(err, dns.ErrNotFound), errors.Is(err, dns.ErrNoData):
			gone = err
		case err != nil:
			temp = err
		}
		for _, ip := range alternate(results[i].addrs, c.opt.NoIPv4, c.opt.NoIPv6) {
			hosts = append(hosts, host{m.Host, netip.AddrPortFrom(ip, uint16(port))})
		}
	}
	switch {
	case len(hosts) > 0:
		return hosts, nil
	case temp != nil:
		return nil, local(true, "4.4.3", temp.Error())
	case dropped:
		return nil, local(false, "5.4.6", "the mail exchanger is this host, which does not know the domain as its own")
	case !self && gone != nil: // the relay's name: our own configuration, mail is kept
		return nil, local(true, "4.4.3", gone.Error())
	case gone != nil:
		return nil, local(false, "5.1.2", gone.Error())
	}
	return nil, local(true, "4.4.4", "no address of a family in use")
}

// alternate mixes the families, IPv6 first, so that one that does not work
// here costs one try before the other has its turn.
func alternate(list []netip.Addr, no4, no6 bool) []netip.Addr {
	var four, six, out []netip.Addr
	for _, ip := range list {
		if ip.Is4() {
			four = append(four, ip)
		} else {
			six = append(six, ip)
		}
	}
	shuffle(four)
	shuffle(six)
	if no4 {
		four = nil
	}
	if no6 {
		six = nil
	}
	for len(four)+len(six) > 0 {
		if len(six) > 0 {
			out, six = append(out, six[0]), six[1:]
		}
		if len(four) > 0 {
			out, four = append(out, four[0]), four[1:]
		}
	}
	return out
}

// literal reads an address literal (RFC 5321, 4.1.3).
func literal(s string) (netip.Addr, bool) {
	s, ok := strings.CutPrefix(s, "[")
	s, ok2 := strings.CutSuffix(s, "]")
	if !ok || !ok2 {
		return netip.Addr{}, false
	}
	six := false
	if len(s) > 5 && strings.EqualFold(s[:5], "IPv6:") {
		s, six = s[5:], true
	}
	ip, err := netip.ParseAddr(s)
	return ip.Unmap(), err == nil && ip.Zone() == "" && ip.Is6() == six
}

// A Relay is a host that takes mail for every domain.
type Relay struct {
	Scheme         string // smtp, submission (STARTTLS demanded), smtps (TLS at once)
	Host           string
	Port           int
	User, Password string // empty: no AUTH
}

// ParseRelay reads "smtp://host:port", "submission://host" or "smtps://host".
// auth is "user:password" or empty.
func ParseRelay(url, auth string) (*Relay, error) {
	scheme, rest, ok := strings.Cut(url, "://")
	if !ok {
		scheme, rest = "smtp", url
	}
	r := &Relay{Scheme: strings.ToLower(scheme)}
	switch r.Scheme {
	case "smtp":
		r.Port = 25
	case "submission":
		r.Port = 587
	case "smtps", "submissions":
		r.Scheme, r.Port = "smtps", 465
	default:
		return nil, errors.New("relay " + url + ": the scheme must be smtp, submission or smtps")
	}
	r.Host = strings.TrimSuffix(rest, "/")
	if h, p, err := net.SplitHostPort(r.Host); err == nil {
		n, err := strconv.ParseUint(p, 10, 16)
		if err != nil || n == 0 {
			return nil, errors.New("relay " + url + ": not a port: " + p)
		}
		r.Host, r.Port = h, int(n)
	}
	r.Host = strings.Trim(r.Host, "[]")
	if r.Host == "" || strings.ContainsAny(r.Host, " /@") {
		return nil, errors.New("relay " + url + ": no host name")
	}
	if auth != "" {
		if r.User, r.Password, ok = strings.Cut(auth, ":"); !ok || r.User == "" {
			return nil, errors.New("relay_auth: must be user:password")
		}
	}
	return r, nil
}

func (r *Relay) mustTLS() bool { return r.Scheme != "smtp" }

// verified says that TLS with the relay is only worth something with a valid
// certificate. With credentials it is: what stands in the middle would get the
// password, or with SCRAM the mail.
func (r *Relay) verified() bool { return r.mustTLS() || r.User != "" }

// unreachable says that the address family does not work on this host.
func unreachable(err error) bool {
	return errors.Is(err, syscall.ENETUNREACH) || errors.Is(err, syscall.EADDRNOTAVAIL) || errors.Is(err, syscall.EAFNOSUPPORT)
}
