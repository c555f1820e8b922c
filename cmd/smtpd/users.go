package main

import (
	"context"
	"errors"
	"log/slog"

	"pneu/cmd/internal/local"
	"pneu/mda/account"
	"pneu/mta/sysexits"
)

// directory answers what the policy asks about accounts.
type directory struct{ *account.DB }

func openDirectory(s *settings, log *slog.Logger) (directory, error) {
	opt, err := local.Options(s.File) // its delimiter and first_uid say who is known here
	if err != nil {
		return directory{}, err
	}
	db, err := account.Open(local.Accounts(s.File, opt, log))
	return directory{db}, err
}

// Owns implements inbound.Owners: an address is a user's own if mail for it lands in the user's
// mailbox, or is sent on to it alone.
func (d directory) Owns(_ context.Context, login, addr string) (bool, error) {
	acc, err := d.Account(login)
	if err != nil {
		return false, notFound(err)
	}
	t, err := d.Resolve(addr)
	if err != nil {
		return false, notFound(err)
	}
	return t.Account != nil && t.Account.Address == acc.Address, nil
}

// notFound takes "there is none" for an answer and leaves other errors.
func notFound(err error) error {
	if errors.Is(err, account.ErrNoUser) || errors.Is(err, account.ErrNotLocal) || sysexits.Code(err) == sysexits.NoUser {
		return nil
	}
	return err
}
