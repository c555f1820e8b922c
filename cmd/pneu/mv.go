package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"text/template"

	"github.com/urfave/cli/v2"

	"pneu/cmd/internal/boot"
	"pneu/maildir"
	"pneu/maildir/journal"
	"pneu/maildir/store"
	"pneu/mta/sysexits"
)

func moveFlags() []cli.Flag {
	return outputFlags(dryFlag(), &cli.BoolFlag{Name: "parents", Aliases: []string{"p"}, Usage: "make the folder if it is missing"})
}

func mvVerb() *cli.Command {
	return &cli.Command{Name: "mv", Usage: "move messages to a folder", ArgsUsage: "FOLDER [MESSAGE...]", Flags: moveFlags(),
		Action: verb(func(t *tool) error { return transfer(t, false) })}
}

func cpVerb() *cli.Command {
	return &cli.Command{Name: "cp", Usage: "copy messages to a folder", ArgsUsage: "FOLDER [MESSAGE...]", Flags: moveFlags(),
		Action: verb(func(t *tool) error { return transfer(t, true) })}
}

// transfer is mv and cp. FOLDER is a name in the tree of each message, or a path, and may
// be a template: Archive/{{.Date.Year}}.
func transfer(t *tool, keep bool) error {
	to := t.c.Args().First()
	if to == "" {
		return boot.Usage("say where to: a folder")
	}
	op, what, how := "move", "mv "+to, store.Moved
	if keep {
		op, what, how = "copy", "cp "+to, store.Copied
	}
	dest := &target{t: t, name: to, create: t.c.Bool("parents")}
	if strings.Contains(to, "{{") {
		var err error
		if dest.tmpl, err = parseTemplate(to); err != nil {
			return boot.Usage("folder: " + explain(err))
		}
	}
	return t.changeMany(what, t.c.Args().Tail(), func(b *journal.Batch, m *msg) (deed, error) {
		f, name, err := dest.of(b, m)
		if err == nil && b == nil {
			t.wouldDo(m, op+" to "+name+":")
			m.dest = name
		}
		return deed{op: op, how: how, to: f}, err
	})
}

// A target is the folder messages go to.
type target struct {
	t      *tool
	name   string
	tmpl   *template.Template
	create bool
	known  destinations
}

// destinations are folders that were looked up since input was waited for, or messages were
// moved, last: to look at the tree for each message costs more than to move it.
type destinations struct {
	turn int
	at   map[named]*maildir.Folder
}

// named is a folder by its name in a tree.
type named struct{ root, name string }

// of returns a folder, looked up by find unless it is known.
func (d *destinations) of(t *tool, s *maildir.Store, name string, find func() (*maildir.Folder, error)) (*maildir.Folder, error) {
	if d.at == nil || d.turn != t.turn {
		d.turn, d.at = t.turn, map[named]*maildir.Folder{}
	}
	var p named
	if p.name = name; s != nil {
		p.root = s.Root()
	}
	if f, ok := d.at[p]; ok {
		return f, nil
	}
	f, err := find()
	if err == nil {
		d.at[p] = f
	}
	return f, err
}

// of returns the folder m goes to, nil if it is yet to be made and this is a dry run,
// which has no batch.
func (d *target) of(b *journal.Batch, m *msg) (*maildir.Folder, string, error) {
	name := d.name
	if d.tmpl != nil {
		r, err := m.record()
		if err != nil {
			return nil, "", err
		}
		if name, err = execute(d.tmpl, r); mistake(err) {
			return nil, "", fatal{boot.Usage("folder: " + explain(err))}
		}
		if err != nil {
			return nil, "", errors.New("folder: " + explain(err))
		}
		name = strings.TrimSpace(name)
	}
	var f *maildir.Folder
	var err error
	path := filepath.IsAbs(name) || strings.HasPrefix(name, "./") || strings.HasPrefix(name, "../")
	if path {
		f, err = d.t.folderAt(absolute(name))
	} else {
		s := m.f.Store()
		if s == nil {
			return nil, name, fatal{fmt.Errorf("folder %s: the message lies in no tree of folders: write a path", name)}
		}
		f, err = d.known.of(d.t, s, name, func() (*maildir.Folder, error) {
			f, err := s.Folder(name)
			if errors.Is(err, maildir.ErrNoFolder) && d.create && b != nil {
				f, err = b.CreateFolder(s, name)
			}
			return f, err
		})
	}
	switch {
	case errors.Is(err, maildir.ErrNoFolder) && path && d.create:
		err = fatal{sysexits.Wrap(sysexits.NoInput, fmt.Errorf("%w (-p makes folders given by name alone)", err))}
	case errors.Is(err, maildir.ErrNoFolder) && path:
		err = fatal{sysexits.Wrap(sysexits.NoInput, err)}
	case errors.Is(err, maildir.ErrNoFolder) && d.create && b == nil:
		err = nil
	case errors.Is(err, maildir.ErrNoFolder):
		err = fatal{sysexits.Wrap(sysexits.NoInput, fmt.Errorf("%w (-p makes it)", err))}
	case errors.Is(err, maildir.ErrName) && d.tmpl == nil:
		err = fatal{sysexits.Wrap(sysexits.Usage, err)}
	}
	return f, name, err
}
