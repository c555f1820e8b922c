package sasl

import (
	"fmt"
	"slices"
	"strings"
)

// NewClient returns the client side of a mechanism.
func NewClient(mech, user, password string) (Client, error) {
	switch strings.ToUpper(mech) {
	case "SCRAM-SHA-256":
		return newScramClient(user, password)
	case "PLAIN":
		if strings.ContainsRune(user+password, 0) {
			return nil, fmt.Errorf("PLAIN: %w", ErrSyntax)
		}
		return &plainClient{user, password}, nil
	case "LOGIN":
		return &loginClient{user: user, pass: password}, nil
	}
	return nil, fmt.Errorf("%w: %s", ErrMechanism, mech)
}

// Choose returns the client side of the best mechanism a server offers. Those that show the
// password are not used unless the connection is encrypted.
func Choose(offered []string, user, password string, encrypted bool) (Client, error) {
	for _, m := range mechanisms {
		if !encrypted && m.name != "SCRAM-SHA-256" {
			continue
		}
		if slices.ContainsFunc(offered, func(o string) bool { return strings.EqualFold(o, m.name) }) {
			return NewClient(m.name, user, password)
		}
	}
	return nil, fmt.Errorf("%w: the server offers %q", ErrMechanism, offered)
}

// Verified reports whether a finished exchange proved the server to be genuine as far as its
// mechanism can. After a success it must be asked: SCRAM lets the server prove itself, and a false
// one will leave that step out.
func Verified(c Client) bool {
	if v, ok := c.(interface{ Verified() bool }); ok {
		return v.Verified()
	}
	return true
}
