package main

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"pneu/cmd/internal/listen"
	"pneu/mta/inbound"
	"pneu/mta/queue"
	"pneu/mta/smtp"
	"pneu/mta/sysexits"
)

// serveStdio serves one session on standard input and output. A local program (sendmail -bs) speaks
// for the user who started us; a peer that inetd hands over is a stranger like any other.
func serveStdio(ctx context.Context, s *settings, in, out *os.File, log *slog.Logger) error {
	spool, err := queue.Open(queue.Options{Dir: s.Spool})
	if err != nil {
		return err
	}
	conn, own := listen.Stdio(in, out)
	role := inbound.Exchange
	if own {
		role = inbound.Local
	}
	if own {
		if err := mayDrop(spool.Own(), s.Spool); err != nil {
			return err
		}
	}
	var users inbound.Users
	dir, err := openDirectory(s, log)
	switch {
	case err == nil:
		users = dir
	case own && errors.Is(err, fs.ErrPermission):
		users = anyone{} // the file is not for us to read: delivery will tell
	default:
		return err
	}
	opt, engine := s.policy(role), s.engine(log)
	if own {
		opt.User, opt.FullName, opt.Client = whoami()
		log = slog.New(quiet{log.Handler()})
		engine.Log = log
		// A program that hands over a mailing list is no guesser of addresses.
		engine.MaxErrors, engine.MaxRecipients = 1_000_000, max(s.MaxRecipients, 100_000)
	} else if s.TLSCert != "" {
		certs, err := listen.LoadCerts(s.TLSCert, s.TLSKey)
		if err != nil {
			return err
		}
		engine.TLS = certs.Config()
	}
	svc := inbound.New(opt, users, dir, nil, dropping{spool}, log)
	smtp.NewServer(engine, svc).ServeConn(ctx, conn)
	return nil
}

// quiet leaves out what befell each message: standard error is the user's terminal here, and the
// user's program hears it in replies.
type quiet struct{ slog.Handler }

// Enabled implements slog.Handler; --verbose still shows all.
func (q quiet) Enabled(ctx context.Context, l slog.Level) bool {
	return q.Handler.Enabled(ctx, l) && (l > slog.LevelInfo || q.Handler.Enabled(ctx, slog.LevelDebug))
}

// WithAttrs implements slog.Handler.
func (q quiet) WithAttrs(as []slog.Attr) slog.Handler { return quiet{q.Handler.WithAttrs(as)} }

// WithGroup implements slog.Handler.
func (q quiet) WithGroup(name string) slog.Handler { return quiet{q.Handler.WithGroup(name)} }

// whoami names the user who runs us.
func whoami() (name, full, client string) {
	uid := os.Getuid()
	client = "uid " + strconv.Itoa(uid)
	name = "uid" + strconv.Itoa(uid)
	if u, err := user.LookupId(strconv.Itoa(uid)); err == nil {
		name = u.Username
		full, _, _ = strings.Cut(u.Name, ",")
		// sendmail's old rule for the GECOS field: & is the login name.
		full = strings.ReplaceAll(full, "&", strings.ToUpper(name[:1])+name[1:])
	}
	return name, full, client
}

// anyone lets every address exist.
type anyone struct{}

func (anyone) Exists(context.Context, string) (bool, error) { return true, nil }

// mayDrop tells at once, and not at each message, that its caller may put mail neither into the
// queue nor into drop/. Only sendmail is set to the group that may, and gives it up for us.
func mayDrop(owner bool, spool string) error {
	const write = 2 // W_OK of access(2)
	if owner || syscall.Access(filepath.Join(spool, "drop"), write) == nil {
		return nil
	}
	return sysexits.New(sysexits.NoPerm, "only the owner of "+spool+" and root submit by SMTP on standard input: pipe the message into sendmail, or use the submission port")
}

// dropping leaves messages in drop/ if the queue is not ours to write, as sendmail does.
type dropping struct{ *queue.Spool }

func (d dropping) Accept(env *queue.Envelope) (*queue.Draft, error) {
	draft, err := d.Spool.Accept(env)
	if errors.Is(err, fs.ErrPermission) {
		return d.Drop(env)
	}
	return draft, err
}
