package inbound

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/netip"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"pneu/mta/queue"
	"pneu/mta/sasl"
	"pneu/mta/smtp"
)

// people are the accounts of the tests: alice and bob at try.test, with a catch-all that makes
// every address at all.test exist.
type people struct{}

func (people) Exists(_ context.Context, addr string) (bool, error) {
	switch local, domain := smtp.SplitAddress(strings.ToLower(addr)); {
	case local == "trouble":
		return false, errors.New("users file: input/output error")
	case domain == "all.test":
		return true, nil
	default:
		return domain == "try.test" && (local == "alice" || local == "bob" || local == "postmaster"), nil
	}
}

func (people) Owns(_ context.Context, account, addr string) (bool, error) {
	if strings.HasPrefix(addr, "trouble@") {
		return false, errors.New("users file: input/output error")
	}
	return strings.EqualFold(account, addr), nil
}

func (people) Lookup(user string) (sasl.Credentials, error) {
	if user != "alice" {
		return sasl.Credentials{}, sasl.ErrNoUser
	}
	return sasl.Credentials{Account: "alice@try.test", Secrets: []sasl.Secret{{SCRAM: aliceKeys()}}}, nil
}

var (
	aliceKeys = sync.OnceValue(func() sasl.SCRAM { return sasl.Derive("secret", []byte("salt"), 4096) })
	testTLS   = sync.OnceValue(func() *tls.Config {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			panic(err)
		}
		c := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
		der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
		if err != nil {
			panic(err)
		}
		return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
	})
)

// from is a connection that claims to come from somewhere.
type from struct {
	net.Conn
	remote net.Addr
}

func (c from) RemoteAddr() net.Addr { return c.remote }
func (c from) LocalAddr() net.Addr  { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 25} }

func newSpool(t testing.TB, fsys queue.FS) *queue.Spool {
	t.Helper()
	dir := t.TempDir() + "/spool"
	if err := queue.Create(dir); err != nil {
		t.Fatal(err)
	}
	s, err := queue.Open(queue.Options{Dir: dir, FS: fsys})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// peer is a conversation with a service.
type peer struct {
	t testing.TB
	c net.Conn
	r *bufio.Reader
}

func connect(t testing.TB, opt Options, spool Spool, remote string) *peer {
	t.Helper()
	opt.Hostname = "mx.try.test"
	opt.Domains = []string{"try.test", "all.test", "BÜCHER.test"}
	svc := New(opt, people{}, people{}, sasl.NewAuthenticator(people{}, "smtp", []byte("k")), spool, nil)
	srv := smtp.NewServer(smtp.Options{Hostname: opt.Hostname, TLS: testTLS(), MaxErrors: 1000}, svc)
	client, server := net.Pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		srv.ServeConn(context.Background(), from{server, &net.TCPAddr{IP: net.ParseIP(remote), Port: 1}})
	}()
	t.Cleanup(func() {
		client.Close()
		<-done
	})
	client.SetDeadline(time.Now().Add(time.Minute))
	p := &peer{t, client, bufio.NewReader(client)}
	p.want(p.read(), "220")
	p.want(p.cmd("EHLO client.example"), "250")
	return p
}

func (p *peer) read() smtp.Reply {
	p.t.Helper()
	rep, err := smtp.ReadReply(p.r)
	if err != nil {
		p.t.Fatal(err)
	}
	return rep
}

func (p *peer) cmd(line string) smtp.Reply {
	p.t.Helper()
	if _, err := io.WriteString(p.c, line+"\r\n"); err != nil {
		p.t.Fatal(err)
	}
	return p.read()
}

func (p *peer) want(rep smtp.Reply, prefix string) {
	p.t.Helper()
	if !strings.HasPrefix(rep.String(), prefix) {
		p.t.Errorf("got %q, want %q", rep, prefix)
	}
}

func (p *peer) login() {
	p.t.Helper()
	p.want(p.cmd("STARTTLS"), "220")
	tc := tls.Client(p.c, &tls.Config{InsecureSkipVerify: true})
	p.c, p.r = tc, bufio.NewReader(tc)
	p.want(p.cmd("EHLO client.example"), "250")
	p.want(p.cmd("AUTH PLAIN AGFsaWNlAHNlY3JldA=="), "235")
}

// send sends a message whose text has CRLF ends and no dots to stuff.
func (p *peer) send(text string) smtp.Reply {
	p.t.Helper()
	p.want(p.cmd("DATA"), "354")
	return p.cmd(text + ".")
}

// queued returns the only message in the spool, and its text.
func queued(t testing.TB, s *queue.Spool) (*queue.Message, string) {
	t.Helper()
	refs, err := s.All()
	if err != nil || len(refs) != 1 {
		t.Fatalf("%d messages in the queue, %v", len(refs), err)
	}
	m, err := s.Read(refs[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	b, err := io.ReadAll(m.Body())
	if err != nil {
		t.Fatal(err)
	}
	return m, string(b)
}

func TestStranger(t *testing.T) {
	spool := newSpool(t, nil)
	p := connect(t, Options{}, spool, "192.0.2.7")
	p.want(p.cmd("MAIL FROM:<ann@client.example> BODY=8BITMIME RET=HDRS ENVID=x+2By+20+3Ez"), "250 2.1.0")
	p.want(p.cmd("RCPT TO:<Alice@TRY.test> NOTIFY=FAILURE,DELAY ORCPT=rfc822;a+2Bb+20+3Ec@c"), "250 2.1.5")
	p.want(p.cmd("RCPT TO:<nobody@try.test>"), "550 5.1.1 No such user here")
	p.want(p.cmd("RCPT TO:<trouble@try.test>"), "451 4.3.0")
	rep := p.send("Subject: x\r\nBcc: hidden@x\r\n\r\ntext\r\n")
	p.want(rep, "250 2.0.0 Queued as ")
	m, text := queued(t, spool)
	if id := strings.TrimPrefix(rep.Text(), "Queued as "); id != m.ID {
		t.Errorf("id %q, want %q", id, m.ID)
	}
	trace, rest, _ := strings.Cut(text, "Subject:")
	if rest != " x\nBcc: hidden@x\n\ntext\n" {
		t.Errorf("message changed: %q", text)
	}
	for _, part := range []string{"Received: from client.example ([192.0.2.7])\n\tby mx.try.test (pneu, session ", ") with ESMTP id " + m.ID + "\n\tfor <Alice@TRY.test>;\n\t"} {
		if !strings.Contains(trace, part) {
			t.Errorf("trace field %q lacks %q", trace, part)
		}
	}
	if strings.Contains(text, "\r") {
		t.Errorf("CR in %q", text)
	}
	date := trace[strings.LastIndex(trace, ";")+1:]
	if _, err := time.Parse(time.RFC1123Z, strings.TrimSpace(date)); err != nil {
		t.Error(err)
	}
	e := m.Envelope
	got := fmt.Sprintf("%s %s %s %s %v %v %+v auth=%s", e.Sender, e.Client, e.Ret, e.EnvID, e.EightBit, e.UTF8, e.Recipients, e.Auth)
	want := "ann@client.example 192.0.2.7 client.example HDRS x+y >z true false [{N:1 Addr:Alice@TRY.test Mark:46 Notify:FAILURE,DELAY ORcpt:rfc822;a+b >c@c}] auth="
	if got != want {
		t.Errorf("envelope\n%s\nwant\n%s", got, want)
	}
}

// Whatever the form of the address: strangers do not relay.
func TestOpenRelay(t *testing.T) {
	tests := []struct{ rcpt, stranger, friend string }{ // friend: a client in relay_networks
		{"<alice@try.test>", "250", "250"},
		{"<ALICE@TRY.TEST>", "250", "250"},
		{`<"alice"@try.test>`, "250", "250"},
		{"<postmaster>", "250", "250"},
		{"<PostMaster>", "250", "250"},
		{"<postmaster@[192.0.2.1]>", "250", "250"},
		{"<@try.test:alice@try.test>", "250", "250"},
		{"<@foreign.example:alice@try.test>", "250", "250"},
		{"<victim@foreign.example>", "550 5.7.1", "250"},
		{"<@try.test:victim@foreign.example>", "550 5.7.1", "250"},
		{"<@try.test,@foreign.example:victim@foreign.example>", "550 5.7.1", "250"},
		{"<@[192.0.2.1]:victim@foreign.example>", "550 5.7.1", "250"},
		{"<victim%foreign.example@try.test>", "550 5.7.1", "550 5.7.1"},
		{"<victim%foreign.example@[192.0.2.1]>", "550 5.7.1", "550 5.7.1"},
		{"<victim%foreign.example>", "550 5.1.3", "550 5.1.3"},
		{"<foreign.example!victim@try.test>", "550 5.7.1", "550 5.7.1"},
		{"<foreign.example!victim>", "550 5.1.3", "550 5.1.3"},
		{"<foreign.example!victim@all.test>", "550 5.7.1", "550 5.7.1"},
		{"<victim%foreign.example@all.test>", "550 5.7.1", "550 5.7.1"},
		{`<"victim@foreign.example"@try.test>`, "550 5.7.1", "550 5.7.1"},
		{`<"victim@foreign.example"@all.test>`, "550 5.7.1", "550 5.7.1"},
		{`<"victim\@foreign.example"@try.test>`, "550 5.7.1", "550 5.7.1"},
		{`<"victim%foreign.example"@try.test>`, "550 5.7.1", "550 5.7.1"},
		{`<"foreign.example!victim"@try.test>`, "550 5.7.1", "550 5.7.1"},
		{`<"@try.test:victim@foreign.example"@try.test>`, "550 5.7.1", "550 5.7.1"},
		{`<"victim@foreign.example">`, "550 5.1.3", "550 5.1.3"},
		{`<"victim@try.test"@foreign.example>`, "550 5.7.1", "250"},
		{"<victim@try.test@foreign.example>", "501 5.1.3", "501 5.1.3"},
		{"<victim@foreign.example@try.test>", "501 5.1.3", "501 5.1.3"},
		{"<victim@foreign.example.try.test>", "550 5.7.1", "250"},
		{"<victim@try.test.foreign.example>", "550 5.7.1", "250"},
		{"<alice@sub.try.test>", "550 5.7.1", "250"},
		{"<alice@try.test.>", "501 5.1.3", "501 5.1.3"},
		{"<victim@[198.51.100.1]>", "550 5.7.1", "250"},
		{"<victim@[127.0.0.1]>", "550 5.7.1", "250"},
		{"<victim@[IPv6:2001:db8::1]>", "550 5.7.1", "250"},
		{"<victim@localhost>", "550 5.7.1", "250"},
		{"<alice>", "550 5.1.3", "550 5.1.3"},
		{"<>", "501 5.1.3", "501 5.1.3"},
		{"alice@try.test", "501 5.1.3", "501 5.1.3"},
		{"victim@foreign.example", "501 5.1.3", "501 5.1.3"},
	}
	spool := newSpool(t, nil)
	opt := Options{RelayNetworks: []netip.Prefix{netip.MustParsePrefix("203.0.113.0/24")}}
	stranger, friend := connect(t, opt, spool, "198.51.100.7"), connect(t, opt, spool, "203.0.113.7")
	for _, p := range []*peer{stranger, friend} {
		p.want(p.cmd("MAIL FROM:<alice@try.test>"), "250") // our own domain as sender is no password
	}
	for _, tt := range tests {
		if rep := stranger.cmd("RCPT TO:" + tt.rcpt); !strings.HasPrefix(rep.String(), tt.stranger) {
			t.Errorf("stranger, %s: %q, want %q", tt.rcpt, rep, tt.stranger)
		}
		if rep := friend.cmd("RCPT TO:" + tt.rcpt); !strings.HasPrefix(rep.String(), tt.friend) {
			t.Errorf("relay network, %s: %q, want %q", tt.rcpt, rep, tt.friend)
		}
	}
}

func TestStrangersSenders(t *testing.T) {
	p := connect(t, Options{}, newSpool(t, nil), "192.0.2.7")
	for mail, want := range map[string]string{
		"<>":                 "250",
		"<ann>":              "553 5.1.7",
		"<a@b.example>":      "250",
		"<@r.example:a@b.c>": "250",
	} {
		p.want(p.cmd("MAIL FROM:"+mail), want)
		p.want(p.cmd("RSET"), "250")
	}
	p.want(p.cmd("MAIL FROM:<ä@bücher.example> SMTPUTF8"), "250")
	p.want(p.cmd("RCPT TO:<alice@ｔｒｙ.test>"), "250")
	p.want(p.cmd("RCPT TO:<alice@bücher.test>"), "550 5.1.1") // ours, under either spelling
	p.want(p.cmd("RCPT TO:<alice@xn--bcher-kva.test>"), "550 5.1.1")
}

func TestLoop(t *testing.T) {
	for hops, want := range map[int]string{49: "250", 50: "554 5.4.6", 200: "554 5.4.6"} {
		t.Run(fmt.Sprint(hops), func(t *testing.T) {
			spool := newSpool(t, nil)
			p := connect(t, Options{}, spool, "192.0.2.7")
			p.cmd("MAIL FROM:<>")
			p.cmd("RCPT TO:<bob@try.test>")
			p.want(p.send(strings.Repeat("received : from a\r\n by b\r\n", hops)+"Subject: x\r\n\r\nReceived: not a field\r\n"), want)
			refs, err := spool.All()
			if err != nil || (len(refs) == 1) != (want == "250") {
				t.Errorf("%d messages queued, %v", len(refs), err)
			}
		})
	}
}

func TestHeaderTooBig(t *testing.T) {
	spool := newSpool(t, nil)
	p := connect(t, Options{}, spool, "192.0.2.7")
	p.cmd("MAIL FROM:<>")
	p.cmd("RCPT TO:<bob@try.test>")
	p.want(p.send("X: "+strings.Repeat("x", 1<<20)+"\r\n\r\n"), "552 5.3.4")
	p.cmd("MAIL FROM:<>")
	p.cmd("RCPT TO:<bob@try.test>")
	p.want(p.send("X: "+strings.Repeat("x", 1<<19)+"\r\n"), "250")
	if _, text := queued(t, spool); len(text) < 1<<19 {
		t.Errorf("%d bytes queued", len(text))
	}
}

func TestUserMust(t *testing.T) {
	spool := newSpool(t, nil)
	p := connect(t, Options{Role: Submission}, spool, "192.0.2.7")
	p.want(p.cmd("MAIL FROM:<alice@try.test>"), "530 5.7.0 Must issue a STARTTLS")
	p.want(p.cmd("AUTH PLAIN AGFsaWNlAHNlY3JldA=="), "538 5.7.11")
	p.want(p.cmd("STARTTLS"), "220")
	tc := tls.Client(p.c, &tls.Config{InsecureSkipVerify: true})
	p.c, p.r = tc, bufio.NewReader(tc)
	p.want(p.cmd("EHLO client.example"), "250")
	p.want(p.cmd("MAIL FROM:<alice@try.test>"), "530 5.7.0 Authentication required")
	p.want(p.cmd("AUTH PLAIN AGFsaWNlAHdyb25n"), "535 5.7.8")
	p.want(p.cmd("MAIL FROM:<alice@try.test>"), "530 5.7.0 Authentication required")
	p.want(p.cmd("AUTH PLAIN AGFsaWNlAHNlY3JldA=="), "235")
	p.want(p.cmd("MAIL FROM:<bob@try.test>"), "553 5.7.1")
	p.want(p.cmd("MAIL FROM:<a@foreign.example>"), "553 5.7.1")
	p.want(p.cmd("MAIL FROM:<trouble@try.test>"), "451 4.3.0")
	p.want(p.cmd("MAIL FROM:<alice>"), "250") // completed
	p.want(p.cmd("RCPT TO:<victim%foreign.example@try.test>"), "550 5.7.1")
	p.want(p.cmd("RCPT TO:<nobody@try.test>"), "550 5.1.1")
	p.want(p.cmd("RCPT TO:<bob>"), "250")
	p.want(p.cmd("RCPT TO:<a@foreign.example>"), "250")
}

func TestExchangeOffersNoLogin(t *testing.T) {
	p := connect(t, Options{}, newSpool(t, nil), "192.0.2.7")
	p.want(p.cmd("STARTTLS"), "220")
	tc := tls.Client(p.c, &tls.Config{InsecureSkipVerify: true})
	p.c, p.r = tc, bufio.NewReader(tc)
	if rep := p.cmd("EHLO client.example"); strings.Contains(rep.Text(), "AUTH") {
		t.Errorf("EHLO: %q", rep)
	}
	p.want(p.cmd("AUTH PLAIN AGFsaWNlAHNlY3JldA=="), "500")
}

func TestAnySender(t *testing.T) {
	p := connect(t, Options{Role: Submission, AnySender: true}, newSpool(t, nil), "192.0.2.7")
	p.login()
	p.want(p.cmd("MAIL FROM:<a@foreign.example>"), "250")
}

func TestSubmission(t *testing.T) {
	spool := newSpool(t, nil)
	p := connect(t, Options{Role: Submission}, spool, "2001:db8::7")
	p.login()
	p.want(p.cmd("MAIL FROM:<alice@try.test>"), "250")
	p.want(p.cmd("RCPT TO:<a@foreign.example>"), "250")
	p.want(p.cmd("RCPT TO:<bob>"), "250")
	p.want(p.send("From: alice@try.test\r\nBcc: bob@try.test\r\nSubject: x\r\n\r\ntext\r\n"), "250 2.0.0 Queued as ")
	m, text := queued(t, spool)
	header, body, _ := strings.Cut(text, "\n\n")
	if body != "text\n" || strings.Contains(header, "Bcc") || strings.Contains(text, "\r") {
		t.Errorf("message %q", text)
	}
	for _, want := range []string{"Received: from client.example ([IPv6:2001:db8::7])", "with ESMTPSA id ", "(using TLS 1.3 with cipher TLS_", "\nDate: ", "\nMessage-ID: <"} {
		if !strings.Contains(header, want) {
			t.Errorf("header %q lacks %q", header, want)
		}
	}
	if strings.Contains(header, "for <") {
		t.Errorf("a recipient is told of another: %q", header)
	}
	if m.Auth != "alice@try.test" || m.Recipients[1].Addr != "bob@try.test" {
		t.Errorf("envelope %+v", m.Envelope)
	}
}

func TestLocalUser(t *testing.T) {
	spool := newSpool(t, nil)
	p := connect(t, Options{Role: Local, User: "carol", FullName: "Carol C.", Client: "uid 1000"}, spool, "")
	p.want(p.cmd("MAIL FROM:<carol>"), "250")
	p.want(p.cmd("RCPT TO:<a@foreign.example>"), "250")
	p.want(p.send("Subject: x\r\n\r\ntext\r\n"), "250")
	m, text := queued(t, spool)
	if m.Sender != "carol@try.test" || m.Auth != "carol" || !strings.Contains(text, "carol@try.test") || !strings.Contains(text, "Carol C.") {
		t.Errorf("envelope %+v, message %q", m.Envelope, text)
	}
}

// fullDisk has no room for data.
type fullDisk struct {
	queue.FS
	at string // "open", "write" or "sync"
}

type fullFile struct {
	queue.File
	at string
}

func (f fullDisk) Open(name string, flag int, perm uint32) (queue.File, error) {
	if f.at == "open" && flag&syscall.O_CREAT != 0 {
		return nil, syscall.ENOSPC
	}
	file, err := f.FS.Open(name, flag, perm)
	if err != nil {
		return nil, err
	}
	return fullFile{file, f.at}, nil
}

func (f fullFile) Write(p []byte) (int, error) {
	if f.at == "write" {
		return 0, syscall.ENOSPC
	}
	return f.File.Write(p)
}

func (f fullFile) WriteAt(p []byte, off int64) (int, error) {
	if f.at == "write" {
		return 0, syscall.ENOSPC
	}
	return f.File.WriteAt(p, off)
}

func (f fullFile) Sync() error {
	if f.at == "sync" {
		return syscall.EIO
	}
	return f.File.Sync()
}

func (f fullFile) Datasync() error {
	if f.at == "sync" {
		return syscall.EIO
	}
	return f.File.Datasync()
}

// What cannot be made durable is not accepted, leaves nothing behind, and the session goes on.
func TestQueueFails(t *testing.T) {
	for at, want := range map[string]string{"open": "452 4.3.1", "write": "452 4.3.1", "sync": "451 4.3.0"} {
		t.Run(at, func(t *testing.T) {
			spool := newSpool(t, fullDisk{queue.OS{}, at})
			p := connect(t, Options{}, spool, "192.0.2.7")
			p.cmd("MAIL FROM:<>")
			p.cmd("RCPT TO:<bob@try.test>")
			p.want(p.send("Subject: x\r\n\r\n"+strings.Repeat(strings.Repeat("x", 78)+"\r\n", 3000)), want)
			p.want(p.cmd("NOOP"), "250")
			if refs, err := spool.All(); err != nil || len(refs) != 0 {
				t.Errorf("%d files left, %v", len(refs), err)
			}
		})
	}
}

// A peer that goes away in the middle leaves nothing.
func TestPeerGone(t *testing.T) {
	spool := newSpool(t, nil)
	p := connect(t, Options{}, spool, "192.0.2.7")
	p.cmd("MAIL FROM:<>")
	p.cmd("RCPT TO:<bob@try.test>")
	p.cmd("DATA")
	io.WriteString(p.c, "Subject: x\r\n\r\n"+strings.Repeat(strings.Repeat("x", 78)+"\r\n", 3000))
	p.c.Close()
	for range 3000 {
		if refs, err := spool.All(); err == nil && len(refs) == 0 {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Error("a file is left")
}

func FuzzReadForeign(f *testing.F) {
	f.Add([]byte("Received: a\r\nSubject: x\r\n\r\nbody"))
	f.Add([]byte("received\t:\n"))
	f.Fuzz(func(t *testing.T, in []byte) {
		src := bufio.NewReaderSize(strings.NewReader(string(in)), 16)
		h, err := readForeign(src, "from x", 5, 1000)
		if err != nil {
			return
		}
		var b strings.Builder
		h.WriteTo(&b)
		rest, _ := io.ReadAll(src)
		if got := b.String() + string(rest); got != "Received: from x\n"+string(in) {
			t.Fatalf("%q became %q", in, got)
		}
	})
}

// Messages of 8 kB through the engine, the policy and the queue, each synced; parallel sessions
// share commits of the disk.
func BenchmarkAccept(b *testing.B) {
	spool := newSpool(b, nil)
	text := "Subject: x\r\n\r\n" + strings.Repeat(strings.Repeat("x", 78)+"\r\n", 100)
	b.SetParallelism(8)
	b.RunParallel(func(pb *testing.PB) {
		p := connect(b, Options{}, spool, "192.0.2.7")
		p.c.SetDeadline(time.Now().Add(time.Minute))
		for pb.Next() {
			p.cmd("MAIL FROM:<a@b.example>")
			p.cmd("RCPT TO:<bob@try.test>")
			p.want(p.send(text), "250")
		}
	})
}

// notingSpool notes whom messages would go to, and takes none.
type notingSpool struct{ rcpts []queue.Recipient }

func (s *notingSpool) Accept(env *queue.Envelope) (*queue.Draft, error) {
	s.rcpts = append(s.rcpts, env.Recipients...)
	return nil, syscall.EROFS
}

// saidConn is a stranger who has said all there is to say.
type saidConn struct {
	net.Conn
	in  *strings.Reader
	out strings.Builder
}

func (c *saidConn) Read(p []byte) (int, error)       { return c.in.Read(p) }
func (c *saidConn) Write(p []byte) (int, error)      { return c.out.Write(p) }
func (c *saidConn) Close() error                     { return nil }
func (c *saidConn) LocalAddr() net.Addr              { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 25} }
func (c *saidConn) RemoteAddr() net.Addr             { return &net.TCPAddr{IP: net.IPv4(198, 51, 100, 7), Port: 1} }
func (c *saidConn) SetReadDeadline(time.Time) error  { return nil }
func (c *saidConn) SetWriteDeadline(time.Time) error { return nil }

// Whatever a stranger writes behind RCPT TO: if it is accepted, it is for a mailbox in one of our
// domains.
func FuzzNoRelay(f *testing.F) {
	for _, s := range []string{
		"<alice@try.test>", "<@a:b@all.test>", `<"a@b"@all.test>`, "<a%b@all.test>", "<b!a@all.test>", "<a@[192.0.2.1]>", "<a@ALL.test> NOTIFY=NEVER",
		"<\xc3\xa9@b\xc3\xbccher.test>", "<x@all.test\u3002evil>", "<a@all.test@b>", "<x@\uff41ll.test>", "<x@all\u3002test>",
	} {
		f.Add(s)
	}
	opt := Options{Hostname: "mx.try.test", Domains: []string{"try.test", "all.test", "bücher.test"}}
	f.Fuzz(func(t *testing.T, rcpt string) {
		spool := &notingSpool{}
		svc := New(opt, people{}, nil, nil, spool, nil)
		conn := &saidConn{in: strings.NewReader("EHLO x\r\nMAIL FROM:<a@b.example> SMTPUTF8\r\nRCPT TO:" + rcpt + "\r\nDATA\r\nSubject: x\r\n\r\n.\r\nQUIT\r\n")}
		smtp.NewServer(smtp.Options{Hostname: opt.Hostname}, svc).ServeConn(context.Background(), conn)
		for _, r := range spool.rcpts {
			// Split by a rule of our own: the last @ parts the domain.
			i := strings.LastIndexByte(r.Addr, '@')
			local, domain := strings.Trim(r.Addr[:i], `"`), strings.ToLower(r.Addr[i+1:])
			if domain != "try.test" && domain != "all.test" && domain != "bücher.test" || strings.ContainsAny(local, "@%!:") {
				t.Fatalf("RCPT TO:%q accepted for %q", rcpt, r.Addr)
			}
		}
	})
}
