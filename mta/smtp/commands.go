package smtp

import (
	"bytes"
	"strings"
)

// A state says how far the conversation has come; a set of them says where a command is allowed.
type state uint8

const (
	stateNew   state = 1 << iota // no hello yet
	stateHello                   // between messages
	stateMail                    // a sender is known
	stateRcpt                    // and a recipient
	stateChunk                   // and a part of the message

	anyState = stateNew | stateHello | stateMail | stateRcpt | stateChunk
)

// A verb is one row of the table.
type verb struct {
	name   string
	states state
	run    func(c *Conn, arg string)
}

// verbs is every command there is. What is not allowed in a state gets 503.
func verbs() []verb {
	return []verb{
		{"MAIL", stateHello, (*Conn).mail},
		{"RCPT", stateMail | stateRcpt, (*Conn).rcpt},
		{"DATA", stateMail | stateRcpt, (*Conn).data},
		{"BDAT", anyState, (*Conn).bdat}, // out of place too: its data must be read over,
		{"EHLO", anyState, (*Conn).ehlo},
		{"HELO", anyState, (*Conn).hello},
		{"LHLO", anyState, (*Conn).lhlo},
		{"STARTTLS", stateHello, (*Conn).startTLS},
		{"AUTH", stateHello, (*Conn).auth},
		{"RSET", anyState, (*Conn).rset},
		{"NOOP", anyState, (*Conn).noop},
		{"QUIT", anyState, (*Conn).bye},
		{"VRFY", anyState, (*Conn).vrfy},
		{"EXPN", anyState, (*Conn).expn},
		{"HELP", anyState, (*Conn).help},
		// Other protocols' clients, sent here by a web page or a mistaken port: the rest of what
		// they say is not for us either, and may hold commands somebody else chose.
		{"GET", anyState, (*Conn).notMail},
		{"POST", anyState, (*Conn).notMail},
		{"PUT", anyState, (*Conn).notMail},
		{"HEAD", anyState, (*Conn).notMail},
		{"OPTIONS", anyState, (*Conn).notMail},
		{"CONNECT", anyState, (*Conn).notMail},
		{"HOST:", anyState, (*Conn).notMail},
		{"USER-AGENT:", anyState, (*Conn).notMail},
	}
}

// A command is a line that names a known verb.
type command struct {
	*verb
	arg string
}

// readCommand reads a line and finds its verb. A status is the answer to a line that is no command;
// an error means that the connection is of no more use.
func (c *Conn) readCommand() (*command, *Status, error) {
	line, err := c.readLine()
	switch err {
	case nil:
	case errLineEnd:
		c.quit, c.linger = true, true
		return nil, statusLineEnd, nil
	case errLineLength:
		return nil, statusLineLength, nil
	default:
		return nil, nil, err
	}
	name, arg, _ := bytes.Cut(line, []byte(" "))
	v := c.srv.verb(name)
	limit := maxLine
	if v != nil && v.name == "AUTH" {
		limit = maxAuthLine
	}
	if len(line)+2 > limit {
		return nil, statusLineLength, nil
	}
	for _, b := range line {
		if b < ' ' && b != '\t' || b == 0x7f {
			return nil, statusUnprintable, nil
		}
	}
	if v == nil {
		return nil, statusUnknown, nil
	}
	// RFC 5321, 4.1.1: blanks at the end are to be tolerated.
	return &command{v, string(bytes.TrimRight(arg, " \t"))}, nil, nil
}

// verb finds a row by name in any case (RFC 5321, 2.4).
func (s *Server) verb(name []byte) *verb {
	if len(name) > 16 {
		return nil
	}
	return s.verbs[strings.ToUpper(string(name))]
}

// run executes a command if this is the time for it.
func (c *Conn) run(cmd *command) {
	if cmd.name != "RCPT" {
		if c.idle++; c.idle > c.srv.opt.MaxIdle {
			c.reply(statusTooMuchTalk)
			return
		}
	}
	if cmd.states&c.state == 0 {
		if c.state == stateNew {
			c.refuse(statusHelloFirst)
		} else {
			c.refuse(statusSequence)
		}
		return
	}
	cmd.run(c, cmd.arg)
}

// reset forgets the message under way (RFC 5321, 4.1.1.5).
func (c *Conn) reset() {
	if c.state&(stateMail|stateRcpt|stateChunk) != 0 {
		c.session.Reset()
		c.state = stateHello
	}
	c.message = message{}
}

// A message was accepted: the peer is here for mail, and earlier errors are forgiven.
func (c *Conn) forgive() { c.errors, c.idle = 0, 0 }
