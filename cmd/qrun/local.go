package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"pneu/cmd/internal/boot"
	"pneu/cmd/internal/conf"
	"pneu/mda/account"
	"pneu/mda/deliver"
	"pneu/mta/queue"
	"pneu/mta/runner"
)

// local returns what delivers to this system's users, by the settings of
// deliver, and says which domains are theirs.
func local(c *cli.Context, file *conf.File, spool *queue.Spool, log *slog.Logger) (runner.Local, func(string) bool, error) {
	var opt deliver.Options
	if _, err := boot.Config(c, "deliver", &opt); err != nil {
		return nil, nil, err
	}
	db, err := account.Open(account.Options{Users: file.Users, Aliases: file.Aliases, Mail: file.Mail, Domains: file.Domains,
		Hostname: file.Hostname, Delimiter: opt.Delimiter, FirstUID: opt.FirstUID, Log: log})
	if err != nil {
		return nil, nil, err
	}
	if exe, err := os.Executable(); err == nil { // root's deliveries are made by it, as the mailbox's owner
		if helper := filepath.Join(filepath.Dir(exe), "deliver"); isProgram(helper) {
			opt.Helper = helper
		}
	}
	opt.Hostname = file.Hostname
	agent := deliver.New(opt, db, forwarder{spool}, log)
	return func(ctx context.Context, d runner.LocalDelivery) error {
		return agent.Deliver(ctx, deliver.Envelope{Sender: d.Sender, Recipient: d.Recipient, ID: d.ID, N: d.N,
			Arrived: d.Arrived, First: d.First}, d.Body)
	}, db.Local, nil
}

func isProgram(path string) bool {
	st, err := os.Stat(path)
	return err == nil && st.Mode().IsRegular() && st.Mode()&0o111 != 0
}

// forwarder puts what aliases send on into the same spool.
type forwarder struct{ spool *queue.Spool }

// Forward implements deliver.Forwarder.
func (f forwarder) Forward(_ context.Context, of deliver.Envelope, sender string, rcpts []string, msg io.Reader) error {
	env := &queue.Envelope{Sender: sender, Client: "forwarded from " + of.Recipient}
	if of.ID != "" {
		// The copy says whom it stands for: whoever runs it first sets that
		// recipient's mark, so that a crash before ours does not send it twice.
		env.ID, env.Kind, env.Parent = queue.Derive(of.ID, "forward", of.N), "forward", of.ID
		env.Covers = []queue.Cover{{N: of.N, Mark: queue.Done}}
	}
	env.UTF8 = !ascii(sender)
	for i, r := range rcpts {
		env.UTF8 = env.UTF8 || !ascii(r)
		env.Recipients = append(env.Recipients, queue.Recipient{N: i + 1, Addr: r, Mark: queue.Pending})
	}
	d, err := f.spool.Accept(env)
	if errors.Is(err, queue.ErrExists) { // sent on before a crash
		return nil
	}
	if err != nil {
		return err
	}
	if _, err := io.Copy(d, msg); err != nil {
		d.Abort()
		return err
	}
	return d.Commit(time.Now())
}

func ascii(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r >= 0x80 })
}
