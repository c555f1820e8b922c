package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/urfave/cli/v2"

	"pneu/cmd/internal/boot"
	"pneu/maildir"
	"pneu/maildir/message"
	"pneu/maildir/safe"
	"pneu/mta/sysexits"
	"pneu/tui"
	"pneu/tui/list"
	"pneu/tui/pick"
	"pneu/tui/term"
)

// maxPaths bounds what --pick reads: nobody chooses among more.
const maxPaths = 64 << 20

// choose lets the person mark some of the messages whose paths stand on standard input, one a
// line or ended by NUL, and prints those in the same form. Standard input and output are
// pipes; the person is at /dev/tty.
func choose(c *cli.Context) error {
	b, err := io.ReadAll(io.LimitReader(os.Stdin, maxPaths))
	if err != nil {
		return sysexits.Wrap(sysexits.IO, fmt.Errorf("read standard input: %w", err))
	}
	end := "\n"
	if bytes.IndexByte(b, 0) >= 0 {
		end = "\x00"
	}
	var paths []string
	for p := range strings.SplitSeq(string(b), end) {
		if p != "" {
			paths = append(paths, p)
		}
	}
	if len(paths) == 0 {
		return boot.Exit(1)
	}
	tty, err := os.OpenFile("/dev/tty", os.O_RDWR, 0)
	if err != nil {
		return sysexits.New(sysexits.Unavailable, "there is no terminal to choose on")
	}
	defer tty.Close()
	rows := make([]list.Row, len(paths))
	for i, p := range paths {
		rows[i] = row(p)
		rows[i].ID = i
	}
	th, _ := theme(c, tty, tty)
	m := pick.New(th, time.Now, rows)
	ctx, stop := signal.NotifyContext(c.Context, syscall.SIGHUP)
	defer stop()
	if err := tui.Pick(ctx, m, tui.Terminal{In: term.NewInput(tty), Out: term.NewOutput(tty)}); err != nil {
		return err
	}
	tui.Settle(tty)
	chosen := m.Chosen()
	if len(chosen) == 0 {
		return boot.Exit(1)
	}
	var out strings.Builder
	for _, i := range chosen {
		out.WriteString(paths[i] + end)
	}
	_, err = io.WriteString(os.Stdout, out.String())
	return err
}

// row is what a list shows of the message at path; one that has gone shows its path alone.
func row(path string) list.Row {
	e := maildir.Entry{File: filepath.Base(path), New: filepath.Base(filepath.Dir(path)) == "new"}
	f := e.Flags()
	r := list.Row{Unread: e.Unread(), Flagged: f.Has('F'), Replied: f.Has('R'), Forward: f.Has('P'), Draft: f.Has('D'), Trashed: f.Has('T')}
	file, err := os.Open(path)
	if err != nil {
		r.Subject = safe.Path(path)
		return r
	}
	defer file.Close()
	s, err := message.ReadSummary(file)
	if err != nil && !errors.Is(err, io.EOF) {
		r.Subject = safe.Path(path)
		return r
	}
	r.Subject, r.Time, r.Attach, r.List = safe.Line(s.Subject), s.Date, s.HasAttachment, s.List != ""
	if st, err := file.Stat(); err == nil && r.Time.IsZero() {
		r.Time = st.ModTime()
	}
	if len(s.From) > 0 {
		if r.People = safe.Line(s.From[0].Name); s.From[0].Name == "" {
			r.People = safe.Line(s.From[0].Addr)
		}
	}
	return r
}
