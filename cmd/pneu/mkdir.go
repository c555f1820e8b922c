package main

import (
	"errors"

	"github.com/urfave/cli/v2"

	"pneu/cmd/internal/boot"
	"pneu/maildir"
)

func mkdirVerb() *cli.Command {
	return &cli.Command{
		Name: "mkdir", Usage: "make folders", ArgsUsage: "FOLDER...",
		Flags:  []cli.Flag{maildirFlag(), dryFlag(), &cli.BoolFlag{Name: "null", Aliases: []string{"0"}, Usage: "print paths that end in NUL"}},
		Action: verb(makeFolders),
	}
}

func foldersVerb() *cli.Command {
	return &cli.Command{
		Name: "folders", Usage: "list folders with their messages, unread and new ones (ls --folders)", ArgsUsage: "[FOLDER...]",
		Flags: []cli.Flag{maildirFlag(),
			&cli.BoolFlag{Name: "recursive", Aliases: []string{"r"}, Usage: "with the folders below those named"},
			&cli.BoolFlag{Name: "null", Aliases: []string{"0"}, Usage: "print names alone, each ended by NUL"},
			&cli.BoolFlag{Name: "json", Usage: "print one JSON object a line"},
		},
		Action: verb((*tool).listFolders),
	}
}

// makeFolders makes folders, and those above them, as one action, and prints their paths.
func makeFolders(t *tool) error {
	if t.c.NArg() == 0 {
		return boot.Usage("say which folders to make")
	}
	s, err := t.tree()
	if err != nil {
		return err
	}
	j, done, err := t.journal()
	if err != nil {
		return err
	}
	defer done()
	b := j.Begin("cli", "mkdir")
	defer b.Commit()
	t.asked = true
	for _, name := range t.c.Args().Slice() {
		if t.c.Bool("dry-run") {
			if _, err := s.Folder(name); errors.Is(err, maildir.ErrNoFolder) {
				t.note("would make %s", name)
				t.printed++
			} else if err != nil {
				t.fail(name, err)
			}
			continue
		}
		f, err := b.CreateFolder(s, name)
		if errors.Is(err, maildir.ErrName) {
			return err
		}
		if err != nil {
			t.fail(name, err)
			continue
		}
		if err := t.emitPath(f.Path()); err != nil {
			return err
		}
	}
	return nil
}
