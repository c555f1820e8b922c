package sasl

import (
	"bytes"
	"errors"
	"unicode/utf8"
)

// plainServer is PLAIN (RFC 4616): [authzid] NUL authcid NUL password, in one message.
type plainServer struct {
	a    *Authenticator
	ok   func(string) error
	done bool
	user string
}

func newPlainServer(a *Authenticator, ok func(string) error) Server {
	return &plainServer{a: a, ok: ok}
}

// Next implements Server.
func (s *plainServer) Next(response []byte) ([]byte, bool, error) {
	if s.done {
		return nil, false, ErrSyntax
	}
	if response == nil { // no initial response: ask for it
		return []byte{}, false, nil
	}
	s.done = true
	authz, user, pass, err := parsePlain(response)
	if err != nil {
		return nil, false, err
	}
	s.user = user
	account, err := s.a.password(user, pass)
	if err != nil {
		return nil, false, err
	}
	if authz != "" && authz != user && authz != account {
		return nil, false, ErrFailed // nobody may act for another
	}
	return nil, true, s.ok(account)
}

func parsePlain(b []byte) (authz, user, pass string, err error) {
	f := bytes.Split(b, []byte{0})
	if len(f) != 3 || len(f[1]) == 0 || !utf8.Valid(b) {
		return "", "", "", ErrSyntax
	}
	return string(f[0]), string(f[1]), string(f[2]), nil
}

// plainClient sends a name and password at once.
type plainClient struct{ user, pass string }

// Start implements Client.
func (c *plainClient) Start() (string, []byte, error) {
	return "PLAIN", []byte("\x00" + c.user + "\x00" + c.pass), nil
}

// Next implements Client.
func (c *plainClient) Next([]byte) ([]byte, error) {
	return nil, errors.New("PLAIN: the server asks for more")
}
