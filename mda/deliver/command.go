package deliver

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"strconv"
	"strings"
	"syscall"

	"pneu/maildir/address"
	"pneu/mda/account"
	"pneu/mta/sysexits"
)

// command runs a command of an alias with the message on its standard input.
// What it knows of the message beside that is in its environment, which holds
// nothing of ours and never becomes part of the command line.
func (a *Agent) command(ctx context.Context, env Envelope, t *account.Target, m *message, text string) error {
	if !a.opt.Commands {
		return sysexits.New(sysexits.Config, t.Address+`: its alias runs a command, which is not allowed: set "commands = true" in [deliver] to allow it`)
	}
	r, err := m.open(trace(env.Sender, t.Address)...)
	if err != nil {
		return err
	}
	cmd := exec.Command("/bin/sh", "-c", text)
	if os.Geteuid() == 0 {
		uid, gid, err := a.runAs()
		if err != nil {
			return err
		}
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: credential(uid, gid)}
	}
	local, domain := address.Split(t.Address)
	user, extension, _ := strings.Cut(local, a.delimiter())
	return a.run(ctx, cmd, "|"+text, []string{
		"SHELL=/bin/sh",
		"HOME=/",
		"SENDER=" + tame(env.Sender),
		"RECIPIENT=" + tame(t.Address),
		"USER=" + tame(user),
		"EXTENSION=" + tame(extension),
		"DOMAIN=" + tame(domain),
		"QUEUE_ID=" + tame(env.ID),
	}, r)
}

func (a *Agent) delimiter() string {
	if a.opt.Delimiter == "" {
		return "+"
	}
	return a.opt.Delimiter
}

// runAs returns whom the commands and files of aliases are run as by root.
func (a *Agent) runAs() (uid, gid int, err error) {
	u, err := user.Lookup(a.opt.RunAs)
	if err == nil {
		if uid, err = strconv.Atoi(u.Uid); err == nil {
			gid, err = strconv.Atoi(u.Gid)
		}
	}
	switch {
	case err != nil:
		return 0, 0, sysexits.Wrap(sysexits.Config, fmt.Errorf(`run_as in [deliver]: %w`, err))
	case uid == 0:
		return 0, 0, sysexits.New(sysexits.Config, "run_as in [deliver]: commands of aliases do not run as root")
	}
	return uid, gid, nil
}

// tame replaces what a careless script would stumble over: addresses come from
// strangers.
func tame(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', strings.ContainsRune("@.+-_=/%:,~^", r), r > 0xa0:
			return r
		}
		return '_'
	}, s)
}
