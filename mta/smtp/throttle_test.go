package smtp

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
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
	conn.SetDeadline(time.Now().Add(time.Minute))
	return secure(t, conn)
}

// secure starts TLS on a connection and says EHLO.
func secure(t *testing.T, conn net.Conn) (say func(string), hear func() Reply) {
	t.Helper()
	r := bufio.NewReader(conn)
	say = func(line string) { go fmt.Fprint(conn, line+"\r\n") } // a pipe takes it when the server reads
	hear = func() Reply {
		t.Helper()
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
	secret := tls.Client(conn, clientTLS)
	if err := secret.Handshake(); err != nil {
		t.Error(err)
	}
	conn = secret
	r.Reset(conn)
	say("EHLO x")
	hear()
	return say, hear
}

// loopback is a connection that seems to come from 127.0.0.1.
type loopback struct{ net.Conn }

func (loopback) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1} }

// throttling runs f where time passes only when all wait. connect begins a session with a server
// that is told to stop by the context, and returns how to wait for its end.
func throttling(t *testing.T, f func(t *testing.T, connect func(ctx context.Context, opt Options) (say func(string), hear func() Reply, end func()))) {
	conf := testTLS()
	testAuth() // both outlive the test, and are not to begin in its time
	synctest.Test(t, func(t *testing.T) {
		f(t, func(ctx context.Context, opt Options) (say func(string), hear func() Reply, end func()) {
			t.Helper()
			opt.Hostname, opt.TLS = "mx.test", conf
			client, server := net.Pipe()
			done := make(chan struct{})
			go func() {
				defer close(done)
				NewServer(opt, &sink{auth: true}).ServeConn(ctx, loopback{server})
			}()
			say, hear = secure(t, client)
			return say, hear, func() { client.Close(); <-done }
		})
	})
}

// Who guesses on many connections waits on all of them.
func TestLoginThrottle(t *testing.T) {
	throttling(t, func(t *testing.T, connect func(context.Context, Options) (func(string), func() Reply, func())) {
		guessed := sasl.NewThrottle()
		slowed := Options{Throttle: guessed}
		spared := Options{Throttle: guessed, Spared: func(net.Addr) bool { return true }}
		login := func(opt Options, line string, want int, after time.Duration) {
			t.Helper()
			say, hear, end := connect(t.Context(), opt)
			defer end()
			start := time.Now()
			say(line)
			rep := hear()
			if took := time.Since(start); rep.Code != want || took != after {
				t.Errorf("%v after %v; want %d after %v", rep, took, want, after)
			}
		}
		for range 6 {
			login(slowed, wrongPassword, 535, 0)
		}
		login(slowed, rightPassword, 235, time.Second)
		for range 20 {
			guessed.Failed(netip.MustParseAddr("127.0.0.1"))
		}
		guessed.Admit(netip.MustParseAddr("127.0.0.1")) // somebody waits already
		login(slowed, rightPassword, 454, 0)
		login(spared, rightPassword, 235, 0)
	})
}

// One who waits does not keep the server from stopping.
func TestThrottleAndShutdown(t *testing.T) {
	throttling(t, func(t *testing.T, connect func(context.Context, Options) (func(string), func() Reply, func())) {
		guessed := sasl.NewThrottle()
		for range 20 {
			guessed.Failed(netip.MustParseAddr("127.0.0.1"))
		}
		ctx, stop := context.WithCancel(t.Context())
		say, hear, end := connect(ctx, Options{Throttle: guessed})
		say(rightPassword)
		synctest.Wait()
		start := time.Now()
		stop()
		if rep := hear(); rep.Code/100 != 4 {
			t.Errorf("told %v", rep)
		}
		end()
		if took := time.Since(start); took != 0 {
			t.Errorf("stopped after %v", took)
		}
	})
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
