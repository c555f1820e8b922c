package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"pneu/cmd/internal/boot"
	"pneu/maildir/message"
	"pneu/maildir/safe"
	"pneu/mta/sysexits"
)

func partVerb() *cli.Command {
	return &cli.Command{
		Name: "part", Usage: "list, save or remove the parts of messages", ArgsUsage: "ls|get|rm [OPTION...] [MESSAGE...]",
		Subcommands: []*cli.Command{
			{
				Name: "ls", Usage: "print the MIME tree", ArgsUsage: "[MESSAGE...]",
				Flags:  []cli.Flag{&cli.BoolFlag{Name: "json", Usage: "print one JSON object a message: its fields and leaves"}},
				Action: verb(partLs),
			},
			{
				Name: "get", Usage: "save parts to files", ArgsUsage: "[MESSAGE...]",
				Flags: []cli.Flag{
					&cli.StringFlag{Name: "type", Aliases: []string{"t"}, Usage: "parts of media `TYPE`, such as application/pdf or image/*"},
					&cli.IntFlag{Name: "part", Aliases: []string{"p"}, Value: -1, DefaultText: "all attachments", Usage: "the part with number `N` in part ls"},
					&cli.StringFlag{Name: "directory", Aliases: []string{"d"}, Value: ".", Usage: "save in `DIR`"},
					&cli.BoolFlag{Name: "stdout", Aliases: []string{"O"}, Usage: "write the content to standard output"},
					&cli.BoolFlag{Name: "null", Aliases: []string{"0"}, Usage: "print paths that end in NUL"},
				},
				Action: verb(partGet),
			},
			{
				Name: "rm", Usage: "file messages anew without some parts, the old ones go to Trash", ArgsUsage: "[MESSAGE...]",
				Flags: outputFlags(dryFlag(),
					&cli.StringFlag{Name: "type", Aliases: []string{"t"}, Usage: "parts of media `TYPE`, such as application/pdf or image/*"},
					&cli.IntFlag{Name: "part", Aliases: []string{"p"}, Value: -1, DefaultText: "none", Usage: "the part with number `N` in part ls"},
				),
				Action: verb(partRm),
			},
		},
		Action: func(c *cli.Context) error {
			return boot.Usage("say what to do with the parts: ls, get or rm")
		},
	}
}

func partLs(t *tool) error {
	return t.each(t.c.Args().Slice(), current, func(m *msg) error {
		p, err := m.load()
		if err != nil {
			t.fail(m.path, err)
			return nil
		}
		if t.form == formJSON {
			b, err := encode(message.NewReport(p))
			if err != nil {
				return err
			}
			t.out.Write(b)
			return t.wrote()
		}
		if t.printed > 0 {
			fmt.Fprintln(t.out)
		}
		for i := range p.Parts {
			part := &p.Parts[i]
			line := fmt.Sprintf("%3d %s%s/%s", i, strings.Repeat("  ", part.Depth), safe.Line(part.Type), safe.Line(part.Subtype))
			var more []string
			if part.Charset != "" {
				more = append(more, safe.Line(part.Charset).String())
			}
			if part.NumChildren == 0 {
				more = append(more, fmtBytes(len(p.Decode(i))))
			}
			if part.Filename != "" {
				more = append(more, `"`+safe.Line(part.Filename).String()+`"`)
			}
			if len(more) > 0 {
				line += "  " + strings.Join(more, "  ")
			}
			fmt.Fprintln(t.out, line)
		}
		return t.wrote()
	})
}

func partGet(t *tool) error {
	typ := strings.ToLower(t.c.String("type"))
	n := t.c.Int("part")
	dir := t.c.String("directory")
	toStdout := t.c.Bool("stdout")
	if t.c.IsSet("part") && n < 0 {
		return boot.Usage("--part wants a number of part ls")
	}
	if !toStdout {
		if st, err := os.Stat(dir); err != nil || !st.IsDir() {
			why := "no directory"
			if err != nil {
				why = plainly(dir, err)
			}
			return sysexits.New(sysexits.CantCreate, fmt.Sprintf("save in %s: %s (make it first)", dir, why))
		}
	}
	return t.each(t.c.Args().Slice(), current, func(m *msg) error {
		p, err := m.load()
		if err != nil {
			t.fail(m.path, err)
			return nil
		}
		for _, i := range chosenParts(p, typ, n) {
			if toStdout {
				if err := p.DecodeTo(t.out, i); err != nil {
					return err
				}
				if err := t.wrote(); err != nil {
					return err
				}
				continue
			}
			path, err := save(dir, p, i)
			if err != nil {
				return sysexits.Wrap(sysexits.CantCreate, err)
			}
			if err := t.emitPath(path); err != nil {
				return err
			}
		}
		return nil
	})
}

// chosenParts are those of a type, or with a number, or else all attachments.
func chosenParts(p *message.Message, typ string, n int) []int {
	if n >= 0 {
		if n < len(p.Parts) {
			return []int{n}
		}
		return nil
	}
	if typ == "" {
		_, _, att := p.Display()
		return att
	}
	want, sub, _ := strings.Cut(typ, "/")
	var list []int
	for i := range p.Parts {
		part := &p.Parts[i]
		if part.Type == want && (sub == part.Subtype || sub == "*" || sub == "") && part.Type != "multipart" {
			list = append(list, i)
		}
	}
	return list
}

// save writes a part into dir under a name that cannot lead out of it and that no file
// has yet: O_EXCL neither overwrites nor follows a link.
func save(dir string, p *message.Message, i int) (string, error) {
	part := &p.Parts[i]
	name := safe.Filename(part.Filename)
	if part.Filename == "" {
		name = "part" + strconv.Itoa(i) + extension(part)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return "", err
	}
	defer root.Close()
	ext := filepath.Ext(name)
	stem := strings.TrimSuffix(name, ext)
	for k := 1; k < 10000; k++ {
		f, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
		if errors.Is(err, fs.ErrExist) {
			name = fmt.Sprintf("%s-%d%s", stem, k+1, ext)
			continue
		}
		if err != nil {
			return "", err
		}
		err = p.DecodeTo(f, i)
		if cerr := f.Close(); err == nil {
			err = cerr
		}
		if err != nil {
			root.Remove(name)
			return "", fmt.Errorf("save %s: %w", safe.Line(name), err)
		}
		return filepath.Join(dir, name), nil
	}
	return "", fmt.Errorf("save %s: too many files of that name", safe.Line(name))
}

// extension is the usual one of types that come without a name.
func extension(part *message.Part) string {
	switch part.Type + "/" + part.Subtype {
	case "text/plain":
		return ".txt"
	case "text/html":
		return ".html"
	case "text/calendar":
		return ".ics"
	case "message/rfc822":
		return ".eml"
	case "application/pdf":
		return ".pdf"
	case "image/jpeg":
		return ".jpg"
	case "image/png":
		return ".png"
	case "image/gif":
		return ".gif"
	}
	return ".bin"
}
