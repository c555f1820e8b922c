package smtp

// rset is RSET.
func (c *Conn) rset(arg string) {
	if arg != "" {
		c.refuse(statusNoParams)
		return
	}
	c.reset()
	c.reply(statusOK)
}

// noop is NOOP; RFC 5321, 4.1.1.9 lets it have a string that means nothing.
func (c *Conn) noop(string) { c.reply(statusOK) }

// bye is QUIT.
func (c *Conn) bye(string) {
	c.reset()
	c.reply(statusBye)
	c.quit = true
}

// vrfy is VRFY. It tells no one who has a mailbox (RFC 5321, 7.3).
func (c *Conn) vrfy(arg string) {
	if arg == "" {
		c.refuse(statusSyntax)
		return
	}
	c.reply(statusVrfy)
}

// expn is EXPN, which would give away lists.
func (c *Conn) expn(string) { c.refuse(statusNoExpn) }

// help is HELP.
func (c *Conn) help(string) {
	c.reply(NewStatus(214, EnhancedCode{2, 0, 0}, "See RFC 5321"))
}

// notMail closes at once.
func (c *Conn) notMail(string) {
	c.linger = true
	c.reply(statusNotMail)
}
