// Deliver files the message on its standard input into users' Maildirs.
package main

import (
	"os"

	"github.com/urfave/cli/v2"

	"pneu/cmd/internal/boot"
)

func main() { os.Exit(boot.Run(app())) }

func app() *cli.App {
	flags := []cli.Flag{
		boot.ConfigFlag(),
		&cli.StringFlag{Name: "sender", Aliases: []string{"f"}, Usage: "envelope sender `ADDRESS`; empty: the null sender"},
		&cli.StringFlag{Name: "id", Usage: "`NAME` of the message: the same one is delivered to a recipient once"},
		&cli.TimestampFlag{Name: "arrived", Layout: layout, Usage: "`TIME` the message arrived (RFC 3339)"},
		&cli.BoolFlag{Name: "verify", Usage: "say where mail for the addresses would go, and deliver nothing"},
	}
	return &cli.App{
		Name:      "deliver",
		Usage:     "file a message into users' Maildirs",
		ArgsUsage: "RECIPIENT...",
		Flags:     append(append(flags, placeFlags()...), boot.LogFlags()...),
		Action:    run,
	}
}

func run(c *cli.Context) error {
	switch {
	case c.IsSet("maildir") || c.IsSet("mbox"):
		return place(c)
	case c.NArg() == 0:
		return boot.Usage("no recipient (see deliver --help)")
	case c.Bool("verify"):
		return verify(c)
	}
	return deliverAll(c)
}
