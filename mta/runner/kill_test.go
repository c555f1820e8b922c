package runner

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	gosmtp "github.com/emersion/go-smtp"

	"pneu/mta/dns"
	"pneu/mta/outbound"
	"pneu/mta/queue"
)

// The test binary is also a runner: with RUNNER_SPOOL it makes passes until it
// is killed or standard input ends.
func TestMain(m *testing.M) {
	if dir := os.Getenv("RUNNER_SPOOL"); dir != "" {
		child(dir, os.Getenv("RUNNER_PORT"))
		return
	}
	os.Exit(m.Run())
}

type loopback struct{}

func (loopback) MX(_ context.Context, domain string) ([]dns.MX, error) {
	return []dns.MX{{Host: "mx." + domain}}, nil
}
func (loopback) Addrs(context.Context, string) ([]netip.Addr, error) {
	return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, nil
}

// perDest is how many connections to one destination there are at most.
const perDest = 5

func child(dir, port string) {
	p, err := strconv.Atoi(port)
	if err != nil {
		panic(err)
	}
	spool, err := queue.Open(queue.Options{Dir: dir})
	if err != nil {
		panic(err)
	}
	go func() { // the parent has gone
		io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	name := "child-" + strconv.Itoa(os.Getpid()) + ".test"
	r := New(spool, Options{Hostname: name, Remote: outbound.New(outbound.Options{Hostname: name, Resolver: loopback{}, Port: p}),
		PerDestination: perDest, Rescan: 50 * time.Millisecond, Backoff: 100 * time.Millisecond})
	if err := r.Serve(context.Background()); err != nil {
		panic(err)
	}
}

// counter is a server that counts deliveries of each message to each recipient.
type counter struct {
	mu    sync.Mutex
	times map[string][]taken
	bad   []string
}

// taken is one delivery: when, and from which runner.
type taken struct {
	at time.Time
	by string
}

func (c *counter) NewSession(conn *gosmtp.Conn) (gosmtp.Session, error) {
	return &counting{c: c, conn: conn}, nil
}

type counting struct {
	c    *counter
	conn *gosmtp.Conn
	to   []string
}

func (s *counting) Reset()                                 { s.to = nil }
func (s *counting) Logout() error                          { return nil }
func (s *counting) Mail(string, *gosmtp.MailOptions) error { return nil }
func (s *counting) Rcpt(to string, _ *gosmtp.RcptOptions) error {
	s.to = append(s.to, to)
	return nil
}
func (s *counting) Data(r io.Reader) error {
	b, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	time.Sleep(time.Duration(rand.IntN(10)) * time.Millisecond)
	id := ""
	for sc := bufio.NewScanner(strings.NewReader(string(b))); sc.Scan(); {
		if v, ok := strings.CutPrefix(sc.Text(), "Message-ID: "); ok {
			id = v
		}
	}
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	if !strings.HasSuffix(string(b), "\r\nend of "+id+"\r\n") {
		s.c.bad = append(s.c.bad, id)
	}
	for _, to := range s.to {
		s.c.times[id+" "+to] = append(s.c.times[id+" "+to], taken{time.Now(), s.conn.Hostname()})
	}
	return nil
}

type noLog struct{}

func (noLog) Printf(string, ...any) {}
func (noLog) Println(...any)        {}

// Four runners on one spool, one of them killed at random again and again: each
// recipient gets each message once. Only what a killed runner had just handed
// over may come twice: the server had taken it, and the runner could not write
// that down (RFC 5321, 6.1). A connection's place is free for the next message
// only when that is written, so there is one such message a connection at most,
// however long a busy disk takes.
func TestKilledRunners(t *testing.T) {
	c := &counter{times: map[string][]taken{}}
	srv := gosmtp.NewServer(c)
	srv.Domain, srv.ErrorLog = "sink.test", noLog{}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go srv.Serve(l)
	defer srv.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())

	w := newWorld(t)
	const messages = 300
	for i := range messages {
		id := fmt.Sprintf("<%d@me.test>", i)
		w.acceptBody(queue.Envelope{Sender: "a@me.test"}, "Message-ID: "+id+"\n\nend of "+id+"\n",
			fmt.Sprintf("x@d%d.test", i%7), fmt.Sprintf("y@d%d.test", (i+1)%7), fmt.Sprintf("z@d%d.test", (i+1)%7))
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	type running struct {
		cmd *exec.Cmd
		in  io.Closer
	}
	start := func() running {
		cmd := exec.Command(exe)
		cmd.Env = append(os.Environ(), "RUNNER_SPOOL="+w.spool.Dir(), "RUNNER_PORT="+port)
		cmd.Stderr = os.Stderr
		in, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		return running{cmd, in}
	}
	var procs []running
	for range 4 {
		procs = append(procs, start())
	}
	defer func() {
		for _, p := range procs {
			p.in.Close()
			p.cmd.Process.Kill()
			p.cmd.Wait()
		}
	}()
	kills := map[string]time.Time{} // by runner
	deadline := time.Now().Add(3 * time.Minute)
	left := func() int {
		all, err := w.spool.All()
		if err != nil {
			t.Fatal(err)
		}
		return len(all)
	}
	for left() > 0 {
		if time.Now().After(deadline) {
			t.Fatalf("%d messages left", left())
		}
		time.Sleep(time.Duration(250+rand.IntN(100)) * time.Millisecond)
		if len(kills) < 5 && left() > 0 {
			i := rand.IntN(len(procs))
			procs[i].cmd.Process.Kill()
			procs[i].cmd.Wait()
			kills[fmt.Sprintf("child-%d.test", procs[i].cmd.Process.Pid)] = time.Now()
			procs[i] = start()
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.times) != 3*messages || len(c.bad) > 0 {
		t.Errorf("%d of %d were delivered; damaged: %v", len(c.times), 3*messages, c.bad)
	}
	twice := 0
	lost := map[string]map[string]bool{} // messages that a killed runner had handed over to a destination, in vain
	for what, at := range c.times {
		if len(at) == 1 {
			continue
		}
		twice++
		id, to, _ := strings.Cut(what, " ")
		_, dest, _ := strings.Cut(to, "@")
		// The one that was written down is last: of a runner that lives, else the latest. The server
		// may have been slower to count one of a runner that was killed.
		slices.SortStableFunc(at, func(a, b taken) int {
			_, x := kills[a.by]
			_, y := kills[b.by]
			switch {
			case x && !y:
				return -1
			case y && !x:
				return 1
			}
			return a.at.Compare(b.at)
		})
		for _, d := range at[:len(at)-1] {
			if _, ok := kills[d.by]; !ok {
				t.Errorf("%s was delivered %d times, %v; kills: %v", what, len(at), at, kills)
			}
			conns := d.by + " to " + dest
			if lost[conns] == nil {
				lost[conns] = map[string]bool{}
			}
			lost[conns][id] = true
		}
	}
	for conns, ids := range lost {
		if len(ids) > perDest {
			t.Errorf("%s: %d messages were delivered again, more than were under way: %v", conns, len(ids), ids)
		}
	}
	t.Logf("%d kills, %d delivered again for it", len(kills), twice)
}
