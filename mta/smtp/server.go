package smtp

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"sync"
	"time"

	"pneu/mta/sasl"
)

// Options are the settings of a server. Zero values stand for the defaults named.
type Options struct {
	Hostname string      // name in the greeting; required
	TLS      *tls.Config // nil: no STARTTLS
	LMTP     bool        // speak LMTP (RFC 2033) in place of SMTP

	MaxSize       int64 // bytes of a message; default 50 MB
	MaxRecipients int   // of a message; default 1000. RFC 5321, 4.5.3.1.8 asks for 100 at least
	MaxErrors     int   // refused commands since the last message, before the connection is closed; default 20
	MaxIdle       int   // commands other than RCPT since the last message; default 200
	MaxAuthFails  int   // failed logins of a connection; default 3
	MaxConns      int   // connections at a time; default 1000
	MaxPerHost    int   // connections of one address at a time; default 50

	CommandTimeout time.Duration // for a whole command line; default 5 min (RFC 5321, 4.5.3.2.7)
	DataTimeout    time.Duration // for each read of message data; default 3 min
	MinRate        int           // bytes a second that a message must come in with, on average and after DataTimeout; default 256
	WriteTimeout   time.Duration // for each write; default 2 min
	Grace          time.Duration // how long messages under way may take after the server was told to stop; default 30 s

	// Throttle delays logins from where many failed; nil: nothing does. Several servers may share it.
	Throttle *sasl.Throttle

	// Spared reports peers that MaxPerHost does not count and Throttle does not delay; nil: none.
	Spared func(net.Addr) bool

	Log *slog.Logger // nil: discard
}

func (o *Options) setDefaults() {
	def(&o.MaxSize, 50<<20)
	def(&o.MaxRecipients, 1000)
	def(&o.MaxErrors, 20)
	def(&o.MaxIdle, 200)
	def(&o.MaxAuthFails, 3)
	def(&o.MaxConns, 1000)
	def(&o.MaxPerHost, 50)
	def(&o.CommandTimeout, 5*time.Minute)
	def(&o.DataTimeout, 3*time.Minute)
	def(&o.MinRate, 256)
	def(&o.WriteTimeout, 2*time.Minute)
	def(&o.Grace, 30*time.Second)
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
}

func def[T int | int64 | time.Duration](v *T, d T) {
	if *v <= 0 {
		*v = d
	}
}

// A Server talks to peers and lets a [Backend] decide.
type Server struct {
	opt     Options
	backend Backend
	verbs   map[string]*verb

	mu    sync.Mutex
	conns map[*Conn]string // to the host that counts for MaxPerHost, "" if spared
	hosts map[string]int
	wg    sync.WaitGroup
}

// NewServer returns a server.
func NewServer(opt Options, backend Backend) *Server {
	opt.setDefaults()
	s := &Server{opt: opt, backend: backend, conns: make(map[*Conn]string), hosts: make(map[string]int), verbs: make(map[string]*verb)}
	for _, v := range verbs() {
		s.verbs[v.name] = &v
	}
	return s
}

// Serve accepts connections from l until ctx ends; then it closes l, tells idle peers to come back
// later, lets messages under way finish for as long as Grace allows, and returns nil. A listener
// that yields TLS connections serves implicit TLS (RFC 8314).
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	stop := context.AfterFunc(ctx, func() { l.Close() })
	defer stop()
	pause := 5 * time.Millisecond
	for {
		nc, err := l.Accept()
		if err != nil {
			if ctx.Err() != nil {
				s.wait()
				return nil
			}
			if !passing(err) {
				return err
			}
			// Out of descriptors or an aborted connection: others may still come.
			s.opt.Log.Warn("accept", "err", err)
			select {
			case <-time.After(pause):
				pause = min(2*pause, time.Second)
			case <-ctx.Done():
			}
			continue
		}
		pause = 5 * time.Millisecond
		s.wg.Go(func() { s.ServeConn(ctx, nc) })
	}
}

// passing reports errors of accept(2) that say nothing about the listener.
func passing(err error) bool {
	var ne interface{ Temporary() bool }
	return !errors.Is(err, net.ErrClosed) && errors.As(err, &ne) && ne.Temporary()
}

// wait returns when all connections are done, closing them by force after Grace.
func (s *Server) wait() {
	force := time.AfterFunc(s.opt.Grace, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		for c := range s.conns {
			c.abandon()
		}
	})
	defer force.Stop()
	s.wg.Wait()
}

// ServeConn talks to one peer until it leaves, ctx ends between messages, or a limit is reached; it
// closes nc.
func (s *Server) ServeConn(ctx context.Context, nc net.Conn) {
	c := newConn(ctx, s, nc)
	defer c.close()
	if !s.enter(c) {
		s.opt.Log.Warn("too many connections", "client", nc.RemoteAddr())
		if _, ok := nc.(*tls.Conn); !ok { // a word in TLS takes a handshake, which is what there is no room for
			c.reply(statusBusy)
			c.flush()
		}
		return
	}
	defer s.leave(c)
	// The message under way outlives ctx; what waits for the peer does not.
	stop := context.AfterFunc(ctx, c.shutdown)
	defer stop()
	c.serve()
}

// enter counts a connection, or reports that there are too many.
func (s *Server) enter(c *Conn) bool {
	host := ""
	if s.opt.Spared == nil || !s.opt.Spared(c.RemoteAddr()) {
		if a, ok := c.RemoteAddr().(*net.TCPAddr); ok {
			host = a.IP.String()
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.conns) >= s.opt.MaxConns || host != "" && s.hosts[host] >= s.opt.MaxPerHost {
		return false
	}
	s.conns[c] = host
	if host != "" {
		s.hosts[host]++
	}
	return true
}

func (s *Server) leave(c *Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if host := s.conns[c]; host != "" {
		if s.hosts[host]--; s.hosts[host] == 0 {
			delete(s.hosts, host)
		}
	}
	delete(s.conns, c)
}
