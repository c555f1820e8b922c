// Package local joins configuration, accounts, queue and delivery: what every
// program needs that puts mail into mailboxes of this machine, or asks who has
// one.
package local

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"pneu/cmd/internal/conf"
	"pneu/mda/account"
	"pneu/mda/deliver"
	"pneu/mta/queue"
	"pneu/mta/submit"
	"pneu/mta/sysexits"
)

// A System is the local side of a configuration.
type System struct {
	Accounts *account.DB
	Agent    *deliver.Agent
	Options  deliver.Options
}

// Open reads the table [deliver] of the file that f came from, the users and
// the aliases.
func Open(f *conf.File, log *slog.Logger) (*System, error) {
	s := &System{}
	var err error
	if s.Options, err = Options(f); err != nil {
		return nil, err
	}
	if s.Accounts, err = account.Open(Accounts(f, s.Options, log)); err != nil {
		return nil, err
	}
	s.Agent = deliver.New(s.Options, s.Accounts, &Forwarder{Spool: f.Spool}, log)
	return s, nil
}

// Options returns the settings of deliveries.
func Options(f *conf.File) (deliver.Options, error) {
	opt := deliver.Options{Hostname: f.Hostname}
	if f.Path != "" {
		if _, err := conf.Load(f.Path, "deliver", &opt); err != nil {
			return opt, err
		}
	}
	if self, err := os.Executable(); err == nil {
		helper := filepath.Join(filepath.Dir(self), "deliver")
		if _, err := os.Stat(helper); err == nil {
			opt.Helper = helper
		}
	}
	if err := opt.Check(); err != nil {
		return opt, f.Wrong("deliver", err.Error())
	}
	return opt, nil
}

// Accounts returns where the accounts of a configuration are found.
func Accounts(f *conf.File, opt deliver.Options, log *slog.Logger) account.Options {
	return account.Options{
		Users: f.Users, Aliases: f.Aliases, Mail: f.Mail, Domains: f.Domains, Hostname: f.Hostname,
		Delimiter: opt.Delimiter, FirstUID: opt.FirstUID, Log: log,
	}
}

// A Forwarder sends messages on through the spool, which it opens when there
// is the first one.
type Forwarder struct {
	Spool string

	once  sync.Once
	spool *queue.Spool
	err   error
}

// Forward accepts a message that follows from recipient env.N of env.ID. The
// copy says which recipient it stands for, so that whoever runs it first makes
// sure that it is not asked for once more.
func (f *Forwarder) Forward(_ context.Context, env deliver.Envelope, sender string, rcpts []string, msg io.Reader) error {
	f.once.Do(func() { f.spool, f.err = queue.Open(queue.Options{Dir: f.Spool}) })
	if f.err != nil {
		return sysexits.Wrap(sysexits.TempFail, f.err)
	}
	out := &queue.Envelope{Sender: sender, Client: "sent on for " + env.Recipient}
	if env.ID != "" {
		out.ID = queue.Derive(env.ID, "forward", env.N)
		out.Kind, out.Parent = "forward", env.ID
		out.Covers = []queue.Cover{{N: env.N, Mark: queue.Done}}
	}
	for _, r := range rcpts {
		out.Recipients = append(out.Recipients, queue.Recipient{Addr: r})
		out.UTF8 = out.UTF8 || !ascii(r)
	}
	out.UTF8 = out.UTF8 || !ascii(sender)
	d, err := f.spool.Accept(out)
	if errors.Is(err, queue.ErrExists) {
		return nil // an earlier attempt came this far
	}
	if err != nil {
		return sysexits.Wrap(sysexits.TempFail, err)
	}
	if _, err := io.Copy(eightBit{d, out}, msg); err != nil {
		d.Abort()
		return sysexits.Wrap(sysexits.TempFail, err)
	}
	return sysexits.Wrap(sysexits.TempFail, d.Commit(time.Time{}))
}

// eightBit notices what the next host must be able to take.
type eightBit struct {
	d   *queue.Draft
	env *queue.Envelope
}

func (e eightBit) Write(p []byte) (int, error) {
	e.env.EightBit = e.env.EightBit || submit.EightBit(p)
	return e.d.Write(p)
}

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}
