package e2e

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Our runner relays to our server: the mail arrives unharmed, and what went
// over the wire was secret.
func TestRelayToOurselves(t *testing.T) {
	r := newReceiver(t, "")
	ca := "relay_ca = " + fmt.Sprintf("%q", filepath.Join(r.dir, "ca.pem"))
	scramless := withoutSCRAM(t, r)
	tests := []struct{ name, relay, mechanism, with string }{
		{"STARTTLS and SCRAM", "submission://localhost:" + r.port["submission"], "SCRAM-SHA-256", "ESMTPSA"},
		{"implicit TLS and SCRAM", "smtps://127.0.0.1:" + r.port["submissions"], "SCRAM-SHA-256", "ESMTPSA"},
		{"implicit TLS and PLAIN", "smtps://localhost:" + scramless, "PLAIN", "ESMTPSA"},
		{"TLS where offered", "smtp://localhost:" + r.port["submission"], "SCRAM-SHA-256", "ESMTPSA"},
	}
	for i, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newSender(t, tt.relay, "alice:secret", ca)
			body := fmt.Sprintf("Subject: try %d\n\n.\n..dots\nFrom here\n\xc3\xa4\xc3\xb6\nlast", i)
			s.must([]byte(body), "sendmail", "-oi", "-f", "alice@e2e.test", "bob@e2e.test")
			s.must(nil, "qrun")
			if out := s.must(nil, "mailq", "--json"); out != "" {
				t.Fatalf("not relayed: %s", out)
			}
			r.must(nil, "qrun")
			r.log.await(t, "mechanism="+tt.mechanism+" ")
			found := false
			for _, b := range r.mail("bob") {
				if bytes.Contains(b, fmt.Appendf(nil, "Subject: try %d\n", i)) {
					found = true
					if !bytes.HasSuffix(b, []byte("\n\n.\n..dots\nFrom here\n\xc3\xa4\xc3\xb6\nlast\n")) || bytes.Contains(b, []byte("\r")) {
						t.Errorf("arrived as %q", b)
					}
					if !bytes.Contains(b, []byte("with "+tt.with)) {
						t.Errorf("not %s:\n%s", tt.with, b)
					}
				}
			}
			if !found {
				t.Error("did not arrive")
			}
		})
	}
	if strings.Contains(r.log.String(), "secret") {
		t.Error("the password is in the log")
	}
}

// What stands between a sender and its relay makes mail wait, with the reason;
// it is never sent, nor the password shown, to somebody else.
func TestRelayRefuses(t *testing.T) {
	r := newReceiver(t, "")
	ca := "relay_ca = " + fmt.Sprintf("%q", filepath.Join(r.dir, "ca.pem"))
	tests := []struct{ name, relay, auth, more, want string }{
		{"wrong password", "submission://localhost:" + r.port["submission"], "alice:wrong", ca, "Authentication failed"},
		{"wrong password, implicit TLS", "smtps://localhost:" + r.port["submissions"], "alice:wrong", ca, "Authentication failed"},
		{"unknown CA", "submission://localhost:" + r.port["submission"], "alice:secret", "", "certificate"},
		{"unknown CA, TLS where offered", "smtp://localhost:" + r.port["submission"], "alice:secret", "", "certificate"},
		{"nobody there", "smtps://localhost:" + closedPort(t), "alice:secret", ca, "refused"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newSender(t, tt.relay, tt.auth, tt.more)
			s.must([]byte("Subject: x\n\nbody\n"), "sendmail", "-f", "alice@e2e.test", "bob@e2e.test")
			s.must(nil, "qrun")
			if got := s.last(); got.state != "deferred" || !strings.Contains(got.text, tt.want) {
				t.Errorf("queue says %+v, want %q", got, tt.want)
			}
		})
	}
	r.must(nil, "qrun")
	if n := len(r.mail("bob")); n != 0 {
		t.Errorf("%d messages arrived", n)
	}
	if strings.Contains(r.log.String(), "logged in") {
		t.Error("somebody logged in")
	}
}

// Without a password to lose, an unknown certificate is better than none.
func TestOpportunisticTLS(t *testing.T) {
	r := newReceiver(t, "")
	s := newSender(t, "smtp://127.0.0.1:"+r.port["mx"], "", "")
	s.must([]byte("Subject: x\n\nbody\n"), "sendmail", "-f", "ada@out.test", "bob@e2e.test", "nobody@e2e.test")
	s.must(nil, "qrun")
	r.must(nil, "qrun")
	for _, b := range r.mail("bob") {
		if !bytes.Contains(b, []byte("with ESMTPS ")) {
			t.Errorf("came in clear:\n%s", b)
		}
	}
	if n := len(r.mail("bob")); n != 1 {
		t.Errorf("%d arrived", n)
	}
}

// Who logs in with wrong passwords is made to wait, on new connections too.
func TestGuessing(t *testing.T) {
	r := newReceiver(t, "")
	curl := peer(t, "curl")
	login := func(password string) (time.Duration, error) {
		start := time.Now()
		c := exec.Command(curl, "-s", "--max-time", "60", "-k", "--url", "smtps://127.0.0.1:"+r.port["submissions"], "--user", "alice:"+password,
			"--login-options", "AUTH=PLAIN", "--mail-from", "alice@e2e.test", "--mail-rcpt", "bob@e2e.test", "-T", "-")
		c.Stdin = strings.NewReader("Subject: x\r\n\r\nhi\r\n")
		_, err := c.CombinedOutput()
		return time.Since(start), err
	}
	for range 6 {
		if _, err := login("wrong"); err == nil {
			t.Error("a wrong password will do")
		}
	}
	took, err := login("secret")
	if err != nil || took < 900*time.Millisecond {
		t.Errorf("after six failures: %v after %v", err, took)
	}
	r.log.await(t, `msg="login delayed"`)
}

// last is what the queue says of its one message.
type last struct{ state, text string }

func (s *system) last() last {
	s.t.Helper()
	var item struct {
		State      string
		Recipients []struct{ Last struct{ Text string } }
	}
	out := s.must(nil, "mailq", "--json")
	if err := json.Unmarshal([]byte(out), &item); err != nil || len(item.Recipients) == 0 {
		s.t.Fatalf("%v: %s", err, out)
	}
	return last{item.State, item.Recipients[0].Last.Text}
}

// withoutSCRAM is a server that forgets to offer SCRAM, in front of r.
func withoutSCRAM(t *testing.T, r *receiver) (port string) {
	t.Helper()
	cert, err := tls.LoadX509KeyPair(filepath.Join(r.dir, "ca.pem"), filepath.Join(r.dir, "key.pem"))
	if err != nil {
		t.Fatal(err)
	}
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{cert}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			server, err := tls.Dial("tcp", "127.0.0.1:"+r.port["submissions"], &tls.Config{InsecureSkipVerify: true})
			if err != nil {
				client.Close()
				return
			}
			go func() { defer server.Close(); io.Copy(server, client) }()
			go func() {
				defer client.Close()
				buf := make([]byte, 4096)
				for {
					n, err := server.Read(buf)
					if err != nil {
						return
					}
					client.Write(bytes.ReplaceAll(buf[:n], []byte("AUTH SCRAM-SHA-256 "), []byte("AUTH ")))
				}
			}()
		}
	}()
	_, port, _ = net.SplitHostPort(l.Addr().String())
	return port
}

// peer finds a foreign program, or skips the test.
func peer(t *testing.T, name string) string {
	t.Helper()
	for _, p := range []string{name, "/usr/sbin/" + name} {
		if path, err := exec.LookPath(p); err == nil {
			return path
		}
	}
	t.Skip(name + " is not installed")
	return ""
}
