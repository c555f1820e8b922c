package main

import (
	"errors"
	"strings"

	"github.com/urfave/cli/v2"

	"pneu/cmd/internal/boot"
	"pneu/maildir"
	"pneu/maildir/journal"
)

func flagVerb() *cli.Command {
	return &cli.Command{
		Name: "flag", Usage: "add and remove flags", ArgsUsage: "[+FLAGS] [-FLAGS] [MESSAGE...]",
		Flags: outputFlags(dryFlag(),
			&cli.StringSliceFlag{Name: "add", Usage: "add `FLAGS`; +FLAGS for short"},
			&cli.StringSliceFlag{Name: "remove", Usage: "remove `FLAGS`; -FLAGS for short"},
		),
		Action: verb(changeFlags),
	}
}

// letters makes flags of what -add and -remove were given.
func letters(values []string) (maildir.Flags, error) {
	all := strings.Join(values, "")
	if strings.Contains(all, "$") || strings.Contains(all, `\`) {
		return "", boot.Usage("keywords with names are not kept in Maildirs: use a letter from a to z")
	}
	if strings.Trim(strings.ToLower(all), "abcdefghijklmnopqrstuvwxyz") != "" {
		return "", boot.Usage("flags are letters: D F P R S T, and a to z for keywords")
	}
	return maildir.MakeFlags(all), nil
}

func changeFlags(t *tool) error {
	add, err := letters(t.c.StringSlice("add"))
	if err != nil {
		return err
	}
	remove, err := letters(t.c.StringSlice("remove"))
	if err != nil {
		return err
	}
	if add == "" && remove == "" {
		return boot.Usage("say what to change, such as +S or -F")
	}
	what := "flag"
	if add != "" {
		what += " +" + string(add)
	}
	if remove != "" {
		what += " -" + string(remove)
	}
	return t.change(what, t.c.Args().Slice(), func(b *journal.Batch, m *msg) (string, error) {
		if b == nil {
			t.wouldDo(m, what)
			return "flags", nil
		}
		e, err := b.SetFlags(m.f, m.e, add, remove)
		if err != nil {
			return "", err
		}
		m.became(m.f, e)
		return "flags", nil
	})
}

// became notes where the message is after a change.
func (m *msg) became(f *maildir.Folder, e maildir.Entry) {
	m.f, m.e, m.path = f, e, f.File(e)
}

var errPlain = errors.New("lies in no Maildir")

// change runs f over the messages as one action in the journal, which undo reverses as a
// whole; with -n the batch is nil. f returns the name of the operation. The new paths
// are printed.
func (t *tool) change(what string, args []string, f func(*journal.Batch, *msg) (string, error)) error {
	var b *journal.Batch
	if !t.c.Bool("dry-run") {
		j, err := openJournal(true)
		if err != nil {
			return err
		}
		defer j.Close()
		b = j.Begin("cli", what)
	}
	err := t.each(args, current, func(m *msg) error {
		if m.f == nil {
			t.fail(m.path, errPlain)
			return nil
		}
		was := m.path
		op, err := f(b, m)
		for try := 0; try < 3 && errors.Is(err, maildir.ErrGone); try++ {
			// Another program moved it between two looks: it may be found where it is now.
			now, ferr := t.find(was)
			if ferr != nil || now.f == nil {
				break
			}
			m = now
			op, err = f(b, m)
		}
		if err != nil {
			var stop fatal
			if errors.As(err, &stop) {
				return stop.error
			}
			t.fail(was, err)
			return nil
		}
		if op == "" {
			return nil
		}
		return t.emit(m, op)
	})
	if b != nil {
		if cerr := b.Commit(); err == nil {
			err = cerr
		}
	}
	return err
}

// fatal is an error that ends the verb, not only its work on one message.
type fatal struct{ error }

// wouldDo tells a person what -n did not do; programs read it in "op".
func (t *tool) wouldDo(m *msg, what string) {
	if t.form == formPath {
		t.note("would %s %s", what, m.path)
	}
}
