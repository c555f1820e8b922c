package smtp

import (
	"errors"
	"io"
)

// data is DATA.
func (c *Conn) data(arg string) {
	switch {
	case arg != "":
		c.refuse(statusNoParams)
		return
	case c.state != stateRcpt:
		c.noRecipients()
		return
	}
	c.reply(statusStart)
	c.enterPhase(phaseData)
	r := &dotReader{r: c.r, left: c.srv.opt.MaxSize}
	results := c.take(r)
	fault := r.finish(c.drainLimit())
	if fault == statusBareInData || fault == statusTooBig && r.state != dotEnd {
		c.quit, c.linger = true, true
	}
	c.enterPhase(phaseCommand)
	if fault == nil && r.err != io.EOF {
		c.log.Info("message broken off", "client", c.RemoteAddr(), "err", r.err)
		c.session.Reset()
		c.lost(r.err)
		return
	}
	c.conclude(fault, results)
}

// noRecipients answers DATA and BDAT without an accepted RCPT.
func (c *Conn) noRecipients() {
	if c.tried {
		c.refuse(statusNoRecipients)
	} else {
		c.refuse(statusSequence)
	}
}

// take hands the message to the session: one outcome, or for LMTP one for each recipient.
func (c *Conn) take(r io.Reader) []error {
	if s, ok := c.session.(LMTPSession); ok && c.srv.opt.LMTP {
		return s.LMTPData(r)
	}
	return []error{c.session.Data(r)}
}

// conclude replies to a message: with a fault of its form, or with what the session said.
func (c *Conn) conclude(fault *Status, results []error) {
	n := 1
	if c.srv.opt.LMTP {
		n = c.rcpts
	}
	accepted := false
	for i := range n {
		var err error
		if i < len(results) {
			err = results[i]
		} else if len(results) > 0 {
			err = results[len(results)-1]
		}
		st := statusAccepted
		switch {
		case fault != nil:
			st = fault
		case err != nil:
			st = asStatus(err)
		}
		if st.Code/100 == 2 {
			accepted = true
			c.reply(st)
		} else {
			c.refuse(st)
		}
	}
	if accepted {
		c.forgive()
	}
	c.session.Reset()
	c.state, c.message = stateHello, message{}
}

// drainLimit is how much of a refused message is read for the sake of a peer that will not listen
// before it has said all.
func (c *Conn) drainLimit() int64 { return max(8*c.srv.opt.MaxSize, 256<<20) }

// errFault is what sessions get from a reader whose message is refused for its form.
var errFault = errors.New("message refused for its form")
