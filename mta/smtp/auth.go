package smtp

import (
	"bytes"
	"encoding/base64"
	"errors"
	"net"
	"net/netip"
	"strings"
	"time"

	"pneu/maildir/safe"
	"pneu/mta/sasl"
)

// mechanisms lists what the session lets peers log in with.
func (c *Conn) mechanisms() []string {
	if s, ok := c.session.(AuthSession); ok {
		return s.AuthMechanisms()
	}
	return nil
}

// auth is AUTH (RFC 4954).
func (c *Conn) auth(arg string) {
	s, ok := c.session.(AuthSession)
	switch {
	case !ok || len(c.mechanisms()) == 0 || !c.esmtp:
		c.refuse(statusUnknown)
		return
	case c.tls == nil:
		// Whatever the mechanism: the password, or the mail sent in its name, would be there for
		// all to read.
		c.refuse(statusAuthTLS)
		return
	case c.authed:
		c.refuse(statusAuthDone)
		return
	}
	if !c.turn() {
		c.refuse(statusAuthThrottled)
		return
	}
	mech, initial, has := strings.Cut(arg, " ")
	server, err := s.Auth(strings.ToUpper(mech))
	if errors.Is(err, sasl.ErrMechanism) {
		c.refuse(statusAuthMechanism)
		return
	} else if err != nil {
		c.authRefused(mech, nil, err)
		return
	}
	var response []byte // nil: none was sent, which is not the same as an empty one
	if has {
		if response, ok = decodeResponse([]byte(initial), true); !ok {
			c.refuse(statusAuthSyntax)
			return
		}
	}
	for {
		challenge, done, err := server.Next(response)
		if err != nil {
			c.authRefused(mech, server, err)
			return
		}
		if done {
			c.authed = true
			c.reply(statusAuthOK)
			return
		}
		c.reply(NewStatus(334, EnhancedCode{}, base64.StdEncoding.EncodeToString(challenge)))
		if response, ok = c.authResponse(); !ok {
			return
		}
	}
}

// throttled returns the address under which failed logins count, if they do.
func (c *Conn) throttled() (netip.Addr, bool) {
	o := &c.srv.opt
	a, ok := c.RemoteAddr().(*net.TCPAddr)
	if !ok || o.Throttle == nil || o.Spared != nil && o.Spared(a) {
		return netip.Addr{}, false
	}
	return a.AddrPort().Addr(), true
}

// turn waits until the peer may try to log in, and reports whether it may.
func (c *Conn) turn() bool {
	a, ok := c.throttled()
	if !ok {
		return true
	}
	wait, ok := c.srv.opt.Throttle.Admit(a)
	if !ok {
		c.log.Info("login not tried: too many failed from there", "client", c.RemoteAddr())
		return false
	}
	if wait > 0 {
		c.log.Info("login delayed", "client", c.RemoteAddr(), "wait", wait.Round(time.Millisecond))
		timer := time.NewTimer(wait)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-c.ctx.Done():
		case <-c.stop:
			return false
		}
	}
	return true
}

// authResponse reads the peer's next message.
func (c *Conn) authResponse() ([]byte, bool) {
	c.enterPhase(phaseCommand)
	line, err := c.readLine()
	switch {
	case err == errLineEnd:
		c.quit, c.linger = true, true
		c.refuse(statusLineEnd)
		return nil, false
	case err == errLineLength || err == nil && len(line)+2 > maxAuthLine:
		c.refuse(statusLineLength)
		return nil, false
	case err != nil:
		c.lost(err)
		return nil, false
	case string(line) == "*":
		c.refuse(statusAuthCancelled)
		return nil, false
	}
	b, ok := decodeResponse(line, false)
	if !ok {
		c.refuse(statusAuthSyntax)
	}
	return b, ok
}

// decodeResponse undoes base64; "=" stands for an empty initial response (RFC 4954, 4).
func decodeResponse(line []byte, initial bool) ([]byte, bool) {
	if initial && string(line) == "=" {
		return []byte{}, true
	}
	if initial && len(line) == 0 || bytes.ContainsAny(line, "\r\n") {
		return nil, false
	}
	b := make([]byte, base64.StdEncoding.DecodedLen(len(line)))
	n, err := base64.StdEncoding.Strict().Decode(b, line)
	return b[:n], err == nil
}

// maxUserLogged is how much of a name is logged that may be anything.
const maxUserLogged = 100

// authRefused answers a failed login; the peer is not told why.
func (c *Conn) authRefused(mech string, server sasl.Server, err error) {
	st, isStatus := errors.AsType[*Status](err)
	switch {
	case isStatus:
	case errors.Is(err, sasl.ErrFailed):
		user := sasl.User(server)
		user = safe.Line(user[:min(len(user), maxUserLogged)]).String()
		args := []any{"user", user, "client", c.RemoteAddr(), "mechanism", strings.ToUpper(mech)}
		if a, ok := c.throttled(); ok {
			args = append(args, "failures", c.srv.opt.Throttle.Failed(a))
		}
		c.log.Info("login failed", args...)
		st = statusAuthFailed
	case errors.Is(err, sasl.ErrSyntax):
		st = statusAuthSyntax
	default:
		c.log.Error("login", "client", c.RemoteAddr(), "err", err)
		st = statusAuthLater
	}
	if c.authFails++; c.authFails >= c.srv.opt.MaxAuthFails {
		c.reply(st)
		c.reply(statusAuthTooMany)
		return
	}
	c.refuse(st)
}
