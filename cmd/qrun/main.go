// Qrun tries the mail that waits in the spool, once or for as long as it runs,
// and is the administrator's hand in the queue.
package main

import (
	"os"

	"github.com/urfave/cli/v2"

	"pneu/cmd/internal/boot"
)

func main() { os.Exit(boot.Run(app())) }

func app() *cli.App {
	filters := []cli.Flag{
		boot.ConfigFlag(),
		&cli.StringSliceFlag{Name: "id", Usage: "the message with this `ID`; a beginning that fits only one will do"},
		&cli.StringSliceFlag{Name: "to", Usage: "messages with a recipient like `PATTERN` (address, domain, *) still waiting"},
		&cli.StringSliceFlag{Name: "from", Usage: "messages from a sender like `PATTERN`; <> is the null sender"},
		&cli.StringSliceFlag{Name: "state", Usage: "messages in `STATE`: queued, deferred, held, active, failed"},
		&cli.StringFlag{Name: "older", Usage: "messages that came more than `TIME` ago: 90m, 2h, 3d"},
	}
	with := func(more ...cli.Flag) []cli.Flag { return append(append([]cli.Flag{}, filters...), more...) }
	all := &cli.BoolFlag{Name: "all", Usage: "every message"}
	json := &cli.BoolFlag{Name: "json", Usage: "print one JSON object a message"}
	verb := func(name, usage string, do func(*surgeon) error, flags ...cli.Flag) *cli.Command {
		return &cli.Command{Name: name, Usage: usage, ArgsUsage: "[ID ...]", Flags: with(flags...),
			Action: func(c *cli.Context) error { return operate(c, do) }}
	}
	return &cli.App{
		Name:      "qrun",
		Usage:     "try the mail that waits in the spool",
		UsageText: "qrun [-C FILE] [--check] [-d]\nqrun list|show|hold|release|try|requeue|rm [filters] [ID ...]",
		Flags: append([]cli.Flag{
			boot.ConfigFlag(),
			&cli.BoolFlag{Name: "check", Usage: "read the settings, say what is wrong with them, and exit"},
			&cli.BoolFlag{Name: "daemon", Aliases: []string{"d"}, Usage: "stay and work as mail comes"},
		}, boot.LogFlags()...),
		Action: run,
		Commands: []*cli.Command{
			verb("list", "list messages and what was answered", (*surgeon).list, json),
			verb("show", "print envelope, history and header", (*surgeon).show, json,
				&cli.BoolFlag{Name: "raw", Usage: "print the message itself, as it will be sent"}),
			verb("hold", "keep messages from being tried", (*surgeon).hold, all),
			verb("release", "let held messages be tried", (*surgeon).release, all),
			verb("try", "try messages now, whatever was planned", (*surgeon).try, append(boot.LogFlags(), all)...),
			verb("requeue", "plan messages anew; put back what was set aside as damaged", (*surgeon).requeue, all),
			verb("rm", "remove messages without telling the sender", (*surgeon).remove, all,
				&cli.BoolFlag{Name: "unsend", Usage: "only if no attempt has begun; otherwise exit 75"}),
		},
	}
}
