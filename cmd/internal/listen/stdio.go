package listen

import (
	"bytes"
	"io"
	"net"
	"os"
	"syscall"
)

// Stdio returns standard input and output as a connection.
//
// If input is a network socket, as inetd passes it, that is the connection and own is false: the
// peer is whoever it is. Otherwise a local program or person is at the other end, and own is true.
func Stdio(in, out *os.File) (conn net.Conn, own bool) {
	// net.FileConn makes non-blocking whatever it is given, for all who share it, before it looks at it:
	// a pipe would end at the first pause. So it is given nothing but TCP sockets.
	if isTCP(in) {
		if c, err := net.FileConn(in); err == nil {
			return c, false
		}
	}
	return Pipe(in, out), true
}

func isTCP(f *os.File) bool {
	raw, err := f.SyscallConn()
	if err != nil {
		return false
	}
	tcp := false
	err = raw.Control(func(fd uintptr) {
		peer, err := syscall.Getpeername(int(fd))
		if err != nil {
			return
		}
		switch peer.(type) {
		case *syscall.SockaddrInet4, *syscall.SockaddrInet6:
			tcp = true
		}
	})
	return err == nil && tcp
}

// Pipe joins a reader and a writer to a connection that knows read deadlines, whatever they are.
// People and shell scripts end lines with LF alone: these get a CR.
func Pipe(in io.Reader, out io.Writer) net.Conn {
	server, pump := net.Pipe()
	go func() {
		io.Copy(pump, &crlfReader{r: in})
		pump.Close()
	}()
	return &pipeConn{Conn: server, out: out}
}

// pipeConn reads from the pump and writes straight to the output, so that the end of input does not
// cut off the answers.
type pipeConn struct {
	net.Conn
	out io.Writer
}

func (c *pipeConn) Write(p []byte) (int, error) { return c.out.Write(p) }

// crlfReader turns LF alone into CRLF.
type crlfReader struct {
	r   io.Reader
	buf [16 << 10]byte
	in  []byte // read, not passed on
	cr  bool   // the last byte passed on was a CR
	err error
}

// Read implements io.Reader.
func (c *crlfReader) Read(p []byte) (int, error) {
	if len(p) < 2 {
		return 0, io.ErrShortBuffer
	}
	for len(c.in) == 0 {
		if c.err != nil {
			return 0, c.err
		}
		var n int
		n, c.err = c.r.Read(c.buf[:])
		c.in = c.buf[:n]
	}
	n := 0
	for n < len(p)-1 && len(c.in) > 0 {
		if c.in[0] == '\n' {
			if !c.cr {
				p[n] = '\r'
				n++
			}
			p[n] = '\n'
			n++
			c.in, c.cr = c.in[1:], false
			continue
		}
		part := c.in[:min(len(c.in), len(p)-n)]
		if i := bytes.IndexByte(part, '\n'); i >= 0 {
			part = part[:i]
		}
		n += copy(p[n:], part)
		c.cr = part[len(part)-1] == '\r'
		c.in = c.in[len(part):]
	}
	return n, nil
}
