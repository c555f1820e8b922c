package outbound

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"time"

	"pneu/mta/smtp"
)

// session is a conversation with one server, greeted and ready for MAIL.
type session struct {
	c    *Client
	h    host
	conn net.Conn
	r    *bufio.Reader
	w    *bufio.Writer
	tls  string
	ext  map[string]string // EHLO keywords in upper case, with their parameters
	stop func() bool       // ends the watch over the context
	dead bool              // nothing more can be said
}

// failed says why there is no session.
type failed struct {
	Result
	err         error
	unreachable bool
}

// tlsError marks what another try in clear may cure.
type tlsError struct{ error }

func (e *tlsError) Unwrap() error { return e.error }

// dial opens a session up to and including EHLO, TLS and AUTH.
func (a *attempt) dial(h host, plain bool) (*session, *failed) {
	c, t := a.c, a.c.opt.Timeouts
	s := &session{c: c, h: h}
	ctx, cancel := context.WithTimeout(a.ctx, t.Connect)
	conn, err := c.opt.Dial(ctx, "tcp", h.addr.String())
	cancel()
	if err != nil {
		return nil, &failed{Result: *s.result(true, "4.4.1", "connect to port "+strconv.Itoa(int(h.addr.Port()))+": "+reason(err)),
			err: err, unreachable: unreachable(err)}
	}
	s.attach(conn)
	s.stop = context.AfterFunc(a.ctx, func() { conn.Close() })
	if f := s.open(a, plain); f != nil {
		s.close()
		f.again = true
		return nil, f
	}
	return s, nil
}

func (s *session) attach(conn net.Conn) {
	s.conn = conn
	s.r = bufio.NewReaderSize(conn, 4096)
	s.w = bufio.NewWriterSize(conn, 32<<10)
}

func (s *session) close() {
	s.dead = true
	s.stop()
	s.conn.Close()
}

func (s *session) open(a *attempt, plain bool) *failed {
	t := s.c.opt.Timeouts
	if a.relay != nil && a.relay.Scheme == "smtps" {
		if f := s.startTLS(a); f != nil {
			return f
		}
	}
	s.conn.SetReadDeadline(time.Now().Add(t.Greeting))
	rep, err := smtp.ReadReply(s.r)
	if err != nil {
		return s.lost("wait for the greeting", err)
	}
	if rep.Code != 220 {
		res := s.reply(rep)
		// RFC 7504: this host, or this domain, never takes mail. Any other 5yz greeting may be about us or the hour.
		res.Temp = rep.Code != 521 && rep.Code != 556
		return &failed{Result: *res}
	}
	if f := s.hello(); f != nil {
		return f
	}
	_, offered := s.ext["STARTTLS"]
	switch {
	case s.tls != "" || plain:
	case offered:
		rep, err := s.command(t.Hello, "STARTTLS")
		switch {
		case err != nil:
			return &failed{Result: s.lost("STARTTLS", err).Result, err: &tlsError{err}}
		case rep.Code == 220:
			if s.r.Buffered() > 0 { // bytes sent in clear would count as sent over TLS
				return &failed{Result: *s.result(true, "4.7.5", "STARTTLS: bytes after the reply"), err: &tlsError{smtp.ErrReply}}
			}
			if f := s.startTLS(a); f != nil {
				return f
			}
			if f := s.hello(); f != nil { // RFC 3207, 4.2: all that was known before is forgotten
				return f
			}
		case a.relay != nil && a.relay.mustTLS():
			res := s.reply(rep)
			res.Temp = true
			return &failed{Result: *res}
		}
	case a.relay != nil && a.relay.mustTLS():
		return &failed{Result: *s.result(true, "4.7.4", "the relay does not offer STARTTLS, which "+a.relay.Scheme+":// demands")}
	}
	if a.relay != nil && a.relay.User != "" {
		return s.auth(a.relay)
	}
	return nil
}

func (s *session) startTLS(a *attempt) *failed {
	cfg := &tls.Config{}
	if s.c.opt.TLS != nil {
		cfg = s.c.opt.TLS.Clone()
	}
	cfg.ServerName = s.h.name
	if _, err := netip.ParseAddr(strings.Trim(s.h.name, "[]")); err == nil {
		cfg.ServerName = strings.Trim(s.h.name, "[]")
	}
	if a.relay == nil || !a.relay.verified() {
		// Opportunistic (RFC 7435): a certificate nobody can check still keeps listeners out.
		cfg.InsecureSkipVerify = true
	}
	conn := tls.Client(s.conn, cfg)
	ctx, cancel := context.WithTimeout(a.ctx, s.c.opt.Timeouts.Hello)
	defer cancel()
	s.conn.SetDeadline(time.Now().Add(s.c.opt.Timeouts.Hello))
	if err := conn.HandshakeContext(ctx); err != nil {
		return &failed{Result: *s.result(true, "4.7.5", "TLS handshake: "+reason(err)), err: &tlsError{err}}
	}
	s.conn.SetDeadline(time.Time{})
	st := conn.ConnectionState()
	s.attach(conn)
	s.tls = strings.ReplaceAll(tls.VersionName(st.Version), " ", "") + " " + tls.CipherSuiteName(st.CipherSuite)
	return nil
}

// hello says EHLO, and HELO to a server that does not know it.
func (s *session) hello() *failed {
	t := s.c.opt.Timeouts.Hello
	name := s.c.opt.Hostname
	if name == "" {
		name = "[" + addrLiteral(s.conn.LocalAddr()) + "]" // RFC 5321, 4.1.4
	}
	s.ext = map[string]string{}
	rep, err := s.command(t, "EHLO "+name)
	if err != nil {
		return s.lost("EHLO", err)
	}
	if rep.Code/100 == 2 {
		for _, l := range rep.Lines[1:] {
			word, rest, _ := strings.Cut(strings.TrimSpace(l), " ")
			if m, ok := strings.CutPrefix(strings.ToUpper(word), "AUTH="); ok { // the form before RFC 2554
				word, rest = "AUTH", m+" "+rest
			}
			word = strings.ToUpper(word)
			if word == "AUTH" && s.ext[word] != "" {
				rest = s.ext[word] + " " + rest
			}
			s.ext[word] = strings.TrimSpace(rest)
		}
		return nil
	}
	if rep.Code/100 == 5 && rep.Code != 521 && rep.Code != 554 { // RFC 5321, 3.2
		if rep, err = s.command(t, "HELO "+name); err != nil {
			return s.lost("HELO", err)
		}
		if rep.Code/100 == 2 {
			return nil
		}
	}
	return &failed{Result: *s.reply(rep)}
}

// command sends one line and reads its reply.
func (s *session) command(limit time.Duration, line string) (smtp.Reply, error) {
	s.w.WriteString(line)
	s.w.WriteString("\r\n")
	if err := s.flush(limit); err != nil {
		return smtp.Reply{}, err
	}
	return s.read(limit)
}

func (s *session) flush(limit time.Duration) error {
	s.conn.SetWriteDeadline(time.Now().Add(limit))
	return s.w.Flush()
}

func (s *session) read(limit time.Duration) (smtp.Reply, error) {
	s.conn.SetReadDeadline(time.Now().Add(limit))
	rep, err := smtp.ReadReply(s.r)
	if err == nil && rep.Code == 421 { // RFC 5321, 3.8: the server is closing, whatever was asked
		s.dead = true
	}
	return rep, err
}

// bye ends the session. Its results are recorded by now or will be: the reply decides nothing.
func (s *session) bye() {
	if !s.dead {
		s.stop()
		s.command(s.c.opt.Timeouts.Quit, "QUIT")
	}
	s.close()
}

// result is one with the server's name on it, for the next host to better if temporary.
func (s *session) result(temp bool, enhanced, text string) *Result {
	return &Result{Enhanced: enhanced, Text: text, Host: s.h.name, IP: s.h.addr.Addr().String(), TLS: s.tls, Temp: temp, again: temp}
}

// reply is the result a reply stands for.
func (s *session) reply(rep smtp.Reply) *Result {
	r := s.result(rep.Code/100 != 5, rep.EnhancedString(), rep.Text())
	r.Code = rep.Code
	if r.Enhanced == "" {
		r.Enhanced = strconv.Itoa(rep.Code/100) + ".0.0"
	}
	if rep.Code/100 == 2 || rep.Code/100 == 3 { // where none such belongs
		r.Enhanced = "4.5.0"
		r.Text = "unexpected reply: " + rep.String()
	}
	return r
}

// lost is the result of a connection that broke, timed out or made no sense.
func (s *session) lost(doing string, err error) *failed {
	s.dead = true
	code := "4.4.2"
	if errors.Is(err, smtp.ErrReply) {
		code = "4.5.0"
	}
	return &failed{Result: *s.result(true, code, doing+": "+reason(err)), err: err}
}

// reason makes an error of the network short: the address is told elsewhere.
func reason(err error) string {
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded):
		return "timed out"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "connection closed by the server"
	case errors.Is(err, context.Canceled), errors.Is(err, net.ErrClosed):
		return "stopped"
	}
	var op *net.OpError
	if errors.As(err, &op) && op.Err != nil {
		err = op.Err
	}
	var sys *os.SyscallError
	if errors.As(err, &sys) {
		err = sys.Err
	}
	return err.Error()
}

func addrLiteral(a net.Addr) string {
	ap, err := netip.ParseAddrPort(a.String())
	if err != nil {
		return "127.0.0.1"
	}
	if ip := ap.Addr().Unmap(); ip.Is4() {
		return ip.String()
	}
	return "IPv6:" + ap.Addr().WithZone("").String()
}
