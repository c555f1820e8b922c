package smtp

import (
	"bytes"
	"errors"
	"io"
	"strconv"
	"strings"
)

// bdat is BDAT (RFC 3030, 2): the message in chunks of announced length. The first chunk starts the
// session's Data, whose reader takes the commands between the chunks itself; so there is one flow
// of control and nothing to hand over.
func (c *Conn) bdat(arg string) {
	size, last, ok := parseBdat(arg)
	if !ok {
		// How much data follows is not known: there is no way back into step.
		c.quit, c.linger = true, true
		c.refuse(statusSyntax)
		return
	}
	if c.state != stateRcpt {
		c.skipChunk(size)
		if c.state == stateNew {
			c.refuse(statusHelloFirst)
		} else {
			c.noRecipients()
		}
		return
	}
	c.state = stateChunk
	r := &chunkReader{c: c, chunk: size, last: last, left: c.srv.opt.MaxSize}
	c.enterPhase(phaseData)
	results := c.take(r)
	if r.err == nil {
		buf := make([]byte, 4096)
		for r.err == nil {
			r.Read(buf)
		}
	}
	c.enterPhase(phaseCommand)
	switch {
	case r.err == io.EOF:
		c.conclude(nil, results)
	case r.fault != nil:
		c.conclude(r.fault, results) // chunks that are still on their way get a 503 each
	case errors.Is(r.err, errAborted):
		c.reset() // the command that did it is pending
	default:
		c.session.Reset()
		c.lost(r.err)
	}
}

func parseBdat(arg string) (size int64, last, ok bool) {
	f := strings.Fields(arg)
	if len(f) == 2 && strings.EqualFold(f[1], "LAST") {
		last = true
	} else if len(f) != 1 {
		return 0, false, false
	}
	n, err := strconv.ParseUint(f[0], 10, 62)
	return int64(n), last, err == nil
}

// skipChunk reads over a chunk that has no place, as RFC 3030, 2 demands, if it is not absurdly
// large.
func (c *Conn) skipChunk(size int64) {
	c.enterPhase(phaseData)
	if size > c.srv.opt.MaxSize {
		c.quit, c.linger = true, true
		return
	}
	if _, err := io.CopyN(io.Discard, c.r, size); err != nil {
		c.lost(err)
	}
	c.enterPhase(phaseCommand)
}

var errAborted = errors.New("message given up by the peer")

// A chunkReader reads a message sent with BDAT.
type chunkReader struct {
	c     *Conn
	chunk int64 // bytes left of this chunk
	last  bool  // it is the last one
	size  int64 // of this chunk, for the reply
	left  int64 // bytes the message may still have
	cr    bool  // the last byte was a CR
	fault *Status
	err   error // io.EOF after the last chunk
}

// Read implements io.Reader.
func (r *chunkReader) Read(p []byte) (int, error) {
	for r.err == nil && r.chunk == 0 {
		r.advance()
	}
	if r.err != nil {
		return 0, r.err
	}
	if len(p) == 0 {
		return 0, nil
	}
	if int64(len(p)) > r.chunk {
		p = p[:r.chunk]
	}
	n, err := r.c.r.Read(p)
	r.chunk -= int64(n)
	r.size += int64(n)
	r.left -= int64(n)
	switch {
	case err == io.EOF:
		r.err = io.ErrUnexpectedEOF
	case err != nil:
		r.err = err
	case r.left < 0:
		r.refuse(statusTooBig)
	case !r.strict(p[:n]):
		// Without BINARYMIME this is text, and its lines end with CRLF (RFC 3030, 3).
		r.refuse(statusBareInData)
	}
	if r.err != nil {
		return 0, r.err
	}
	return n, nil
}

// strict checks that CR and LF come together, across chunks too.
func (r *chunkReader) strict(p []byte) bool {
	for len(p) > 0 {
		if r.cr {
			if p[0] != '\n' {
				return false
			}
			r.cr = false
			p = p[1:]
			continue
		}
		cr := bytes.IndexByte(p, '\r')
		line := p
		if cr >= 0 {
			line = p[:cr]
		}
		if bytes.IndexByte(line, '\n') >= 0 {
			return false
		}
		if cr < 0 {
			return true
		}
		r.cr = true
		p = p[cr+1:]
	}
	return true
}

// refuse ends the message with a fault; the rest of the chunk is read over, so that the next
// command is found.
func (r *chunkReader) refuse(st *Status) {
	r.fault, r.err = st, errFault
	if r.chunk > r.c.drainLimit() {
		r.c.quit, r.c.linger = true, true
		return
	}
	if _, err := io.CopyN(io.Discard, r.c.r, r.chunk); err != nil {
		r.fault, r.err = nil, err
		if err == io.EOF {
			r.err = io.ErrUnexpectedEOF
		}
	}
}

// advance goes to the next chunk: it acknowledges the one that is complete and obeys commands until
// there is another.
func (r *chunkReader) advance() {
	c := r.c
	if r.last {
		if r.cr {
			r.fault, r.err = statusBareInData, errFault
			return
		}
		r.err = io.EOF
		return
	}
	c.reply(NewStatus(250, EnhancedCode{2, 0, 0}, strconv.FormatInt(r.size, 10)+" octets received"))
	for {
		cmd := c.next()
		if cmd == nil {
			r.err = errAborted
			return
		}
		switch cmd.name {
		case "BDAT":
			size, last, ok := parseBdat(cmd.arg)
			if !ok {
				r.err, c.pending = errAborted, cmd
				return
			}
			if size > 0 {
				c.idle = 0 // progress, and its bytes are counted
			} else if c.idle++; c.idle > c.srv.opt.MaxIdle {
				c.reply(statusTooMuchTalk)
				r.err = errAborted
				return
			}
			r.chunk, r.last, r.size = size, last, 0
			c.enterPhase(phaseData)
			return
		case "RSET", "QUIT", "EHLO", "HELO", "LHLO":
			r.err, c.pending = errAborted, cmd
			return
		default:
			c.run(cmd)
			if c.quit {
				r.err = errAborted
				return
			}
		}
	}
}
