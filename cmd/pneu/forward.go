package main

import (
	"github.com/urfave/cli/v2"

	"pneu/maildir/compose"
	"pneu/mta/sysexits"
)

func forwardVerb() *cli.Command {
	return &cli.Command{
		Name: "forward", Usage: "pass messages on, print the paths of the drafts", ArgsUsage: "[MESSAGE...]",
		Flags:  textFlags(&cli.BoolFlag{Name: "attached", Usage: "attach the messages as they are, all to one draft"}),
		Action: verb(func(t *tool) error { return write(t, "forward", (*writing).forward) }),
	}
}

// forward passes messages on: each with its text in a draft of its own, or all of them
// attached to one.
func (w *writing) forward() error {
	text := w.signature()
	if w.body != nil {
		text = *w.body + text
	}
	if !w.t.c.Bool("attached") {
		return w.messages(func(m *msg) error {
			p, err := m.load()
			if err != nil {
				w.t.fail(m.path, err)
				return nil
			}
			d := compose.Forward(p, compose.Inline, w.mine(), w.options())
			d.Body = text + d.Body
			if err := w.fill(&d); err != nil {
				return err
			}
			return w.one(m, w.finish(d, origin{[]*msg{m}, "P"}))
		})
	}
	var d compose.Draft
	o := origin{flag: "P"}
	size := 0
	err := w.messages(func(m *msg) error {
		p, err := m.load()
		if err != nil {
			w.t.fail(m.path, err)
			return nil
		}
		if size += len(p.Raw); size > maxForward {
			return sysexits.New(sysexits.Data, "the messages are larger than 64 MB together: no server would take them")
		}
		one := compose.Forward(p, compose.Attached, w.mine(), w.options())
		if len(o.list) == 0 {
			d = one
		} else {
			d.Attachments = append(d.Attachments, one.Attachments...)
		}
		o.list = append(o.list, m)
		return nil
	})
	if err != nil || len(o.list) == 0 {
		return err
	}
	d.Body = text
	if err := w.fill(&d); err != nil {
		return err
	}
	return w.finish(d, o)
}

// maxForward bounds what --attached gathers.
const maxForward = 64 << 20
