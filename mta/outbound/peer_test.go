package outbound

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"pneu/mta/dns"
	"pneu/mta/queue"
)

// names is a resolver that knows what a test tells it: "dom MX 10 host",
// "host A 192.0.2.1", "dom MX NXDOMAIN|NULL|FAIL".
type names []string

func (n names) look(name, typ string) ([][]string, error) {
	var out [][]string
	for _, line := range n {
		f := strings.Fields(line)
		if f[0] != name || f[1] != typ {
			continue
		}
		kind := map[string]error{"NXDOMAIN": dns.ErrNotFound, "NULL": dns.ErrNullMX, "FAIL": dns.ErrTemporary}[f[2]]
		if kind != nil {
			return nil, &dns.Error{Name: name, Type: typ, Kind: kind}
		}
		out = append(out, f[2:])
	}
	if out == nil {
		return nil, &dns.Error{Name: name, Type: typ, Kind: dns.ErrNoData}
	}
	return out, nil
}

func (n names) MX(_ context.Context, domain string) ([]dns.MX, error) {
	l, err := n.look(domain, "MX")
	var out []dns.MX
	for _, f := range l {
		var p uint16
		fmt.Sscan(f[0], &p)
		out = append(out, dns.MX{Host: f[1], Pref: p})
	}
	return out, err
}

func (n names) Addrs(_ context.Context, host string) ([]netip.Addr, error) {
	l, err := n.look(host, "A")
	var out []netip.Addr
	for _, f := range l {
		out = append(out, netip.MustParseAddr(f[0]))
	}
	return out, err
}

// peers are scripted servers, by address. Each connection plays the next
// script of its address: "S: line" is sent, "C: line" awaited, "hang" waits
// for the client to give up, the end closes.
type peers struct {
	t       *testing.T
	mu      sync.Mutex
	scripts map[string][]string
	dialed  []string
	wg      sync.WaitGroup
	tls     func(net.Conn) net.Conn
}

func (p *peers) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	p.mu.Lock()
	p.dialed = append(p.dialed, addr)
	list := p.scripts[addr]
	if len(list) > 0 {
		p.scripts[addr] = list[1:]
	}
	p.mu.Unlock()
	if len(list) == 0 {
		return nil, &net.OpError{Op: "dial", Err: fmt.Errorf("connection refused")}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	defer l.Close()
	client, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		return nil, err
	}
	server, err := l.Accept()
	if err != nil {
		return nil, err
	}
	p.wg.Go(func() { p.play(server, addr, list[0]) })
	return client, nil
}

func (p *peers) play(conn net.Conn, addr, script string) {
	defer func() { conn.Close() }()
	conn.SetDeadline(time.Now().Add(time.Minute))
	r := bufio.NewReader(conn)
	for line := range strings.Lines(script) {
		line = strings.Trim(line, "\t\n")
		if line == "" {
			continue
		}
		kind, text, _ := strings.Cut(line, ": ")
		switch kind {
		case "S":
			if _, err := conn.Write([]byte(text + "\r\n")); err != nil {
				return
			}
		case "C":
			got, err := r.ReadString('\n')
			if err != nil {
				p.t.Errorf("%s: waiting for %q: %v", addr, text, err)
				return
			}
			if got != text+"\r\n" {
				p.t.Errorf("%s: got %q, want %q", addr, got, text)
				return
			}
		case "tls":
			conn = p.tls(conn)
			r = bufio.NewReader(conn)
		case "hang":
			conn.Read(make([]byte, 1))
			return
		}
	}
}

// deliver makes one attempt and renders what came of it.
func deliver(t *testing.T, opt Options, n names, scripts map[string][]string, dest Destination, msg Message, rcpts ...queue.Recipient) (results, tried string, p *peers) {
	t.Helper()
	p = &peers{t: t, scripts: scripts}
	opt.Resolver, opt.Dial = n, p.dial
	if opt.Hostname == "" {
		opt.Hostname = "me.test"
	}
	if msg.Sender == "" {
		msg.Sender = "a@me.test"
	}
	if msg.Body == nil {
		msg.Body = strings.NewReader("Subject: x\n\n.hi\nthere")
	}
	var told []string
	msg.Tried = func(r Result) { told = append(told, show(r)) }
	c := New(opt)
	var out []string
	for _, r := range c.Deliver(context.Background(), dest, msg, rcpts) {
		out = append(out, fmt.Sprint(r.Rcpt, " ", show(r)))
	}
	c.Wait()
	p.wg.Wait()
	return strings.Join(out, "\n"), strings.Join(told, "\n"), p
}

func show(r Result) string {
	state := "refused"
	if r.OK {
		state = "ok"
	} else if r.Temp {
		state = "later"
	}
	s := fmt.Sprintf("%s %d %s %s", state, r.Code, r.Enhanced, r.Text)
	if r.Host != "" {
		s += " (" + r.Host + " " + r.IP + ")"
	}
	return s
}

func to(addrs ...string) []queue.Recipient {
	var l []queue.Recipient
	for i, a := range addrs {
		l = append(l, queue.Recipient{N: i + 1, Addr: a, Mark: queue.Pending})
	}
	return l
}
