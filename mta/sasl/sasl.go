// Package sasl proves who someone is (RFC 4422): the mechanisms PLAIN, LOGIN and SCRAM-SHA-256 on
// both sides, and the form in which passwords are stored.
//
// The server side never tells a stranger whether an account exists: an unknown name runs through
// the same steps, costs the same time and fails with the same words as a wrong password (up to four
// passwords an account: see checkCost).
//
// Servers and clients have the shape of github.com/emersion/go-sasl, so that either may be
// exchanged for one of its own. Whether a mechanism may be used (PLAIN and LOGIN show the password
// to whoever listens) is for the protocol to decide; all of pneu's servers offer none without TLS.
package sasl

import (
	"crypto/rand"
	"errors"
	"fmt"

	gosasl "github.com/emersion/go-sasl"
)

// Types shared with go-sasl.
type (
	// Server is one exchange, seen by the side that asks for proof.
	Server = gosasl.Server
	// Client is one exchange, seen by the side that gives it.
	Client = gosasl.Client
)

// Errors of a server exchange. Anything else, as the error of [Accounts], means that the answer is
// not known: try later.
var (
	// ErrFailed says that the proof is wrong: unknown account, wrong password or a scope that does
	// not cover this service.
	ErrFailed = errors.New("authentication failed")
	// ErrSyntax says that the peer sent what the mechanism does not allow.
	ErrSyntax = errors.New("malformed authentication message")
	// ErrMechanism says that there is no such mechanism.
	ErrMechanism = errors.New("unknown authentication mechanism")
	// ErrNoUser is what [Accounts] answers for an account that does not exist or cannot log in.
	ErrNoUser = errors.New("no such account")
)

// Accounts knows credentials. cmd passes an account database.
type Accounts interface {
	// Lookup returns what user, a login name as typed, must prove. ErrNoUser, wrapped or not, says
	// there is no such account; Account is then what it would be, so that each way to write the
	// name gets the same answers. Another error says that this is not known now.
	Lookup(user string) (Credentials, error)
}

// An Authenticator starts server exchanges for one service.
type Authenticator struct {
	accounts Accounts
	scope    string
	secret   []byte
	decoy    SCRAM
	spend    func(pass string, iterations int) // takes the time of a check; tests count it
}

// NewAuthenticator serves accounts for the service named by scope ("smtp", "imap", "pop3"), against
// which the scopes of app passwords are held. From secret the salts shown for unknown accounts are
// made; it should be the same after a restart, since a salt that changes gives the account away.
// Without one (nil) it is drawn at random.
func NewAuthenticator(accounts Accounts, scope string, secret []byte) *Authenticator {
	if len(secret) == 0 {
		secret = make([]byte, 32)
		rand.Read(secret)
	}
	a := &Authenticator{accounts: accounts, scope: scope, secret: secret}
	// Nobody knows a password to this one: its keys are random.
	a.decoy = SCRAM{Iterations: DefaultIterations, Salt: make([]byte, saltLen), StoredKey: make([]byte, keyLen), ServerKey: make([]byte, keyLen)}
	rand.Read(a.decoy.StoredKey)
	rand.Read(a.decoy.ServerKey)
	a.spend = func(pass string, iterations int) { Derive(pass, a.decoy.Salt, iterations) }
	return a
}

// A mechanism is one row of the table: how a server exchange of that name begins.
type mechanism struct {
	name  string
	start func(a *Authenticator, ok func(account string) error) Server
}

// mechanisms lists them in the order in which they are offered: best first.
var mechanisms = [...]mechanism{
	{"SCRAM-SHA-256", newScramServer},
	{"PLAIN", newPlainServer},
	{"LOGIN", newLoginServer},
}

// Mechanisms returns the names to offer, best first.
func (a *Authenticator) Mechanisms() []string {
	var names []string
	for _, m := range mechanisms {
		names = append(names, m.name)
	}
	return names
}

// Start begins an exchange; mech is in upper case. When the proof is good, ok is called with the
// account's name before the last step returns, and may still refuse.
func (a *Authenticator) Start(mech string, ok func(account string) error) (Server, error) {
	for _, m := range mechanisms {
		if m.name == mech {
			return m.start(a, ok), nil
		}
	}
	return nil, ErrMechanism
}

// User returns the name that the peer of an exchange gave, as given, or "". It
// is for logs: after a failure nobody has shown that it is theirs.
func User(s Server) string {
	if u, ok := s.(interface{ claimed() string }); ok {
		return u.claimed()
	}
	return ""
}

func (s *plainServer) claimed() string { return s.user }
func (s *loginServer) claimed() string { return s.user }
func (s *scramServer) claimed() string { return s.user }

// checkCost is what a refusal of PLAIN and LOGIN costs, in iterations: as much as
// an account with a password and three app passwords. Whoever has more of them
// can be told from the others by a clock, and by nothing else.
const checkCost = 4 * DefaultIterations

// password checks a name and password. A refusal costs the same time whether or
// not there is such an account, and however many passwords it has; a login need
// not hide that, and is not made to wait.
func (a *Authenticator) password(user, pass string) (account string, err error) {
	c, err := a.lookup(user)
	if err != nil {
		return "", err
	}
	if c.Verify(pass, a.scope) && !c.unknown {
		return c.Account, nil
	}
	left := checkCost
	for _, s := range c.Secrets {
		left -= s.Iterations
	}
	if left > 0 {
		a.spend(pass, left)
	}
	return "", ErrFailed
}

// lookup returns the credentials of user, or decoys nobody can satisfy.
func (a *Authenticator) lookup(user string) (Credentials, error) {
	c, err := a.accounts.Lookup(user)
	if c.Account == "" {
		c.Account = user
	}
	switch {
	case errors.Is(err, ErrNoUser), err == nil && len(c.Secrets) == 0:
		d := a.decoy
		d.Salt = a.decoySalt(c.Account)
		return Credentials{Account: c.Account, Secrets: []Secret{{SCRAM: d}}, unknown: true}, nil
	case err != nil:
		return Credentials{}, fmt.Errorf("look up account: %w", err)
	}
	return c, nil
}
