package outbound

import (
	"errors"
	"io"
	"strconv"
	"strings"
	"time"

	"pneu/maildir/address"
	"pneu/mta/dns"
	"pneu/mta/queue"
	"pneu/mta/smtp"
)

// send runs transactions until each recipient has its result. A server that
// takes only some at a time (452, RFC 5321, 4.5.3.1.10) gets the others in a
// transaction of their own.
func (a *attempt) send(s *session, rcpts []queue.Recipient, results map[int]Result) {
	rcpts = a.addressable(s, rcpts, results)
	for len(rcpts) > 0 && !s.dead {
		more := a.transaction(s, rcpts, results)
		if len(more) == len(rcpts) {
			return
		}
		rcpts = more
	}
}

// addressable settles the recipients that cannot be named to this server.
func (a *attempt) addressable(s *session, rcpts []queue.Recipient, results map[int]Result) []queue.Recipient {
	all := func(res *Result) []queue.Recipient {
		for _, r := range rcpts {
			results[r.N] = *res
		}
		return nil
	}
	sh, err := a.measure()
	if err != nil {
		return all(s.result(true, "4.3.0", "read the message: "+reason(err)))
	}
	_, utf8 := s.ext["SMTPUTF8"]
	if _, ok := path(a.msg.Sender, utf8); !ok && a.msg.Sender != "" {
		if ascii(a.msg.Sender) {
			return all(s.result(false, "5.1.7", "the sender's address cannot be sent"))
		}
		// RFC 6531, 3.5 and RFC 3463's 5.6.7: there is no way back to ASCII for a local part.
		return all(s.result(false, "5.6.7", "the server does not support SMTPUTF8, which the sender's address needs"))
	}
	if a.msg.UTF8 && sh.eightHead && !utf8 {
		return all(s.result(false, "5.6.7", "the server does not support SMTPUTF8, which the message's header needs"))
	}
	if size, err := strconv.ParseInt(s.ext["SIZE"], 10, 64); err == nil && size > 0 && sh.size > size { // RFC 1870, 6
		return all(s.result(false, "5.3.4", "the message of "+strconv.FormatInt(sh.size, 10)+
			" bytes is larger than the "+strconv.FormatInt(size, 10)+" the server takes"))
	}
	var ok []queue.Recipient
	for _, r := range rcpts {
		switch _, fits := path(r.Addr, utf8); {
		case fits:
			ok = append(ok, r)
		case ascii(r.Addr):
			results[r.N] = *s.result(false, "5.1.3", "the address cannot be sent")
		default:
			results[r.N] = *s.result(false, "5.6.7", "the server does not support SMTPUTF8, which the address needs")
		}
	}
	return ok
}

// path returns addr as MAIL and RCPT name it, and whether that can be done. A
// domain in Unicode becomes A-labels for a server without SMTPUTF8.
func path(addr string, utf8 bool) (string, bool) {
	// The last guard against a second command or parameter in an address.
	if strings.ContainsAny(addr, "\r\n\x00") || strings.ContainsAny(addr, " <>\t") && address.Valid(addr, true) != nil {
		return "", false
	}
	if utf8 || ascii(addr) {
		return addr, true
	}
	loc, dom := address.Split(addr)
	d, err := dns.ASCII(dom)
	return loc + "@" + d, err == nil && ascii(loc)
}

// step is one command of a transaction and what its reply is about.
type step struct {
	line  string
	rcpt  int // index into rcpts; -1 for MAIL, -2 for DATA
	limit time.Duration
}

// group is how many commands go out before their replies are read: few enough
// that neither side can fill the other's buffers while it is not reading
// (RFC 2920, 3.1).
const group = 24

// transaction sends the message once. It returns those whom the server asked
// to bring later, if it took others now.
func (a *attempt) transaction(s *session, rcpts []queue.Recipient, results map[int]Result) (more []queue.Recipient) {
	t := s.c.opt.Timeouts
	steps := []step{{a.mail(s, rcpts), -1, t.Mail}}
	for i, r := range rcpts {
		steps = append(steps, step{a.rcpt(s, r), i, t.Rcpt})
	}
	steps = append(steps, step{"DATA", -2, t.DataStart})
	all := func(res *Result, list []queue.Recipient) {
		for _, r := range list {
			one := *res
			one.Reached = true
			results[r.N] = one
		}
	}
	_, pipelining := s.ext["PIPELINING"]
	batch := 1
	if pipelining {
		batch = group
	}
	var taken []queue.Recipient
	var mailFailed *Result
	undecided := func() []queue.Recipient { // neither refused nor, yet, delivered
		list := append([]queue.Recipient{}, taken...)
		for _, r := range rcpts {
			if _, ok := results[r.N]; !ok && !contains(taken, r.N) {
				list = append(list, r)
			}
		}
		return list
	}
	for len(steps) > 0 {
		now := steps[:min(batch, len(steps))]
		steps = steps[len(now):]
		if !pipelining && now[0].rcpt == -2 && len(taken) == 0 {
			return a.again(s, more, taken)
		}
		for _, st := range now {
			s.w.WriteString(st.line)
			s.w.WriteString("\r\n")
		}
		if err := s.flush(now[0].limit); err != nil {
			all(&s.lost("send "+verb(now[0].line), err).Result, undecided())
			return nil
		}
		for _, st := range now {
			rep, err := s.read(st.limit)
			if err != nil {
				all(&s.lost("wait for the answer to "+verb(st.line), err).Result, undecided())
				return nil
			}
			switch {
			case s.dead: // 421
				all(s.reply(rep), undecided())
				return nil
			case st.rcpt == -1 && rep.Code/100 != 2:
				mailFailed = s.reply(rep)
				all(mailFailed, rcpts)
				if !pipelining {
					a.reset(s)
					return nil
				}
			case st.rcpt == -1:
			case st.rcpt >= 0 && mailFailed != nil: // its own answer only says that there is no transaction
			case st.rcpt >= 0 && rep.Code/100 == 2:
				taken = append(taken, rcpts[st.rcpt])
			case st.rcpt >= 0:
				r := rcpts[st.rcpt]
				res := s.reply(rep)
				if rep.Code == 452 || rep.Code == 552 && len(taken) > 0 {
					// RFC 5321, 4.5.3.1.10: too many recipients, and 552 from those who mean the same.
					res.Temp, res.again = true, true
					more = append(more, r)
				}
				all(res, []queue.Recipient{r})
			case rep.Code == 354:
				if len(taken) == 0 { // RFC 2920, 3.1: the server was too quick; give it nothing
					s.w.WriteString(".\r\n")
					if s.flush(t.DataBlock) == nil {
						s.read(t.DataDone)
					}
					return a.again(s, more, taken)
				}
				a.data(s, taken, results)
				return a.again(s, more, taken)
			case len(taken) > 0:
				all(s.reply(rep), taken)
				a.reset(s)
				return nil
			default:
				a.reset(s)
				return a.again(s, more, taken)
			}
		}
	}
	return nil
}

// again says who gets another transaction: those put off, if there was progress.
func (a *attempt) again(s *session, more, taken []queue.Recipient) []queue.Recipient {
	if len(taken) == 0 || s.dead {
		return nil
	}
	return more
}

func (a *attempt) reset(s *session) {
	if _, err := s.command(s.c.opt.Timeouts.Mail, "RSET"); err != nil {
		s.dead = true
	}
}

// data sends the message after 354 and settles those who were taken.
func (a *attempt) data(s *session, taken []queue.Recipient, results map[int]Result) {
	t := s.c.opt.Timeouts
	set := func(res *Result) {
		res.Reached = true
		for _, r := range taken {
			results[r.N] = *res
		}
	}
	_, err := a.msg.Body.Seek(0, io.SeekStart)
	if err == nil {
		dw := smtp.NewDotWriter(s.w)
		// Each block has a deadline of its own (RFC 5321, 4.5.3.2.5): the reader is wrapped, so that time spent reading counts too.
		_, err = io.CopyBuffer(struct{ io.Writer }{dw}, &blocks{a.msg.Body, s, t.DataBlock}, make([]byte, 32<<10))
		if err == nil {
			s.conn.SetWriteDeadline(time.Now().Add(t.DataBlock))
			err = dw.Close()
		}
	}
	if err != nil {
		// Without the final dot nothing was delivered (RFC 5321, 4.1.1.4): another host may have it.
		if res := s.lastWord(); res != nil {
			set(res)
			return
		}
		f := s.lost("send the message", err)
		set(&f.Result)
		return
	}
	if err := s.flush(t.DataBlock); err != nil {
		if res := s.lastWord(); res != nil {
			set(res)
			return
		}
		f := s.lost("send the end of the message", err)
		f.again = false
		set(&f.Result)
		return
	}
	rep, err := s.read(t.DataDone)
	switch {
	case err != nil:
		// It may have been taken. Trying another host now would make a duplicate likely; later it is no worse.
		f := s.lost("wait for the answer to the message", err)
		f.again = false
		set(&f.Result)
	case rep.Code/100 == 2:
		res := s.result(false, rep.EnhancedString(), rep.Text())
		res.OK, res.Code = true, rep.Code
		_, res.Notify = s.ext["DSN"]
		set(res)
	default:
		set(s.reply(rep))
	}
}

// lastWord reads the reply of a server that would not hear the whole message
// and closed: too big, of a bad form, going down. Anything but a refusal makes
// no sense there.
func (s *session) lastWord() *Result {
	if s.w.Flush() == nil { // the trouble is ours: the server waits for the rest
		return nil
	}
	rep, err := s.read(s.c.opt.Timeouts.Quit)
	s.dead = true
	if err != nil || rep.Code < 400 {
		return nil
	}
	return s.reply(rep)
}

// blocks renews the write deadline for each block that is read.
type blocks struct {
	r     io.Reader
	s     *session
	limit time.Duration
}

func (b *blocks) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		return n, errors.New("read the spool: " + reason(err))
	}
	b.s.conn.SetWriteDeadline(time.Now().Add(b.limit))
	return n, err
}

func verb(line string) string {
	w, rest, _ := strings.Cut(line, " ")
	if w == "MAIL" || w == "RCPT" {
		p, _, _ := strings.Cut(rest, ":")
		return w + " " + p
	}
	return w
}

func contains(list []queue.Recipient, n int) bool {
	for _, r := range list {
		if r.N == n {
			return true
		}
	}
	return false
}
