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
//   - an error says whether to try again (package sysexits), in words that
//     may be shown to the sender.
package deliver

import (
	"context"
	"io"
	"log/slog"
	"time"

	"pneu/mda/account"
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

	// Helper is the deliver program, run as a mailbox's owner when we run as
	// root. Without one, root delivers to nobody but root.
	Helper string `toml:"-"`
	// Config is passed to it as its -C.
	Config string `toml:"-"`
}

// An Envelope is what a delivery needs to know beside the message.
type Envelope struct {
	Sender    string // "" is the null sender
	Recipient string
	ID        string // of the message in the queue; "" is none: each delivery is a new one
	N         int    // the recipient's number in it
	Arrived   time.Time
}

// A Forwarder sends a message on. id is "" or derived from the message's own,
// so that the same forwarding asked for twice is done once; sender "" is the
// null sender. nil means that the message is durable.
type Forwarder interface {
	Forward(ctx context.Context, id, sender string, rcpts []string, msg io.Reader) error
}

// An Agent delivers. It may be used by many goroutines.
type Agent struct {
	opt Options
	db  *account.DB
	fwd Forwarder
	log *slog.Logger
}

// New returns an agent. fwd may be nil: then nothing can be sent on, and an
// address that wants it is tried later. log may be nil.
func New(opt Options, db *account.DB, fwd Forwarder, log *slog.Logger) *Agent {
	panic("not yet")
}

// Deliver delivers msg, read from its beginning, to env.Recipient.
func (a *Agent) Deliver(ctx context.Context, env Envelope, msg io.ReadSeeker) error {
	panic("not yet")
}
