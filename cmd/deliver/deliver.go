package main

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"pneu/cmd/internal/boot"
	"pneu/cmd/internal/conf"
	"pneu/cmd/internal/local"
	"pneu/maildir/message"
	"pneu/maildir/safe"
	"pneu/mda/deliver"
	"pneu/mta/sysexits"
)

const layout = time.RFC3339Nano

func open(c *cli.Context) (*conf.File, *local.System, error) {
	f, err := boot.Config(c, "", nil)
	if err != nil {
		return nil, nil, err
	}
	log := boot.Logger(c)
	if !c.Bool("verbose") { // a pipe's reader wants errors, not a line for each message
		log = slog.New(slog.DiscardHandler)
	}
	s, err := local.Open(f, log)
	return f, s, err
}

func verify(c *cli.Context) error {
	_, s, err := open(c)
	if err != nil {
		return err
	}
	var failed []error
	for _, addr := range c.Args().Slice() {
		ends, err := s.Agent.Verify(addr)
		if err != nil {
			failed = append(failed, err)
			continue
		}
		for _, e := range ends {
			fmt.Fprintf(c.App.Writer, "%s: %s\n", safe.Line(addr), safe.Line(e))
		}
	}
	return join(failed)
}

func deliverAll(c *cli.Context) error {
	f, s, err := open(c)
	if err != nil {
		return err
	}
	msg, err := read(os.Stdin, int64(f.MessageSize))
	if err != nil {
		return err
	}
	defer msg.Close()
	env := deliver.Envelope{Sender: strings.Trim(c.String("sender"), "<>"), ID: c.String("id"), Arrived: time.Now()}
	if t := c.Timestamp("arrived"); t != nil {
		env.Arrived = *t
	}
	if env.ID != "" {
		if !word(env.ID) {
			return boot.Usage("--id takes up to 40 letters and digits")
		}
		if c.Timestamp("arrived") == nil {
			if env.Arrived, err = arrival(msg); err != nil {
				return err
			}
		}
	}
	var failed []error
	for _, rcpt := range c.Args().Slice() {
		env.Recipient = rcpt
		// Programs call us for one recipient or for many: the number must not
		// depend on which.
		env.N = int(crc32.ChecksumIEEE([]byte(strings.ToLower(rcpt))))
		if err := s.Agent.Deliver(c.Context, env, msg); err != nil {
			failed = append(failed, err)
		}
	}
	return join(failed)
}

// join makes one error of those of several recipients. If any of them is to be
// tried again, that is what it says.
func join(errs []error) error {
	if len(errs) == 0 {
		return nil
	}
	code := sysexits.Code(errs[0])
	for _, e := range errs {
		if c := sysexits.Code(e); c == sysexits.TempFail {
			code = c
		}
	}
	return sysexits.Wrap(code, errors.Join(errs...))
}

func word(s string) bool {
	for _, r := range s {
		if !(r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z') {
			return false
		}
	}
	return len(s) > 2 && len(s) <= 40
}

// arrival tells from a message when it arrived: the same whenever it is asked.
func arrival(msg io.ReadSeeker) (time.Time, error) {
	head := make([]byte, 256<<10)
	n, err := io.ReadFull(msg, head)
	if err != nil && err != io.ErrUnexpectedEOF && err != io.EOF {
		return time.Time{}, err
	}
	h := message.Parse(head[:n]).Header(0)
	received := h.Get("Received")
	if t, err := message.ParseDate(strings.TrimSpace(received[strings.LastIndexByte(received, ';')+1:])); err == nil {
		return t, nil
	}
	if t, ok := h.Date(); ok {
		return t, nil
	}
	return time.Time{}, boot.Usage("--id needs --arrived for a message that has neither Received nor Date")
}

// A stored is a message that can be read again from its beginning.
type stored struct {
	io.ReadSeeker
	file *os.File
}

func (s stored) Close() error {
	if s.file != nil {
		return s.file.Close()
	}
	return nil
}

// read takes the whole message before anything is done with it: what comes
// through a pipe may end early, or be too much. A small one stays in memory.
// The line "From ..." that mbox tools put above a message is not part of it.
func read(in io.Reader, limit int64) (stored, error) {
	const small = 1 << 20
	head, err := io.ReadAll(io.LimitReader(in, small))
	if err != nil {
		return stored{}, sysexits.Wrap(sysexits.IO, fmt.Errorf("read standard input: %w", err))
	}
	full := len(head) == small
	if bytes.HasPrefix(head, []byte("From ")) {
		head = head[bytes.IndexByte(head, '\n')+1:]
	}
	if len(head) == 0 {
		return stored{}, sysexits.New(sysexits.NoInput, "no message on standard input")
	}
	tooLarge := sysexits.New(sysexits.Data, fmt.Sprintf("message is larger than message_size, %d bytes", limit))
	if int64(len(head)) > limit {
		return stored{}, tooLarge
	}
	if !full {
		return stored{ReadSeeker: bytes.NewReader(head)}, nil
	}
	tmp, err := os.CreateTemp("", "deliver-")
	if err == nil {
		os.Remove(tmp.Name()) // it lives as long as we have it open
		_, err = tmp.Write(head)
	}
	if err != nil {
		return stored{}, sysexits.Wrap(sysexits.TempFail, fmt.Errorf("keep message: %w", err))
	}
	n, err := io.Copy(tmp, io.LimitReader(in, limit-int64(len(head))+1))
	if err == nil && n+int64(len(head)) > limit {
		err = tooLarge
	}
	if err != nil {
		tmp.Close()
		return stored{}, err
	}
	return stored{tmp, tmp}, nil
}
