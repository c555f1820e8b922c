package account

import (
	"fmt"
	"slices"
	"strings"

	"pneu/mta/sasl"
	"pneu/mta/sysexits"
)

// Account returns the mailbox that name, a login or an address, owns; aliases
// and folders are not looked at. ErrNoUser (exit code 67) says there is none.
func (db *DB) Account(name string) (*Account, error) {
	v, err := db.read()
	if err != nil {
		return nil, err
	}
	local, domain, err := db.parse(name)
	if err == nil {
		if a := v.users.find(strings.ToLower(local), domain); a != nil {
			return a, nil
		}
		err = ErrNoUser
	}
	return nil, sysexits.Wrap(sysexits.NoUser, fmt.Errorf("%s: %w", name, err))
}

// Lookup returns what user must prove, as package sasl asks it. An account
// without credentials cannot log in.
func (db *DB) Lookup(user string) (sasl.Credentials, error) {
	v, err := db.read()
	if err != nil {
		return sasl.Credentials{}, err
	}
	local, domain, err := db.parse(user)
	if err != nil {
		return sasl.Credentials{}, sasl.ErrNoUser
	}
	a := v.users.find(strings.ToLower(local), domain)
	if a == nil {
		return sasl.Credentials{Account: strings.ToLower(local) + "@" + domain}, sasl.ErrNoUser
	} else if a.Credentials == "" {
		return sasl.Credentials{Account: a.Login}, sasl.ErrNoUser
	}
	c, err := sasl.ParseCredentials(a.Credentials)
	c.Account = a.Login
	return c, err
}

// List returns all accounts in the order of their file.
func (db *DB) List() ([]Account, error) {
	v, err := db.read()
	if err != nil {
		return nil, err
	}
	return append([]Account(nil), v.users.list...), nil
}

// Aliases returns the addresses that have an alias, completed where the file
// leaves the domain out, in order.
func (db *DB) Aliases() ([]string, error) {
	v, err := db.read()
	if err != nil {
		return nil, err
	}
	var names []string
	for n := range v.aliases.entries {
		if !strings.Contains(n, "@") && len(db.opt.Domains) > 0 {
			n += "@" + db.opt.Domains[0]
		}
		names = append(names, n)
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}
