package smtp

import (
	"bytes"
	"errors"
	"io"
)

var crlf = []byte("\r\n")

// A DotWriter sends a message after DATA: every line end (CRLF, lone LF, lone CR) goes out as CRLF
// (RFC 5321, 2.3.8), lines that begin with a dot get another one (4.5.2), and Close sends the line
// with the dot alone. The bytes may come in pieces of any size.
//
// What needs no change is passed on in runs, without being copied; w should be buffered (a
// bufio.Writer), and is not flushed.
type DotWriter struct {
	w      io.Writer
	err    error
	inLine bool // bytes of a line were sent, its end was not
	cr     bool // the last byte was a CR whose fate the next one decides
}

var errDotClosed = errors.New("write after the end of the message")

// NewDotWriter returns a writer of one message.
func NewDotWriter(w io.Writer) *DotWriter { return &DotWriter{w: w} }

// Write implements io.Writer.
func (d *DotWriter) Write(p []byte) (int, error) {
	if d.err != nil {
		return 0, d.err
	}
	n := len(p)
	if d.cr && len(p) > 0 { // the CR is not sent yet
		d.cr = false
		d.put(crlf)
		d.inLine = false
		if p[0] == '\n' {
			p = p[1:]
		}
	}
	run := 0 // p[run:i] goes out as it is
	lf := -1 // next LF at or after i, searched once a line however many CRs stand before it
	for i := 0; i < len(p); {
		if !d.inLine && p[i] == '.' {
			d.put(p[run:i])
			run = i
			d.put(p[i : i+1]) // the run begins with the same dot
		}
		if lf < i {
			if lf = bytes.IndexByte(p[i:], '\n'); lf < 0 {
				lf = len(p)
			} else {
				lf += i
			}
		}
		cr := bytes.IndexByte(p[i:lf], '\r')
		switch {
		case cr < 0 && lf == len(p): // the rest is the beginning of a line
			i = lf
			d.inLine = true
		case cr < 0: // lone LF
			d.put(p[run:lf])
			d.put(crlf)
			i = lf + 1
			run = i
			d.inLine = false
		case i+cr == lf-1 && lf < len(p): // CRLF
			i = lf + 1
			d.inLine = false
		case i+cr == len(p)-1: // CR at the end: the next byte decides
			d.put(p[run : i+cr])
			i = len(p)
			run = i
			d.cr = true
			d.inLine = true
		default: // lone CR
			d.put(p[run : i+cr])
			d.put(crlf)
			i += cr + 1
			run = i
			d.inLine = false
		}
	}
	d.put(p[run:])
	if d.err != nil {
		return 0, d.err
	}
	return n, nil
}

// Close ends the last line if it has no end, and sends the final dot.
func (d *DotWriter) Close() error {
	if d.err != nil {
		return d.err
	}
	if d.cr || d.inLine {
		d.put(crlf)
	}
	d.put([]byte(".\r\n"))
	err := d.err
	if err == nil {
		d.err = errDotClosed
	}
	return err
}

func (d *DotWriter) put(p []byte) {
	if d.err == nil && len(p) > 0 {
		_, d.err = d.w.Write(p)
	}
}
