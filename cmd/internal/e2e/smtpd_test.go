package e2e

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"pneu/mta/sasl"
)

// receiver is a system with an smtpd.
type receiver struct {
	*system
	port map[string]string // of its services
	log  *tail
}

// tail is a program's log as it grows.
type tail struct {
	mu   sync.Mutex
	text strings.Builder
	more chan struct{} // closed and renewed with each line
}

func follow(r io.Reader) *tail {
	l := &tail{more: make(chan struct{})}
	go func() {
		for s := bufio.NewScanner(r); s.Scan(); {
			l.mu.Lock()
			l.text.WriteString(s.Text() + "\n")
			close(l.more)
			l.more = make(chan struct{})
			l.mu.Unlock()
		}
	}()
	return l
}

func (l *tail) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// await returns what stands behind mark, up to the next blank, once it is there.
func (l *tail) await(t *testing.T, mark string) string {
	t.Helper()
	late := time.After(time.Minute)
	for {
		l.mu.Lock()
		text, more := l.text.String(), l.more
		l.mu.Unlock()
		if _, rest, ok := strings.Cut(text, mark); ok {
			word, _, _ := strings.Cut(rest, "\n")
			word, _, _ = strings.Cut(word, " ")
			return word
		}
		select {
		case <-more:
		case <-late:
			t.Fatalf("the log never says %q:\n%s", mark, text)
		}
	}
}

// newReceiver starts an smtpd for e2e.test in which alice and bob may log in
// with the password "secret". ca.pem signs for localhost.
func newReceiver(t *testing.T, more string) *receiver {
	t.Helper()
	s := newSystem(t, `trusted = ["192.0.2.0/24"]
[smtpd]
tls_cert = "ca.pem"
tls_key = "key.pem"
listen = { mx = ["127.0.0.1:0"], submission = ["127.0.0.1:0"], submissions = ["127.0.0.1:0"] }
`+more)
	secret := sasl.Derive("secret", []byte("salt"), 4096)
	s.write("users", fmt.Sprintf("alice@e2e.test:%s:::::\nbob@e2e.test:%s:::::\n", secret, secret))
	s.certify()
	r := &receiver{system: s}
	r.start()
	return r
}

// certify writes a certificate of this system's own for localhost.
func (s *system) certify() {
	s.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		s.t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	if err != nil {
		s.t.Fatal(err)
	}
	kder, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		s.t.Fatal(err)
	}
	s.write("ca.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
	s.write("key.pem", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: kder})))
}

func (r *receiver) start() (stop func()) {
	r.t.Helper()
	c := r.command("smtpd")
	errs, err := c.StderrPipe()
	if err != nil {
		r.t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		r.t.Fatal(err)
	}
	r.log = follow(errs)
	stop = sync.OnceFunc(func() {
		c.Process.Signal(syscall.SIGTERM)
		r.log.await(r.t, "msg=stopped")
		if err := c.Wait(); err != nil {
			r.t.Errorf("smtpd: %v", err)
		}
	})
	r.t.Cleanup(stop)
	r.port = map[string]string{}
	for _, name := range []string{"mx", "submission", "submissions"} {
		_, port, err := net.SplitHostPort(r.log.await(r.t, "msg=listening service="+name+" addr="))
		if err != nil {
			r.t.Fatal(err)
		}
		r.port[name] = port
	}
	return stop
}

// newSender is a system of another domain that sends all through a relay.
func newSender(t *testing.T, relay, auth, more string) *system {
	t.Helper()
	s := newSystem(t, "")
	s.relay(relay, auth, more)
	return s
}

func (s *system) relay(relay, auth, more string) {
	s.t.Helper()
	s.write("pneu.toml", fmt.Sprintf("hostname = \"out.test\"\ndomains = [\"out.test\"]\nspool = \"spool\"\nusers = \"users\"\nmail = \"mail/%%u/Maildir\"\nrelay = %q\nrelay_auth = %q\n[qrun]\n%s\n", relay, auth, more))
}
