package inbound

import (
	"context"
	"io"
	"log/slog"
	"net/netip"
	"strings"

	gosmtp "github.com/emersion/go-smtp"

	"pneu/mta/queue"
	"pneu/mta/sasl"
	"pneu/mta/smtp"
)

// session is one peer's connection. The steps of the policy read it, and write what they found out.
type session struct {
	svc  *Service
	conn *smtp.Conn
	log  *slog.Logger
	ip   netip.Addr // invalid if the peer has none
	user string     // who logged in, or started us; "" for a stranger

	from  string
	opts  smtp.MailOptions
	rcpts []queue.Recipient

	rcpt rcpt // the recipient in question
}

// rcpt is a recipient while the steps look at it.
type rcpt struct {
	addr   string // as it will be queued
	local  string // without quotes
	domain string // canonical
	ours   bool   // the domain is one of ours
}

// userSession is a session that can log in.
type userSession struct{ *session }

// AuthMechanisms implements smtp.AuthSession.
func (s *userSession) AuthMechanisms() []string { return s.svc.auth.Mechanisms() }

// Auth implements smtp.AuthSession.
func (s *userSession) Auth(mech string) (sasl.Server, error) {
	return s.svc.auth.Start(mech, func(account string) error {
		s.user = account
		s.log.Info("logged in", "user", account, "mechanism", mech, "client", s.conn.RemoteAddr())
		return nil
	})
}

// Mail implements smtp.Session.
func (s *session) Mail(from string, opts *smtp.MailOptions) error {
	s.Reset()
	s.from, s.opts = from, *opts
	if err := s.run(onMail); err != nil {
		s.refused(err, "from", from)
		return err
	}
	return nil
}

// Rcpt implements smtp.Session.
func (s *session) Rcpt(to string, opts *smtp.RcptOptions) error {
	local, domain := smtp.SplitAddress(to)
	s.rcpt = rcpt{addr: to, local: local, domain: canonicalDomain(domain)}
	if err := s.run(onRcpt); err != nil {
		s.refused(err, "from", s.from, "to", to)
		return err
	}
	r := queue.Recipient{Addr: s.rcpt.addr, Notify: notify(opts.Notify)}
	if opts.OriginalRecipient != "" {
		r.ORcpt = strings.ToLower(string(opts.OriginalRecipientType)) + ";" + opts.OriginalRecipient
	}
	s.rcpts = append(s.rcpts, r)
	return nil
}

func notify(words []gosmtp.DSNNotify) string {
	var s []string
	for _, w := range words {
		s = append(s, string(w))
	}
	return strings.Join(s, ",")
}

// run applies the steps of a stage; the first that refuses decides.
func (s *session) run(when stage) error {
	for _, st := range steps() {
		if st.when == when && (st.who == everyone || (st.who == users) == s.forUsers()) {
			if err := st.run(s); err != nil {
				return err
			}
		}
	}
	return nil
}

// forUsers reports whether the session serves our own users rather than strangers.
func (s *session) forUsers() bool { return s.svc.opt.Role != Exchange }

// refused logs a refusal. The cause, if there is one, the SMTP server logs.
func (s *session) refused(err error, args ...any) {
	st, ok := err.(*smtp.Status)
	if !ok || st.Cause != nil {
		return
	}
	s.log.Info("refused", append(args, "status", st, "client", s.client())...)
}

// Reset implements smtp.Session.
func (s *session) Reset() {
	s.from, s.opts, s.rcpts, s.rcpt = "", smtp.MailOptions{}, nil, rcpt{}
}

// Logout implements smtp.Session.
func (s *session) Logout() error { return nil }

// Data implements smtp.Session.
func (s *session) Data(r io.Reader) error { return s.accept(r) }

// lookup returns a context for questions to Users.
func (s *session) lookup() (context.Context, context.CancelFunc) {
	return context.WithTimeout(s.conn.Context(), s.svc.opt.LookupTimeout)
}

// client names the peer for the queue and the log: address and HELO name.
func (s *session) client() string {
	c := s.svc.opt.Client
	if s.ip.IsValid() {
		c = s.ip.String()
	}
	if h := s.conn.Hello(); h != "" {
		c = strings.TrimSpace(c + " " + h)
	}
	return c
}
