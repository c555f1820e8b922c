package smtp

import (
	"strconv"
	"strings"
)

// A capability is one row of the answer to EHLO, if it is offered now.
type capability func(c *Conn) (line string, ok bool)

func capabilities() []capability {
	return []capability{
		always("PIPELINING"),          // RFC 2920
		size,                          // RFC 1870
		always("8BITMIME"),            // RFC 6152
		always("ENHANCEDSTATUSCODES"), // RFC 2034
		always("SMTPUTF8"),            // RFC 6531
		always("CHUNKING"),            // RFC 3030
		always("DSN"),                 // RFC 3461
		canStartTLS,                   // RFC 3207
		canAuth,                       // RFC 4954
	}
}

func always(keyword string) capability {
	return func(*Conn) (string, bool) { return keyword, true }
}

func size(c *Conn) (string, bool) {
	return "SIZE " + strconv.FormatInt(c.srv.opt.MaxSize, 10), true
}

func canStartTLS(c *Conn) (string, bool) {
	return "STARTTLS", c.srv.opt.TLS != nil && c.tls == nil
}

func canAuth(c *Conn) (string, bool) {
	mechs := c.mechanisms()
	return "AUTH " + strings.Join(mechs, " "), len(mechs) > 0 && c.tls != nil && !c.authed
}
