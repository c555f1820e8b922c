package listen

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/iotest"
	"time"

	"pneu/mta/sysexits"
)

func TestOn(t *testing.T) {
	l, err := On("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if _, err := On(l.Addr().String()); err == nil || !strings.Contains(err.Error(), "in use") {
		t.Errorf("the same port again: %v", err)
	}
	if _, err := All([]string{"127.0.0.1:0", l.Addr().String()}); err == nil {
		t.Error("All with a port that is in use")
	}
	for _, bad := range []string{"", "25", "localhost", "127.0.0.1"} {
		if _, err := On(bad); sysexits.Code(err) != sysexits.Config {
			t.Errorf("On(%q): %v", bad, err)
		}
	}
}

func TestOnPath(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	l, err := On("unix:" + path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := On("unix:" + path); err == nil {
		t.Error("a living server's socket was taken")
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false)
	l.Close()
	l, err = On("unix:" + path)
	if err != nil {
		t.Fatalf("a dead server's socket: %v", err)
	}
	l.Close()
}

func writePair(t *testing.T, dir string, serial int64) (cert, key string) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(serial), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &k.PublicKey, k)
	if err != nil {
		t.Fatal(err)
	}
	kder, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for name, b := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: kder}} {
		if err := os.WriteFile(name, pem.EncodeToMemory(b), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}

func TestCerts(t *testing.T) {
	dir := t.TempDir()
	cert, key := writePair(t, dir, 1)
	c, err := LoadCerts(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	serial := func() int64 {
		pair, err := c.Config().GetCertificate(nil)
		if err != nil {
			t.Fatal(err)
		}
		return pair.Leaf.SerialNumber.Int64()
	}
	writePair(t, dir, 2)
	if serial() != 1 {
		t.Error("changed without Reload")
	}
	if err := c.Reload(); err != nil || serial() != 2 {
		t.Errorf("Reload: %v, serial %d", err, serial())
	}
	os.WriteFile(cert, []byte("nonsense"), 0o600)
	if err := c.Reload(); sysexits.Code(err) != sysexits.Config || serial() != 2 {
		t.Errorf("Reload of nonsense: %v, serial %d", err, serial())
	}
	if _, err := LoadCerts(filepath.Join(dir, "none"), key); err == nil || !strings.Contains(err.Error(), "none: no such file") {
		t.Errorf("no file: %v", err)
	}
	if len(c.Secret()) != 32 {
		t.Error("no secret")
	}
}

func TestPipe(t *testing.T) {
	tests := []struct{ in, want string }{
		{"a\nb\r\nc", "a\r\nb\r\nc"},
		{"\n\n\r\n\r", "\r\n\r\n\r\n\r"},
		{"", ""},
		{strings.Repeat("x\n", 20000), strings.Repeat("x\r\n", 20000)},
	}
	for _, tt := range tests {
		for _, in := range []io.Reader{strings.NewReader(tt.in), iotest.OneByteReader(strings.NewReader(tt.in))} {
			var out bytes.Buffer
			c := Pipe(in, &out)
			got, err := io.ReadAll(c)
			if string(got) != tt.want || err != nil {
				t.Errorf("%.20q: %.40q, %v", tt.in, got, err)
			}
			// after the end of input there is still an answer
			if _, err := c.Write([]byte("bye")); err != nil || out.String() != "bye" {
				t.Errorf("answer: %q, %v", out.String(), err)
			}
			c.Close()
		}
	}
}

// A silent peer does not hold the reader for ever.
// A client that waits for answers pauses; standard input, which others may
// share, must stay as it was.
func TestStdioKeepsBlocking(t *testing.T) {
	pair, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	var pipe [2]int
	if err := syscall.Pipe(pipe[:]); err != nil {
		t.Fatal(err)
	}
	for name, fds := range map[string][2]int{"socket pair": pair, "pipe": pipe} {
		t.Run(name, func(t *testing.T) {
			in, far := os.NewFile(uintptr(fds[0]), "in"), os.NewFile(uintptr(fds[1]), "far")
			defer in.Close()
			conn, own := Stdio(in, os.Stderr)
			if !own {
				t.Fatal("a local program is taken for a stranger")
			}
			go func() {
				time.Sleep(50 * time.Millisecond)
				far.WriteString("QUIT\r\n")
				far.Close()
			}()
			got, err := io.ReadAll(conn)
			if err != nil || string(got) != "QUIT\r\n" {
				t.Errorf("after a pause: %q, %v", got, err)
			}
		})
	}
}

func TestPipeDeadline(t *testing.T) {
	r, w := io.Pipe()
	defer w.Close()
	c := Pipe(r, io.Discard)
	defer c.Close()
	c.SetReadDeadline(time.Now().Add(10 * time.Millisecond))
	if _, err := c.Read(make([]byte, 1)); !os.IsTimeout(err) {
		t.Errorf("Read: %v", err)
	}
}

func TestNetworks(t *testing.T) {
	nets, err := Networks("trusted", []string{"127.0.0.0/8", "::1", "192.0.2.7", "2001:db8::1/32"})
	if err != nil {
		t.Fatal(err)
	}
	for ip, want := range map[string]bool{"127.1.2.3": true, "::1": true, "192.0.2.7": true, "192.0.2.8": false, "2001:db8:1::": true, "2001:db9::": false, "::ffff:127.0.0.1": true} {
		if got := Within(nets, &net.TCPAddr{IP: net.ParseIP(ip)}); got != want {
			t.Errorf("Within(%s) = %v", ip, got)
		}
	}
	if !Within(nil, &net.UnixAddr{}) {
		t.Error("a Unix socket is not on this machine")
	}
	if _, err := Networks("trusted", []string{"localhost"}); sysexits.Code(err) != sysexits.Config || !strings.HasPrefix(err.Error(), "trusted: ") {
		t.Errorf("localhost: %v", err)
	}
}
