package inbound

import (
	"net"
	"net/netip"
	"strings"

	"pneu/mta/smtp"
)

// A stage is a moment at which something can be refused.
type stage int

const (
	onMail stage = iota // the sender is known
	onRcpt              // and one recipient, in session.rcpt
)

// audience says whom a step concerns.
type audience int

const (
	everyone audience = iota
	strangers
	users
)

// A step is one row of the policy. Its error is the reply.
type step struct {
	name string
	when stage
	who  audience
	run  func(*session) error
}

// steps is the policy, in order.
func steps() []step {
	return []step{
		{"logged in", onMail, users, (*session).loggedIn},
		{"sender complete", onMail, everyone, (*session).senderComplete},
		{"sender their own", onMail, users, (*session).senderOwn},
		// checks of the sender's host and domain: here
		{"recipient complete", onRcpt, everyone, (*session).recipientComplete},
		{"no routing inside", onRcpt, everyone, (*session).noRouting},
		{"no relaying", onRcpt, strangers, (*session).noRelaying},
		{"user exists", onRcpt, everyone, (*session).userExists},
		// greylisting: here, where only mail that could be delivered is asked to wait
	}
}

// Replies of the policy.
var (
	statusLogIn       = smtp.NewStatus(530, smtp.EnhancedCode{5, 7, 0}, "Authentication required")
	statusNeedTLS     = smtp.NewStatus(530, smtp.EnhancedCode{5, 7, 0}, "Must issue a STARTTLS command first")
	statusNoDomain    = smtp.NewStatus(553, smtp.EnhancedCode{5, 1, 7}, "Sender address needs a domain")
	statusNotYours    = smtp.NewStatus(553, smtp.EnhancedCode{5, 7, 1}, "Sender address is not yours")
	statusRcptDomain  = smtp.NewStatus(550, smtp.EnhancedCode{5, 1, 3}, "Recipient address needs a domain")
	statusNoRelay     = smtp.NewStatus(550, smtp.EnhancedCode{5, 7, 1}, "Relaying denied")
	statusNoUser      = smtp.NewStatus(550, smtp.EnhancedCode{5, 1, 1}, "No such user here")
	statusLookup      = smtp.NewStatus(451, smtp.EnhancedCode{4, 3, 0}, "Cannot tell now, try again later")
	statusLoop        = smtp.NewStatus(554, smtp.EnhancedCode{5, 4, 6}, "Too many hops, this message is going in a circle")
	statusBigHeader   = smtp.NewStatus(552, smtp.EnhancedCode{5, 3, 4}, "Message header too big")
	statusBadHeader   = smtp.NewStatus(554, smtp.EnhancedCode{5, 6, 0}, "Malformed message header")
	statusNoSpace     = smtp.NewStatus(452, smtp.EnhancedCode{4, 3, 1}, "Out of storage, try again later")
	statusQueueFailed = smtp.NewStatus(451, smtp.EnhancedCode{4, 3, 0}, "Cannot queue now, try again later")
)

// loggedIn: only users send here (RFC 6409, 4.3).
func (s *session) loggedIn() error {
	switch {
	case s.user != "":
		return nil
	case s.conn.TLS() == nil:
		return statusNeedTLS
	default:
		return statusLogIn
	}
}

// senderComplete: a sender that nobody can answer is none; a user's is completed (RFC 6409, 6.2).
func (s *session) senderComplete() error {
	local, domain := smtp.SplitAddress(s.from)
	if local == "" || domain != "" {
		return nil
	}
	if !s.forUsers() {
		return statusNoDomain
	}
	s.from += "@" + s.svc.opt.Domains[0]
	return nil
}

// senderOwn: users do not send in each other's names (RFC 6409, 6.1). The null sender, for
// receipts, is everyone's.
func (s *session) senderOwn() error {
	if s.from == "" || s.svc.opt.AnySender || s.svc.opt.Role == Local {
		return nil
	}
	ctx, cancel := s.lookup()
	defer cancel()
	own, err := s.svc.owners.Owns(ctx, s.user, s.from)
	switch {
	case err != nil:
		return statusLookup.Because(err)
	case !own:
		return statusNotYours
	}
	return nil
}

// recipientComplete settles what the domain means: whether it is ours.
func (s *session) recipientComplete() error {
	r, first := &s.rcpt, s.svc.opt.Domains[0]
	if r.domain == "" {
		// RFC 5321, 4.1.1.3: "postmaster" needs no domain.
		if !s.forUsers() && !strings.EqualFold(r.local, "postmaster") {
			return statusRcptDomain
		}
		r.addr, r.domain = r.addr+"@"+first, canonicalDomain(first)
	}
	if ip, ok := smtp.ParseLiteral(r.domain); ok {
		// Our own address in brackets is our first domain (RFC 5321, 4.1.3).
		if own, ok := s.conn.LocalAddr().(*net.TCPAddr); ok && own.AddrPort().Addr().Unmap() == ip.Unmap() {
			r.addr, r.domain = r.addr[:strings.LastIndexByte(r.addr, '@')+1]+first, canonicalDomain(first)
		}
	}
	name, ok := s.svc.ours[r.domain]
	if typed := r.addr[strings.LastIndexByte(r.addr, '@')+1:]; ok && !strings.EqualFold(typed, name) {
		// Another spelling of it (RFC 5890: full width, A-label): from here on there is one, lest
		// anyone later take it for foreign.
		r.addr = r.addr[:len(r.addr)-len(typed)] + name
	}
	r.ours = ok
	return nil
}

// noRouting: a local part of ours that holds a way to somewhere else ("a%b@ours", "b!a@ours",
// "\"a@b\"@ours") is not a mailbox, and whoever delivers it later must not take it for a way.
func (s *session) noRouting() error {
	if s.rcpt.ours && strings.ContainsAny(s.rcpt.local, "@%!:") {
		return statusNoRelay
	}
	return nil
}

// noRelaying: strangers may send to us, not through us.
func (s *session) noRelaying() error {
	if s.rcpt.ours || within(s.svc.opt.RelayNetworks, s.ip) {
		return nil
	}
	return statusNoRelay
}

// userExists: what cannot be delivered is refused while the sender's own server still has it. To
// bounce later would be to bother whoever's address was forged.
func (s *session) userExists() error {
	if !s.rcpt.ours {
		return nil
	}
	ctx, cancel := s.lookup()
	defer cancel()
	ok, err := s.svc.users.Exists(ctx, s.rcpt.addr)
	switch {
	case err != nil:
		return statusLookup.Because(err)
	case !ok:
		return statusNoUser
	}
	return nil
}

// within reports whether one of the networks holds ip.
func within(nets []netip.Prefix, ip netip.Addr) bool {
	if ip.IsValid() {
		for _, n := range nets {
			if n.Contains(ip) {
				return true
			}
		}
	}
	return false
}
