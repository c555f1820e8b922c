package outbound

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"pneu/mta/queue"
)

var twoHosts = names{"b.test MX 20 mx2.b.test", "b.test MX 10 mx1.b.test", "mx1.b.test A 192.0.2.1", "mx2.b.test A 192.0.2.2"}

// What a host said of a recipient outweighs that another could not be asked,
// and what a host says of itself is no verdict on mail that another may take.
func TestWordOfFirstHostStands(t *testing.T) {
	const a1, a2 = "192.0.2.1:25", "192.0.2.2:25"
	greylisted := greet + "S: 250 mx\nC: MAIL FROM:<a@me.test>\nS: 250 ok\nC: RCPT TO:<x@b.test>\nS: 451 4.7.1 greylisted\nC: QUIT\nS: 221 bye"
	tests := []struct {
		name        string
		scripts     map[string][]string
		want, tried string
	}{
		{"greylisted, backup down", map[string][]string{a1: {greylisted}},
			"1 later 451 4.7.1 greylisted (mx1.b.test 192.0.2.1)",
			"later 451 4.7.1 greylisted (mx1.b.test 192.0.2.1)\nlater 0 4.4.1 connect to port 25: connection refused (mx2.b.test 192.0.2.2)"},
		{"down, backup takes no mail at all", map[string][]string{a2: {"S: 521 no mail here"}},
			"1 later 0 4.4.1 connect to port 25: connection refused (mx1.b.test 192.0.2.1)",
			"later 0 4.4.1 connect to port 25: connection refused (mx1.b.test 192.0.2.1)\nrefused 521 5.0.0 no mail here (mx2.b.test 192.0.2.2)"},
		{"down, backup dislikes our name", map[string][]string{a2: {greet + "S: 554 5.7.1 go away"}},
			"1 later 0 4.4.1 connect to port 25: connection refused (mx1.b.test 192.0.2.1)",
			"later 0 4.4.1 connect to port 25: connection refused (mx1.b.test 192.0.2.1)\nrefused 554 5.7.1 go away (mx2.b.test 192.0.2.2)"},
		{"both take no mail at all", map[string][]string{a1: {"S: 521 no mail here"}, a2: {"S: 521 nor here"}},
			"1 refused 521 5.0.0 nor here (mx2.b.test 192.0.2.2)",
			"refused 521 5.0.0 no mail here (mx1.b.test 192.0.2.1)"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, tried, _ := deliver(t, Options{}, twoHosts, tt.scripts, Destination{Domain: "b.test"}, Message{}, to("x@b.test")...)
			if got != tt.want || tried != tt.tried {
				t.Errorf("got %s\nwant %s\ntried %s\nwant %s", got, tt.want, tried, tt.tried)
			}
		})
	}
	p := &peers{t: t, scripts: map[string][]string{a1: {greylisted}}}
	c := New(Options{Hostname: "me.test", Resolver: twoHosts, Dial: p.dial})
	res := c.Deliver(context.Background(), Destination{Domain: "b.test"}, Message{Envelope: queue.Envelope{Sender: "a@me.test"}, Body: strings.NewReader("x")}, to("x@b.test"))
	c.Wait()
	if !res[0].Reached {
		t.Error("the destination answered, and is called down")
	}
}

// A server may refuse a message before it has heard all of it, and close: its
// word counts, not the broken pipe.
func TestRefusedInMidMessage(t *testing.T) {
	for word, want := range map[string]string{
		"552 5.3.4 too big":    "refused 552 5.3.4 too big",
		"421 4.3.0 going down": "later 421 4.3.0 going down",
		"":                     "later 0 4.4.2 send the message: ",
		"250 2.0.0 queued":     "later 0 4.4.2 send the message: ", // of half a message: not to be believed
	} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			defer conn.Close()
			conn.Write([]byte("220 mx\r\n"))
			r := bufio.NewReader(conn)
			for {
				line, err := r.ReadString('\n')
				if err != nil {
					return
				}
				if line == "DATA\r\n" {
					break
				}
				conn.Write([]byte("250 ok\r\n"))
			}
			conn.Write([]byte("354 go\r\n"))
			r.ReadString('\n')
			if word != "" {
				conn.Write([]byte(word + "\r\n"))
			}
		}()
		addr := netip.MustParseAddrPort(l.Addr().String())
		c := New(Options{Hostname: "me.test", Resolver: names{"b.test A 127.0.0.1"}, Port: int(addr.Port())})
		body := strings.NewReader("Subject: x\n\n" + strings.Repeat("0123456789\n", 2<<20))
		res := c.Deliver(context.Background(), Destination{Domain: "b.test"}, Message{Body: body}, to("x@b.test"))
		c.Wait()
		l.Close()
		if got := show(res[0]); !strings.HasPrefix(got, want) {
			t.Errorf("%q: got %s, want %s", word, got, want)
		}
	}
}

// A password goes to nobody who has not proved a name, whatever the scheme.
func TestPasswordNeedsCertificate(t *testing.T) {
	cert, pool := certificate(t)
	for _, mech := range []string{"PLAIN", "LOGIN", "SCRAM-SHA-256"} {
		s := newSink(t, &cert, false, true, mech)
		relay := &Relay{Scheme: "smtp", Host: "relay.test", Port: int(s.addr.Port()), User: s.user, Password: s.pw}
		try := func(cfg *tls.Config) Result {
			c := New(Options{Hostname: "me.test", Resolver: names{"relay.test A 127.0.0.1"}, TLS: cfg})
			defer c.Wait()
			return c.Deliver(context.Background(), Destination{Domain: "b.test", Relay: relay}, Message{Body: strings.NewReader("x")}, to("x@b.test"))[0]
		}
		if res := try(nil); res.OK || !res.Temp || res.Enhanced != "4.7.5" || len(s.mails) != 0 {
			t.Errorf("%s to a stranger: %+v", mech, res)
		}
		if res := try(&tls.Config{RootCAs: pool}); !res.OK {
			t.Errorf("%s to the relay: %+v", mech, res)
		}
		relay.User = ""
		if res := try(nil); !res.OK || res.TLS == "" {
			t.Errorf("without a password: %+v", res)
		}
	}
}

// The relay's name may be one that this machine knows and the DNS does not.
func TestRelayName(t *testing.T) {
	var asked []string
	c := New(Options{Resolver: names{"relay.test A 192.0.2.1"}, RelayAddrs: func(_ context.Context, host string) ([]netip.Addr, error) {
		asked = append(asked, host)
		if host == "relay" {
			return []netip.Addr{netip.MustParseAddr("::ffff:192.0.2.9")}, nil
		}
		return nil, errors.New("lookup " + host + ": no such host")
	}})
	hosts, res := c.route(context.Background(), Destination{Domain: "b.test", Relay: &Relay{Host: "relay", Port: 25}})
	if res != nil || len(hosts) != 1 || hosts[0].addr.String() != "192.0.2.9:25" {
		t.Errorf("got %v, %v", hosts, res)
	}
	if _, res = c.route(context.Background(), Destination{Domain: "b.test", Relay: &Relay{Host: "gone", Port: 25}}); res == nil || !res.Temp {
		t.Errorf("a relay without address: %+v", res)
	}
	if c.route(context.Background(), Destination{Domain: "b.test"}); len(asked) != 2 {
		t.Errorf("asked this machine for %q", asked)
	}
}

// An address family without a route costs no time and no try.
func TestUnreachableFamily(t *testing.T) {
	n := names{"b.test MX 10 mx.b.test"}
	for _, a := range []string{"2001:db8::1", "2001:db8::2", "2001:db8::3", "2001:db8::4", "2001:db8::5", "2001:db8::6", "192.0.2.1"} {
		n = append(n, "mx.b.test A "+a)
	}
	ok := greet + "S: 250 mx\nC: MAIL FROM:<>\nS: 250 ok\nC: RCPT TO:<x@b.test>\nS: 250 ok\nC: DATA\nS: 354 go\nC: x\nC: .\nS: 250 2.0.0 ok\nC: QUIT\nS: 221 bye\n"
	p := &peers{t: t, scripts: map[string][]string{"192.0.2.1:25": {ok}}}
	c := New(Options{Hostname: "me.test", Resolver: n, MaxHosts: 1, Dial: func(ctx context.Context, network, addr string) (net.Conn, error) {
		if strings.HasPrefix(addr, "[") {
			return nil, &net.OpError{Op: "dial", Net: network, Err: os.NewSyscallError("connect", syscall.ENETUNREACH)}
		}
		return p.dial(ctx, network, addr)
	}})
	start := time.Now()
	res := c.Deliver(context.Background(), Destination{Domain: "b.test"}, Message{Body: strings.NewReader("x")}, to("x@b.test"))
	c.Wait()
	if time.Since(start) > 30*time.Second || !res[0].OK { // a connection that nobody answers takes minutes
		t.Errorf("after %v: %+v", time.Since(start), res[0])
	}
}
