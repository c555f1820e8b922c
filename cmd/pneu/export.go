package main

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"pneu/cmd/internal/boot"
	"pneu/maildir"
	"pneu/maildir/address"
	"pneu/maildir/message"
	"pneu/maildir/safe"
)

func exportVerb() *cli.Command {
	return &cli.Command{
		Name: "export", Usage: "write messages as one mbox, or tar", ArgsUsage: "[MESSAGE...]",
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "mboxrd", Usage: "quote every line like From, >From: can be undone (the default)"},
			&cli.BoolFlag{Name: "mboxo", Usage: "quote lines that begin with From and a blank alone"},
			&cli.BoolFlag{Name: "mboxcl2", Usage: "quote nothing, say the length in Content-Length"},
			&cli.BoolFlag{Name: "patches", Usage: "only patches, in their order: what git am takes"},
			&cli.BoolFlag{Name: "tar", Usage: "write a tar of .eml files instead"},
		},
		Action: verb(export),
	}
}

// The dialects of mbox (mbox(5) of qmail names them).
type dialect int

const (
	mboxrd dialect = iota
	mboxo
	mboxcl2
)

func (t *tool) dialect() (dialect, error) {
	d, n := mboxrd, 0
	for i, name := range []string{"mboxrd", "mboxo", "mboxcl2", "tar"} {
		if t.c.Bool(name) {
			d = dialect(i)
			n++
		}
	}
	if n > 1 {
		return d, boot.Usage("choose one of --mboxrd, --mboxo, --mboxcl2 and --tar")
	}
	return d, nil
}

func export(t *tool) error {
	d, err := t.dialect()
	if err != nil {
		return err
	}
	put := func(m *msg) error { return writeMbox(t.out, m, d) }
	if t.c.Bool("tar") {
		tw := tar.NewWriter(t.out)
		defer tw.Close()
		put = func(m *msg) error { return writeEML(tw, m) }
	}
	t.slow = !t.tty
	each := t.each
	if t.c.Bool("patches") {
		each = t.eachPatch
	}
	return each(t.c.Args().Slice(), wholeSequence, func(m *msg) error {
		if _, err := m.bytes(); err != nil {
			t.fail(m.path, err)
			return nil
		}
		t.spell(m)
		if err := put(m); err != nil {
			return err
		}
		return t.wrote()
	})
}

// spell looks up the keywords of a message by name, also those that dovecot-keywords alone knows
// of: its letters mean something in its own folder only.
func (t *tool) spell(m *msg) {
	if t.names(m); m.keywords != nil || m.f == nil || !strings.ContainsAny(string(m.e.Flags()), lowercase) {
		return
	}
	if _, err := os.Stat(filepath.Join(m.f.Path(), "dovecot-keywords")); err != nil {
		return
	}
	if words, err := t.reader().Of(m.f, m.e); err == nil {
		m.keywords = words
	}
}

const lowercase = "abcdefghijklmnopqrstuvwxyz"

// keywordsRecord is where a tar has the keywords of a message: what programs that do not look
// for it pass over in silence.
const keywordsRecord = "SCHILY.xattr.user.pneu.keywords"

// writeEML adds a message to a tar, as FOLDER/NAME.eml, its name in the Maildir: import finds the flags in it.
func writeEML(w *tar.Writer, m *msg) error {
	name := filepath.Base(m.path)
	switch {
	case m.f == nil:
		name = safe.Filename(name)
	case m.e.New:
		name = m.e.Base() // its info part, if any, is nobody's flags
	}
	if !strings.HasSuffix(name, ".eml") {
		name += ".eml"
	}
	if f := m.Folder(); f != "" {
		var dir []string
		for _, s := range strings.Split(f, "/") {
			dir = append(dir, safe.Filename(s))
		}
		name = strings.Join(dir, "/") + "/" + name
	}
	h := &tar.Header{Name: name, Mode: 0o600, Size: int64(len(m.raw)), ModTime: m.Received().Truncate(time.Second)}
	if len(m.keywords) > 0 {
		h.PAXRecords = map[string]string{keywordsRecord: strings.Join(m.keywords, " ")}
	}
	if err := w.WriteHeader(h); err != nil {
		return err
	}
	_, err := w.Write(m.raw)
	return err
}

// writeMbox writes one message: separator, header with the flags at its end, body, empty
// line. Flags go as Status and X-Status, both always, so that import can take out just
// what was put in.
func writeMbox(w io.Writer, m *msg, d dialect) error {
	raw := m.raw
	head, rest := splitHeader(raw)
	if rest == nil && (len(raw) == 0 || raw[len(raw)-1] != '\n') {
		head, rest = splitHeader(append(raw[:len(raw):len(raw)], '\n'))
	}
	eol := "\n"
	if bytes.HasSuffix(head, []byte("\r\n")) {
		eol = "\r\n"
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "From %s %s\n", envelopeSender(head), m.Received().UTC().Format("Mon Jan _2 15:04:05 2006"))
	quoted(&b, head, d)
	b.WriteString(statusLines(m, eol))
	if d == mboxcl2 {
		body := rest
		if i := bytes.IndexByte(rest, '\n'); i >= 0 {
			body = rest[i+1:]
		}
		fmt.Fprintf(&b, "Content-Length: %d%s", len(body), eol)
		if len(rest) == 0 { // the length counts from behind an empty line
			b.WriteString(eol)
		}
	}
	quoted(&b, rest, d)
	if n := b.Len(); b.Bytes()[n-1] != '\n' {
		b.WriteByte('\n')
	}
	b.WriteByte('\n')
	_, err := w.Write(b.Bytes())
	return err
}

// splitHeader cuts a message before the empty line that ends its header.
func splitHeader(raw []byte) (head, rest []byte) {
	for i := 0; i < len(raw); {
		n := bytes.IndexByte(raw[i:], '\n')
		if n < 0 {
			break
		}
		if line := raw[i : i+n]; len(line) == 0 || len(line) == 1 && line[0] == '\r' {
			return raw[:i], raw[i:]
		}
		i += n + 1
	}
	return raw, nil
}

// quoted writes lines, those that would be taken for a separator with a ">" in front.
func quoted(b *bytes.Buffer, s []byte, d dialect) {
	if d == mboxcl2 {
		b.Write(s)
		return
	}
	for len(s) > 0 {
		n := bytes.IndexByte(s, '\n') + 1
		if n == 0 {
			n = len(s)
		}
		line := s[:n]
		if d == mboxrd {
			line = bytes.TrimLeft(line, ">")
		}
		if bytes.HasPrefix(line, []byte("From ")) {
			b.WriteByte('>')
		}
		b.Write(s[:n])
		s = s[n:]
	}
}

// envelopeSender is what stands behind "From ".
func envelopeSender(head []byte) string {
	h := message.Header(head)
	for _, f := range []string{"Return-Path", "Sender", "From"} {
		for _, a := range h.Addresses(f) {
			if address.Valid(a.Addr, false) == nil && !strings.ContainsAny(a.Addr, " \t") {
				return a.Addr
			}
		}
	}
	return "MAILER-DAEMON"
}

// statusLines says the flags as mail readers have done in mbox files: R read, O not new;
// A answered, F flagged, T draft, D deleted. P, and letters of keywords whose names nobody
// knows, have none there and keep ours; the names go as X-Keywords.
func statusLines(m *msg, eol string) string {
	flags := m.e.Flags()
	var s, x string
	if flags.Has('S') {
		s = "R"
	}
	if m.f != nil && !m.e.New {
		s += "O"
	}
	for _, c := range []byte(flags) {
		switch c {
		case 'S':
		case 'R':
			x += "A"
		case 'D':
			x += "T"
		case 'T':
			x += "D"
		default:
			if len(m.keywords) == 0 || c < 'a' || c > 'z' {
				x += string(rune(c))
			}
		}
	}
	lines := "Status: " + s + eol + "X-Status: " + x + eol
	if len(m.keywords) > 0 {
		lines += "X-Keywords: " + strings.Join(m.keywords, " ") + eol
	}
	return lines
}

// flagsOf undoes statusLines.
func flagsOf(status, xstatus string) (flags maildir.Flags, isNew bool) {
	var s string
	if strings.Contains(status, "R") {
		s = "S"
	}
	for _, c := range xstatus {
		switch c {
		case 'A':
			s += "R"
		case 'T':
			s += "D"
		case 'D':
			s += "T"
		case 'F', 'P':
			s += string(c)
		default:
			if c >= 'a' && c <= 'z' {
				s += string(c)
			}
		}
	}
	return maildir.MakeFlags(s), !strings.ContainsAny(status, "RO") && s == ""
}
