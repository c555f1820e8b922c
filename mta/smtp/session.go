package smtp

import (
	"io"

	gosasl "github.com/emersion/go-sasl"
)

// A Backend decides whom to talk to.
type Backend interface {
	// NewSession is called when a peer connects, before the greeting. An error refuses the peer; a
	// [Status] says how.
	NewSession(c *Conn) (Session, error)
}

// A Session decides on one peer's mail, in the shape of go-smtp's Session. Its methods are called
// one at a time. The errors they return are replies: a [Status] or [SMTPError] says which, anything
// else is a "try again later" whose cause only the log sees.
type Session interface {
	// Mail begins a message. The address has no brackets and no route; "" is the null sender.
	Mail(from string, opts *MailOptions) error
	// Rcpt adds a recipient. The address may lack a domain; anything but "postmaster" is then for
	// the session to refuse.
	Rcpt(to string, opts *RcptOptions) error
	// Data takes the message, with CRLF line ends and dots unstuffed. Only at io.EOF is it whole;
	// after any other error of r nothing of it may be kept. A nil error accepts it: from then on
	// its loss is the session's fault. So does a *Status with a 2yz code, which gives the reply's
	// text.
	Data(r io.Reader) error
	// Reset forgets the message under way.
	Reset()
	// Logout is called last, in any case.
	Logout() error
}

// An AuthSession is a Session that lets peers log in. It is asked only over TLS.
type AuthSession interface {
	Session
	// AuthMechanisms lists what is offered, in upper case; none at all switches AUTH off.
	AuthMechanisms() []string
	// Auth starts an exchange. When its last step succeeds the peer is logged in; the session
	// learns as whom in its own way.
	Auth(mech string) (gosasl.Server, error)
}

// An LMTPSession answers for each recipient (RFC 2033, 4.2); without it all get the answer of Data.
type LMTPSession interface {
	Session
	// LMTPData is Data with one outcome for each accepted recipient, in the order of Rcpt.
	LMTPData(r io.Reader) []error
}
