// Trydns is the name server of scripts/try: it answers with authority from one
// zone file, over UDP and TCP, and reads the file again on SIGHUP.
//
//	trydns -listen 127.0.0.1:5353 -zone FILE
//
// The address it is bound to is the first line of its output. Names below an
// SOA record of the file that it does not hold do not exist (NXDOMAIN); names
// below none are refused. A file without any SOA is taken for the whole world.
package main

import (
	"flag"
	"fmt"
	"net"
	"os"
	"os/signal"
	"strings"
	"sync/atomic"
	"syscall"

	"github.com/miekg/dns"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:0", "address to answer at")
	file := flag.String("zone", "", "zone file")
	flag.Parse()
	if *file == "" || flag.NArg() > 0 {
		fmt.Fprintln(os.Stderr, "usage: trydns [-listen HOST:PORT] -zone FILE")
		os.Exit(64)
	}
	if err := run(*listen, *file); err != nil {
		fmt.Fprintf(os.Stderr, "trydns: %v\n", err)
		os.Exit(71)
	}
}

func run(listen, file string) error {
	z, err := readZone(file)
	if err != nil {
		return err
	}
	var current atomic.Pointer[zone]
	current.Store(z)
	pc, l, err := bind(listen)
	if err != nil {
		return err
	}
	fmt.Println(pc.LocalAddr())
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGHUP, syscall.SIGTERM, os.Interrupt)
	h := dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		m := current.Load().answer(q)
		if _, tcp := w.RemoteAddr().(*net.TCPAddr); !tcp {
			size := dns.MinMsgSize
			if o := q.IsEdns0(); o != nil {
				size = max(size, int(o.UDPSize()))
			}
			m.Truncate(size)
		}
		w.WriteMsg(m)
	})
	errs := make(chan error, 2)
	go func() { errs <- (&dns.Server{PacketConn: pc, Handler: h}).ActivateAndServe() }()
	go func() { errs <- (&dns.Server{Listener: l, Handler: h}).ActivateAndServe() }()
	for {
		select {
		case err := <-errs:
			return err
		case s := <-signals:
			if s != syscall.SIGHUP {
				return nil
			}
			z, err := readZone(file)
			if err != nil { // the old zone stays in force
				fmt.Fprintf(os.Stderr, "trydns: %v\n", err)
				continue
			}
			current.Store(z)
		}
	}
}

// bind takes the same port for UDP and TCP; with port 0 it looks for one that
// both have free.
func bind(listen string) (net.PacketConn, net.Listener, error) {
	var err error
	for range 20 {
		var pc net.PacketConn
		if pc, err = net.ListenPacket("udp", listen); err != nil {
			return nil, nil, err
		}
		var l net.Listener
		if l, err = net.Listen("tcp", pc.LocalAddr().String()); err == nil {
			return pc, l, nil
		}
		pc.Close()
		if !strings.HasSuffix(listen, ":0") {
			break
		}
	}
	return nil, nil, err
}

// zone holds the records of the file by owner, names in lower case.
type zone struct {
	records map[string][]dns.RR
	exists  map[string]bool // owners and every name above one: RFC 4592, 2.2.2
	soas    map[string]*dns.SOA
}

func readZone(file string) (*zone, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	zp := dns.NewZoneParser(f, ".", file)
	zp.SetDefaultTTL(60)
	z := &zone{map[string][]dns.RR{}, map[string]bool{}, map[string]*dns.SOA{}}
	for rr, ok := zp.Next(); ok; rr, ok = zp.Next() {
		name := strings.ToLower(rr.Header().Name)
		z.records[name] = append(z.records[name], rr)
		for n, more := name, true; more; n, more = parent(n) {
			z.exists[n] = true
		}
		if soa, ok := rr.(*dns.SOA); ok {
			z.soas[name] = soa
		}
	}
	return z, zp.Err()
}

// parent returns the name above n, and false above the root.
func parent(n string) (string, bool) {
	if n == "." {
		return "", false
	}
	i, end := dns.NextLabel(n, 0)
	if end {
		return ".", true
	}
	return n[i:], true
}

// authority returns the SOA that name stands below.
func (z *zone) authority(name string) *dns.SOA {
	for n, more := name, true; more; n, more = parent(n) {
		if soa := z.soas[n]; soa != nil {
			return soa
		}
	}
	return nil
}

// at returns the records of name, wildcards applied, and whether it exists.
func (z *zone) at(name string) ([]dns.RR, bool) {
	if z.exists[name] {
		return z.records[name], true
	}
	for n, more := parent(name); more; n, more = parent(n) {
		star := "*." + n
		if n == "." {
			star = "*."
		}
		if set, ok := z.records[star]; ok {
			var own []dns.RR
			for _, rr := range set {
				c := dns.Copy(rr)
				c.Header().Name = name
				own = append(own, c)
			}
			return own, true
		}
		if z.exists[n] { // RFC 4592, 3.3.1: only the closest encloser's wildcard
			break
		}
	}
	return nil, false
}

func (z *zone) answer(q *dns.Msg) *dns.Msg {
	m := new(dns.Msg).SetReply(q)
	if o := q.IsEdns0(); o != nil {
		m.SetEdns0(1232, false)
	}
	if len(q.Question) != 1 || q.Opcode != dns.OpcodeQuery {
		m.Rcode = dns.RcodeNotImplemented
		return m
	}
	name, typ := strings.ToLower(q.Question[0].Name), q.Question[0].Qtype
	if len(z.soas) > 0 && z.authority(name) == nil {
		m.Rcode = dns.RcodeRefused
		return m
	}
	m.Authoritative = true
	m.RecursionAvailable = q.RecursionDesired // all there is to know is known here
	for range 16 {                            // aliases, bounded against loops
		set, exists := z.at(name)
		alias := ""
		n := len(m.Answer)
		for _, rr := range set {
			t := rr.Header().Rrtype
			if t == typ || typ == dns.TypeANY || t == dns.TypeCNAME {
				m.Answer = append(m.Answer, rr)
			}
			if c, ok := rr.(*dns.CNAME); ok && typ != dns.TypeCNAME && typ != dns.TypeANY {
				alias = strings.ToLower(c.Target)
			}
		}
		if alias != "" && (len(z.soas) == 0 || z.authority(alias) != nil) {
			name = alias
			continue
		}
		if !exists {
			m.Rcode = dns.RcodeNameError // RFC 2308, 2.1: of the last name in a chain
		}
		if soa := z.authority(name); soa != nil && len(m.Answer) == n {
			m.Ns = append(m.Ns, soa)
		}
		break
	}
	return m
}
