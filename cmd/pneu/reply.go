package main

import (
	"strings"

	"github.com/urfave/cli/v2"

	"pneu/cmd/internal/boot"
	"pneu/maildir/compose"
	"pneu/mta/sysexits"
)

func replyVerb() *cli.Command {
	return &cli.Command{
		Name: "reply", Usage: "answer messages, print the paths of the drafts", ArgsUsage: "[MESSAGE...]",
		Flags: textFlags(
			&cli.BoolFlag{Name: "all", Usage: "answer everybody"},
			&cli.BoolFlag{Name: "list", Usage: "answer to the mailing list"},
			&cli.BoolFlag{Name: "no-quote", Usage: "do not quote what is answered"},
		),
		Action: verb(func(t *tool) error { return write(t, "reply", (*writing).reply) }),
	}
}

// reply makes one answer to each message: what is quoted, then the text, then the signature.
func (w *writing) reply() error {
	all, list := w.t.c.Bool("all"), w.t.c.Bool("list")
	if all && list {
		return boot.Usage("choose one of --all and --list")
	}
	return w.messages(func(m *msg) error {
		p, err := m.load()
		if err != nil {
			w.t.fail(m.path, err)
			return nil
		}
		opt := w.options()
		opt.NoQuote = w.t.c.Bool("no-quote")
		var d compose.Draft
		if list {
			var ok bool
			if d, ok = compose.ReplyList(p, w.mine(), opt); !ok {
				return w.one(m, sysexits.New(sysexits.Data, "came through no mailing list that can be written to (--all answers everybody)"))
			}
		} else {
			d = compose.Reply(p, w.mine(), all, opt)
		}
		if w.body != nil {
			d.Body += *w.body
		} else if d.Body != "" {
			d.Body = strings.TrimRight(d.Body, "\n") + "\n\n\n"
		}
		d.Body += w.signature()
		if err := w.fill(&d); err != nil {
			return err
		}
		return w.one(m, w.finish(d, origin{[]*msg{m}, "R"}))
	})
}
