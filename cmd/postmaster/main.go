// Postmaster is the administrator's command: it sets a mail system up, keeps
// its accounts, and says what is wrong with it.
package main

import (
	"os"

	"github.com/urfave/cli/v2"

	"pneu/cmd/internal/boot"
)

func main() { os.Exit(boot.Run(app())) }

func app() *cli.App {
	json := &cli.BoolFlag{Name: "json", Usage: "print one JSON object a line"}
	stdin := &cli.BoolFlag{Name: "password-stdin", Usage: "read the password from the first line of standard input"}
	return &cli.App{
		Name:  "postmaster",
		Usage: "set up and look after a mail system",
		Flags: []cli.Flag{boot.ConfigFlag()},
		Action: func(c *cli.Context) error {
			if c.NArg() > 0 {
				return boot.Usage(c.Args().First() + " is not a command (see postmaster --help)")
			}
			return boot.Usage("no command (see postmaster --help)")
		},
		Commands: []*cli.Command{
			{
				Name: "init", Usage: "write a configuration, and make what it names",
				Flags: []cli.Flag{
					boot.ConfigFlag(),
					&cli.StringFlag{Name: "dir", Usage: "keep everything below `DIR`"},
					&cli.StringFlag{Name: "hostname", Usage: "`NAME` of this machine in mail"},
					&cli.StringSliceFlag{Name: "domain", Usage: "deliver mail for `DOMAIN` here; may be repeated"},
					&cli.BoolFlag{Name: "accounts", Usage: "keep a users file in place of the system's users"},
				},
				Action: initialize,
			},
			{
				Name: "user", Usage: "keep accounts",
				Subcommands: []*cli.Command{
					{
						Name: "add", Usage: "add an account", ArgsUsage: "ADDRESS",
						Flags: []cli.Flag{
							boot.ConfigFlag(), stdin,
							&cli.BoolFlag{Name: "no-password", Usage: "the account takes mail and cannot log in"},
							&cli.StringFlag{Name: "maildir", Usage: "its mail lies in `DIR`"},
							&cli.StringFlag{Name: "quota", Usage: "most it may hold, as in 500MB or 2G"},
							&cli.IntFlag{Name: "uid", Value: -1, Usage: "`NUMBER` of the user who owns the mail"},
							&cli.IntFlag{Name: "gid", Value: -1, Usage: "`NUMBER` of the group"},
						},
						Action: addUser,
					},
					{Name: "passwd", Usage: "give an account a new password", ArgsUsage: "ADDRESS", Flags: []cli.Flag{boot.ConfigFlag(), stdin}, Action: setPassword},
					{Name: "rm", Usage: "remove an account; its mail stays", ArgsUsage: "ADDRESS...", Flags: []cli.Flag{boot.ConfigFlag()}, Action: removeUsers},
					{Name: "list", Usage: "list accounts", Flags: []cli.Flag{boot.ConfigFlag(), json}, Action: listUsers},
				},
				Action: func(*cli.Context) error { return boot.Usage("say add, passwd, rm or list") },
			},
			{
				Name: "check", Usage: "say what is wrong with the system, and what to do about it",
				Flags:  []cli.Flag{boot.ConfigFlag(), json, &cli.BoolFlag{Name: "no-dns", Usage: "ask no name server"}, &cli.BoolFlag{Name: "all", Usage: "say what is right, too"}},
				Action: check,
			},
		},
	}
}

// configured returns the context in which -C was given: it may stand before or
// after the command.
func configured(c *cli.Context) *cli.Context {
	for _, up := range c.Lineage() {
		if up.Command != nil && up.IsSet("config") {
			return up
		}
	}
	return c
}
