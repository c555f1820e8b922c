package smtp

import (
	"bufio"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"pneu/mta/sasl"
)

const (
	rightPassword = "AUTH PLAIN AGFsaWNlAHNlY3JldA=="
	wrongPassword = "AUTH PLAIN AGFsaWNlAHdyb25n"
)

// secured connects, starts TLS and says EHLO.
func secured(t *testing.T, addr string) (say func(string), hear func() Reply) {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(10 * time.Second))
	r := bufio.NewReader(conn)
	say = func(line string) { fmt.Fprint(conn, line+"\r\n") }
	hear = func() Reply {
		rep, err := ReadReply(r)
		if err != nil {
			t.Errorf("wait for a reply: %v", err)
		}
		return rep
	}
	hear()
	say("EHLO x")
	hear()
	say("STARTTLS")
	hear()
	conn = tls.Client(conn, clientTLS)
	r.Reset(conn)
	say("EHLO x")
	hear()
	return say, hear
}

// Who guesses on many connections waits on all of them.
func TestLoginThrottle(t *testing.T) {
	guessed := sasl.NewThrottle()
	opt := Options{Throttle: guessed, TLS: testTLS()}
	addr, stop := listen(t, opt, &sink{auth: true})
	defer stop()
	opt.Spared = func(net.Addr) bool { return true }
	sparing, stopSparing := listen(t, opt, &sink{auth: true})
	defer stopSparing()
	login := func(addr, line string, want int, least, most time.Duration) {
		t.Helper()
		say, hear := secured(t, addr)
		start := time.Now()
		say(line)
		rep := hear()
		if took := time.Since(start); rep.Code != want || took < least || took > most {
			t.Errorf("%v after %v; want %d after %v to %v", rep, took, want, least, most)
		}
		say("QUIT")
		hear()
	}
	for range 6 {
		login(addr, wrongPassword, 535, 0, 900*time.Millisecond)
	}
	login(addr, rightPassword, 235, 900*time.Millisecond, 3*time.Second)
	for range 20 {
		guessed.Failed(netip.MustParseAddr("127.0.0.1"))
	}
	guessed.Admit(netip.MustParseAddr("127.0.0.1")) // somebody waits already
	login(addr, rightPassword, 454, 0, 900*time.Millisecond)
	login(sparing, rightPassword, 235, 0, 900*time.Millisecond)
}

// One who waits does not keep the server from stopping.
func TestThrottleAndShutdown(t *testing.T) {
	guessed := sasl.NewThrottle()
	for range 20 {
		guessed.Failed(netip.MustParseAddr("127.0.0.1"))
	}
	addr, stop := listen(t, Options{Throttle: guessed, TLS: testTLS()}, &sink{auth: true})
	say, hear := secured(t, addr)
	say(rightPassword)
	time.Sleep(50 * time.Millisecond)
	start := time.Now()
	stop()
	if took := time.Since(start); took > 2*time.Second {
		t.Errorf("stopped after %v", took)
	}
	if rep := hear(); rep.Code/100 != 4 {
		t.Errorf("told %v", rep)
	}
}

// A failed login is found in the log by its name; the password is in none of it.
func TestFailedLoginIsLogged(t *testing.T) {
	var log lockedBuffer
	addr, _ := listen(t, Options{TLS: testTLS(), MaxAuthFails: 10, Log: slog.New(slog.NewTextHandler(&log, nil))}, &sink{auth: true})
	say, hear := secured(t, addr)
	for _, user := range []string{"alice", "m\x1b[31m\u202eallory", strings.Repeat("x", 300)} {
		say("AUTH PLAIN " + base64.StdEncoding.EncodeToString([]byte("\x00"+user+"\x00hunter2")))
		if rep := hear(); rep.Code != 535 {
			t.Errorf("%q: %v", user, rep)
		}
	}
	got := log.String()
	for _, want := range []string{` user=alice client=127.0.0.1:`, "mechanism=PLAIN", "user=m", "allory", "user=" + strings.Repeat("x", 100) + " "} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in %q", want, got)
		}
	}
	if strings.Contains(got, "hunter2") || strings.ContainsAny(got, "\x1b\u202e") {
		t.Errorf("the log: %q", got)
	}
}

// lockedBuffer takes the log of a server that is still at work.
type lockedBuffer struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
