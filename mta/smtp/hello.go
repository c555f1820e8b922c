package smtp

import "strings"

// hello is HELO (RFC 5321, 4.1.1.1).
func (c *Conn) hello(arg string) {
	if c.srv.opt.LMTP {
		c.refuse(statusUnknown)
		return
	}
	c.greet(arg, false)
}

// ehlo is EHLO.
func (c *Conn) ehlo(arg string) {
	if c.srv.opt.LMTP {
		c.refuse(statusUnknown)
		return
	}
	c.greet(arg, true)
}

// lhlo is LHLO (RFC 2033, 4.1).
func (c *Conn) lhlo(arg string) {
	if !c.srv.opt.LMTP {
		c.refuse(statusUnknown)
		return
	}
	c.greet(arg, true)
}

func (c *Conn) greet(name string, extended bool) {
	if !helloName(name) {
		c.refuse(statusSyntax)
		return
	}
	c.reset() // RFC 5321, 4.1.4: a second EHLO has the effect of RSET
	c.state, c.helo, c.esmtp = stateHello, name, extended
	text := c.srv.opt.Hostname
	if extended {
		for _, cap := range capabilities() {
			if line, ok := cap(c); ok {
				text += "\n" + line
			}
		}
	}
	// RFC 2034, 4: no enhanced code in the answer to HELO and EHLO.
	c.reply(NewStatus(250, EnhancedCode{}, text))
}

// helloName accepts what may stand in a Received field. Whether it is a name of the peer is not
// checked: RFC 5321, 4.1.4 forbids to refuse for that, and many honest clients say "localhost" or a
// name with an underscore.
func helloName(s string) bool {
	if s == "" || len(s) > 255 {
		return false
	}
	return strings.IndexFunc(s, func(r rune) bool { return r <= ' ' || r >= 0x7f || strings.ContainsRune(`()<>@,;"\`, r) }) < 0
}
