package main

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"pneu/cmd/internal/boot"
	"pneu/maildir"
	"pneu/mta/sysexits"
)

func deliverVerb() *cli.Command {
	return &cli.Command{
		Name: "deliver", Usage: "file the message on standard input in a folder, print its path", ArgsUsage: "[FOLDER]",
		Flags: outputFlags(maildirFlag(),
			&cli.BoolFlag{Name: "parents", Aliases: []string{"p"}, Usage: "make the folder if it is missing"},
			&cli.StringFlag{Name: "flag", Usage: "give it `FLAGS`, such as S"},
		),
		Action: verb(deliver),
	}
}

// deliver is the last program on a message's way: when it exits 0 the message is on disk, and
// whatever may be otherwise tomorrow exits 75. Undo knows nothing of it: mail that came in
// meanwhile must not be what the person's last action is taken for.
func deliver(t *tool) error {
	if t.c.NArg() > 1 {
		return boot.Usage("deliver wants one folder")
	}
	if file, ok := t.in.(*os.File); ok {
		if st, err := file.Stat(); err != nil || st.Mode()&os.ModeCharDevice != 0 {
			return boot.Usage("no message: pipe one in")
		}
	}
	d := maildir.Delivery{Flags: maildir.MakeFlags(t.c.String("flag"))}
	if t.c.IsSet("flag") && (d.Flags == "" || strings.Trim(strings.ToLower(string(d.Flags)), "abcdefghijklmnopqrstuvwxyz") != "") {
		return boot.Usage("--flag wants letters, such as S or FS")
	}
	name := t.c.Args().First()
	if name == "" {
		name = "INBOX"
	}
	f, err := t.folder(name)
	if errors.Is(err, maildir.ErrNoFolder) && t.c.Bool("parents") && !filepath.IsAbs(name) && !strings.HasPrefix(name, ".") {
		var s *maildir.Store
		if s, err = t.tree(); err == nil {
			f, err = s.CreateFolder(name)
		}
	}
	switch {
	case errors.Is(err, maildir.ErrName):
		return boot.Usage(err.Error())
	case errors.Is(err, maildir.ErrNoFolder):
		return sysexits.Wrap(sysexits.CantCreate, err)
	case err != nil:
		return sysexits.Wrap(sysexits.TempFail, err)
	}
	in := bufio.NewReaderSize(t.reading(t.in), 64<<10)
	if mark, _ := in.Peek(5); bytes.Equal(mark, []byte("From ")) { // of an MTA that thinks we are an mbox
		if _, err := readLine(in); err != nil && err != io.EOF {
			return sysexits.Wrap(sysexits.TempFail, err)
		}
	}
	e, err := f.Deliver(d, in)
	if errors.Is(err, maildir.ErrEmpty) {
		return sysexits.New(sysexits.Data, "standard input holds no message")
	}
	if err != nil {
		return sysexits.Wrap(sysexits.TempFail, err)
	}
	return t.emit(&msg{path: f.File(e), f: f, e: e}, "deliver")
}

// readLine passes over a line, however long.
func readLine(r *bufio.Reader) (n int, err error) {
	for {
		part, err := r.ReadSlice('\n')
		n += len(part)
		if err != bufio.ErrBufferFull {
			return n, err
		}
	}
}
