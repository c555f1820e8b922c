package e2e

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Postfix's load maker sends over many sessions at once; what was answered 250
// is there, each message once.
func TestSMTPSource(t *testing.T) {
	source := peer(t, "smtp-source")
	r := newReceiver(t, "")
	for _, args := range [][]string{
		{"-s", "20", "-m", "60", "-l", "2000"}, // a session a message
		{"-d", "-s", "5", "-m", "40"},          // sessions with many messages
	} {
		args = append(args, "-f", "ada@out.test", "-t", "alice@e2e.test", "127.0.0.1:"+r.port["mx"])
		if out, err := exec.Command(source, args...).CombinedOutput(); err != nil {
			t.Errorf("smtp-source %q: %v: %s", args, err, out)
		}
	}
	if n := strings.Count(r.must(nil, "mailq", "--json"), "\n"); n != 100 {
		t.Errorf("%d messages queued of 100", n)
	}
	r.must(nil, "qrun")
	if n := len(r.mail("alice")); n != 100 {
		t.Errorf("%d of 100 arrived", n)
	}
}

// Postfix's sink in its moods: each answer becomes the right state, with what
// it said.
func TestSMTPSink(t *testing.T) {
	sink := peer(t, "smtp-sink")
	tests := []struct {
		name string
		args []string
		want string // "" delivered
		text string
	}{
		{"plain", nil, "", ""},
		{"no ESMTP", []string{"-e"}, "", ""},
		{"no PIPELINING, no 8BITMIME", []string{"-p", "-8"}, "", ""},
		{"no enhanced codes, no DSN", []string{"-E", "-N"}, "", ""},
		{"soft MAIL", []string{"-r", "MAIL"}, "deferred", "command failed"},
		{"soft RCPT", []string{"-r", "RCPT"}, "deferred", "command failed"},
		{"soft DATA", []string{"-r", "DATA"}, "deferred", "command failed"},
		{"soft end", []string{"-r", "."}, "deferred", "command failed"},
		{"hard EHLO", []string{"-f", "EHLO"}, "", ""},
		{"hard RCPT", []string{"-f", "RCPT"}, "bounced", "command failed"},
		{"hard DATA", []string{"-f", "DATA"}, "bounced", "command failed"},
		{"hard end", []string{"-f", "."}, "bounced", "command failed"},
		{"hard CONNECT", []string{"-f", "CONNECT"}, "deferred", "command failed"},
		{"hard QUIT", []string{"-f", "QUIT"}, "", ""},
		{"closes at CONNECT", []string{"-q", "CONNECT"}, "deferred", "closed"},
		{"closes at RCPT", []string{"-q", "RCPT"}, "deferred", "closed"},
		{"closes at DATA", []string{"-q", "DATA"}, "deferred", "closed"},
		{"closes at end", []string{"-q", "."}, "deferred", "closed"},
		{"closes at QUIT", []string{"-q", "QUIT"}, "", ""},
		{"550 in mid-message", []string{"-A", "0"}, "bounced", ""},
	}
	big := append([]byte("Subject: x\n\n.\n..\n\xe4\n"), bytes.Repeat([]byte("0123456789 0123456789 0123456789\n"), 1<<16)...)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			port := closedPort(t)
			dump := t.TempDir()
			args := append([]string{"-d", dump + "/m."}, tt.args...)
			if os.Geteuid() == 0 { // it insists
				args = append(args, "-u", "root")
			}
			c := exec.Command(sink, append(args, "127.0.0.1:"+port, "10")...)
			c.Dir = dump
			var said bytes.Buffer
			c.Stderr = &said
			if err := c.Start(); err != nil {
				t.Fatal(err)
			}
			defer func() { c.Process.Signal(syscall.SIGTERM); c.Wait() }()
			if !answers(port) {
				t.Fatalf("smtp-sink does not listen: %s", said.String())
			}
			s := newSystem(t, "resolver = \"127.0.0.1:1\"\n[qrun]\nsmtp_port = "+port+"\n")
			s.must(big, "sendmail", "-oi", "-f", "alice@e2e.test", "ada@[127.0.0.1]")
			s.must(nil, "qrun")
			out := s.must(nil, "mailq", "--json")
			reports := s.mail("alice")
			state := ""
			switch {
			case out != "":
				last := s.last()
				state, out = last.state, last.text
			case len(reports) == 1:
				state = "bounced"
				for _, b := range reports {
					out = string(b)
				}
			}
			if state != tt.want || !strings.Contains(out, tt.text) {
				t.Errorf("%q, want %q %q: %.2000s", state, tt.want, tt.text, out)
			}
			if tt.want == "" {
				files, _ := filepath.Glob(dump + "/m.*")
				var got []byte
				for _, f := range files {
					b, _ := os.ReadFile(f)
					got = append(got, b...)
				}
				if !bytes.Contains(got, big) {
					t.Errorf("the sink got %d bytes in %d files, and not what was sent", len(got), len(files))
				}
			}
		})
	}
}

// answers waits for somebody to listen.
func answers(port string) bool {
	for range 3000 {
		if c, err := net.Dial("tcp", "127.0.0.1:"+port); err == nil {
			c.Close()
			return true
		}
		time.Sleep(10 * time.Millisecond)
	}
	return false
}

// A client that others wrote, at each service, with each way to log in.
func TestSwaks(t *testing.T) {
	swaks := peer(t, "swaks")
	r := newReceiver(t, "")
	tests := []struct {
		service, from, to string
		args              []string
		ok                bool
	}{
		{"mx", "ada@out.test", "alice@e2e.test", nil, true},
		{"mx", "ada@out.test", "alice@e2e.test", []string{"--tls", "--pipeline"}, true},
		{"mx", "ada@out.test", "alice@e2e.test", []string{"--protocol", "SMTP"}, true},
		{"mx", "ada@out.test", "who@elsewhere.test", nil, false},
		{"mx", "ada@out.test", "alice@e2e.test", []string{"--tls", "--auth", "--auth-user", "alice", "--auth-password", "secret"}, false},
		{"submission", "alice@e2e.test", "who@elsewhere.test", []string{"--tls", "--auth", "PLAIN", "--auth-user", "alice", "--auth-password", "secret"}, true},
		{"submission", "alice@e2e.test", "who@elsewhere.test", []string{"--tls", "--auth", "LOGIN", "--auth-user", "alice@e2e.test", "--auth-password", "secret"}, true},
		{"submission", "alice@e2e.test", "who@elsewhere.test", []string{"--auth", "PLAIN", "--auth-user", "alice", "--auth-password", "secret"}, false},
		{"submission", "bob@e2e.test", "who@elsewhere.test", []string{"--tls", "--auth", "PLAIN", "--auth-user", "alice", "--auth-password", "secret"}, false},
		{"submissions", "alice@e2e.test", "bob@e2e.test", []string{"--tlsc", "--auth", "PLAIN", "--auth-user", "alice", "--auth-password", "secret"}, true},
		{"submissions", "alice@e2e.test", "bob@e2e.test", []string{"--tlsc"}, false},
		{"submissions", "alice@e2e.test", "bob@e2e.test", []string{"--tlsc", "--auth", "PLAIN", "--auth-user", "alice", "--auth-password", "wrong"}, false},
	}
	accepted := 0
	for _, tt := range tests {
		args := append([]string{"--server", "127.0.0.1", "--port", r.port[tt.service], "--helo", "client.test", "--from", tt.from, "--to", tt.to, "--timeout", "10"}, tt.args...)
		out, err := exec.Command(swaks, args...).CombinedOutput()
		if bytes.Contains(out, []byte("requires")) && bytes.Contains(out, []byte("Net::SSLeay")) {
			t.Log("swaks has no TLS here: not tried: ", tt.service, tt.args)
			continue
		}
		if (err == nil) != tt.ok {
			t.Errorf("%s %q: %v\n%s", tt.service, tt.args, err, out)
		}
		if tt.ok {
			accepted++
		}
	}
	if n := strings.Count(r.must(nil, "mailq", "--json"), "\n"); n != accepted {
		t.Errorf("%d messages queued of %d", n, accepted)
	}
	if strings.Contains(fmt.Sprint(r.log), "secret") {
		t.Error("a password is in the log")
	}
}
