// Smtpd receives mail by SMTP: from strangers for our domains, from users for anywhere.
package main

import (
	"os"

	"github.com/urfave/cli/v2"

	"pneu/cmd/internal/boot"
)

func main() { os.Exit(boot.Run(app())) }

func app() *cli.App {
	return &cli.App{
		Name:  "smtpd",
		Usage: "receive mail by SMTP",
		Flags: append([]cli.Flag{
			boot.ConfigFlag(),
			&cli.BoolFlag{Name: "stdio", Usage: "serve one session on standard input and output"},
			&cli.BoolFlag{Name: "check", Usage: "read the settings, say what is wrong with them, and exit"},
		}, boot.LogFlags()...),
		Action: run,
	}
}

func run(c *cli.Context) error {
	if c.Args().Present() {
		return boot.Usage("no arguments are expected")
	}
	log := boot.Logger(c)
	load := func() (*settings, error) { return loadSettings(c) }
	s, err := load()
	if err != nil {
		return err
	}
	if c.Bool("stdio") {
		return serveStdio(c.Context, s, os.Stdin, os.Stdout, log)
	}
	d := &daemon{settings: s, load: load, log: log}
	if c.Bool("check") {
		return d.check()
	}
	return d.serve(c.Context)
}
