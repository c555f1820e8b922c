package smtp

import (
	"bufio"
	"bytes"
	"errors"
	"io"
)

// Limits on a line, CRLF included. RFC 5321, 4.5.3.1.4 has 512 for a command; SIZE, DSN, AUTH and
// SMTPUTF8 each add to that, 2048 covers their sum. RFC 4954, 4 wants 12288 for AUTH.
const (
	maxLine     = 2048
	maxAuthLine = 12288
)

var (
	errLineEnd    = errors.New("CR or LF alone in a line")
	errLineLength = errors.New("line too long")
)

// readLine returns the next line without its CRLF. The bytes are good until the next read. After
// errLineLength the rest of the line has been skipped; after errLineEnd nothing that follows may be
// believed.
func (c *Conn) readLine() ([]byte, error) {
	line, err := c.r.ReadSlice('\n')
	if err == bufio.ErrBufferFull {
		return nil, c.skipLine()
	}
	if err != nil {
		if err == io.EOF && len(line) > 0 {
			err = io.ErrUnexpectedEOF
		}
		return nil, err
	}
	n := len(line) - 2
	if n < 0 || line[n] != '\r' || bytes.IndexByte(line[:n], '\r') >= 0 {
		return nil, errLineEnd
	}
	return line[:n], nil
}

// skipLine reads past an overlong line, up to a bound beyond which the peer is not worth hearing.
func (c *Conn) skipLine() error {
	for range 16 {
		line, err := c.r.ReadSlice('\n')
		if err == bufio.ErrBufferFull {
			continue
		}
		if err == nil {
			if n := len(line) - 2; n >= 0 && line[n] != '\r' {
				return errLineEnd
			}
			return errLineLength
		}
		return err
	}
	c.quit, c.linger = true, true
	return errLineLength
}
