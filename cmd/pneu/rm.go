package main

import (
	"errors"
	"fmt"

	"github.com/urfave/cli/v2"

	"pneu/maildir"
	"pneu/maildir/journal"
	"pneu/maildir/store"
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
	var known destinations
	return t.changeMany(what, t.c.Args().Slice(), func(b *journal.Batch, m *msg) (deed, error) {
		if b == nil && purge {
			t.wouldDo(m, op)
			return deed{op: op}, nil
		}
		if purge {
			// The record is read before there is nothing left to read.
			if t.form == formJSON || t.form == formTemplate {
				if _, err := m.load(); err != nil {
					return deed{}, err
				}
				m.stat()
			}
			return deed{op: op, how: store.Removed}, nil
		}
		s := m.f.Store()
		if s == nil {
			return deed{}, errors.New("no tree of folders, and so no Trash: use --purge")
		}
		trash, err := known.of(t, s, "Trash", func() (*maildir.Folder, error) {
			name := maildir.SpecialFolder(s, "Trash")
			if b == nil {
				if f, err := s.Folder(name); !errors.Is(err, maildir.ErrNoFolder) {
					return f, err
				}
				return nil, nil // yet to be made
			}
			f, err := b.CreateFolder(s, name)
			if err != nil {
				return nil, fmt.Errorf("folder %s: %w", name, err)
			}
			return f, nil
		})
		if err != nil {
			return deed{}, err
		}
		if trash != nil && m.f.Name() == trash.Name() {
			return deed{}, errors.New("is in the Trash already (--purge deletes it)")
		}
		if b == nil {
			t.wouldDo(m, op)
			return deed{op: op}, nil
		}
		return deed{op: op, how: store.Moved, to: trash}, nil
	})
}
