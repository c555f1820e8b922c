package smtp

import (
	"bufio"
	"bytes"
	"io"
)

// A dotState says what the last byte of message data was.
type dotState int

const (
	dotBegin dotState = iota // nothing, or a CRLF
	dotText                  // part of a line
	dotCR                    // CR in a line, not passed on yet
	dotDot                   // dot that began a line, not passed on
	dotDotCR                 // and a CR
	dotEnd                   // the end
)

// A dotReader reads a message up to the line with the dot alone, and undoes dot-stuffing (RFC 5321,
// 4.5.2). The end is CRLF . CRLF and nothing else. A CR or LF outside of CRLF makes the message
// refused: where programs differ on what such bytes mean, one's text is the other's next command,
// and messages can be smuggled past the first (CVE-2023-51764 and its kin).
type dotReader struct {
	r     *bufio.Reader
	left  int64 // bytes the message may still have
	state dotState
	lf    bool // a CR was passed on, its LF was not for want of room
	fault *Status
	err   error // io.EOF after the end
	lax   int   // bytes at the end that a careless program would take for the end
}

// Read implements io.Reader.
func (d *dotReader) Read(p []byte) (int, error) {
	if d.fault != nil {
		return 0, errFault
	}
	if d.err != nil {
		return 0, d.err
	}
	if len(p) == 0 {
		return 0, nil
	}
	if int64(len(p)) > d.left {
		p = p[:d.left+1] // one more tells whether the limit is passed
	}
	n := 0
	for n == 0 && d.err == nil && d.fault == nil {
		if d.r.Buffered() == 0 {
			if _, err := d.r.Peek(1); err != nil {
				if err == io.EOF {
					err = io.ErrUnexpectedEOF
				}
				d.err = err
				return 0, err
			}
		}
		src, _ := d.r.Peek(d.r.Buffered())
		var used int
		n, used = d.decode(p, src)
		d.r.Discard(used)
	}
	if d.left -= int64(n); d.left < 0 {
		d.fault = statusTooBig
	}
	if d.fault != nil {
		return 0, errFault
	}
	if n > 0 {
		return n, nil
	}
	return 0, d.err
}

// decode moves message text from src to p and reports how much went in and out.
func (d *dotReader) decode(p, src []byte) (n, used int) {
	if d.lf {
		p[0] = '\n'
		d.lf = false
		n = 1
	}
	for used < len(src) && n < len(p) {
		switch d.state {
		case dotBegin:
			if src[used] == '.' {
				d.state = dotDot
				used++
				continue
			}
			d.state = dotText
			fallthrough
		case dotText:
			part := src[used:min(len(src), used+len(p)-n)]
			cr := bytes.IndexByte(part, '\r')
			if cr >= 0 {
				part = part[:cr]
			}
			if bytes.IndexByte(part, '\n') >= 0 {
				d.fault = statusBareInData
				return n, used
			}
			n += copy(p[n:], part)
			used += len(part)
			if cr >= 0 {
				d.state = dotCR
				used++
			}
		case dotCR:
			if src[used] != '\n' {
				d.fault = statusBareInData
				return n, used
			}
			used++
			d.state = dotBegin
			p[n] = '\r'
			if n++; n < len(p) {
				p[n] = '\n'
				n++
			} else {
				d.lf = true
			}
		case dotDot:
			switch src[used] {
			case '\r':
				d.state = dotDotCR
				used++
			case '\n':
				d.fault = statusBareInData
				return n, used
			default: // the dot was put there for transport
				d.state = dotText
			}
		case dotDotCR:
			if src[used] != '\n' {
				d.fault = statusBareInData
				return n, used
			}
			used++
			d.state = dotEnd
			d.err = io.EOF
			return n, used
		}
	}
	return n, used
}

// finish reads what the session left, at most limit bytes, and returns the message's fault if it
// has one. The connection is then at the end of the message, or d.err says why not, or the fault is
// one after which it must be closed.
func (d *dotReader) finish(limit int64) *Status {
	if d.state == dotEnd && d.err == io.EOF {
		return d.fault
	}
	if d.fault == nil && d.err == nil {
		buf := make([]byte, 4096)
		for d.fault == nil && d.err == nil {
			d.Read(buf)
		}
	}
	if d.fault != nil && d.state != dotEnd {
		d.skip(limit)
	}
	return d.fault
}

// skip reads on in a refused message, still up to the strict end alone, so that nothing in it can
// become a command. A peer that goes silent after what a careless program takes for an end is
// waiting for the answer, and gets it.
func (d *dotReader) skip(limit int64) {
	var scratch [4096]byte
	for d.fault == statusTooBig && limit > 0 {
		if _, err := d.r.Peek(1); err != nil {
			return
		}
		src, _ := d.r.Peek(d.r.Buffered())
		_, used := d.decode(scratch[:], src)
		d.r.Discard(used)
		if limit -= int64(used); d.state == dotEnd {
			return
		}
	}
	d.lax = [...]int{dotBegin: laxLine, dotText: laxText, dotCR: laxLine, dotDot: laxDot, dotDotCR: laxEnd}[d.state]
	for ; limit > 0; limit-- {
		if d.r.Buffered() == 0 && d.fault == statusBareInData && d.lax == laxEnd {
			return
		}
		b, err := d.r.ReadByte()
		if err != nil {
			return
		}
		d.skipByte(b)
		if d.state == dotEnd {
			return
		}
	}
}

// States of the search for a careless end: line end, dot, line end.
const (
	laxText = iota
	laxLine
	laxDot
	laxEnd
)

func (d *dotReader) skipByte(b byte) {
	switch {
	case b == '\n' || b == '\r':
		if d.lax == laxDot || d.lax == laxEnd {
			d.lax = laxEnd
		} else {
			d.lax = laxLine
		}
	case b == '.' && d.lax == laxLine:
		d.lax = laxDot
	default:
		d.lax = laxText
	}
	switch {
	case b == '\r' && d.state == dotDot:
		d.state = dotDotCR
	case b == '\r':
		d.state = dotCR
	case b == '\n' && d.state == dotDotCR:
		d.state = dotEnd
	case b == '\n' && d.state == dotCR:
		d.state = dotBegin
	case b == '.' && d.state == dotBegin:
		d.state = dotDot
	default:
		d.state = dotText
	}
}
