package smtp

import (
	"bufio"
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"runtime/debug"
	"strings"
	"sync"
	"time"
)

// A Conn is one peer's connection. What it tells may be asked by sessions.
type Conn struct {
	srv     *Server
	ctx     context.Context
	cancel  context.CancelFunc
	nc      net.Conn // replaced by STARTTLS
	r       *bufio.Reader
	w       *bufio.Writer
	session Session
	id      string
	log     *slog.Logger
	tls     *tls.ConnectionState

	state   state
	helo    string
	esmtp   bool // EHLO rather than HELO
	authed  bool
	message          // under way
	pending *command // read while a message was coming in chunks, not run yet
	scratch []byte

	errors    int  // refused commands since the last message
	idle      int  // commands since the last message
	authFails int  // of the whole connection
	quit      bool // close after the replies are out
	linger    bool // the peer is still sending: read some before closing

	phase     phase
	started   time.Time // of the phase's first read; zero before
	received  int64     // since then
	mu        sync.Mutex
	stop      chan struct{} // closed by shutdown
	stopping  bool          // shutdown was called
	listening bool          // waiting for a command, not for message data
}

// message is the engine's view of the message under way.
type message struct {
	rcpts int  // accepted
	tried bool // RCPT was given, accepted or not
	utf8  bool // SMTPUTF8 was asked for
}

// A phase decides how long the peer may take.
type phase int

const (
	phaseCommand phase = iota // one deadline for a line
	phaseData                 // one for each read, and an average to keep
)

func newConn(ctx context.Context, s *Server, nc net.Conn) *Conn {
	c := &Conn{srv: s, nc: nc, id: newID(), state: stateNew, stop: make(chan struct{})}
	c.ctx, c.cancel = context.WithCancel(context.WithoutCancel(ctx))
	c.log = s.opt.Log.With("session", c.id)
	c.r = bufio.NewReaderSize(connReader{c}, maxAuthLine+4)
	c.w = bufio.NewWriterSize(connWriter{c}, 4096)
	return c
}

// newID returns a session id: 40 random bits.
func newID() string { return strings.ToLower(rand.Text()[:8]) }

// ID returns the session's id, which logs and Received fields share.
func (c *Conn) ID() string { return c.id }

// Context ends when the connection does, or when the server gives up waiting for it.
func (c *Conn) Context() context.Context { return c.ctx }

// Log returns a logger that names the session.
func (c *Conn) Log() *slog.Logger { return c.log }

// Hello returns the name the peer gave with HELO or EHLO: printable ASCII without blanks, but
// otherwise whatever it liked.
func (c *Conn) Hello() string { return c.helo }

// RemoteAddr returns the peer's address.
func (c *Conn) RemoteAddr() net.Addr { return c.nc.RemoteAddr() }

// LocalAddr returns our own.
func (c *Conn) LocalAddr() net.Addr { return c.nc.LocalAddr() }

// TLS returns the state of the encryption, nil if there is none.
func (c *Conn) TLS() *tls.ConnectionState { return c.tls }

// Protocol returns the keyword for a Received field's "with" clause: ESMTPSA and the like (RFC
// 3848, RFC 6531, 4.3).
func (c *Conn) Protocol() string {
	name := "SMTP"
	switch {
	case c.srv.opt.LMTP:
		name = "LMTP"
	case c.utf8:
		name = "UTF8SMTP"
	case c.esmtp:
		name = "ESMTP"
	}
	if c.srv.opt.LMTP && c.utf8 {
		name = "UTF8LMTP"
	}
	if c.tls != nil {
		name += "S"
	}
	if c.authed {
		name += "A"
	}
	return name
}

// serve greets and runs the conversation. A panic in it is our bug and costs one connection.
func (c *Conn) serve() {
	defer func() {
		if p := recover(); p != nil {
			c.log.Error("panic", "value", p, "stack", string(debug.Stack()))
			c.reply(statusInternal)
			c.flush()
		}
		if c.session != nil {
			c.session.Logout()
		}
	}()
	if !c.handshake() {
		return
	}
	session, err := c.srv.backend.NewSession(c)
	if err != nil {
		st := asStatus(err)
		if st.Code/100 == 4 { // RFC 5321, 4.3.2: 421 is the one that can stand in place of a greeting
			t := *st
			t.Code = 421
			st = &t
		}
		c.log.Info("refused", "client", c.RemoteAddr(), "err", err)
		c.reply(st)
		c.flush()
		return
	}
	c.session = session
	proto := "ESMTP"
	if c.srv.opt.LMTP {
		proto = "LMTP"
	}
	// Postfix, sendmail and others do not put an enhanced code here, and RFC 2034, 4 forbids it.
	c.reply(NewStatus(220, EnhancedCode{}, c.srv.opt.Hostname+" "+proto))
	for !c.quit {
		cmd := c.pending
		c.pending = nil
		if cmd == nil {
			if cmd = c.next(); cmd == nil {
				break
			}
		}
		c.run(cmd)
	}
	c.flush()
}

// handshake completes the TLS handshake of a connection that begins with one.
func (c *Conn) handshake() bool {
	tc, ok := c.nc.(*tls.Conn)
	if !ok {
		return true
	}
	ctx, cancel := context.WithTimeout(c.ctx, min(c.srv.opt.CommandTimeout, time.Minute))
	defer cancel()
	if err := tc.HandshakeContext(ctx); err != nil {
		c.log.Info("tls handshake failed", "client", c.RemoteAddr(), "err", err)
		return false
	}
	st := tc.ConnectionState()
	c.tls = &st
	return true
}

// next reads a command and answers those that are none. It returns nil when the conversation is
// over.
func (c *Conn) next() *command {
	for !c.quit {
		c.enterPhase(phaseCommand)
		cmd, st, err := c.readCommand()
		switch {
		case err != nil:
			c.lost(err)
		case st != nil:
			c.refuse(st)
		default:
			return cmd
		}
	}
	return nil
}

// lost ends the conversation after an error of the connection, with a word where the peer may still
// hear it.
func (c *Conn) lost(err error) {
	c.quit = true
	switch {
	case c.stopped():
		c.reply(statusClosing)
	case errors.Is(err, os.ErrDeadlineExceeded):
		c.log.Info("timeout", "client", c.RemoteAddr())
		c.reply(statusTimeout)
	case err != io.EOF:
		c.log.Debug("connection lost", "client", c.RemoteAddr(), "err", err)
	}
}

// reply queues a reply; it leaves when we next wait for the peer.
func (c *Conn) reply(st *Status) {
	c.scratch = st.append(c.scratch[:0])
	c.w.Write(c.scratch) // its error comes back from flush
	if st.Code == 421 {
		c.quit = true
	}
}

// refuse answers a command that failed, and counts it.
func (c *Conn) refuse(st *Status) {
	if st.Cause != nil && st.Code < 500 {
		c.log.Warn("trouble", "status", st.Code, "err", st.Cause)
	} else if c.log.Enabled(c.ctx, slog.LevelDebug) {
		c.log.Debug("refused", "status", st)
	}
	if st.Code >= 500 {
		c.errors++
	}
	c.reply(st)
	if c.errors >= c.srv.opt.MaxErrors && !c.quit {
		c.reply(statusTooManyErrors)
	}
}

func (c *Conn) flush() error { return c.w.Flush() }

// enterPhase begins to wait for another kind of input.
func (c *Conn) enterPhase(p phase) {
	c.phase, c.started, c.received = p, time.Time{}, 0
	c.mu.Lock()
	c.listening = p == phaseCommand
	c.mu.Unlock()
}

// connReader reads from the peer: what was replied so far leaves first, in one write.
type connReader struct{ c *Conn }

var errStopping = errors.New("server is stopping")

func (r connReader) Read(p []byte) (int, error) {
	c := r.c
	if err := c.flush(); err != nil {
		return 0, err
	}
	now := time.Now()
	if c.started.IsZero() {
		c.started = now
	}
	var deadline time.Time
	if c.phase == phaseCommand {
		deadline = c.started.Add(c.srv.opt.CommandTimeout)
	} else {
		o := &c.srv.opt
		deadline = now.Add(o.DataTimeout)
		// A peer that sends a byte now and then keeps every read short and still never ends.
		slow := c.started.Add(o.DataTimeout + time.Duration(c.received/int64(o.MinRate))*time.Second)
		if slow.Before(deadline) {
			deadline = slow
		}
	}
	c.mu.Lock()
	if c.stopping && c.listening {
		c.mu.Unlock()
		return 0, errStopping
	}
	c.nc.SetReadDeadline(deadline)
	c.mu.Unlock()
	n, err := c.nc.Read(p)
	c.received += int64(n)
	return n, err
}

type connWriter struct{ c *Conn }

func (w connWriter) Write(p []byte) (int, error) {
	w.c.nc.SetWriteDeadline(time.Now().Add(w.c.srv.opt.WriteTimeout))
	return w.c.nc.Write(p)
}

// shutdown makes the conversation end as soon as no message is coming in.
func (c *Conn) shutdown() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.stopping {
		close(c.stop)
	}
	c.stopping = true
	if c.listening {
		c.nc.SetReadDeadline(time.Unix(1, 0))
	}
}

func (c *Conn) stopped() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.stopping && c.listening
}

// abandon cuts the connection whatever it does.
func (c *Conn) abandon() {
	c.cancel()
	c.mu.Lock()
	nc := c.nc
	c.mu.Unlock()
	nc.Close()
}

// close ends the connection. To close a TCP connection with input unread resets it, and the peer
// may lose the reply that says why; so what is under way is read for a while.
func (c *Conn) close() {
	c.cancel()
	if tc, ok := c.nc.(interface{ CloseWrite() error }); ok && c.linger {
		tc.CloseWrite()
		c.nc.SetReadDeadline(time.Now().Add(lingerTime))
		io.CopyN(io.Discard, c.nc, lingerBytes)
	}
	c.nc.Close()
}

const (
	lingerTime  = 2 * time.Second
	lingerBytes = 1 << 20
)
