package outbound

import "io"

// shape is what a server may want to know of a message beforehand.
type shape struct {
	size      int64 // as sent: every line end CRLF, without doubled dots (RFC 1870, 5)
	eight     bool  // bytes above 127 anywhere
	eightHead bool  // in the header
}

// measure reads a message once. Line ends are those the sender of the message
// will see: CRLF, a lone LF, a lone CR.
func measure(r io.Reader) (*shape, error) {
	s := &shape{}
	buf := make([]byte, 64<<10)
	head, inLine, cr := true, false, false
	for {
		n, err := r.Read(buf)
		for _, c := range buf[:n] {
			switch {
			case c == '\n' && cr:
				cr = false // counted with the CR
				continue
			case c == '\n' || c == '\r':
				s.size += 2
				head = head && inLine // an empty line ends the header
				inLine = false
			default:
				s.size++
				inLine = true
				if c >= 0x80 {
					s.eight = true
					s.eightHead = s.eightHead || head
				}
			}
			cr = c == '\r'
		}
		if err == io.EOF {
			if inLine {
				s.size += 2
			}
			return s, nil
		}
		if err != nil {
			return nil, err
		}
	}
}
