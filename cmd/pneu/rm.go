package main

import (
	"errors"
	"fmt"

	"github.com/urfave/cli/v2"

	"pneu/maildir"
	"pneu/maildir/journal"
)

func rmVerb() *cli.Command {
	return &cli.Command{
		Name: "rm", Usage: "move messages to Trash, or delete them", ArgsUsage: "[MESSAGE...]",
		Flags:  outputFlags(dryFlag(), &cli.BoolFlag{Name: "purge", Usage: "delete for good: undo cannot bring them back"}),
		Action: verb(rm),
	}
}

func rm(t *tool) error {
	purge := t.c.Bool("purge")
	what, op := "rm", "trash"
	if purge {
		what, op = "rm --purge", "purge"
	}
	return t.change(what, t.c.Args().Slice(), func(b *journal.Batch, m *msg) (string, error) {
		if b == nil {
			t.wouldDo(m, op)
			return op, nil
		}
		if purge {
			// The record is read before there is nothing left to read.
			if t.form == formJSON || t.form == formTemplate {
				if _, err := m.load(); err != nil {
					return "", err
				}
				m.stat()
			}
			return op, b.Purge(m.f, m.e)
		}
		s := m.f.Store()
		if s == nil {
			return "", errors.New("no tree of folders, and so no Trash: use --purge")
		}
		name := maildir.SpecialFolder(s, "Trash")
		if m.f.Name() == name {
			return "", errors.New("is in the Trash already (--purge deletes it)")
		}
		trash, err := b.CreateFolder(s, name)
		if err != nil {
			return "", fmt.Errorf("folder %s: %w", name, err)
		}
		e, err := b.Move(m.f, m.e, trash)
		if err != nil {
			return "", err
		}
		m.became(trash, e)
		return op, nil
	})
}
