// Package inbound decides what becomes of mail that arrives by SMTP, and puts what is accepted into
// the queue.
//
// A [Service] plays one of three parts: a mail exchanger, which takes mail from strangers for our
// domains; a submission server, which takes mail for anywhere from users who logged in; or the SMTP
// of sendmail -bs, where the user is the one who started the process. The rules are rows of the
// tables in steps.go, each of which can refuse a sender, a recipient or a message; checks of
// senders (SPF, DKIM, DMARC, greylisting) join them there.
//
// What it promises: nothing is relayed but for users who logged in and for networks named in the
// options; a recipient that does not exist is refused at RCPT; and a message is answered with 250
// only when the queue has made it durable.
package inbound

import (
	"context"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"time"

	"golang.org/x/net/idna"

	"pneu/mta/queue"
	"pneu/mta/sasl"
	"pneu/mta/smtp"
)

// A Role says whom a service talks to.
type Role int

// The roles.
const (
	Exchange   Role = iota // strangers, who bring mail for our domains
	Submission             // users, who log in over TLS
	Local                  // the user at the other end of a pipe
)

// Options are the settings of a service.
type Options struct {
	Role     Role
	Hostname string   // our name in Received and Message-ID
	Domains  []string // ours; the first completes addresses without one

	// RelayNetworks may send to other domains without logging in. Default: none.
	RelayNetworks []netip.Prefix
	// AnySender lets users who logged in send under any address; by default only under their own.
	AnySender bool
	// MaxReceived is how many Received fields make a loop (RFC 5321, 6.3). Default: 50.
	MaxReceived int
	// MaxHeader is the largest header block in bytes. Default: 1 MB.
	MaxHeader int
	// LookupTimeout bounds every question to Users. Default: 30 s.
	LookupTimeout time.Duration

	// User and FullName, for Local, name the one who started us; Client says the same in the queue:
	// "uid 1000".
	User, FullName, Client string
}

// Users knows the mailboxes of our domains. cmd/smtpd passes an *account.DB, or something around
// it.
type Users interface {
	// Exists reports whether addr is delivered here. An error means "not known yet": a 451, never a
	// 550.
	Exists(ctx context.Context, addr string) (bool, error)
}

// Owners knows whose addresses are whose.
type Owners interface {
	// Owns reports whether mail for addr comes to account, so that the account's user may send in
	// its name.
	Owns(ctx context.Context, account, addr string) (bool, error)
}

// A Spool takes messages.
type Spool interface {
	Accept(env *queue.Envelope) (*queue.Draft, error)
}

// A Service is the backend of an SMTP server.
type Service struct {
	opt    Options
	ours   map[string]string // our domains, from the canonical form to the configured one
	users  Users
	owners Owners
	auth   *sasl.Authenticator
	spool  Spool
	log    *slog.Logger
}

// New returns a service. owners and auth are for Submission alone.
func New(opt Options, users Users, owners Owners, auth *sasl.Authenticator, spool Spool, log *slog.Logger) *Service {
	if opt.MaxReceived <= 0 {
		opt.MaxReceived = 50
	}
	if opt.MaxHeader <= 0 {
		opt.MaxHeader = 1 << 20
	}
	if opt.LookupTimeout <= 0 {
		opt.LookupTimeout = 30 * time.Second
	}
	if len(opt.Domains) == 0 {
		opt.Domains = []string{opt.Hostname}
	}
	ours := make(map[string]string)
	for _, d := range opt.Domains {
		ours[canonicalDomain(d)] = d
	}
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Service{opt: opt, ours: ours, users: users, owners: owners, auth: auth, spool: spool, log: log}
}

// NewSession implements smtp.Backend.
func (s *Service) NewSession(c *smtp.Conn) (smtp.Session, error) {
	ss := &session{svc: s, conn: c, log: s.log.With("session", c.ID())}
	if a, ok := c.RemoteAddr().(*net.TCPAddr); ok {
		ss.ip = a.AddrPort().Addr().Unmap().WithZone("")
	}
	switch s.opt.Role {
	case Local:
		ss.user = s.opt.User
	case Submission:
		return &userSession{ss}, nil
	}
	return ss, nil
}

// canonicalDomain brings a domain to the form in which they are compared.
func canonicalDomain(d string) string {
	d = strings.TrimSuffix(d, ".")
	if a, err := idna.Lookup.ToASCII(d); err == nil {
		return a
	}
	return strings.ToLower(d)
}
