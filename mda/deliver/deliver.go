// Package deliver puts one message where an address leads: into a Maildir, on
// to other addresses, or, where that is allowed, to a command or a file.
//
// What it promises:
//
//   - nil means that the message is on disk, in the Maildir or in the queue;
//   - the same message for the same recipient, tried again after a crash, is
//     recognised and delivered once;
//   - what it writes is the message byte for byte below a Return-Path and a
//     Delivered-To field;
//   - an error says whether to try again (package sysexits).
//
// Where an alias has several kinds of targets, its files and commands come
// first, then its mailbox, then what is sent on: the last step is the one that
// is known to have been done, even if the process dies the moment after. Files
// and commands cannot be recognised; those of one alias are repeated if
// a later one of the same alias has to be tried again.
package deliver

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"pneu/maildir/store"
	"pneu/mda/account"
	"pneu/mta/sysexits"
)

// Options are the settings of the table [deliver].
type Options struct {
	// Delimiter parts a user from a folder in an address. Default: +.
	Delimiter string `toml:"delimiter"`
	// FirstUID is the lowest user number with a mailbox, root aside, when
	// there is no users file. Default: 1000.
	FirstUID int `toml:"first_uid"`
	// CreateFolders makes the folder that a subaddress names. Otherwise mail
	// for a folder that does not exist goes to INBOX. Default: false.
	CreateFolders bool `toml:"create_folders"`
	// QuotaFull says what happens to mail for a full mailbox: "tempfail"
	// keeps it in the queue until there is room or it expires, "reject" sends
	// it back at once. Default: tempfail.
	QuotaFull string `toml:"quota_full"`
	// Sync is "auto" or "strict", which syncs the folder as well as the
	// message, for file systems that want it. Default: auto.
	Sync string `toml:"sync"`
	// Index hands a message to the index of its folder while it is in memory, so
	// that programs that read the folder need not look for it. A folder that
	// none of them has opened has no index and is left without one. Default: true.
	Index *bool `toml:"index"`
	// Commands allows aliases to run commands. Default: false.
	Commands bool `toml:"commands"`
	// Files allows aliases to append to files. Default: false.
	Files bool `toml:"files"`
	// RunAs is the user for the commands and files of aliases when we run as
	// root. Default: nobody.
	RunAs string `toml:"run_as"`
	// CommandTimeout ends a command that takes longer. Default: 5 minutes.
	CommandTimeout time.Duration `toml:"command_timeout"`
	// Path is the PATH of commands. Default: /usr/local/bin:/usr/bin:/bin.
	Path string `toml:"path"`

	// Hostname is part of the names of messages in a Maildir.
	Hostname string `toml:"-"`
	// Helper is the deliver program, run as a mailbox's owner when we run as
	// root. Without one, root delivers to nobody but root.
	Helper string `toml:"-"`
}

// An Envelope is what a delivery needs to know beside the message.
type Envelope struct {
	Sender    string // "" is the null sender
	Recipient string
	ID        string // of the message in the queue; "" is none: each delivery is a new one
	N         int    // the recipient's number in it
	Arrived   time.Time
	// First says that nobody can have tried this before, which spares the
	// search for what an earlier attempt left.
	First bool
}

// A Forwarder sends a message on for recipient env.N of message env.ID, so that
// the same forwarding asked for twice is done once; with sender "" from the
// null sender. nil means that the message is durable.
type Forwarder interface {
	Forward(ctx context.Context, env Envelope, sender string, rcpts []string, msg io.Reader) error
}

// An Agent delivers. It may be used by many goroutines.
type Agent struct {
	opt Options
	db  *account.DB
	fwd Forwarder
	log *slog.Logger

	filer store.Filer
}

// New returns an agent. fwd may be nil: then nothing can be sent on, and an
// address that wants it is tried later. log may be nil.
func New(opt Options, db *account.DB, fwd Forwarder, log *slog.Logger) *Agent {
	if opt.QuotaFull == "" {
		opt.QuotaFull = "tempfail"
	}
	if opt.CommandTimeout <= 0 {
		opt.CommandTimeout = 5 * time.Minute
	}
	if opt.Path == "" {
		opt.Path = "/usr/local/bin:/usr/bin:/bin"
	}
	if opt.RunAs == "" {
		opt.RunAs = "nobody"
	}
	if opt.Hostname == "" {
		opt.Hostname = "localhost"
	}
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Agent{opt: opt, db: db, fwd: fwd, log: log}
}

// Check reports a setting that cannot be, for programs to end at start.
func (o Options) Check() error {
	switch {
	case o.QuotaFull != "" && o.QuotaFull != "tempfail" && o.QuotaFull != "reject":
		return sysexits.New(sysexits.Config, fmt.Sprintf(`[deliver] quota_full is %q: write "tempfail" or "reject"`, o.QuotaFull))
	case o.Sync != "" && o.Sync != "auto" && o.Sync != "strict":
		return sysexits.New(sysexits.Config, fmt.Sprintf(`[deliver] sync is %q: write "auto" or "strict"`, o.Sync))
	case len(o.Delimiter) > 1 || o.Delimiter == "@" || o.Delimiter == ".":
		return sysexits.New(sysexits.Config, fmt.Sprintf(`[deliver] delimiter is %q: write one character such as "+" or "-"`, o.Delimiter))
	case o.CommandTimeout < 0:
		return sysexits.New(sysexits.Config, "[deliver] command_timeout is below 0")
	}
	return nil
}

// Deliver delivers msg, read from its beginning, to env.Recipient.
func (a *Agent) Deliver(ctx context.Context, env Envelope, msg io.ReadSeeker) error {
	t, err := a.db.Resolve(env.Recipient)
	if err != nil {
		return explain(err)
	}
	m, err := examine(msg, t.Address)
	if err != nil {
		return err
	}
	log := a.log.With("qid", env.ID, "to", t.Address)
	for _, path := range t.Files {
		if err := a.file(ctx, env, t, m, path); err != nil {
			return err
		}
		log.Info("delivered", "file", path)
	}
	for _, command := range t.Commands {
		if err := a.command(ctx, env, t, m, command); err != nil {
			return err
		}
		log.Info("delivered", "command", command)
	}
	if t.Account != nil {
		if err := a.mailbox(ctx, env, t, m); err != nil {
			return err
		}
		log.Info("delivered", "mailbox", t.Account.Address, "folder", t.Folder)
	}
	if len(t.Forward) > 0 {
		if err := a.forward(ctx, env, t, m); err != nil {
			return err
		}
		log.Info("sent on", "targets", len(t.Forward))
	}
	return nil
}

func (a *Agent) forward(ctx context.Context, env Envelope, t *account.Target, m *message) error {
	if a.fwd == nil {
		return sysexits.New(sysexits.TempFail, t.Address+": it leads to other addresses, and there is no queue to send them the message")
	}
	sender := env.Sender
	if t.Owner != "" && sender != "" { // reports about reports would go in circles: RFC 5321, 4.5.5
		sender = t.Owner
	}
	r, err := m.open("Delivered-To: " + t.Address)
	if err != nil {
		return err
	}
	return a.fwd.Forward(ctx, env, sender, t.Forward, r)
}

// explain adds to an error of package account what a report can use.
func explain(err error) error {
	switch {
	case errors.Is(err, account.ErrNoUser):
		return status(err, "5.1.1")
	case errors.Is(err, account.ErrNotLocal):
		return status(err, "5.1.2")
	case errors.Is(err, account.ErrLoop):
		return status(err, "5.4.6")
	}
	return err
}

// A Status is an error with the enhanced code of RFC 3463 that tells a sender
// more than an exit code can.
type Status struct {
	Code string
	Err  error
}

func (s *Status) Error() string { return s.Err.Error() }
func (s *Status) Unwrap() error { return s.Err }

// Enhanced returns the code, as "5.1.1".
func (s *Status) Enhanced() string { return s.Code }

func status(err error, code string) error { return &Status{code, err} }
