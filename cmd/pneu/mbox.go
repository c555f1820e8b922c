package main

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// maxHeader bounds the header of a message in an mbox.
const maxHeader = 4 << 20

// An mboxReader reads messages one after another out of an mbox of any dialect. A message
// begins at a line "From sender date" that stands at the start or behind an empty line.
type mboxReader struct {
	br    *bufio.Reader
	at    io.ReaderAt // the same bytes, where they can be looked at ahead; or nil
	trust bool        // believe Content-Length without looking
	pos   int64
	mid   bool   // the last chunk did not end its line
	from  []byte // the separator of the next message, already read
}

// A mboxMessage is one message: header lines, then the rest.
type mboxMessage struct {
	date    time.Time
	head    []byte
	body    io.Reader // from the empty line on
	counted bool      // its length was told by Content-Length
}

// separator is a line that begins a message: an address or nothing, a time of day and a
// year. bare is what Netscape and Thunderbird write, also where no empty line is before it.
var (
	separator = regexp.MustCompile(`^From (?:\S+ +)?.*\d:\d\d.*\d\d\d\d`)
	bare      = regexp.MustCompile(`^From - *\r?\n?$`)
)

func newMboxReader(r io.Reader, at io.ReaderAt, trust bool) *mboxReader {
	return &mboxReader{br: bufio.NewReaderSize(r, 64<<10), at: at, trust: trust}
}

// chunk reads to the end of the line, or as much of it as fits the buffer, and says
// whether a line begins there.
func (r *mboxReader) chunk() (b []byte, start bool, err error) {
	b, err = r.br.ReadSlice('\n')
	if err == bufio.ErrBufferFull {
		err = nil
	}
	if err == io.EOF && len(b) > 0 {
		err = nil
	}
	start = !r.mid
	r.pos += int64(len(b))
	r.mid = len(b) > 0 && b[len(b)-1] != '\n'
	return b, start, err
}

func blank(line []byte) bool {
	return len(line) == 1 && line[0] == '\n' || len(line) == 2 && line[0] == '\r' && line[1] == '\n'
}

func isSeparator(line []byte) bool {
	return bytes.HasPrefix(line, []byte("From ")) && (separator.Match(line) || bare.Match(line))
}

// next returns the next message, io.EOF after the last. The one before must have been
// read to its end.
func (r *mboxReader) next() (*mboxMessage, error) {
	for r.from == nil {
		line, start, err := r.chunk()
		if err != nil {
			return nil, err
		}
		switch {
		case start && bytes.HasPrefix(line, []byte("From ")):
			r.from = bytes.Clone(line)
		case blank(line):
		default:
			return nil, errors.New("not an mbox: no line that begins with From")
		}
	}
	m := &mboxMessage{date: separatorDate(string(r.from))}
	r.from = nil
	var end []byte   // the empty line
	var quotes []int // where lines of the header begin that may be quoted
	for {
		line, start, err := r.chunk()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
		if start && blank(line) {
			end = bytes.Clone(line)
			break
		}
		if start && len(unquote(line)) < len(line) {
			quotes = append(quotes, len(m.head))
		}
		if m.head = append(m.head, line...); len(m.head) > maxHeader {
			return nil, errors.New("a header of more than 4 MB")
		}
	}
	if n, ok := r.length(m.head); ok && end != nil {
		m.counted = true
		m.body = &countedBody{r: r, head: end, left: n} // where a length is told, nothing is quoted
	} else {
		m.head = without(m.head, quotes)
		m.body = &body1{r: r, held: end}
	}
	return m, nil
}

// without returns b without the bytes at those places, which ascend.
func without(b []byte, places []int) []byte {
	if len(places) == 0 {
		return b
	}
	out, at := b[:0], 0
	for _, p := range places {
		out = append(out, b[at:p]...)
		at = p + 1
	}
	return append(out, b[at:]...)
}

// length returns the Content-Length of a message if it can be believed: if a message, or
// the end, follows just there.
func (r *mboxReader) length(head []byte) (int64, bool) {
	v, ok := lastField(head, "Content-Length")
	n, err := strconv.ParseInt(strings.TrimSpace(v), 10, 64)
	if !ok || err != nil || n < 0 {
		return 0, false
	}
	if r.at == nil {
		return n, r.trust
	}
	var b [256]byte
	k, err := r.at.ReadAt(b[:], r.pos+n)
	if err != nil && err != io.EOF {
		return 0, false
	}
	s := b[:k]
	if k == 0 {
		// Nothing there: true only if the end is just there.
		if n == 0 {
			return 0, true
		}
		k, _ = r.at.ReadAt(b[:1], r.pos+n-1)
		return n, k == 1
	}
	for len(s) > 0 && (s[0] == '\n' || s[0] == '\r') {
		s = s[1:]
	}
	return n, len(s) == 0 || isSeparator(s)
}

// body1 reads a body whose end is told by the next separator.
type body1 struct {
	r    *mboxReader
	held []byte // an empty line that may belong to the separator
	out  []byte
	buf  []byte
	done bool
}

func (b *body1) Read(p []byte) (int, error) {
	for len(b.out) == 0 {
		if b.done {
			return 0, io.EOF
		}
		line, start, err := b.r.chunk()
		switch {
		case err == io.EOF:
			b.done = true
			continue
		case err != nil:
			return 0, err
		case start && (b.held != nil && isSeparator(line) || bare.Match(line)):
			b.r.from = bytes.Clone(line)
			b.done = true
			continue
		}
		b.buf = append(b.buf[:0], b.held...)
		b.held = nil
		if start && blank(line) {
			b.held = bytes.Clone(line)
		} else {
			if start {
				line = unquote(line)
			}
			b.buf = append(b.buf, line...)
		}
		b.out = b.buf
	}
	n := copy(p, b.out)
	b.out = b.out[n:]
	return n, nil
}

// unquote takes one ">" from lines that have been quoted.
func unquote(line []byte) []byte {
	if len(line) > 0 && line[0] == '>' && bytes.HasPrefix(bytes.TrimLeft(line, ">"), []byte("From ")) {
		return line[1:]
	}
	return line
}

// countedBody reads a body of a known length; nothing in it is quoted.
type countedBody struct {
	r    *mboxReader
	head []byte
	left int64
}

func (c *countedBody) Read(p []byte) (int, error) {
	if len(c.head) > 0 {
		n := copy(p, c.head)
		c.head = c.head[n:]
		return n, nil
	}
	if c.left == 0 {
		return 0, io.EOF
	}
	n, err := c.r.br.Read(p[:min(int64(len(p)), c.left)])
	c.left -= int64(n)
	c.r.pos += int64(n)
	c.r.mid = false
	if err == io.EOF {
		c.left = 0
	}
	return n, err
}

// separatorDate reads the date of a separator, in UTC as is usual; zero if it has none.
func separatorDate(line string) time.Time {
	f := strings.Fields(line)
	for i := 1; i+4 < len(f); i++ {
		rest := strings.Join(f[i:min(i+5, len(f))], " ")
		if t, err := time.Parse("Mon Jan 2 15:04:05 2006", rest); err == nil {
			return t
		}
	}
	for i := 1; i+5 < len(f); i++ { // with a zone before the year
		if t, err := time.Parse("Mon Jan 2 15:04:05 2006", strings.Join(append(append([]string{}, f[i:i+4]...), f[i+5]), " ")); err == nil {
			return t
		}
	}
	return time.Time{}
}

// lastField returns the value of the last field of that name.
func lastField(head []byte, name string) (string, bool) {
	from, to := findLast(head, name)
	if from < 0 {
		return "", false
	}
	v := head[from+len(name)+1 : to]
	return strings.TrimSpace(string(v)), true
}

// findLast returns where the last field of that name begins and ends.
func findLast(head []byte, name string) (from, to int) {
	from = -1
	for i := 0; i < len(head); {
		n := bytes.IndexByte(head[i:], '\n') + 1
		if n == 0 {
			n = len(head) - i
		}
		line := head[i : i+n]
		if len(line) > len(name) && line[len(name)] == ':' && strings.EqualFold(string(line[:len(name)]), name) {
			from, to = i, i+n
		} else if from >= 0 && to == i && (line[0] == ' ' || line[0] == '\t') {
			to = i + n
		}
		i += n
	}
	return from, to
}

// cutField removes the last field of that name and returns its value.
func cutField(head []byte, name string) (rest []byte, value string) {
	from, to := findLast(head, name)
	if from < 0 {
		return head, ""
	}
	value = strings.TrimSpace(string(head[from+len(name)+1 : to]))
	return append(head[:from:from], head[to:]...), value
}
