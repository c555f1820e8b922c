// Package dns asks a recursive resolver what mail needs to know: mail
// exchangers, addresses, and any other record set a check on senders wants.
//
// It keeps apart what mail has to keep apart: a name that does not exist
// ([ErrNotFound]), one that has no such record ([ErrNoData]), a domain that
// takes no mail ([ErrNullMX]), and not knowing ([ErrTemporary]). The first
// three are answers; the last one never bounces a message.
//
// The resolver at the other end is trusted for its AD bit only when the caller
// says so by looking at [Answer.AD]; it belongs on this host or this network.
package dns

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"time"

	wire "github.com/miekg/dns"
	"golang.org/x/net/idna"
)

// What an [Error] can be, for errors.Is.
var (
	ErrNotFound  = errors.New("no such name")
	ErrNoData    = errors.New("no such record")
	ErrNullMX    = errors.New("domain accepts no mail")
	ErrTemporary = errors.New("name service does not answer")
)

// An Error says which question had no usable answer, and why.
type Error struct {
	Name, Type string
	Kind       error  // one of the Err values
	Detail     string // what the servers said, for the log
}

func (e *Error) Error() string {
	s := "look up " + e.Type + " of " + e.Name + ": " + e.Kind.Error()
	if e.Detail != "" {
		s += " (" + e.Detail + ")"
	}
	return s
}

func (e *Error) Unwrap() error { return e.Kind }

// Options say whom to ask and how long to wait.
type Options struct {
	// Servers are asked in turn, as "host:port"; without a port 53.
	Servers []string
	// Timeout is for one question to one server. Default 3 s.
	Timeout time.Duration
	// Rounds through the servers before giving up. Default 2.
	Rounds int
	// CacheSize is the number of record sets remembered. Default 4096; below 0 none.
	CacheSize int
}

// A Resolver asks questions. Any number of goroutines may use it.
type Resolver struct {
	opt   Options
	cache *cache
	now   func() time.Time
}

// New returns a resolver. Without servers it asks the one on this host.
func New(opt Options) *Resolver {
	if opt.Timeout <= 0 {
		opt.Timeout = 3 * time.Second
	}
	if opt.Rounds <= 0 {
		opt.Rounds = 2
	}
	if opt.CacheSize == 0 {
		opt.CacheSize = 4096
	}
	if len(opt.Servers) == 0 {
		opt.Servers = []string{"127.0.0.1:53"}
	}
	servers := make([]string, len(opt.Servers))
	for i, s := range opt.Servers {
		servers[i] = withPort(s)
	}
	opt.Servers = servers
	return &Resolver{opt: opt, cache: newCache(opt.CacheSize), now: time.Now}
}

func withPort(s string) string {
	if _, _, err := net.SplitHostPort(s); err == nil {
		return s
	}
	return net.JoinHostPort(strings.Trim(s, "[]"), "53")
}

// SystemServers reads the servers from a file in the form of /etc/resolv.conf.
func SystemServers(path string) ([]string, error) {
	c, err := wire.ClientConfigFromFile(path)
	if err != nil {
		return nil, err
	}
	var list []string
	for _, s := range c.Servers {
		list = append(list, net.JoinHostPort(s, c.Port))
	}
	return list, nil
}

// An Answer is a record set.
type Answer struct {
	Name    string // the owner after aliases, lower case, without the last dot
	Records []wire.RR
	AD      bool          // the resolver says it has checked the signatures
	TTL     time.Duration // the least of the records'
}

// An MX is a mail exchanger.
type MX struct {
	Host string // lower case, without the last dot
	Pref uint16
}

// MX returns the exchangers of domain in no order of meaning among equals,
// lower preferences first. [ErrNoData] means that the domain exists without any:
// RFC 5321, 5.1 then takes the domain itself as the host.
func (r *Resolver) MX(ctx context.Context, domain string) ([]MX, error) {
	a, err := r.Query(ctx, domain, wire.TypeMX)
	if err != nil {
		return nil, err
	}
	var list []MX
	for _, rr := range a.Records {
		m := rr.(*wire.MX)
		list = append(list, MX{Host: plain(m.Mx), Pref: m.Preference})
	}
	kept := list[:0]
	for _, m := range list {
		if m.Host != "" { // RFC 7505, 3: "." among others is an error of theirs, and no host
			kept = append(kept, m)
		}
	}
	if len(kept) == 0 { // 3: a single "." whatever its preference; of two, neither is a host
		return nil, &Error{domain, "MX", ErrNullMX, ""}
	}
	sortMX(kept)
	return kept, nil
}

func sortMX(l []MX) {
	for i := 1; i < len(l); i++ { // stable, and the lists are short
		for j := i; j > 0 && l[j].Pref < l[j-1].Pref; j-- {
			l[j], l[j-1] = l[j-1], l[j]
		}
	}
}

// Addrs returns the IPv6 and IPv4 addresses of host, IPv6 first. An address
// that one family has is an answer even if the other family's question failed.
func (r *Resolver) Addrs(ctx context.Context, host string) ([]netip.Addr, error) {
	type result struct {
		a   *Answer
		err error
	}
	ch := make(chan result, 1)
	go func() {
		a, err := r.Query(ctx, host, wire.TypeAAAA)
		ch <- result{a, err}
	}()
	a4, err4 := r.Query(ctx, host, wire.TypeA)
	six := <-ch
	var list []netip.Addr
	if six.err == nil {
		for _, rr := range six.a.Records {
			if ip, ok := netip.AddrFromSlice(rr.(*wire.AAAA).AAAA.To16()); ok {
				list = append(list, ip.Unmap())
			}
		}
	}
	if err4 == nil {
		for _, rr := range a4.Records {
			if ip, ok := netip.AddrFromSlice(rr.(*wire.A).A.To4()); ok {
				list = append(list, ip)
			}
		}
	}
	if len(list) > 0 {
		return list, nil
	}
	for _, err := range []error{err4, six.err} { // not knowing outweighs knowing of none
		if errors.Is(err, ErrTemporary) {
			return nil, err
		}
	}
	if err4 != nil {
		return nil, err4
	}
	return nil, six.err
}

// TXT returns the text records of name, the strings of each joined.
func (r *Resolver) TXT(ctx context.Context, name string) ([]string, error) {
	a, err := r.Query(ctx, name, wire.TypeTXT)
	if err != nil {
		return nil, err
	}
	var list []string
	for _, rr := range a.Records {
		list = append(list, strings.Join(rr.(*wire.TXT).Txt, ""))
	}
	return list, nil
}

// ASCII returns the form of a domain that the DNS and servers without SMTPUTF8
// know (RFC 5890: A-labels).
func ASCII(domain string) (string, error) {
	domain = strings.TrimSuffix(domain, ".")
	for i := 0; i < len(domain); i++ {
		if domain[i] >= 0x80 {
			return idna.Lookup.ToASCII(domain)
		}
	}
	return strings.ToLower(domain), nil // names with "_" and the like are none of IDNA's business
}

func plain(fqdn string) string { return strings.ToLower(strings.TrimSuffix(fqdn, ".")) }
