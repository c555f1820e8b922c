package outbound

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	gosmtp "github.com/emersion/go-smtp"
	"github.com/xdg-go/scram"

	"pneu/mta/queue"
)

// certificate returns one for relay.test, and the pool that trusts it.
func certificate(t *testing.T) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "relay.test"}, DNSNames: []string{"relay.test"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, _ := x509.ParseCertificate(der)
	pool := x509.NewCertPool()
	pool.AddCert(leaf)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}

// sink is a go-smtp server that keeps what it is given.
type sink struct {
	mu       sync.Mutex
	mails    []string // "from to,to auth tls\nbody"
	mechs    []string
	user, pw string
	addr     netip.AddrPort
}

func (s *sink) NewSession(c *gosmtp.Conn) (gosmtp.Session, error) {
	return &sinkSession{s: s, c: c}, nil
}

type sinkSession struct {
	s    *sink
	c    *gosmtp.Conn
	from string
	to   []string
	auth string
}

func (s *sinkSession) Reset()        { s.from, s.to = "", nil }
func (s *sinkSession) Logout() error { return nil }
func (s *sinkSession) Mail(from string, o *gosmtp.MailOptions) error {
	s.from = from
	return nil
}
func (s *sinkSession) Rcpt(to string, o *gosmtp.RcptOptions) error {
	s.to = append(s.to, to)
	return nil
}
func (s *sinkSession) Data(r io.Reader) error {
	b, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	_, secure := s.c.TLSConnectionState()
	s.s.mu.Lock()
	defer s.s.mu.Unlock()
	s.s.mails = append(s.s.mails, fmt.Sprint(s.from, " ", strings.Join(s.to, ","), " auth=", s.auth, " tls=", secure, "\n", string(b)))
	return nil
}
func (s *sinkSession) AuthMechanisms() []string { return s.s.mechs }
func (s *sinkSession) Auth(mech string) (sasl.Server, error) {
	check := func(user, pw string) error {
		if user != s.s.user || pw != s.s.pw {
			return gosmtp.ErrAuthFailed
		}
		s.auth = mech
		return nil
	}
	switch mech {
	case sasl.Plain:
		return sasl.NewPlainServer(func(_, user, pw string) error { return check(user, pw) }), nil
	case sasl.Login:
		return &loginServer{check: check}, nil
	case "SCRAM-SHA-256":
		c, err := scram.SHA256.NewClient(s.s.user, s.s.pw, "")
		if err != nil {
			return nil, err
		}
		stored, err := c.GetStoredCredentialsWithError(scram.KeyFactors{Salt: "salt", Iters: 4096})
		if err != nil {
			return nil, err
		}
		server, err := scram.SHA256.NewServer(func(string) (scram.StoredCredentials, error) { return stored, nil })
		if err != nil {
			return nil, err
		}
		return &scramServer{conv: server.NewConversation(), done: func() { s.auth = mech }}, nil
	}
	return nil, gosmtp.ErrAuthUnknownMechanism
}

type loginServer struct {
	step  int
	user  string
	check func(user, pw string) error
}

func (l *loginServer) Next(resp []byte) ([]byte, bool, error) {
	l.step++
	switch {
	case l.step == 1:
		return []byte("Username:"), false, nil
	case l.step == 2:
		l.user = string(resp)
		return []byte("Password:"), false, nil
	}
	return nil, true, l.check(l.user, string(resp))
}

type scramServer struct {
	conv  *scram.ServerConversation
	final bool
	done  func()
}

func (s *scramServer) Next(resp []byte) ([]byte, bool, error) {
	if s.final {
		s.done()
		return nil, true, nil
	}
	if resp == nil {
		return []byte{}, false, nil
	}
	out, err := s.conv.Step(string(resp))
	if err != nil {
		return nil, false, err
	}
	s.final = s.conv.Done()
	return []byte(out), false, nil
}

func newSink(t *testing.T, cert *tls.Certificate, implicit, clearAuth bool, mechs ...string) *sink {
	t.Helper()
	s := &sink{mechs: mechs, user: "us", pw: "pass word"}
	srv := gosmtp.NewServer(s)
	srv.Domain = "relay.test"
	srv.AllowInsecureAuth = clearAuth
	srv.EnableSMTPUTF8, srv.EnableDSN = true, true
	srv.ErrorLog = quiet{}
	if cert != nil {
		srv.TLSConfig = &tls.Config{Certificates: []tls.Certificate{*cert}}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.addr = netip.MustParseAddrPort(l.Addr().String())
	if implicit {
		l = tls.NewListener(l, srv.TLSConfig)
	}
	go srv.Serve(l)
	t.Cleanup(func() { srv.Close() })
	return s
}

type quiet struct{}

func (quiet) Printf(string, ...any) {}
func (quiet) Println(...any)        {}

func TestRelay(t *testing.T) {
	cert, pool := certificate(t)
	n := names{"relay.test A 127.0.0.1", "other.test A 127.0.0.1"}
	tests := []struct {
		name             string
		scheme, host, pw string
		cert             *tls.Certificate
		implicit, clear  bool
		mechs            []string
		trust            bool
		want, got        string
	}{
		{name: "PLAIN over STARTTLS", scheme: "submission", cert: &cert, mechs: []string{"PLAIN", "LOGIN"}, trust: true, want: "1 ok 250 2.0.0", got: "auth=PLAIN tls=true"},
		{name: "LOGIN over TLS at once", scheme: "smtps", cert: &cert, implicit: true, mechs: []string{"LOGIN"}, trust: true, want: "1 ok 250 2.0.0", got: "auth=LOGIN tls=true"},
		{name: "SCRAM preferred", scheme: "submission", cert: &cert, mechs: []string{"PLAIN", "SCRAM-SHA-256"}, trust: true, want: "1 ok 250 2.0.0", got: "auth=SCRAM-SHA-256 tls=true"},
		{name: "SCRAM in clear", scheme: "smtp", clear: true, mechs: []string{"PLAIN", "SCRAM-SHA-256"}, want: "1 ok 250 2.0.0", got: "auth=SCRAM-SHA-256 tls=false"},
		{name: "no password in clear", scheme: "smtp", clear: true, mechs: []string{"PLAIN", "LOGIN"}, want: "1 later 0 4.7.0 AUTH: "},
		{name: "wrong password is tried later", scheme: "submission", pw: "wrong", cert: &cert, mechs: []string{"PLAIN"}, trust: true, want: "1 later 535 5.7.8 AUTH: "},
		{name: "wrong password, SCRAM", scheme: "submission", pw: "wrong", cert: &cert, mechs: []string{"SCRAM-SHA-256"}, trust: true, want: "1 later "},
		{name: "certificate nobody signed", scheme: "submission", cert: &cert, mechs: []string{"PLAIN"}, want: "1 later 0 4.7.5 TLS handshake: "},
		{name: "certificate of another", scheme: "smtps", host: "other.test", cert: &cert, implicit: true, mechs: []string{"PLAIN"}, trust: true, want: "1 later 0 4.7.5 TLS handshake: "},
		{name: "STARTTLS demanded and not offered", scheme: "submission", clear: true, mechs: []string{"PLAIN"}, want: "1 later 0 4.7.4 the relay does not offer STARTTLS"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newSink(t, tt.cert, tt.implicit, tt.clear, tt.mechs...)
			opt := Options{Hostname: "me.test", Resolver: n}
			if tt.trust {
				opt.TLS = &tls.Config{RootCAs: pool}
			}
			r := &Relay{Scheme: tt.scheme, Host: "relay.test", Port: int(s.addr.Port()), User: s.user, Password: s.pw}
			if tt.pw != "" {
				r.Password = tt.pw
			}
			if tt.host != "" {
				r.Host = tt.host
			}
			c := New(opt)
			msg := Message{Envelope: queue.Envelope{Sender: "a@me.test"}, Body: strings.NewReader("Subject: x\n\n.hi\n")}
			res := c.Deliver(context.Background(), Destination{Domain: "b.test", Relay: r}, msg, to("x@b.test"))
			c.Wait()
			if got := "1 " + show(res[0]); !strings.HasPrefix(got, tt.want) {
				t.Errorf("got %s, want %s", got, tt.want)
			}
			if tt.got == "" {
				if len(s.mails) != 0 {
					t.Errorf("the relay got %q", s.mails)
				}
				return
			}
			if want := "a@me.test x@b.test " + tt.got + "\nSubject: x\r\n\r\n.hi\r\n"; len(s.mails) != 1 || s.mails[0] != want {
				t.Errorf("the relay got %q, want %q", s.mails, want)
			}
			if secure := strings.Contains(tt.got, "tls=true"); secure != strings.HasPrefix(res[0].TLS, "TLS1.3 TLS_") {
				t.Errorf("recorded TLS: %q", res[0].TLS)
			}
		})
	}
}

func TestOpportunistic(t *testing.T) { // a certificate nobody can check will do, and the port is the option's
	cert, _ := certificate(t)
	s := newSink(t, &cert, false, false)
	c := New(Options{Hostname: "me.test", Resolver: names{"b.test A 127.0.0.1"}, Port: int(s.addr.Port())})
	var body bytes.Buffer
	for i := range 20000 {
		fmt.Fprintf(&body, "..line %d\n", i)
	}
	msg := Message{Body: bytes.NewReader(append([]byte("Subject: x\n\n"), body.Bytes()...))}
	res := c.Deliver(context.Background(), Destination{Domain: "b.test"}, msg, to("x@b.test"))
	c.Wait()
	if !res[0].OK || res[0].TLS == "" || !res[0].Notify || !res[0].Reached {
		t.Errorf("got %+v", res[0])
	}
	want := " x@b.test auth= tls=true\nSubject: x\r\n\r\n" + strings.ReplaceAll(body.String(), "\n", "\r\n")
	if len(s.mails) != 1 || s.mails[0] != want {
		t.Error("the message was changed")
	}
}

func TestBrokenTLS(t *testing.T) { // a failed handshake costs a second connection, not the mail
	const tlsFails = greet + "S: 250-mx\nS: 250 STARTTLS\nC: STARTTLS\nS: 220 go\nS: this is no TLS\n"
	const refused = greet + "S: 250-mx\nS: 250 STARTTLS\nC: STARTTLS\nS: 454 4.7.0 not now\n"
	const rest = "C: MAIL FROM:<a@me.test>\nS: 250 ok\nC: RCPT TO:<x@b.test>\nS: 250 ok\nC: DATA\nS: 354 go\n" + plainBody + "S: 250 2.0.0 ok\nC: QUIT\nS: 221 bye\n"
	const injected = greet + "S: 250-mx\nS: 250 STARTTLS\nC: STARTTLS\nS: 220 go\r\n250 injected\n"
	for name, scripts := range map[string][]string{
		"handshake fails":       {tlsFails, greet + "S: 250-mx\nS: 250 STARTTLS\n" + rest},
		"STARTTLS refused":      {refused + rest},
		"closed after STARTTLS": {greet + "S: 250-mx\nS: 250 STARTTLS\nC: STARTTLS\n", greet + "S: 250 mx\n" + rest},
		"turned off":            {greet + "S: 250-mx\nS: 250 STARTTLS\n" + rest},
	} {
		t.Run(name, func(t *testing.T) {
			got, _, _ := deliver(t, Options{NoTLS: name == "turned off"}, names{"b.test A 192.0.2.1"}, map[string][]string{"192.0.2.1:25": scripts},
				Destination{Domain: "b.test"}, Message{}, to("x@b.test")...)
			if got != "1 ok 250 2.0.0 ok (b.test 192.0.2.1)" {
				t.Errorf("got %s", got)
			}
		})
	}
	got, _, _ := deliver(t, Options{}, names{"b.test A 192.0.2.1"}, map[string][]string{"192.0.2.1:25": {injected}}, Destination{Domain: "b.test"}, Message{}, to("x@b.test")...)
	if !strings.HasPrefix(got, "1 later 0 4.") {
		t.Errorf("bytes after the reply to STARTTLS: %s", got)
	}
}

func TestStopped(t *testing.T) { // a cancelled context ends an attempt at once
	ctx, cancel := context.WithCancel(context.Background())
	p := &peers{t: t, scripts: map[string][]string{"192.0.2.1:25": {"hang"}}}
	c := New(Options{Hostname: "me.test", Resolver: names{"b.test A 192.0.2.1", "b.test A 192.0.2.2"}, Dial: p.dial})
	time.AfterFunc(50*time.Millisecond, cancel)
	start := time.Now()
	res := c.Deliver(ctx, Destination{Domain: "b.test"}, Message{Body: strings.NewReader("x")}, to("x@b.test"))
	if !res[0].Temp || time.Since(start) > 30*time.Second { // the greeting may take minutes
		t.Errorf("after %v: %+v", time.Since(start), res[0])
	}
}
