package main

import (
	"cmp"
	"errors"
	"strings"

	"github.com/urfave/cli/v2"

	"pneu/cmd/internal/boot"
	"pneu/cmd/internal/conf"
	"pneu/maildir"
	"pneu/maildir/journal"
	"pneu/maildir/store"
)

func archiveVerb() *cli.Command {
	return &cli.Command{
		Name: "archive", Usage: "move messages to the archive, marked read", ArgsUsage: "[MESSAGE...]",
		Flags: outputFlags(dryFlag(),
			&cli.StringFlag{Name: "to", Usage: "move to `FOLDER`, which may be a template, and not where the configuration says"},
			&cli.BoolFlag{Name: "keep-unread", Aliases: []string{"u"}, Usage: "mark nothing read"},
		),
		Action: verb(archive),
	}
}

// settings are those of pneu's own table in the configuration.
type settings struct {
	// Archive is the folder archive moves to; it may be a template.
	Archive string `toml:"archive"`
}

// archiveFolder is where to move if nothing else is said.
const archiveFolder = "Archive/{{.Date.Year}}"

func readSettings() (settings, error) {
	s := settings{Archive: archiveFolder}
	path, err := conf.Find("")
	if errors.Is(err, conf.ErrNone) {
		return s, nil
	}
	if err == nil {
		_, err = conf.Load(path, "pneu", &s)
	}
	return s, err
}

func archive(t *tool) error {
	to := t.c.String("to")
	if to == "" {
		s, err := readSettings()
		if err != nil {
			return err
		}
		to = cmp.Or(s.Archive, archiveFolder)
	}
	dest := &target{t: t, name: to, create: true}
	if strings.Contains(to, "{{") {
		var err error
		if dest.tmpl, err = parseTemplate(to); err != nil {
			return boot.Usage("folder: " + explain(err))
		}
	}
	var read maildir.Flags = "S"
	if t.c.Bool("keep-unread") {
		read = ""
	}
	return t.changeMany("archive", t.c.Args().Slice(), func(b *journal.Batch, m *msg) (deed, error) {
		f, name, err := dest.of(b, m)
		if err == nil && b == nil {
			t.wouldDo(m, "archive to "+name+":")
			m.dest = name
		}
		return deed{op: "archive", how: store.Moved, to: f, add: read}, err
	})
}
