package sasl

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/xdg-go/scram"
)

// scramServer is SCRAM-SHA-256 (RFC 5802, RFC 7677) without channel binding.
type scramServer struct {
	a     *Authenticator
	ok    func(string) error
	conv  *scram.ServerConversation
	creds Credentials
	user  string
	err   error // of the account database
	final bool  // the server's signature was sent, the client's empty answer is due
}

func newScramServer(a *Authenticator, ok func(string) error) Server {
	s := &scramServer{a: a, ok: ok}
	srv, err := scram.SHA256.NewServer(s.lookup)
	if err != nil { // it has none to give
		s.err = err
		return s
	}
	s.conv = srv.NewConversation()
	return s
}

func (s *scramServer) lookup(user string) (scram.StoredCredentials, error) {
	s.user = user
	c, err := s.a.lookup(user)
	if err != nil {
		s.err = err
		return scram.StoredCredentials{}, err
	}
	s.creds = c
	// One conversation can serve one password only.
	sec := s.a.decoy
	sec.Salt = s.a.decoySalt(c.Account)
	found := c.unknown
	for _, o := range c.Secrets {
		if o.covers(s.a.scope) {
			sec, found = o.SCRAM, true
			break
		}
	}
	if !found {
		s.creds.unknown = true
	}
	return scram.StoredCredentials{
		KeyFactors: scram.KeyFactors{Salt: string(sec.Salt), Iters: sec.Iterations},
		StoredKey:  sec.StoredKey,
		ServerKey:  sec.ServerKey,
	}, nil
}

// Next implements Server. The signature goes out as a challenge which the client answers with
// nothing (RFC 4422, 5, "additional data with success", for protocols that have no place for it, as
// SMTP).
func (s *scramServer) Next(response []byte) ([]byte, bool, error) {
	if s.err != nil {
		return nil, false, s.err
	}
	if s.final {
		if len(response) != 0 {
			return nil, false, ErrSyntax
		}
		return nil, true, s.ok(s.creds.Account)
	}
	if response == nil {
		return []byte{}, false, nil
	}
	out, err := s.conv.Step(string(response))
	switch {
	case s.err != nil:
		return nil, false, s.err
	case err != nil && strings.HasPrefix(out, scram.ErrInvalidProof):
		return nil, false, ErrFailed
	case err != nil:
		return nil, false, ErrSyntax
	}
	if s.conv.Done() {
		if !s.conv.Valid() || s.creds.unknown {
			return nil, false, ErrFailed
		}
		if z := s.conv.AuthzID(); z != "" && z != s.conv.Username() && z != s.creds.Account {
			return nil, false, ErrFailed
		}
		s.final = true
	}
	return []byte(out), false, nil
}

// scramClient proves knowledge of a password without sending it, and checks that the server knows
// its keys.
type scramClient struct {
	conv *scram.ClientConversation
	step int
}

func newScramClient(user, pass string) (Client, error) {
	c, err := scram.SHA256.NewClient(user, pass, "")
	if err != nil {
		return nil, fmt.Errorf("SCRAM-SHA-256: %w", err)
	}
	return &scramClient{conv: c.NewConversation()}, nil
}

// Start implements Client.
func (c *scramClient) Start() (string, []byte, error) {
	first, err := c.conv.Step("")
	return "SCRAM-SHA-256", []byte(first), err
}

// Next implements Client.
func (c *scramClient) Next(challenge []byte) ([]byte, error) {
	c.step++
	if c.step == 1 {
		// A hostile server must not make us compute for ever.
		for f := range strings.SplitSeq(string(challenge), ",") {
			if n, ok := strings.CutPrefix(f, "i="); ok {
				if i, err := strconv.Atoi(n); err != nil || i > maxIterations {
					return nil, errors.New("SCRAM-SHA-256: the server asks for too much work")
				}
			}
		}
	}
	out, err := c.conv.Step(string(challenge))
	if err != nil {
		return nil, fmt.Errorf("SCRAM-SHA-256: %w", err)
	}
	return []byte(out), nil
}

// Verified reports whether the server has proven that it knows the account's keys. One that says
// "succeeded" without is an impostor.
func (c *scramClient) Verified() bool { return c.conv.Valid() }
