package sasl

import (
	"bytes"
	"errors"
	"strings"
	"unicode/utf8"
)

// loginServer is LOGIN, which no RFC describes and old clients insist on
// (draft-murchison-sasl-login): the name and the password are asked for one after the other.
type loginServer struct {
	a    *Authenticator
	ok   func(string) error
	step int
	user string
}

func newLoginServer(a *Authenticator, ok func(string) error) Server {
	return &loginServer{a: a, ok: ok}
}

// Next implements Server.
func (s *loginServer) Next(response []byte) ([]byte, bool, error) {
	if response != nil && (!utf8.Valid(response) || bytes.IndexByte(response, 0) >= 0) {
		return nil, false, ErrSyntax
	}
	switch {
	case s.step == 0 && response == nil:
		s.step = 1
		return []byte("Username:"), false, nil
	case s.step <= 1: // the name may come as initial response
		if len(response) == 0 {
			return nil, false, ErrSyntax
		}
		s.user = string(response)
		s.step = 2
		return []byte("Password:"), false, nil
	case s.step == 2:
		s.step = 3
		account, err := s.a.password(s.user, string(response))
		if err != nil {
			return nil, false, err
		}
		return nil, true, s.ok(account)
	}
	return nil, false, ErrSyntax
}

// loginClient answers a server's questions.
type loginClient struct {
	user, pass string
	step       int
}

// Start implements Client.
func (c *loginClient) Start() (string, []byte, error) { return "LOGIN", nil, nil }

// Next implements Client. Prompts differ between servers; where one is recognised it is obeyed,
// else their order counts.
func (c *loginClient) Next(challenge []byte) ([]byte, error) {
	c.step++
	prompt := strings.ToLower(string(challenge))
	switch {
	case c.step > 2:
		return nil, errors.New("LOGIN: the server asks for more")
	case c.step == 1 && strings.HasPrefix(prompt, "pass"):
		return nil, errors.New("LOGIN: the server asks for the password first")
	case c.step == 1:
		return []byte(c.user), nil
	default:
		return []byte(c.pass), nil
	}
}
