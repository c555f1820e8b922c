package smtp

import (
	"bytes"
	"encoding/base64"
	"errors"
	"strings"

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
	mech, initial, has := strings.Cut(arg, " ")
	server, err := s.Auth(strings.ToUpper(mech))
	if errors.Is(err, sasl.ErrMechanism) {
		c.refuse(statusAuthMechanism)
		return
	} else if err != nil {
		c.authRefused(mech, err)
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
			c.authRefused(mech, err)
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

// authRefused answers a failed login; the peer is not told why.
func (c *Conn) authRefused(mech string, err error) {
	st, isStatus := errors.AsType[*Status](err)
	switch {
	case isStatus:
	case errors.Is(err, sasl.ErrFailed):
		c.log.Info("login failed", "client", c.RemoteAddr(), "mechanism", strings.ToUpper(mech))
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
