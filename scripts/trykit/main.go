// Trykit does for scripts/try what a shell cannot do by itself:
//
//	trykit ports N [PORT...]              prints N ports that are free on loopback: each PORT
//	                                      that is, and others in place of those that are not
//	trykit cert DIR HOST                  makes a CA and a certificate for HOST there
//	trykit start LOG PIDFILE COMMAND...   starts a server in a session of its own: what is
//	                                      typed at this terminal is not for it
//	trykit wait HOST:PORT                 returns when something listens there
//	trykit send HOST:PORT FROM TO         sends the message on standard input
//	trykit submit HOST:PORT FROM TO USER PASSWORD CA
//	                                      the same, logged in, after STARTTLS
package main

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/smtp"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"time"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "trykit:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) == 0 {
		return errors.New("no command")
	}
	verb, args := args[0], args[1:]
	want := map[string]int{"ports": 1, "cert": 2, "start": 3, "wait": 1, "send": 3, "submit": 6}[verb]
	more := verb == "ports" || verb == "start"
	if want == 0 || len(args) < want || len(args) > want && !more {
		return fmt.Errorf("%s: unknown, or not as many arguments as it wants", verb)
	}
	switch verb {
	case "ports":
		return ports(args[0], args[1:])
	case "start":
		return start(args[0], args[1], args[2:])
	case "cert":
		return cert(args[0], args[1])
	case "wait":
		return wait(args[0])
	case "send":
		return send(args[0], args[1], args[2], nil, nil)
	}
	pem, err := os.ReadFile(args[5])
	if err != nil {
		return err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return fmt.Errorf("%s: no certificate in it", args[5])
	}
	host, _, err := net.SplitHostPort(args[0])
	if err != nil {
		return err
	}
	return send(args[0], args[1], args[2], &tls.Config{RootCAs: pool, ServerName: host}, smtp.PlainAuth("", args[3], args[4], host))
}

// ports prints free ones, those that are wanted first. All are held until the
// last is known, so that they differ.
func ports(count string, wanted []string) error {
	n, err := strconv.Atoi(count)
	if err != nil {
		return err
	}
	for i := range n {
		if i < len(wanted) {
			if l, err := free(wanted[i]); err == nil {
				defer l.Close()
				fmt.Println(wanted[i])
				continue
			}
		}
		l, err := free("0")
		if err != nil {
			return err
		}
		defer l.Close()
		fmt.Println(l.Addr().(*net.TCPAddr).Port)
	}
	return nil
}

// free takes a port that can be had for TCP and, as DNS wants it, for UDP.
func free(port string) (net.Listener, error) {
	for try := 0; ; try++ {
		l, err := net.Listen("tcp", "127.0.0.1:"+port)
		if err != nil {
			return nil, err
		}
		p, err := net.ListenPacket("udp", l.Addr().String())
		if err == nil {
			return l, p.Close()
		}
		l.Close()
		if port != "0" || try == 20 {
			return nil, err
		}
	}
}

func start(log, pidfile string, command []string) error {
	out, err := os.OpenFile(log, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer out.Close()
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return err
	}
	return os.WriteFile(pidfile, fmt.Appendln(nil, cmd.Process.Pid), 0o600)
}

func wait(addr string) error {
	var err error
	for range 200 {
		var c net.Conn
		if c, err = net.DialTimeout("tcp", addr, time.Second); err == nil {
			return c.Close()
		}
		time.Sleep(50 * time.Millisecond)
	}
	return err
}

func send(addr, from, to string, conf *tls.Config, auth smtp.Auth) error {
	msg, err := io.ReadAll(bufio.NewReader(os.Stdin))
	if err != nil {
		return err
	}
	// RFC 5321, 2.3.8: lines end in CRLF.
	msg = bytes.ReplaceAll(bytes.ReplaceAll(msg, []byte("\r\n"), []byte("\n")), []byte("\n"), []byte("\r\n"))
	c, err := smtp.Dial(addr)
	if err != nil {
		return err
	}
	defer c.Close()
	if err := c.Hello("client.elsewhere.test"); err != nil {
		return err
	}
	if conf != nil {
		if err := c.StartTLS(conf); err != nil {
			return err
		}
		if err := c.Auth(auth); err != nil {
			return err
		}
	}
	if err := c.Mail(from); err != nil {
		return err
	}
	if err := c.Rcpt(to); err != nil {
		return err
	}
	w, err := c.Data()
	if err != nil {
		return err
	}
	if _, err := w.Write(msg); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	return c.Quit()
}
