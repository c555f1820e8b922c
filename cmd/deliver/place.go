package main

import (
	"bytes"
	"io"
	"os"

	"github.com/urfave/cli/v2"

	"pneu/cmd/internal/boot"
	"pneu/mda/deliver"
)

// placeFlags say exactly where to put a message, without accounts, aliases or
// configuration: how a program that runs as root has it done as the owner.
func placeFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "maildir", Usage: "put the message as it is into the Maildir `DIR`"},
		&cli.StringFlag{Name: "mbox", Usage: "append the message to the mbox `FILE`"},
		&cli.StringFlag{Name: "folder", Usage: "`NAME` of the folder; INBOX takes what has none"},
		&cli.BoolFlag{Name: "create-folder", Usage: "make the folder if it is missing"},
		&cli.StringFlag{Name: "name", Usage: "first part of the `FILE` name, by which a repeat is recognised"},
		&cli.BoolFlag{Name: "first", Usage: "nobody has tried that name before"},
		&cli.StringFlag{Name: "home", Usage: "`DIR` that must exist"},
		&cli.Int64Flag{Name: "quota", Usage: "most `BYTES` the Maildir may hold"},
		&cli.BoolFlag{Name: "reject", Usage: "refuse for good what goes beyond the quota"},
		&cli.BoolFlag{Name: "strict", Usage: "sync the folder too"},
		&cli.BoolFlag{Name: "no-index", Usage: "leave the index of the folder alone"},
		&cli.Int64Flag{Name: "size", Value: -1, Usage: "the message has `BYTES`; fewer are an error"},
	}
}

func place(c *cli.Context) error {
	if c.NArg() > 0 {
		return boot.Usage("--maildir and --mbox take no recipients")
	}
	var in io.Reader = os.Stdin
	size := c.Int64("size")
	if size >= 0 {
		in = deliver.Whole(in, size)
	}
	if c.IsSet("mbox") {
		return deliver.Append(c.Context, c.String("mbox"), c.String("sender"), in)
	}
	b := deliver.Mailbox{
		Maildir: c.String("maildir"), Home: c.String("home"), Folder: c.String("folder"), CreateFolder: c.Bool("create-folder"),
		Name: c.String("name"), First: c.Bool("first"), Quota: c.Int64("quota"), Reject: c.Bool("reject"), Strict: c.Bool("strict"), NoIndex: c.Bool("no-index"),
	}
	if t := c.Timestamp("arrived"); t != nil {
		b.Arrived = *t
	}
	if size < 0 && b.Quota > 0 { // what has to fit must be known first
		msg, err := io.ReadAll(in)
		if err != nil {
			return err
		}
		in, size = bytes.NewReader(msg), int64(len(msg))
	}
	return b.Put(in, size)
}
