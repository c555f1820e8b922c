package submit

import "io"

// NewDotReader returns a reader that ends, as input for sendmail without -i
// does, at a line of a single dot. What follows the dot is not read on
// purpose, but may have been.
func NewDotReader(r io.Reader) io.Reader { return &dotReader{r: r, start: true} }

type dotReader struct {
	r     io.Reader
	start bool   // at the start of a line
	held  string // ".", ".\r": the beginning of a line that may be the end
	out   []byte // ready
	err   error  // after out
	buf   [8 << 10]byte
}

func (d *dotReader) Read(p []byte) (int, error) {
	for len(d.out) == 0 {
		if d.err != nil {
			return 0, d.err
		}
		n, err := d.r.Read(d.buf[:])
		d.feed(d.buf[:n])
		if err != nil && d.err == nil {
			if d.err = err; err == io.EOF && d.held == "." {
				d.held = "" // the last line lacks its end, but is a dot
			}
			d.out = append(d.out, d.held...)
			d.held = ""
		}
	}
	n := copy(p, d.out)
	d.out = d.out[n:]
	return n, nil
}

func (d *dotReader) feed(b []byte) {
	if d.out == nil || cap(d.out) < len(b)+2 {
		d.out = make([]byte, 0, len(d.buf)+2)
	}
	d.out = d.out[:0]
	for _, c := range b {
		switch {
		case d.start && c == '.':
			d.held = "."
			d.start = false
			continue
		case d.held == "." && c == '\r':
			d.held = ".\r"
			continue
		case d.held != "" && c == '\n':
			d.held = ""
			d.err = io.EOF
			return
		case d.held != "":
			d.out = append(d.out, d.held...)
			d.held = ""
		}
		d.out = append(d.out, c)
		d.start = c == '\n'
	}
}

// EightBit reports whether b holds bytes above 127.
func EightBit(b []byte) bool {
	for _, c := range b {
		if c >= 0x80 {
			return true
		}
	}
	return false
}
