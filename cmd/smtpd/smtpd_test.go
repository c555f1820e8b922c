package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	gosmtp "github.com/emersion/go-smtp"

	"pneu/cmd/internal/boot"
	"pneu/cmd/internal/mantest"
	"pneu/mta/queue"
	"pneu/mta/sasl"
	"pneu/mta/smtp"
	"pneu/mta/sysexits"
)

func TestManual(t *testing.T) { mantest.Flags(t, app(), "smtpd.8") }

func TestManualSettings(t *testing.T) { mantest.Settings(t, "[smtpd]", options{}) }

// system makes a configuration with accounts alice and bob, and returns its folder.
func system(t *testing.T, smtpd string) string {
	t.Helper()
	dir := t.TempDir()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	cert := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der, err := x509.CreateCertificate(rand.Reader, cert, cert, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	kder, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	pass := sasl.Derive("secret", []byte("salt"), 4096)
	write(t, dir, "cert.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
	write(t, dir, "key.pem", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: kder})))
	write(t, dir, "users", fmt.Sprintf("alice@try.test:%s:::::\nbob@try.test:%s:::::\n", pass, pass))
	write(t, dir, "aliases", "info: alice\nteam: alice, bob\n")
	write(t, dir, "pneu.toml", `hostname = "mx.try.test"
domains = ["try.test"]
spool = "spool"
users = "users"
aliases = "aliases"
mail = "mail/%u/Maildir"
message_size = "1MB"
[smtpd]
`+smtpd)
	if err := queue.Create(filepath.Join(dir, "spool")); err != nil {
		t.Fatal(err)
	}
	return dir
}

const full = `tls_cert = "cert.pem"
tls_key = "key.pem"
listen = { mx = ["127.0.0.1:0"], submission = ["127.0.0.1:0"], submissions = ["127.0.0.1:0"] }
`

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// logBuffer is a log that can be read while it is written.
type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func (l *logBuffer) await(t *testing.T, pattern string) []string {
	t.Helper()
	re := regexp.MustCompile(pattern)
	for range 3000 {
		if m := re.FindStringSubmatch(l.String()); m != nil {
			return m
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("the log never says %q:\n%s", pattern, l)
	return nil
}

// start runs smtpd in this process; stop ends it and returns its error.
func start(t *testing.T, dir string) (log *logBuffer, stop func() error) {
	t.Helper()
	log = &logBuffer{}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- serve(ctx, dir, log) }()
	stop = sync.OnceValue(func() error {
		cancel()
		return <-done
	})
	t.Cleanup(func() { stop() })
	return log, stop
}

func serve(ctx context.Context, dir string, log io.Writer) error {
	a := app()
	boot.Prepare(a)
	a.ErrWriter = log
	return a.RunContext(ctx, []string{"smtpd", "-C", filepath.Join(dir, "pneu.toml")})
}

// doesNotStart runs smtpd, which has to end by itself, and returns its error.
func doesNotStart(t *testing.T, dir string) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	return serve(ctx, dir, io.Discard)
}

func port(t *testing.T, log *logBuffer, service string) string {
	t.Helper()
	return log.await(t, `msg=listening service=`+service+` addr=(\S+)`)[1]
}

func queueOf(t *testing.T, dir string) []queue.Envelope {
	t.Helper()
	s, err := queue.Open(queue.Options{Dir: filepath.Join(dir, "spool")})
	if err != nil {
		t.Fatal(err)
	}
	refs, err := s.All()
	if err != nil {
		t.Fatal(err)
	}
	var envs []queue.Envelope
	for _, r := range refs {
		m, err := s.Read(r.ID)
		if err != nil {
			t.Fatal(err)
		}
		envs = append(envs, m.Envelope)
		m.Close()
	}
	return envs
}

func TestServices(t *testing.T) {
	dir := system(t, full)
	log, stop := start(t, dir)
	clientTLS := &tls.Config{InsecureSkipVerify: true}

	mx := port(t, log, "mx")
	mxc, err := gosmtp.DialStartTLS(mx, clientTLS)
	if err != nil {
		t.Fatal(err)
	}
	if err := mxc.SendMail("ann@client.example", []string{"team@try.test", "Bob+lists@try.test"}, strings.NewReader("Subject: x\r\n\r\nhi\r\n")); err != nil {
		t.Errorf("mx: %v", err)
	}
	for addr, want := range map[string]int{"nobody@try.test": 550, "a@foreign.example": 550, "a%foreign.example@try.test": 550} {
		err := mxc.SendMail("ann@client.example", []string{addr}, strings.NewReader("x"))
		if se, ok := err.(*gosmtp.SMTPError); !ok || se.Code != want {
			t.Errorf("mx, %s: %v", addr, err)
		}
		mxc.Reset()
	}
	mxc.Quit()

	login, _ := sasl.NewClient("SCRAM-SHA-256", "alice", "secret")
	sub, err := gosmtp.DialStartTLS(port(t, log, "submission"), clientTLS)
	if err != nil {
		t.Fatal(err)
	}
	if err := sub.Auth(login); err != nil {
		t.Fatalf("submission: %v", err)
	}
	for from, ok := range map[string]bool{"alice@try.test": true, "alice+x@try.test": true, "info@try.test": true, "bob@try.test": false, "team@try.test": false, "a@foreign.example": false} {
		err := sub.Mail(from, nil)
		if (err == nil) != ok {
			t.Errorf("alice as %s: %v", from, err)
		}
		sub.Reset()
	}
	sub.Quit()

	plain, _ := sasl.NewClient("PLAIN", "bob@try.test", "secret")
	subs, err := gosmtp.DialTLS(port(t, log, "submissions"), clientTLS)
	if err != nil {
		t.Fatal(err)
	}
	if err := subs.Auth(plain); err != nil {
		t.Fatalf("submissions: %v", err)
	}
	if err := subs.SendMail("bob@try.test", []string{"a@foreign.example"}, strings.NewReader("Subject: x\r\n\r\nhi\r\n")); err != nil {
		t.Errorf("submissions: %v", err)
	}
	subs.Quit()

	if err := stop(); err != nil {
		t.Errorf("stop: %v", err)
	}
	envs := queueOf(t, dir)
	if len(envs) != 2 {
		t.Fatalf("%d messages queued", len(envs))
	}
	for _, e := range envs {
		if e.Sender == "bob@try.test" && e.Auth != "bob@try.test" || e.Sender == "ann@client.example" && (e.Auth != "" || len(e.Recipients) != 2) {
			t.Errorf("envelope %+v", e)
		}
	}
	if strings.Contains(log.String(), "secret") {
		t.Error("a password is in the log")
	}
}

func TestReload(t *testing.T) {
	dir := system(t, full)
	log, _ := start(t, dir)
	mx := port(t, log, "mx")
	try := func(addr string, want int) {
		t.Helper()
		c, err := gosmtp.Dial(mx)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if err := c.Mail("", nil); err != nil {
			t.Fatal(err)
		}
		code := 250
		if se, ok := c.Rcpt(addr, nil).(*gosmtp.SMTPError); ok {
			code = se.Code
		}
		if code != want {
			t.Errorf("%s: %d, want %d", addr, code, want)
		}
	}
	hup := func() {
		t.Helper()
		if err := syscall.Kill(os.Getpid(), syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
	}
	try("carol@new.test", 550)
	conf, _ := os.ReadFile(filepath.Join(dir, "pneu.toml"))
	write(t, dir, "pneu.toml", "lisen = 1\n"+string(conf))
	hup()
	log.await(t, `reload: the settings in force stay`)
	try("alice@try.test", 250)
	write(t, dir, "users", "carol@new.test::::::\n")
	write(t, dir, "aliases", "")
	write(t, dir, "pneu.toml", strings.Replace(string(conf), `["try.test"]`, `["new.test"]`, 1))
	write(t, dir, "cert.pem", "nonsense")
	hup()
	log.await(t, `settings read again`)
	log.await(t, `reload: the certificate in use stays`)
	try("carol@new.test", 250)
	try("alice@try.test", 550)
	if strings.Contains(log.String(), "take a restart") {
		t.Error("asks for a restart that is not needed")
	}
	write(t, dir, "pneu.toml", string(conf)+"max_errors = 3\n")
	write(t, dir, "users", "alice@try.test::::::\n")
	hup()
	log.await(t, `take a restart`)
}

func TestWrongSettings(t *testing.T) {
	tests := []struct {
		name, smtpd, want string
		code              int
	}{
		{"unknown key", "lisen = {}\n", `pneu.toml:9:1: unknown key "lisen" (did you mean "listen"?)`, sysexits.Config},
		{"unknown service", "listen = { mxx = [] }\n", `unknown key "mxx"`, sysexits.Config},
		{"bad duration", "command_timeout = \"soon\"\n", "pneu.toml:9", sysexits.Config},
		{"key without certificate", "tls_key = \"key.pem\"\n", "go together", sysexits.Config},
		{"submission without TLS", "listen = { submission = [\"127.0.0.1:0\"] }\n", "set tls_cert and tls_key", sysexits.Config},
		{"no certificate", "tls_cert = \"none.pem\"\ntls_key = \"key.pem\"\n", "none.pem: no such file", sysexits.Config},
		{"bad address", "listen = { mx = [\"localhost\"] }\n", "HOST:PORT", sysexits.Config},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := doesNotStart(t, system(t, tt.smtpd))
			if err == nil || !strings.Contains(err.Error(), tt.want) || sysexits.Code(err) != tt.code {
				t.Errorf("err %v (%d), want %q (%d)", err, sysexits.Code(err), tt.want, tt.code)
			}
		})
	}
}

func TestNoSpool(t *testing.T) {
	dir := system(t, full)
	os.RemoveAll(filepath.Join(dir, "spool"))
	if err := doesNotStart(t, dir); err == nil || !strings.Contains(err.Error(), "postmaster init") || sysexits.Code(err) != sysexits.TempFail {
		t.Errorf("err = %v", err)
	}
}

// stdio runs smtpd --stdio on two files.
func stdio(t *testing.T, dir string, in, out *os.File) error {
	t.Helper()
	a := app()
	boot.Prepare(a)
	a.ErrWriter = io.Discard
	oldIn, oldOut := os.Stdin, os.Stdout
	os.Stdin, os.Stdout = in, out
	defer func() { os.Stdin, os.Stdout = oldIn, oldOut }()
	return a.RunContext(context.Background(), []string{"smtpd", "-C", filepath.Join(dir, "pneu.toml"), "--stdio"})
}

func TestStdio(t *testing.T) {
	dir := system(t, "")
	write(t, dir, "in", "HELO x\nMAIL FROM:<alice>\nRCPT TO:<a@foreign.example>\nRCPT TO:<nobody>\nRCPT TO:<bob>\nDATA\nSubject: x\n\nhi\n.\nQUIT\n")
	in, err := os.Open(filepath.Join(dir, "in"))
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, err := os.Create(filepath.Join(dir, "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	if err := stdio(t, dir, in, out); err != nil {
		t.Fatal(err)
	}
	got, _ := os.ReadFile(filepath.Join(dir, "out"))
	var codes []string
	for line := range strings.Lines(string(got)) {
		codes = append(codes, line[:3])
	}
	if s := strings.Join(codes, " "); s != "220 250 250 250 550 250 354 250 221" {
		t.Errorf("replies %s", got)
	}
	envs := queueOf(t, dir)
	if len(envs) != 1 || envs[0].Sender != "alice@try.test" || envs[0].Auth == "" || !strings.HasPrefix(envs[0].Client, "uid ") || len(envs[0].Recipients) != 2 {
		t.Errorf("queued %+v", envs)
	}
}

// What inetd hands over is a stranger: no relaying, and LF alone is refused.
func TestStdioOfInetd(t *testing.T) {
	dir := system(t, full)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	client, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	client.SetDeadline(time.Now().Add(time.Minute))
	server, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	f, err := server.(*net.TCPConn).File()
	if err != nil {
		t.Fatal(err)
	}
	server.Close()
	defer f.Close()
	done := make(chan error, 1)
	go func() { done <- stdio(t, dir, f, f) }()
	r := bufio.NewReader(client)
	fmt.Fprint(client, "EHLO x\r\nMAIL FROM:<alice@try.test>\r\nRCPT TO:<a@foreign.example>\r\nRCPT TO:<bob@try.test>\r\nNOOP\n")
	for i, want := range []int{220, 250, 250, 550, 250, 500} {
		if rep, err := smtp.ReadReply(r); rep.Code != want {
			t.Errorf("reply %d: %v, %v; want %d", i, rep, err, want)
		}
	}
	client.Close()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestCheck(t *testing.T) {
	for name, want := range map[string]int{full: sysexits.OK, "tls_cert = \"users\"\ntls_key = \"users\"\n": sysexits.Config, "listen.mx = [\"25\"]\n": sysexits.Config} {
		a := app()
		boot.Prepare(a)
		a.ErrWriter = io.Discard
		err := a.RunContext(context.Background(), []string{"smtpd", "-C", filepath.Join(system(t, name), "pneu.toml"), "--check"})
		if sysexits.Code(err) != want {
			t.Errorf("%q: %v", name, err)
		}
	}
}
