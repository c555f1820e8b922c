package deliver

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"

	"pneu/mta/sysexits"
)

// maxHeader is how much of a header is searched for Delivered-To.
const maxHeader = 1 << 20

// A message is what is being delivered, and what its header says of it.
type message struct {
	r    io.ReadSeeker
	size int64
	eol  string // as the message has it
}

// examine reads the header of r. A message that was delivered to addr before
// has come back: it goes round in a circle.
func examine(r io.ReadSeeker, addr string) (*message, error) {
	m := &message{r: r, eol: "\n"}
	var err error
	if m.size, err = r.Seek(0, io.SeekEnd); err == nil {
		_, err = r.Seek(0, io.SeekStart)
	}
	if err != nil {
		return nil, sysexits.Wrap(sysexits.IO, fmt.Errorf("read message: %w", err))
	}
	br := bufio.NewReaderSize(io.LimitReader(r, maxHeader), 4096)
	for first := true; ; first = false {
		line, err := br.ReadSlice('\n')
		if first && strings.HasSuffix(string(line), "\r\n") {
			m.eol = "\r\n"
		}
		if text := strings.TrimRight(string(line), "\r\n"); text == "" {
			return m, readError(err)
		} else if delivered(text, addr) {
			return nil, status(sysexits.New(sysexits.Unavailable, addr+": mail goes round in a circle: it was delivered here before"), "5.4.6")
		}
		for errors.Is(err, bufio.ErrBufferFull) {
			_, err = br.ReadSlice('\n')
		}
		if err != nil {
			return m, readError(err)
		}
	}
}

func readError(err error) error {
	if err == nil || err == io.EOF || errors.Is(err, bufio.ErrBufferFull) {
		return nil
	}
	return sysexits.Wrap(sysexits.IO, fmt.Errorf("read message: %w", err))
}

// delivered reports whether a header line says that addr was delivered to.
func delivered(line, addr string) bool {
	name, value, ok := strings.Cut(line, ":")
	return ok && strings.EqualFold(strings.TrimRight(name, " \t"), "Delivered-To") &&
		strings.EqualFold(strings.Trim(value, " \t<>"), addr)
}

// open returns the message from its beginning, with fields above it.
func (m *message) open(fields ...string) (*io.LimitedReader, error) {
	if _, err := m.r.Seek(0, io.SeekStart); err != nil {
		return nil, sysexits.Wrap(sysexits.IO, fmt.Errorf("read message: %w", err))
	}
	head := strings.Join(fields, m.eol) + m.eol
	return &io.LimitedReader{R: io.MultiReader(strings.NewReader(head), m.r), N: int64(len(head)) + m.size}, nil
}

// trace is what final delivery adds: RFC 5321, 4.4.
func trace(sender, addr string) []string {
	return []string{"Return-Path: <" + strings.Map(plain, sender) + ">", "Delivered-To: " + addr}
}

// plain drops what must not be in a header line, however it got into a sender.
func plain(r rune) rune {
	if r < ' ' || r == 0x7f || r == '<' || r == '>' {
		return -1
	}
	return r
}
