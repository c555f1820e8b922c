package dns

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	wire "github.com/miekg/dns"
)

const zone = `
$TTL 60
plain.test.      MX 20 b.plain.test.
plain.test.      MX 10 A.Plain.test.
a.plain.test.    A 192.0.2.1
a.plain.test.    AAAA 2001:db8::1
b.plain.test.    A 192.0.2.2
null.test.       MX 0 .
twice.null.test. MX 0 .
twice.null.test. MX 10 .
mixed.test.      MX 0 .
mixed.test.      MX 5 a.plain.test.
bare.test.       A 192.0.2.3
alias.test.      CNAME plain.test.
far.test.        CNAME alias.test.
loop.test.       CNAME pool.test.
pool.test.       CNAME loop.test.
xn--bcher-kva.test. A 192.0.2.4
half.test.       A 192.0.2.9
txt.test.        TXT "v=spf1 " "-all"
`

// serve answers from zone; it leaves chains to the client, fails for names
// below "broken." and cuts UDP answers for "big.test." short.
func serve(t *testing.T, asked *atomic.Int64) string {
	t.Helper()
	records := map[string][]wire.RR{}
	zp := wire.NewZoneParser(strings.NewReader(zone), "", "")
	for rr, ok := zp.Next(); ok; rr, ok = zp.Next() {
		records[rr.Header().Name] = append(records[rr.Header().Name], rr)
	}
	if zp.Err() != nil {
		t.Fatal(zp.Err())
	}
	h := wire.HandlerFunc(func(w wire.ResponseWriter, q *wire.Msg) {
		asked.Add(1)
		m := new(wire.Msg).SetReply(q)
		name, typ := strings.ToLower(q.Question[0].Name), q.Question[0].Qtype
		_, tcp := w.RemoteAddr().(*net.TCPAddr)
		switch {
		case strings.HasSuffix(name, "broken.test.") || name == "half.test." && typ == wire.TypeAAAA:
			m.Rcode = wire.RcodeServerFailure
		case name == "silent.test.":
			return
		case name == "liar.test.":
			m.Question[0].Name = "other.test."
		case name == "big.test.":
			m.Truncated = !tcp
			for i := range 200 {
				if tcp {
					rr, _ := wire.NewRR(fmt.Sprintf("big.test. 60 A 192.0.2.%d", i))
					m.Answer = append(m.Answer, rr)
				}
			}
		default:
			set, exists := records[name]
			for _, rr := range set {
				if t := rr.Header().Rrtype; t == typ || t == wire.TypeCNAME {
					m.Answer = append(m.Answer, rr)
				}
			}
			if !exists {
				m.Rcode = wire.RcodeNameError
			}
			if len(m.Answer) == 0 {
				soa, _ := wire.NewRR("test. 60 SOA ns.test. h.test. 1 1 1 1 60")
				m.Ns = append(m.Ns, soa)
			}
		}
		w.WriteMsg(m)
	})
	var pc net.PacketConn
	var l net.Listener
	for range 20 { // until a port is free for both
		var err error
		if pc, err = net.ListenPacket("udp", "127.0.0.1:0"); err != nil {
			t.Fatal(err)
		}
		if l, err = net.Listen("tcp", pc.LocalAddr().String()); err == nil {
			break
		}
		pc.Close()
	}
	if l == nil {
		t.Fatal("no port is free for UDP and TCP")
	}
	for _, s := range []*wire.Server{{PacketConn: pc, Handler: h}, {Listener: l, Handler: h}} {
		started := make(chan struct{})
		s.NotifyStartedFunc = func() { close(started) }
		go s.ActivateAndServe()
		<-started
		t.Cleanup(func() { s.Shutdown() })
	}
	return pc.LocalAddr().String()
}

func resolver(t *testing.T) (*Resolver, *atomic.Int64) {
	asked := new(atomic.Int64)
	addr := serve(t, asked)
	return New(Options{Servers: []string{addr}, Timeout: 200 * time.Millisecond, Rounds: 1}), asked
}

func TestMX(t *testing.T) {
	r, _ := resolver(t)
	tests := []struct {
		domain, want string
		err          error
	}{
		{"plain.test", "10 a.plain.test, 20 b.plain.test", nil},
		{"PLAIN.test.", "10 a.plain.test, 20 b.plain.test", nil},
		{"alias.test", "10 a.plain.test, 20 b.plain.test", nil},
		{"far.test", "10 a.plain.test, 20 b.plain.test", nil},
		{"mixed.test", "5 a.plain.test", nil},
		{"null.test", "", ErrNullMX},
		{"twice.null.test", "", ErrNullMX},
		{"bare.test", "", ErrNoData},
		{"none.test", "", ErrNotFound},
		{"loop.test", "", ErrTemporary},
		{"a.broken.test", "", ErrTemporary},
		{"silent.test", "", ErrTemporary},
		{"liar.test", "", ErrTemporary},
		{"", "", ErrNotFound},
		{"a..test", "", ErrNotFound},
		{strings.Repeat("a", 64) + ".test", "", ErrNotFound},
		{"bücher..test", "", ErrNotFound},
	}
	for _, tt := range tests {
		t.Run(tt.domain, func(t *testing.T) {
			list, err := r.MX(context.Background(), tt.domain)
			var s []string
			for _, m := range list {
				s = append(s, fmt.Sprint(m.Pref, " ", m.Host))
			}
			if got := strings.Join(s, ", "); got != tt.want || !errors.Is(err, tt.err) {
				t.Errorf("got %q, %v; want %q, %v", got, err, tt.want, tt.err)
			}
		})
	}
}

func TestAddrs(t *testing.T) {
	r, _ := resolver(t)
	tests := []struct {
		host, want string
		err        error
	}{
		{"a.plain.test", "[2001:db8::1 192.0.2.1]", nil},
		{"bare.test", "[192.0.2.3]", nil},
		{"bücher.test", "[192.0.2.4]", nil},
		{"half.test", "[192.0.2.9]", nil},
		{"plain.test", "[]", ErrNoData},
		{"none.test", "[]", ErrNotFound},
		{"a.broken.test", "[]", ErrTemporary},
	}
	for _, tt := range tests {
		t.Run(tt.host, func(t *testing.T) {
			list, err := r.Addrs(context.Background(), tt.host)
			if got := fmt.Sprint(list); got != tt.want || !errors.Is(err, tt.err) {
				t.Errorf("got %s, %v; want %s, %v", got, err, tt.want, tt.err)
			}
		})
	}
	if list, err := r.Addrs(context.Background(), "big.test"); err != nil || len(list) != 200 {
		t.Errorf("over TCP: %d addresses, %v", len(list), err)
	}
}

func TestTXT(t *testing.T) {
	r, _ := resolver(t)
	if l, err := r.TXT(context.Background(), "txt.test"); err != nil || len(l) != 1 || l[0] != "v=spf1 -all" {
		t.Errorf("got %q, %v", l, err)
	}
}

func TestCache(t *testing.T) {
	r, asked := resolver(t)
	now := time.Now()
	r.now = func() time.Time { return now }
	ask := func(name string, want int64) {
		t.Helper()
		before := asked.Load()
		r.MX(context.Background(), name)
		if n := asked.Load() - before; n != want {
			t.Errorf("%s: %d questions, want %d", name, n, want)
		}
	}
	ask("plain.test", 1)
	ask("Plain.test", 0)
	ask("none.test", 1)
	ask("none.test", 0)
	ask("a.broken.test", 1)
	ask("a.broken.test", 1) // not knowing is not remembered
	now = now.Add(61 * time.Second)
	ask("plain.test", 1)
	ask("none.test", 1)
}

func TestCacheStaysSmall(t *testing.T) {
	c := newCache(100)
	now := time.Now()
	for i := range 10000 {
		c.put(question{fmt.Sprint(i), 1}, &entry{until: now.Add(time.Hour)})
		if len(c.m) > 100 {
			t.Fatalf("%d entries", len(c.m))
		}
	}
	if c.get(question{"9999", 1}, now) == nil {
		t.Error("the newest is forgotten")
	}
}

func TestServersInTurn(t *testing.T) {
	asked := new(atomic.Int64)
	good := serve(t, asked)
	dead, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer dead.Close()
	r := New(Options{Servers: []string{dead.LocalAddr().String(), good}, Timeout: 100 * time.Millisecond, Rounds: 1})
	if l, err := r.MX(context.Background(), "plain.test"); len(l) != 2 || err != nil {
		t.Errorf("got %v, %v", l, err)
	}
}

func TestContext(t *testing.T) {
	r, asked := resolver(t)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := r.MX(ctx, "plain.test"); !errors.Is(err, ErrTemporary) || asked.Load() != 0 {
		t.Errorf("got %v after %d questions", err, asked.Load())
	}
}

func FuzzInterpret(f *testing.F) { // whatever a server sends: records of the type asked for, or an error
	m := new(wire.Msg)
	m.SetQuestion("a.test.", wire.TypeMX)
	rr, _ := wire.NewRR("a.test. 60 MX 10 b.test.")
	m.Answer = append(m.Answer, rr)
	b, _ := m.Pack()
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		m := new(wire.Msg)
		if m.Unpack(b) != nil {
			return
		}
		e, ttl := interpret(m, "a.test.", wire.TypeMX)
		switch {
		case e.err != nil:
		case e.alias != "":
		default:
			for _, rr := range e.answer.Records {
				if _, ok := rr.(*wire.MX); !ok {
					t.Errorf("not an MX: %v", rr)
				}
			}
			if ttl < minTTL || ttl > maxTTL {
				t.Errorf("ttl %v", ttl)
			}
		}
	})
}
