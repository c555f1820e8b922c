package smtp

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
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	gosasl "github.com/emersion/go-sasl"

	"pneu/mta/sasl"
)

// sink is a backend that takes what it is not told to refuse, and remembers it.
type sink struct {
	auth bool
	mu   sync.Mutex
	got  []taken
}

type taken struct {
	from  string
	opts  MailOptions
	to    []string
	ropts []RcptOptions
	data  string
	proto string
	who   string
}

func (s *sink) NewSession(c *Conn) (Session, error) {
	ss := &sinkSession{sink: s, conn: c}
	if s.auth {
		return &authSink{ss}, nil
	}
	return ss, nil
}

func (s *sink) messages() []taken {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]taken(nil), s.got...)
}

type sinkSession struct {
	sink *sink
	conn *Conn
	cur  taken
	who  string
}

var errSecret = errors.New("/var/secret: disk on fire")

func (s *sinkSession) Mail(from string, o *MailOptions) error {
	if strings.HasPrefix(from, "refused@") {
		return NewStatus(550, EnhancedCode{5, 7, 1}, "Not you")
	}
	if strings.HasPrefix(from, "panic@") {
		panic("at the disco")
	}
	s.cur = taken{from: from, opts: *o}
	return nil
}

func (s *sinkSession) Rcpt(to string, o *RcptOptions) error {
	switch local, _ := SplitAddress(to); local {
	case "unknown":
		return &SMTPError{Code: 550, EnhancedCode: EnhancedCode{5, 1, 1}, Message: "No such user"}
	case "trouble":
		return errSecret
	}
	s.cur.to = append(s.cur.to, to)
	s.cur.ropts = append(s.cur.ropts, *o)
	return nil
}

func (s *sinkSession) Data(r io.Reader) error {
	if s.cur.to[0] == "lazy@example.org" {
		return NewStatus(554, EnhancedCode{5, 6, 0}, "Not reading\x1b[2J\nthat\r\n")
	}
	b, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	s.cur.data, s.cur.proto, s.cur.who = string(b), s.conn.Protocol(), s.who
	s.sink.mu.Lock()
	defer s.sink.mu.Unlock()
	s.sink.got = append(s.sink.got, s.cur)
	return NewStatus(250, EnhancedCode{2, 0, 0}, "Queued")
}

func (s *sinkSession) Reset()        { s.cur = taken{} }
func (s *sinkSession) Logout() error { return nil }

type authSink struct{ *sinkSession }

func (s *authSink) AuthMechanisms() []string { return testAuth().Mechanisms() }
func (s *authSink) Auth(mech string) (gosasl.Server, error) {
	return testAuth().Start(mech, func(who string) error { s.who = who; return nil })
}

type testAccounts struct{}

func (testAccounts) Lookup(user string) (sasl.Credentials, error) {
	switch user {
	case "alice":
		return sasl.Credentials{Account: "alice@example.org", Secrets: []sasl.Secret{{SCRAM: aliceKeys()}}}, nil
	case "broken":
		return sasl.Credentials{}, errSecret
	}
	return sasl.Credentials{}, sasl.ErrNoUser
}

var (
	aliceKeys = sync.OnceValue(func() sasl.SCRAM { return sasl.Derive("secret", []byte("salt"), 4096) })
	testAuth  = sync.OnceValue(func() *sasl.Authenticator { return sasl.NewAuthenticator(testAccounts{}, "smtp", []byte("k")) })
	testTLS   = sync.OnceValue(func() *tls.Config {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			panic(err)
		}
		t := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), DNSNames: []string{"mx.test"}}
		der, err := x509.CreateCertificate(rand.Reader, t, t, &key.PublicKey, key)
		if err != nil {
			panic(err)
		}
		return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
	})
	clientTLS = &tls.Config{InsecureSkipVerify: true}
)

// dial starts a server of one connection and returns the client's end, greeting unread.
func dial(t testing.TB, opt Options, b Backend) net.Conn {
	t.Helper()
	if opt.Hostname == "" {
		opt.Hostname = "mx.test"
	}
	client, server := net.Pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		NewServer(opt, b).ServeConn(context.Background(), server)
	}()
	t.Cleanup(func() {
		client.Close()
		<-done
	})
	client.SetDeadline(time.Now().Add(time.Minute))
	return client
}

// Each file of testdata is a conversation. Lines:
//
//	O: opt...           options: tls auth lmtp size=N rcpts=N errors=N idle=N
//	C: text             sent with CRLF; several in a row are sent in one write
//	c: text             sent as it is, with Go's escapes
//	S: text             expected, to the byte
//	TLS                 the client begins a handshake
//	CLOSED              the server has closed
//	M: from to... text  a message was taken; text quoted, checked at the end in order
func TestConversations(t *testing.T) {
	files, _ := filepath.Glob("testdata/*.txt")
	if len(files) < 10 {
		t.Fatalf("%d conversations", len(files))
	}
	for _, f := range files {
		t.Run(strings.TrimSuffix(filepath.Base(f), ".txt"), func(t *testing.T) {
			t.Parallel()
			script, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			playScript(t, string(script))
		})
	}
}

func playScript(t *testing.T, script string) {
	var opt Options
	b := &sink{}
	lines := strings.Split(strings.TrimSpace(script), "\n")
	for len(lines) > 0 && (strings.HasPrefix(lines[0], "#") || strings.HasPrefix(lines[0], "O:")) {
		if o, ok := strings.CutPrefix(lines[0], "O:"); ok {
			scriptOptions(t, o, &opt, b)
		}
		lines = lines[1:]
	}
	conn := dial(t, opt, b)
	r := bufio.NewReader(conn)
	var want []string
	for i := 0; i < len(lines); i++ {
		kind, text, _ := strings.Cut(lines[i], ": ")
		switch kind {
		case "S":
			got, err := r.ReadString('\n')
			if got != text+"\r\n" {
				t.Fatalf("line %q: got %q, %v", lines[i], got, err)
			}
		case "C", "c":
			send := sendText(t, kind, text)
			for i+1 < len(lines) && (strings.HasPrefix(lines[i+1], "C: ") || strings.HasPrefix(lines[i+1], "c: ")) {
				i++
				send += sendText(t, lines[i][:1], lines[i][3:])
			}
			go conn.Write([]byte(send))
		case "TLS":
			tc := tls.Client(conn, clientTLS)
			if err := tc.Handshake(); err != nil {
				t.Fatalf("handshake: %v", err)
			}
			conn, r = tc, bufio.NewReader(tc)
		case "CLOSED":
			if got, err := r.ReadString('\n'); err != io.EOF {
				t.Fatalf("not closed: %q, %v", got, err)
			}
		case "M":
			want = append(want, text)
		case "", "#":
		default:
			if !strings.HasPrefix(kind, "#") {
				t.Fatalf("script line %q", lines[i])
			}
		}
	}
	conn.Close()
	var got []string
	for _, m := range b.messages() {
		got = append(got, fmt.Sprintf("%s <%s> %s %q", m.proto, m.from, strings.Join(m.to, " "), m.data))
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("messages taken:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func sendText(t *testing.T, kind, text string) string {
	if kind == "C" {
		return text + "\r\n"
	}
	s, err := strconv.Unquote(`"` + text + `"`)
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return s
}

func scriptOptions(t *testing.T, line string, opt *Options, b *sink) {
	for o := range strings.FieldsSeq(line) {
		key, v, _ := strings.Cut(o, "=")
		n, _ := strconv.Atoi(v)
		switch key {
		case "tls":
			opt.TLS = testTLS()
		case "auth":
			b.auth = true
		case "lmtp":
			opt.LMTP = true
		case "size":
			opt.MaxSize = int64(n)
		case "rcpts":
			opt.MaxRecipients = n
		case "errors":
			opt.MaxErrors = n
		case "idle":
			opt.MaxIdle = n
		default:
			t.Fatalf("option %q", o)
		}
	}
}
