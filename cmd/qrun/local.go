package main

import (
	"context"
	"log/slog"

	"pneu/cmd/internal/conf"
	"pneu/cmd/internal/local"
	"pneu/mda/deliver"
	"pneu/mta/runner"
)

// localDelivery returns what delivers to this system's users, by the settings
// of deliver, and says which domains are theirs.
func localDelivery(file *conf.File, log *slog.Logger) (runner.Local, func(string) bool, error) {
	s, err := local.Open(file, log)
	if err != nil {
		return nil, nil, err
	}
	return func(ctx context.Context, d runner.LocalDelivery) error {
		return s.Agent.Deliver(ctx, deliver.Envelope{Sender: d.Sender, Recipient: d.Recipient, ID: d.ID, N: d.N,
			Arrived: d.Arrived, First: d.First}, d.Body)
	}, s.Accounts.Local, nil
}
