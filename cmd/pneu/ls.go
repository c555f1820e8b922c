package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"pneu/cmd/internal/boot"
	"pneu/cmd/internal/conf"
	"pneu/maildir"
	"pneu/maildir/journal"
	"pneu/maildir/safe"
	"pneu/maildir/store"
	"pneu/mda/account"
	"pneu/mta/sysexits"
)

// root returns the Maildir that folder names are looked up in: -M, $PNEU_MAILDIR,
// $MAILDIR, what the configuration says of the user, else ~/Maildir.
func (t *tool) root() (string, error) {
	for _, dir := range []string{t.contextOf("maildir").String("maildir"), os.Getenv("PNEU_MAILDIR"), os.Getenv("MAILDIR")} {
		if dir != "" {
			return filepath.Abs(dir)
		}
	}
	if dir, err := configured(); err != nil {
		return "", err
	} else if dir != "" {
		return dir, nil
	}
	home, err := homeDir()
	if err != nil {
		return "", sysexits.Wrap(sysexits.OSFile, err)
	}
	return filepath.Join(home, "Maildir"), nil
}

// configured returns where the configuration puts the mail of the user who runs us;
// "" if it does not say.
func configured() (string, error) {
	path, err := conf.Find("")
	if errors.Is(err, conf.ErrNone) {
		return "", nil
	} else if err != nil {
		return "", err
	}
	f, err := conf.Load(path, "", nil)
	if err != nil {
		return "", err
	}
	u, err := user.Current()
	if err != nil {
		return "", nil
	}
	db, err := account.Open(account.Options{Users: f.Users, Aliases: "", Mail: f.Mail, Domains: f.Domains, Hostname: f.Hostname})
	if err != nil {
		return "", nil // not ours to read, as on a system with root's own users file
	}
	a, err := db.Account(u.Username)
	if err != nil {
		return "", nil
	}
	return a.Maildir, nil
}

// tree opens the default Maildir.
func (t *tool) tree() (*maildir.Store, error) {
	if t.store != nil {
		return t.store, nil
	}
	root, err := t.root()
	if err != nil {
		return nil, err
	}
	t.store, err = maildir.Open(root)
	return t.store, err
}

// folder finds the folder an argument names: a directory with cur and new if it is
// written as a path, else a name in the tree.
func (t *tool) folder(arg string) (*maildir.Folder, error) {
	if filepath.IsAbs(arg) || strings.HasPrefix(arg, "./") || strings.HasPrefix(arg, "../") || arg == "." || arg == ".." {
		abs, err := filepath.Abs(arg)
		if err != nil {
			return nil, err
		}
		return t.folderAt(abs)
	}
	s, err := t.tree()
	if err == nil {
		var f *maildir.Folder
		if f, err = s.Folder(arg); err == nil {
			return f, nil
		}
	}
	if st, serr := os.Stat(filepath.Join(arg, "cur")); serr == nil && st.IsDir() {
		return t.folderAt(absolute(arg))
	}
	return nil, err
}

func absolute(p string) string {
	if a, err := filepath.Abs(p); err == nil {
		return a
	}
	return p
}

func lsVerb() *cli.Command {
	return &cli.Command{
		Name: "ls", Usage: "list messages, or folders", ArgsUsage: "[FOLDER...]",
		Flags: outputFlags(
			maildirFlag(),
			&cli.BoolFlag{Name: "new", Aliases: []string{"N"}, Usage: "only what nobody has looked at: new/"},
			&cli.BoolFlag{Name: "unread", Aliases: []string{"u"}, Usage: "only unread messages"},
			&cli.StringFlag{Name: "flag", Usage: "only messages that have all of `FLAGS`"},
			&cli.BoolFlag{Name: "recursive", Aliases: []string{"r"}, Usage: "also the folders below; without FOLDER all folders"},
			&cli.BoolFlag{Name: "folders", Usage: "list folders with their counts instead"},
			&cli.BoolFlag{Name: "take", Usage: "move what is listed from new/ to cur/, as a mail reader does"},
		),
		Action: verb(ls),
	}
}

// folders returns those that the arguments and -r name.
func (t *tool) folders(args []string, all bool) ([]*maildir.Folder, error) {
	if len(args) == 0 {
		s, err := t.tree()
		if err != nil {
			return nil, err
		}
		if all {
			return s.Folders()
		}
		f, err := s.Folder("INBOX")
		if err != nil {
			return nil, err
		}
		return []*maildir.Folder{f}, nil
	}
	var list []*maildir.Folder
	for _, a := range args {
		f, err := t.folder(a)
		if err != nil {
			t.asked = true
			t.fail(a, err)
			continue
		}
		list = append(list, f)
		if !all {
			continue
		}
		below, err := f.Store().Folders()
		if err != nil {
			return nil, err
		}
		for _, b := range below {
			if strings.HasPrefix(b.Name(), f.Name()+"/") || f.Name() == "INBOX" && b.Name() != "INBOX" {
				list = append(list, b)
			}
		}
	}
	return list, nil
}

func ls(t *tool) error {
	if t.c.Bool("folders") {
		return t.listFolders()
	}
	list, err := t.folders(t.c.Args().Slice(), t.c.Bool("recursive"))
	if err != nil {
		return err
	}
	want := maildir.MakeFlags(t.c.String("flag"))
	if t.c.IsSet("flag") && len(want) == 0 {
		return boot.Usage("--flag wants letters, such as F or RS")
	}
	var take *taker
	if t.c.Bool("take") {
		j, k, done, err := t.journalled()
		if err != nil {
			return err
		}
		defer done()
		take = &taker{t: t, keeper: k, batch: j.Begin("cli", "take")}
		defer take.batch.Commit()
	}
	wanted := func(flags maildir.Flags, isNew, unread bool) bool {
		return (isNew || !t.c.Bool("new")) && (unread || !t.c.Bool("unread")) && hasFlags(flags, want)
	}
	all := !t.c.Bool("new") && !t.c.Bool("unread") && want == ""
	for _, f := range list {
		if b := t.boxOf(f); take == nil && t.look(b, t.form == formJSON || t.form == formTemplate) != nil {
			if err := t.listRows(b, func(row int) bool {
				if all {
					return true
				}
				r := b.v.Row(row)
				return wanted(r.Flags(), b.v.Index().InNew(row), r.Unread())
			}); err != nil {
				return err
			}
			continue
		}
		entries, err := f.List()
		if err != nil {
			t.failFolder(f, err)
			continue
		}
		entries = slices.DeleteFunc(entries, func(e maildir.Entry) bool { return !wanted(e.Flags(), e.New, e.Unread()) })
		if take != nil {
			if err := take.list(f, entries); err != nil {
				return err
			}
			continue
		}
		for _, e := range entries {
			if err := t.emit(&msg{path: f.File(e), f: f, e: e}, ""); err != nil {
				return err
			}
		}
	}
	return nil
}

// A taker moves messages from new/ to cur/ while they are listed.
type taker struct {
	t      *tool
	keeper *keeper
	batch  *journal.Batch
}

func (k *taker) list(f *maildir.Folder, entries []maildir.Entry) error {
	noted, err := k.keeper.of(f)
	if err != nil {
		return err
	}
	for part := range slices.Chunk(entries, changeRun) {
		results := make([]store.Result, len(part))
		var fresh []maildir.Entry
		var which []int
		for i, e := range part {
			if results[i].Entry = e; e.New {
				fresh, which = append(fresh, e), append(which, i)
			}
		}
		if len(fresh) > 0 {
			for n, r := range noted.SetFlags(k.t.context(), k.batch, f, fresh, journal.Change{}) {
				results[which[n]] = r
			}
		}
		for i, r := range results {
			if r.Err != nil {
				k.t.fail(f.File(part[i]), r.Err)
			} else if err := k.t.emit(&msg{path: f.File(r.Entry), f: f, e: r.Entry}, ""); err != nil {
				return err
			}
		}
	}
	return nil
}

// listRows prints the messages that an index has.
func (t *tool) listRows(b *box, want func(row int) bool) error {
	v, path := b.v, []byte(nil)
	cur, fresh := b.f.Path()+"/cur/", b.f.Path()+"/new/"
	plain, end := t.form == formNull || t.form == formPath && !t.tty && !hasNewline(cur), t.pathEnd()
	var block block
	var err error
	v.Index().Files(0, v.Len(), func(row int, file []byte, isNew bool) bool {
		if !want(row) {
			return true
		}
		dir := cur
		if isNew {
			dir = fresh
		}
		if plain && (end == 0 || bytes.IndexByte(file, '\n') < 0) {
			block.b = append(append(append(block.b, dir...), file...), end)
			err = t.wroteTo(&block)
			return err == nil
		}
		if err = t.flushBlock(&block); err == nil {
			path = append(append(path[:0], dir...), file...)
			err = t.emitRef(&ref{path: string(path), b: b, v: v, n: int32(row)})
		}
		return err == nil
	})
	if ferr := t.flushBlock(&block); err == nil {
		err = ferr
	}
	return err
}

func hasFlags(have, want maildir.Flags) bool {
	for i := range len(want) {
		if !have.Has(want[i]) {
			return false
		}
	}
	return true
}

// listFolders prints a line a folder: messages, unread, new, name.
func (t *tool) listFolders() error {
	list, err := t.folders(t.c.Args().Slice(), t.c.Bool("recursive") || t.c.NArg() == 0)
	if err != nil {
		return err
	}
	if t.form == formTemplate {
		return boot.Usage("--format is for messages, not for --folders")
	}
	for _, f := range list {
		n, err := f.Count()
		if err != nil {
			t.failFolder(f, err)
			continue
		}
		switch t.form {
		case formJSON:
			b, err := encode(struct {
				V      int    `json:"v"`
				Folder string `json:"folder"`
				Path   string `json:"path"`
				Total  int    `json:"total"`
				Unread int    `json:"unread"`
				New    int    `json:"new"`
			}{1, f.Name(), f.Path(), n.Total, n.Unread, n.New})
			if err != nil {
				return err
			}
			t.out.Write(b)
		case formNull:
			t.out.WriteString(f.Name())
			t.out.WriteByte(0)
		default:
			fmt.Fprintf(t.out, "%7d %6d %6d  %s\n", n.Total, n.Unread, n.New, safe.Line(f.Name()))
		}
		t.printed++
	}
	return nil
}
