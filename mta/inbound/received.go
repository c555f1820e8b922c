package inbound

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"io"
	"strings"
	"time"

	"pneu/mta/queue"
)

// received is the value of the trace field for a message (RFC 5321, 4.4): lines parted by LF, of
// which all but the first begin with a tab.
func (s *session) received(env *queue.Envelope) string {
	var b strings.Builder
	b.WriteString("from " + s.conn.Hello())
	switch {
	case s.ip.Is6():
		b.WriteString(" ([IPv6:" + s.ip.String() + "])")
	case s.ip.IsValid():
		b.WriteString(" ([" + s.ip.String() + "])")
	case s.svc.opt.Client != "":
		b.WriteString(" (" + s.svc.opt.Client + ")")
	}
	if st := s.conn.TLS(); st != nil {
		b.WriteString("\n\t(using " + tls.VersionName(st.Version) + " with cipher " + tls.CipherSuiteName(st.CipherSuite) + ")")
	}
	b.WriteString("\n\tby " + s.svc.opt.Hostname + " (pneu, session " + s.conn.ID() + ") with " + s.conn.Protocol() + " id " + env.ID)
	// More than one would tell each of the others (RFC 5321, 7.6).
	if len(env.Recipients) == 1 {
		b.WriteString("\n\tfor <" + env.Recipients[0].Addr + ">")
	}
	b.WriteString(";\n\t" + env.Arrived.Format(time.RFC1123Z))
	return b.String()
}

// foreignHead is a stranger's header block, read and kept as it is, and our field.
type foreignHead struct {
	received string
	block    []byte
}

// WriteTo implements io.WriterTo.
func (h *foreignHead) WriteTo(w io.Writer) (int64, error) {
	n, err := io.WriteString(w, "Received: "+h.received+"\n")
	if err != nil {
		return int64(n), err
	}
	m, err := w.Write(h.block)
	return int64(n + m), err
}

// readForeign reads a stranger's header, up to and with the empty line, and counts how often it has
// been received before. A message without an empty line is all header.
func readForeign(r *bufio.Reader, received string, maxReceived, maxHeader int) (io.WriterTo, error) {
	h := &foreignHead{received: received}
	hops, begin := 0, true // begin: at the first byte of a line
	for {
		line, err := r.ReadSlice('\n')
		if begin && isField(line, "Received") {
			if hops++; hops >= maxReceived {
				return nil, statusLoop
			}
		}
		if len(h.block)+len(line) > maxHeader {
			return nil, statusBigHeader
		}
		h.block = append(h.block, line...)
		switch {
		case err == bufio.ErrBufferFull:
			begin = false
			continue
		case err == io.EOF:
			return h, nil
		case err != nil:
			return nil, err
		case begin && string(line) == "\n":
			return h, nil
		}
		begin = true
	}
}

// isField reports whether a line begins the field of that name.
func isField(line []byte, name string) bool {
	n := len(name)
	return len(line) > n && bytes.EqualFold(line[:n], []byte(name)) && (line[n] == ':' || line[n] == ' ' || line[n] == '\t') &&
		bytes.HasPrefix(bytes.TrimLeft(line[n:], " \t"), []byte(":"))
}
