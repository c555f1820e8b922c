package smtp

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// Limits on what a server may answer. RFC 5321, 4.5.3.1.5 allows 512 bytes a line; servers with
// links in their refusals go beyond it, and no honest one comes near these.
const (
	maxReplyLine  = 4096
	maxReplyLines = 256
)

// ErrReply is the error for an answer that is not SMTP, or too long to be.
var ErrReply = errors.New("malformed SMTP reply")

// A Reply is a server's answer to a command.
type Reply struct {
	Code     int
	Enhanced EnhancedCode // zero if the server sent none
	Lines    []string     // texts, without code and enhanced code, control bytes replaced by "?"
}

// ReadReply reads one reply of one or more lines. It returns [ErrReply], wrapped, for what is no
// reply, and the reader's error otherwise; io.EOF only when nothing at all was read. A lone LF is
// accepted as a line end: a reply decides nothing about where a message ends.
func ReadReply(r *bufio.Reader) (Reply, error) {
	var rep Reply
	for {
		line, err := readReplyLine(r)
		if err != nil {
			if err == io.EOF && len(rep.Lines) > 0 {
				err = io.ErrUnexpectedEOF
			}
			return Reply{}, err
		}
		if len(line) < 3 || !digit(line[0]) || !digit(line[1]) || !digit(line[2]) || line[0] < '2' || line[0] > '5' {
			return Reply{}, fmt.Errorf("%w: %q", ErrReply, abridged(line))
		}
		code := int(line[0]-'0')*100 + int(line[1]-'0')*10 + int(line[2]-'0')
		text, more := line[3:], false
		if text != "" {
			if more = text[0] == '-'; !more && text[0] != ' ' {
				return Reply{}, fmt.Errorf("%w: %q", ErrReply, abridged(line))
			}
			text = text[1:]
		}
		if rep.Code != 0 && code != rep.Code {
			// RFC 5321, 4.2.1: the code must be the same on each line.
			return Reply{}, fmt.Errorf("%w: code %d after %d", ErrReply, code, rep.Code)
		}
		rep.Code = code
		if e, rest, ok := cutEnhanced(text, code/100); ok {
			rep.Enhanced, text = e, rest
		}
		if len(rep.Lines) == maxReplyLines {
			return Reply{}, fmt.Errorf("%w: more than %d lines", ErrReply, maxReplyLines)
		}
		rep.Lines = append(rep.Lines, text)
		if !more {
			return rep, nil
		}
	}
}

// readReplyLine returns a line without its end, cleaned, and of at most maxReplyLine bytes.
func readReplyLine(r *bufio.Reader) (string, error) {
	var b []byte
	for {
		part, err := r.ReadSlice('\n')
		if len(b)+len(part) > maxReplyLine {
			return "", fmt.Errorf("%w: line longer than %d bytes", ErrReply, maxReplyLine)
		}
		b = append(b, part...)
		switch {
		case err == nil:
			b = b[:len(b)-1]
			if n := len(b); n > 0 && b[n-1] == '\r' {
				b = b[:n-1]
			}
			return cleanReply(b), nil
		case err == bufio.ErrBufferFull:
		case err == io.EOF && len(b) > 0:
			return "", io.ErrUnexpectedEOF
		default:
			return "", err
		}
	}
}

// cleanReply makes a server's bytes fit for a log line: no controls, valid UTF-8.
func cleanReply(b []byte) string {
	for i, c := range b {
		if c < ' ' || c == 0x7f {
			b[i] = '?'
		}
	}
	return strings.ToValidUTF8(string(b), "?")
}

// cutEnhanced splits "5.1.1 text"; the class must fit the reply's (RFC 2034, 4).
func cutEnhanced(s string, class int) (EnhancedCode, string, bool) {
	word, rest, _ := strings.Cut(s, " ")
	if len(word) < 5 || len(word) > 9 || word[1] != '.' || int(word[0]-'0') != class {
		return EnhancedCode{}, s, false
	}
	subject, detail, ok := strings.Cut(word[2:], ".")
	if !ok {
		return EnhancedCode{}, s, false
	}
	x, ok1 := shortNumber(subject)
	y, ok2 := shortNumber(detail)
	if !ok1 || !ok2 {
		return EnhancedCode{}, s, false
	}
	return EnhancedCode{class, x, y}, rest, true
}

// shortNumber reads one to three digits.
func shortNumber(s string) (int, bool) {
	if len(s) == 0 || len(s) > 3 {
		return 0, false
	}
	n := 0
	for i := 0; i < len(s); i++ {
		if !digit(s[i]) {
			return 0, false
		}
		n = n*10 + int(s[i]-'0')
	}
	return n, true
}

// Positive reports a 2yz or 3yz reply.
func (r Reply) Positive() bool { return r.Code >= 200 && r.Code < 400 }

// Temporary reports a 4yz reply: the same command may succeed later.
func (r Reply) Temporary() bool { return r.Code >= 400 && r.Code < 500 }

// Permanent reports a 5yz reply.
func (r Reply) Permanent() bool { return r.Code >= 500 }

// Text returns the texts of all lines, joined by spaces.
func (r Reply) Text() string { return strings.Join(r.Lines, " ") }

// EnhancedString returns the enhanced code as "5.1.1", or "" if there was none.
func (r Reply) EnhancedString() string {
	if r.Enhanced == (EnhancedCode{}) {
		return ""
	}
	return enhancedString(r.Enhanced)
}

// String returns the reply on one line, as a log or a DSN shows it: "550 5.1.1 no such user".
func (r Reply) String() string {
	s := strconv.Itoa(r.Code)
	if e := r.EnhancedString(); e != "" {
		s += " " + e
	}
	if t := r.Text(); t != "" {
		s += " " + t
	}
	return s
}

func enhancedString(e EnhancedCode) string {
	return strconv.Itoa(e[0]) + "." + strconv.Itoa(e[1]) + "." + strconv.Itoa(e[2])
}

func digit(c byte) bool { return '0' <= c && c <= '9' }

// abridged shortens a malformed line for an error.
func abridged(s string) string {
	if len(s) > 80 {
		return strings.ToValidUTF8(s[:80], "") + "..."
	}
	return s
}
