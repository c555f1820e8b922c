package main

import (
	"github.com/urfave/cli/v2"

	"pneu/cmd/internal/boot"
	"pneu/maildir/compose"
)

func newVerb() *cli.Command {
	return &cli.Command{
		Name: "new", Usage: "write a message, print the path of the draft", ArgsUsage: "[ADDRESS...]",
		Flags: textFlags(),
		Action: verb(func(t *tool) error {
			return write(t, "new", func(w *writing) error {
				var d compose.Draft
				var err error
				if d.To, err = typedAddrs(t.c.Args().Slice()); err != nil {
					return boot.Usage(err.Error())
				}
				if err := w.fill(&d); err != nil {
					return err
				}
				if w.body != nil {
					d.Body = *w.body
				}
				d.Body += w.signature()
				return w.finish(d, origin{})
			})
		}),
	}
}
