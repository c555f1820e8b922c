package smtp

import (
	"context"
	"crypto/tls"
	"time"
)

// startTLS is STARTTLS (RFC 3207).
func (c *Conn) startTLS(arg string) {
	switch {
	case arg != "":
		c.refuse(statusNoParams)
		return
	case c.tls != nil:
		c.refuse(statusTLSActive)
		return
	case c.srv.opt.TLS == nil:
		c.refuse(statusUnknown)
		return
	}
	// What came in plaintext behind the command may be an attacker's; taken as if it came over TLS
	// it would run as the peer's own (CVE-2011-0411). An honest client waits for our answer.
	if c.r.Buffered() > 0 {
		c.log.Warn("commands in clear behind STARTTLS", "client", c.RemoteAddr(), "bytes", c.r.Buffered())
		c.quit, c.linger = true, true
		c.reply(statusInjected)
		return
	}
	c.reply(statusTLSReady)
	if c.flush() != nil {
		c.quit = true
		return
	}
	timeout := min(c.srv.opt.CommandTimeout, time.Minute)
	ctx, cancel := context.WithTimeout(c.ctx, timeout)
	defer cancel()
	c.nc.SetDeadline(time.Now().Add(timeout))
	tc := tls.Server(c.nc, c.srv.opt.TLS)
	if err := tc.HandshakeContext(ctx); err != nil {
		c.log.Info("tls handshake failed", "client", c.RemoteAddr(), "err", err)
		c.quit = true
		return
	}
	c.mu.Lock()
	c.nc = tc
	c.mu.Unlock()
	st := tc.ConnectionState()
	c.tls = &st
	// RFC 3207, 4.2: what was learned before is forgotten.
	c.r.Reset(connReader{c})
	c.w.Reset(connWriter{c})
	c.session.Reset()
	c.state, c.helo, c.esmtp, c.message = stateNew, "", false, message{}
}
