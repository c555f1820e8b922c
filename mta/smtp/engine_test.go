package smtp

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	netsmtp "net/smtp"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	gosmtp "github.com/emersion/go-smtp"

	"pneu/mta/sasl"
)

// listen starts a server on loopback; stop ends it and waits.
func listen(t testing.TB, opt Options, b Backend) (addr string, stop func()) {
	t.Helper()
	opt.Hostname = "mx.test"
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- NewServer(opt, b).Serve(ctx, l) }()
	stopped := false
	stop = func() {
		if !stopped {
			stopped = true
			cancel()
			if err := <-done; err != nil {
				t.Errorf("Serve: %v", err)
			}
		}
	}
	t.Cleanup(stop)
	return l.Addr().String(), stop
}

// go-smtp's client and net/smtp's, which others wrote, can talk to us.
func TestForeignClients(t *testing.T) {
	b := &sink{auth: true}
	addr, _ := listen(t, Options{TLS: testTLS()}, b)

	auth := netsmtp.PlainAuth("", "alice", "secret", "127.0.0.1")
	nc, err := netsmtp.Dial(addr)
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []func() error{
		func() error { return nc.StartTLS(clientTLS) },
		func() error { return nc.Auth(auth) },
		func() error { return nc.Mail("a@b") },
		func() error { return nc.Rcpt("c@d") },
		func() error {
			w, err := nc.Data()
			if err != nil {
				return err
			}
			fmt.Fprint(w, "net/smtp\n.\n")
			return w.Close()
		},
		nc.Quit,
	} {
		if err := step(); err != nil {
			t.Fatalf("net/smtp: %v", err)
		}
	}

	c, err := gosmtp.DialStartTLS(addr, clientTLS)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	login, _ := sasl.NewClient("SCRAM-SHA-256", "alice", "secret")
	if err := c.Auth(login); err != nil {
		t.Fatalf("go-smtp: auth: %v", err)
	}
	if !sasl.Verified(login) {
		t.Error("the server did not prove itself")
	}
	if err := c.Mail("ä@b", &gosmtp.MailOptions{UTF8: true, Size: 20, Body: gosmtp.Body8BitMIME, Return: gosmtp.DSNReturnHeaders, EnvelopeID: "id 1+2"}); err != nil {
		t.Fatalf("go-smtp: %v", err)
	}
	var se *gosmtp.SMTPError
	if err := c.Rcpt("unknown@d", nil); !errors.As(err, &se) || se.Code != 550 || se.EnhancedCode != (EnhancedCode{5, 1, 1}) {
		t.Errorf("go-smtp: unknown: %v", err)
	}
	if err := c.Rcpt("c@d", &gosmtp.RcptOptions{Notify: []gosmtp.DSNNotify{gosmtp.DSNNotifyFailure}, OriginalRecipientType: gosmtp.DSNAddressTypeRFC822, OriginalRecipient: "x y@d"}); err != nil {
		t.Fatalf("go-smtp: %v", err)
	}
	w, err := c.Data()
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(w, "go-smtp\r\n.\r\n")
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := c.Quit(); err != nil {
		t.Fatal(err)
	}
	got := b.messages()
	if len(got) != 2 || got[0].data != "net/smtp\r\n.\r\n" || got[1].data != "go-smtp\r\n.\r\n" {
		t.Fatalf("taken: %+v", got)
	}
	m := got[1]
	if m.opts.EnvelopeID != "id 1+2" || m.opts.Return != "HDRS" || !m.opts.UTF8 || m.opts.Size != 20 || m.ropts[0].OriginalRecipient != "x y@d" || m.proto != "UTF8SMTPSA" || m.who != "alice@example.org" {
		t.Errorf("options: %+v", m)
	}
}

// countingConn counts writes.
type countingConn struct {
	net.Conn
	writes int
}

func (c *countingConn) Write(p []byte) (int, error) { c.writes++; return c.Conn.Write(p) }

// Replies to a pipelined group leave in one write (RFC 2920, 3.2).
func TestRepliesBatched(t *testing.T) {
	client, server := net.Pipe()
	cc := &countingConn{Conn: server}
	done := make(chan struct{})
	go func() {
		defer close(done)
		NewServer(Options{Hostname: "mx.test"}, &sink{}).ServeConn(context.Background(), cc)
	}()
	r := bufio.NewReader(client)
	r.ReadString('\n')
	group := "HELO x\r\nMAIL FROM:<a@b>\r\n" + strings.Repeat("RCPT TO:<c@d>\r\n", 50) + "QUIT\r\n"
	go client.Write([]byte(group))
	replies, err := io.ReadAll(r)
	<-done
	if n := strings.Count(string(replies), "\r\n"); n != 53 || err != nil {
		t.Errorf("%d replies, %v", n, err)
	}
	if cc.writes != 2 {
		t.Errorf("%d writes for the greeting and a group", cc.writes)
	}
}

// A message of 100 MB against a limit of 1 MB is refused, and costs no memory.
func TestTooBigInBoundedMemory(t *testing.T) {
	b := &sink{}
	addr, _ := listen(t, Options{MaxSize: 1 << 20}, discarding{b})
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(time.Minute))
	r := bufio.NewReader(conn)
	fmt.Fprint(conn, "EHLO x\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n")
	for {
		rep, err := ReadReply(r)
		if err != nil {
			t.Fatal(err)
		}
		if rep.Code == 354 {
			break
		}
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	chunk := []byte(strings.Repeat(strings.Repeat("x", 78)+"\r\n", 800))
	for sent := 0; sent < 100<<20; sent += len(chunk) {
		if _, err := conn.Write(chunk); err != nil {
			t.Fatalf("after %d bytes: %v", sent, err)
		}
	}
	fmt.Fprint(conn, ".\r\nNOOP\r\n")
	rep, err := ReadReply(r)
	if err != nil || rep.Code != 552 || rep.EnhancedString() != "5.3.4" {
		t.Errorf("reply %q, %v", rep, err)
	}
	if rep, err := ReadReply(r); err != nil || rep.Code != 250 {
		t.Errorf("then %q, %v", rep, err)
	}
	runtime.ReadMemStats(&after)
	if grown := after.TotalAlloc - before.TotalAlloc; grown > 2<<20 {
		t.Errorf("%d bytes allocated", grown)
	}
}

// discarding takes messages and keeps nothing.
type discarding struct{ *sink }

func (d discarding) NewSession(c *Conn) (Session, error) {
	return discardSession{&sinkSession{sink: d.sink, conn: c}}, nil
}

type discardSession struct{ *sinkSession }

func (discardSession) Data(r io.Reader) error { _, err := io.Copy(io.Discard, r); return err }

// Peers that trickle, at any point, are cut off in time.
func TestSlowPeers(t *testing.T) {
	const command, data = "EHLO x\r\n", "EHLO x\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n"
	tests := []struct {
		name, first string
		trickle     string
		every       time.Duration
		most        time.Duration
	}{
		{"silent", "", "", 0, 6 * time.Minute},
		{"silent after a command", command, "", 0, 6 * time.Minute},
		{"a byte of a command each minute", command, "N", time.Minute, 6 * time.Minute},
		{"silent in data", data, "", 0, 4 * time.Minute},
		{"a byte of data each minute", data, "x", time.Minute, 4 * time.Minute},
		{"a byte of a chunk each minute", "EHLO x\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nBDAT 100000 LAST\r\n", "x", time.Minute, 4 * time.Minute},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client, server := net.Pipe()
				b := &sink{}
				done := make(chan struct{})
				start := time.Now()
				go func() {
					defer close(done)
					NewServer(Options{Hostname: "mx.test"}, b).ServeConn(context.Background(), server)
				}()
				peer := make(chan struct{})
				go func() {
					defer close(peer)
					if _, err := io.WriteString(client, tt.first); err != nil {
						return
					}
					for tt.every > 0 {
						time.Sleep(tt.every)
						if _, err := io.WriteString(client, tt.trickle); err != nil {
							return
						}
					}
				}()
				replies, _ := io.ReadAll(client)
				<-done
				took := time.Since(start)
				client.Close()
				<-peer
				if d := took; d > tt.most {
					t.Errorf("held for %v", d)
				}
				if !strings.HasSuffix(string(replies), "421 4.4.2 Timeout, closing\r\n") {
					t.Errorf("replies %q", replies)
				}
			})
		})
	}
}

// A slow line that keeps the least rate may finish.
func TestSlowButHonest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server := net.Pipe()
		b := &sink{}
		done := make(chan struct{})
		go func() {
			defer close(done)
			NewServer(Options{Hostname: "mx.test"}, b).ServeConn(context.Background(), server)
		}()
		go func() {
			io.WriteString(client, "EHLO x\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n")
			for range 100 {
				time.Sleep(time.Minute)
				io.WriteString(client, strings.Repeat("x", 256*60-2)+"\r\n")
			}
			io.WriteString(client, ".\r\nQUIT\r\n")
		}()
		replies, _ := io.ReadAll(client)
		<-done
		client.Close()
		if len(b.messages()) != 1 {
			t.Errorf("replies %q", replies)
		}
	})
}

// Told to stop, the server sends the idle away and lets a message under way finish.
func TestShutdown(t *testing.T) {
	b := &sink{}
	addr, stop := listen(t, Options{}, b)
	conns := make([]net.Conn, 2)
	readers := make([]*bufio.Reader, 2)
	for i := range conns {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		c.SetDeadline(time.Now().Add(time.Minute))
		conns[i], readers[i] = c, bufio.NewReader(c)
		if rep, err := ReadReply(readers[i]); rep.Code != 220 {
			t.Fatal(rep, err)
		}
	}
	for _, line := range []string{"HELO x", "MAIL FROM:<a@b>", "RCPT TO:<c@d>", "DATA"} {
		fmt.Fprint(conns[1], line+"\r\n")
		if rep, err := ReadReply(readers[1]); !rep.Positive() {
			t.Fatal(rep, err)
		}
	}
	fmt.Fprint(conns[1], "half\r\n")
	stopped := make(chan struct{})
	go func() { stop(); close(stopped) }()
	if rep, err := ReadReply(readers[0]); rep.Code != 421 || rep.EnhancedString() != "4.3.2" {
		t.Errorf("idle: %v, %v", rep, err)
	}
	for begun := time.Now(); ; time.Sleep(time.Millisecond) { // listener and peers learn of it in no order
		c, err := net.Dial("tcp", addr)
		if err != nil {
			break
		}
		c.Close()
		if time.Since(begun) > time.Minute {
			t.Fatal("still accepting")
		}
	}
	fmt.Fprint(conns[1], "rest\r\n.\r\n")
	if rep, err := ReadReply(readers[1]); rep.Code != 250 {
		t.Errorf("message under way: %v, %v", rep, err)
	}
	if rep, err := ReadReply(readers[1]); rep.Code != 421 {
		t.Errorf("after it: %v, %v", rep, err)
	}
	<-stopped
	if len(b.messages()) != 1 {
		t.Error("message lost")
	}
}

// One that never finishes is cut after the grace.
func TestShutdownGrace(t *testing.T) {
	addr, stop := listen(t, Options{Grace: 50 * time.Millisecond}, &sink{})
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fmt.Fprint(c, "HELO x\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n")
	r := bufio.NewReader(c)
	for range 5 {
		if _, err := ReadReply(r); err != nil {
			t.Fatal(err)
		}
	}
	start := time.Now()
	stop()
	if d := time.Since(start); d > 20*time.Second { // without a grace it would be minutes
		t.Errorf("stopped after %v", d)
	}
}

func TestTooManyConnections(t *testing.T) {
	tests := []struct {
		name   string
		opt    Options
		third  int
		spared bool
	}{
		{"in all", Options{MaxConns: 2}, 421, false},
		{"of a host", Options{MaxPerHost: 2}, 421, false},
		{"of a host that is spared", Options{MaxPerHost: 2}, 220, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.opt.Spared = func(net.Addr) bool { return tt.spared }
			addr, _ := listen(t, tt.opt, &sink{})
			for i := 1; i <= 3; i++ {
				c, err := net.Dial("tcp", addr)
				if err != nil {
					t.Fatal(err)
				}
				defer c.Close()
				want := 220
				if i == 3 {
					want = tt.third
				}
				if rep, err := ReadReply(bufio.NewReader(c)); rep.Code != want {
					t.Errorf("connection %d: %v, %v; want %d", i, rep, err, want)
				}
			}
		})
	}
}

func TestLongLines(t *testing.T) {
	tests := []struct {
		name, line string
		want       int
		closed     bool
	}{
		{"longest", "NOOP " + strings.Repeat("x", maxLine-7), 250, false},
		{"longer", "NOOP " + strings.Repeat("x", maxLine-6), 500, false},
		{"beyond the buffer", "NOOP " + strings.Repeat("x", 40000), 500, false},
		{"endless", strings.Repeat("x", 1<<20), 500, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := dial(t, Options{}, &sink{})
			r := bufio.NewReader(c)
			ReadReply(r)
			go io.WriteString(c, tt.line+"\r\nQUIT\r\n")
			if rep, err := ReadReply(r); rep.Code != tt.want {
				t.Errorf("%v, %v; want %d", rep, err, tt.want)
			}
			rep, err := ReadReply(r)
			if tt.closed != (err == io.EOF) || !tt.closed && rep.Code != 221 {
				t.Errorf("then %v, %v", rep, err)
			}
		})
	}
}

// lmtpSink answers for each recipient by its name.
type lmtpSink struct{ *sinkSession }

func (s lmtpSink) LMTPData(r io.Reader) []error {
	io.Copy(io.Discard, r)
	var results []error
	for _, to := range s.cur.to {
		if strings.HasPrefix(to, "full@") {
			results = append(results, NewStatus(452, EnhancedCode{4, 2, 2}, "Mailbox full"))
		} else {
			results = append(results, nil)
		}
	}
	return results
}

type backendFunc func(*Conn) (Session, error)

func (f backendFunc) NewSession(c *Conn) (Session, error) { return f(c) }

func TestLMTPAnswersForEach(t *testing.T) {
	b := backendFunc(func(c *Conn) (Session, error) { return lmtpSink{&sinkSession{sink: &sink{}, conn: c}}, nil })
	c := dial(t, Options{LMTP: true}, b)
	r := bufio.NewReader(c)
	go io.WriteString(c, "LHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<a@b>\r\nRCPT TO:<full@b>\r\nRCPT TO:<c@b>\r\nDATA\r\nx\r\n.\r\nQUIT\r\n")
	for i, want := range []int{220, 250, 250, 250, 250, 250, 354, 250, 452, 250, 221} {
		if rep, err := ReadReply(r); rep.Code != want {
			t.Errorf("reply %d: %v, %v; want %d", i, rep, err, want)
		}
	}
}

// A peer the backend does not want hears so in place of the greeting.
func TestBackendRefuses(t *testing.T) {
	for _, err := range []error{NewStatus(554, EnhancedCode{5, 7, 1}, "No service for you"), errSecret} {
		c := dial(t, Options{}, backendFunc(func(*Conn) (Session, error) { return nil, err }))
		got, _ := io.ReadAll(c)
		want := "554 5.7.1 No service for you\r\n"
		if err == errSecret {
			want = "421 4.3.0 Local trouble, try again later\r\n"
		}
		if string(got) != want {
			t.Errorf("%v: %q, want %q", err, got, want)
		}
	}
}

// Implicit TLS: the listener yields TLS connections.
func TestImplicitTLS(t *testing.T) {
	b := &sink{auth: true}
	client, server := net.Pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		NewServer(Options{Hostname: "mx.test"}, b).ServeConn(context.Background(), tls.Server(server, testTLS()))
	}()
	tc := tls.Client(client, clientTLS)
	r := bufio.NewReader(tc)
	ReadReply(r)
	go io.WriteString(tc, "EHLO x\r\n")
	rep, err := ReadReply(r)
	if err != nil || !strings.Contains(rep.Text(), "AUTH SCRAM-SHA-256 PLAIN LOGIN") || strings.Contains(rep.Text(), "STARTTLS") {
		t.Errorf("EHLO: %q, %v", rep, err)
	}
	go io.WriteString(tc, "QUIT\r\n")
	io.Copy(io.Discard, r)
	<-done
}

// Whatever a peer says: no panic, every reply line is well formed and says nothing of what was
// sent, and what is taken came through the front door.
func FuzzConversation(f *testing.F) {
	f.Add([]byte("EHLO x\r\nMAIL FROM:<a@b> SIZE=3\r\nRCPT TO:<c@d>\r\nDATA\r\nhi\r\n.\r\nQUIT\r\n"))
	f.Add([]byte("EHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<@a,@b:\"c d\"@[IPv6:::1]> NOTIFY=NEVER\r\nBDAT 3\r\nabcBDAT 0 LAST\r\n"))
	f.Add([]byte("EHLO x\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nBDAT 99999999999999999999\r\n"))
	f.Add([]byte("HELO x\r\nAUTH PLAIN\r\nSTARTTLS\r\nNOOP\r\n"))
	f.Add([]byte("LHLO x\nHELO\r\r\n"))
	f.Fuzz(func(t *testing.T, in []byte) {
		b := &sink{auth: true}
		conn := &memConn{in: strings.NewReader(string(in))}
		NewServer(Options{Hostname: "mx.test", MaxSize: 1 << 16, TLS: testTLS()}, b).ServeConn(context.Background(), conn)
		out := conn.out.String()
		for line := range strings.Lines(out) {
			text, ok := strings.CutSuffix(line, "\r\n")
			if !ok || len(line) > 512 || len(text) < 4 || text[0] < '2' || text[0] > '5' || !digit(text[1]) || !digit(text[2]) || text[3] != ' ' && text[3] != '-' {
				t.Fatalf("reply line %q", line)
			}
			for _, c := range []byte(text) {
				if c < ' ' || c >= 0x7f {
					t.Fatalf("reply line %q", line)
				}
			}
		}
		if strings.Contains(out, "4.3.0 Internal") && !strings.Contains(strings.ToLower(string(in)), "panic@") {
			t.Fatalf("panic after %q", in)
		}
		r := bufio.NewReader(strings.NewReader(out))
		for {
			if _, err := ReadReply(r); err == io.EOF {
				break
			} else if err != nil {
				t.Fatalf("%q: %v", out, err)
			}
		}
		for _, m := range b.messages() {
			if strings.ContainsAny(strings.ReplaceAll(m.data, "\r\n", ""), "\r\n") || strings.ContainsAny(m.from+strings.Join(m.to, ""), "\r\n\x00<>") && !strings.ContainsAny(m.from+strings.Join(m.to, ""), `"`) {
				t.Fatalf("taken: %+v", m)
			}
		}
	})
}

// memConn is a peer that has said all it will say.
type memConn struct {
	in  *strings.Reader
	out strings.Builder
}

func (c *memConn) Read(p []byte) (int, error)         { return c.in.Read(p) }
func (c *memConn) Write(p []byte) (int, error)        { return c.out.Write(p) }
func (c *memConn) Close() error                       { return nil }
func (c *memConn) LocalAddr() net.Addr                { return &net.UnixAddr{} }
func (c *memConn) RemoteAddr() net.Addr               { return &net.UnixAddr{} }
func (c *memConn) SetDeadline(time.Time) error        { return nil }
func (c *memConn) SetReadDeadline(t time.Time) error  { return nil }
func (c *memConn) SetWriteDeadline(t time.Time) error { return nil }

// One connection, one message after the other: what the engine costs.
func BenchmarkMessages(b *testing.B) {
	msg := strings.Repeat(strings.Repeat("x", 70)+"\r\n", 110) // 8 kB
	one := "MAIL FROM:<a@b> SIZE=8000\r\nRCPT TO:<c@d>\r\nDATA\r\n" + msg + ".\r\n"
	all := "EHLO x\r\n" + strings.Repeat(one, b.N) + "QUIT\r\n"
	conn := &memConn{in: strings.NewReader(all)}
	b.SetBytes(int64(len(one)))
	b.ReportAllocs()
	b.ResetTimer()
	NewServer(Options{Hostname: "mx.test"}, discarding{&sink{}}).ServeConn(context.Background(), conn)
	if n := strings.Count(conn.out.String(), "250 2.0.0 "); n != b.N {
		b.Fatalf("%d of %d", n, b.N)
	}
}
