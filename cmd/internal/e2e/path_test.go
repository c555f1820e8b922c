package e2e

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"
)

// What sendmail is given arrives byte for byte below the fields that the way
// adds, each message once, with four runners at work of which one is killed
// again and again.
func TestCorpusArrivesOnce(t *testing.T) {
	s := newSystem(t, "")
	n := 500
	if testing.Short() {
		n = 60
	}
	msgs := corpus(t, n)
	sent := make([][]byte, 0, n)
	var mu sync.Mutex
	stop := make(chan struct{})
	var runners, senders sync.WaitGroup
	for i := range 4 {
		runners.Go(func() {
			for {
				c := s.command("qrun")
				if err := c.Start(); err != nil {
					t.Errorf("qrun: %v", err)
					return
				}
				if i == 0 { // the one that dies at any point of its work
					time.Sleep(time.Duration(rand.IntN(40)) * time.Millisecond)
					c.Process.Kill()
				}
				if err := c.Wait(); err != nil && i != 0 {
					t.Errorf("qrun: %v", err)
				}
				select {
				case <-stop:
					return
				case <-time.After(10 * time.Millisecond):
				}
			}
		})
	}
	work := make(chan []byte)
	for range 4 {
		senders.Go(func() {
			for m := range work {
				code, _, errs := s.run(m, "sendmail", "-oi", "-f", "sender@e2e.test", "alice@e2e.test")
				if code != 0 {
					t.Errorf("sendmail: exit %d: %s: %.80q", code, errs, m)
					continue
				}
				mu.Lock()
				sent = append(sent, m)
				mu.Unlock()
			}
		})
	}
	for _, m := range msgs {
		work <- m
	}
	close(work)
	senders.Wait()
	close(stop)
	runners.Wait()
	s.must(nil, "qrun") // what the killed one held
	if out := s.must(nil, "mailq", "--json"); out != "" {
		t.Errorf("left in the queue:\n%s", out)
	}
	got := s.mail("alice")
	if len(got) != len(sent) {
		t.Errorf("%d arrived of %d sent", len(got), len(sent))
	}
	arrived := make([][]byte, 0, len(got))
	for _, b := range got {
		arrived = append(arrived, b)
	}
	for _, m := range sent {
		found := -1
		for i, b := range arrived {
			if b != nil && bytes.HasSuffix(b, mailed(m)) && traceOnly(b[:len(b)-len(mailed(m))]) {
				found = i
				break
			}
		}
		if found < 0 {
			t.Errorf("did not arrive as sent: %.200q", m)
			continue
		}
		arrived[found] = nil // each stands for one
	}
}

// mailed is what of a message given to sendmail is the message: an mbox
// separator before it is not.
func mailed(m []byte) []byte {
	for bytes.HasPrefix(m, []byte("From ")) || bytes.HasPrefix(m, []byte(">From ")) {
		i := bytes.IndexByte(m, '\n')
		if i < 0 {
			return m
		}
		m = m[i+1:]
	}
	return m
}

// traceOnly reports whether b holds but fields that the way adds.
func traceOnly(b []byte) bool {
	for line := range strings.Lines(string(b)) {
		if line[0] == ' ' || line[0] == '\t' || line == "\n" || line == "\r\n" {
			continue
		}
		name, _, _ := strings.Cut(line, ":")
		switch name {
		case "Return-Path", "Delivered-To", "Received", "Message-ID", "Date", "From", "Resent-Message-ID", "Resent-Date", "Resent-From":
		default:
			return false
		}
	}
	return true
}

// Mail for a destination that does not answer waits, and the queue says why.
func TestDeadDestination(t *testing.T) {
	s := newSystem(t, "resolver = \"127.0.0.1:1\"\n")
	id := strings.TrimSpace(s.must([]byte("Subject: x\n\nbody\n"), "sendmail", "--print-id", "-f", "alice@e2e.test", "ada@[127.0.0.1]"))
	port := closedPort(t)
	s.write("pneu.toml", strings.Replace(read(t, s.conf), "resolver", "[qrun]\nsmtp_port = "+port+"\n#", 1))
	s.must(nil, "qrun")
	var item struct {
		ID, State  string
		Next       time.Time
		Recipients []struct {
			To, State string
			Attempts  int
			Last      struct{ Text, Host string }
		}
	}
	out := s.must(nil, "qrun", "list", "--json")
	if err := json.Unmarshal([]byte(out), &item); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if item.ID != id || item.State != "deferred" || len(item.Recipients) != 1 || item.Recipients[0].Attempts != 1 ||
		!strings.Contains(item.Recipients[0].Last.Text, "refused") || !item.Next.After(time.Now()) {
		t.Errorf("queue says %s", out)
	}
	if out := s.must(nil, "sendmail", "-bp"); !strings.Contains(out, "refused") || !strings.Contains(out, id) {
		t.Errorf("mailq says %s", out)
	}
}

// An unknown user's mail goes back once, with the reason; that the report
// cannot be delivered makes no further one.
func TestBounce(t *testing.T) {
	s := newSystem(t, "")
	s.must([]byte("Subject: lost\nX-Mark: here\n\nbody\n"), "sendmail", "-f", "bob@e2e.test", "nobody@e2e.test", "alice@e2e.test")
	s.must([]byte("Subject: lost too\n\nbody\n"), "sendmail", "-f", "", "nobody@e2e.test")
	for range 3 {
		s.must(nil, "qrun")
	}
	if n := len(s.mail("alice")); n != 1 {
		t.Errorf("alice got %d", n)
	}
	got := s.mail("bob")
	if len(got) != 1 {
		t.Fatalf("bob got %d reports", len(got))
	}
	for _, b := range got {
		for _, want := range []string{"Return-Path: <>", "multipart/report", "message/delivery-status", "Final-Recipient: rfc822;", "nobody@e2e.test", "Action: failed", "Status: 5.1.1", "X-Mark: here"} {
			if !bytes.Contains(bytes.ReplaceAll(b, []byte("; "), []byte(";")), []byte(strings.ReplaceAll(want, "; ", ";"))) {
				t.Errorf("report lacks %q:\n%s", want, b)
			}
		}
	}
	if out := s.must(nil, "mailq", "--json"); out != "" {
		t.Errorf("left in the queue: %s", out)
	}
}

// One that reads in the pipeline sees what sendmail sent.
func TestPipeline(t *testing.T) {
	s := newSystem(t, "")
	s.must([]byte("From: Ada <ada@e2e.test>\nTo: alice@e2e.test, bob@e2e.test\nBcc: bob@e2e.test\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\n\nhello\n"), "sendmail", "-t")
	s.must(nil, "qrun")
	c := exec.Command("sh", "-c", `pneu ls mail/alice/Maildir | pneu scan --format '{{.subject}}' && pneu ls mail/alice/Maildir | pneu show`)
	from := s.command("true")
	c.Env, c.Dir = from.Env, from.Dir
	out, err := c.CombinedOutput()
	if err != nil || !strings.HasPrefix(string(out), "Grüße\n") || !strings.Contains(string(out), "hello") || strings.Contains(string(out), "Bcc") {
		t.Errorf("%v: %s", err, out)
	}
	if n := len(s.mail("bob")); n != 1 {
		t.Errorf("bob, named twice, got %d", n)
	}
}
