package message

import (
	"bytes"
	"io"
)

// identity reports whether the transfer encoding leaves the octets as they are. An unknown one does: RFC 2045, 6.4
// would have the part shown as octets, and reading it raw is what helps.
func identity(encoding string) bool {
	switch encoding {
	case "base64", "quoted-printable", "x-uuencode", "uuencode", "x-uue", "uue":
		return false
	}
	return true
}

// decode undoes a transfer encoding. What is wrong in it costs as little of the rest as can be.
func decode(encoding string, b []byte) []byte {
	switch encoding {
	case "base64":
		return appendBase64(make([]byte, 0, len(b)/4*3+3), b)
	case "quoted-printable":
		return appendQuoted(make([]byte, 0, len(b)), b)
	case "x-uuencode", "uuencode", "x-uue", "uue":
		if out, ok := uudecode(b); ok {
			return out
		}
	}
	return b
}

// DecodeTo writes what Decode returns; of base64 it holds no more than a piece at a time.
func (m *Message) DecodeTo(w io.Writer, part int) error {
	b := m.Body(part)
	if m.encoding(part) != "base64" {
		_, err := w.Write(m.Decode(part))
		return err
	}
	var room []byte
	d := base64Decoder{}
	for len(b) > 0 && !d.done {
		n := min(len(b), 256<<10)
		room = d.append(room[:0], b[:n], b[n:])
		if _, err := w.Write(room); err != nil {
			return err
		}
		b = b[n:]
	}
	_, err := w.Write(d.finish(nil))
	return err
}

// base64Value maps a digit to its value; other octets to 0xff, the padding to 0xfe.
var base64Value = func() (t [256]byte) {
	for i := range t {
		t[i] = 0xff
	}
	for i := 0; i < 64; i++ {
		t["ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"[i]] = byte(i)
	}
	t['='] = 0xfe
	return t
}()

// appendBase64 decodes b. RFC 2045, 6.8: what is not of the alphabet is passed over; missing padding is harmless.
func appendBase64(out, b []byte) []byte {
	var d base64Decoder
	return d.finish(d.append(out, b, nil))
}

// A base64Decoder keeps the digits of a group between pieces.
type base64Decoder struct {
	bits uint32
	n    int
	done bool
}

// append decodes b, which rest follows.
func (d *base64Decoder) append(out, b, rest []byte) []byte {
	for i := 0; i < len(b) && !d.done; {
		if d.n == 0 {
			for i+4 <= len(b) { // the usual case, four digits at a time
				v0, v1, v2, v3 := base64Value[b[i]], base64Value[b[i+1]], base64Value[b[i+2]], base64Value[b[i+3]]
				if (v0|v1|v2|v3)&0xc0 != 0 {
					break
				}
				out = append(out, v0<<2|v1>>4, v1<<4|v2>>2, v2<<6|v3)
				i += 4
			}
			if i >= len(b) {
				break
			}
		}
		v := base64Value[b[i]]
		i++
		switch {
		case v < 64:
			d.bits = d.bits<<6 | uint32(v)
			if d.n++; d.n == 4 {
				out = append(out, byte(d.bits>>16), byte(d.bits>>8), byte(d.bits))
				d.bits, d.n = 0, 0
			}
		case v == 0xfe && d.n >= 2:
			out = d.finish(out)
			d.done = !moreBase64(b[i:], rest)
		}
	}
	return out
}

// finish appends what an incomplete group still says.
func (d *base64Decoder) finish(out []byte) []byte {
	switch d.n {
	case 2:
		out = append(out, byte(d.bits>>4))
	case 3:
		out = append(out, byte(d.bits>>10), byte(d.bits>>2))
	}
	d.bits, d.n = 0, 0
	return out
}

// moreBase64 reports whether more base64 follows a padding: pieces that were encoded one by one are joined like that.
// Other text there, a list's footer most often, is not part of the content.
func moreBase64(b, rest []byte) bool {
	b = bytes.TrimLeft(b, "= \t\r\n")
	if len(b) == 0 {
		b = bytes.TrimLeft(rest, "= \t\r\n")
	}
	end, _ := lineAt(b, 0, '\n')
	for _, c := range b[:end] {
		if base64Value[c] == 0xff {
			return false
		}
	}
	return end > 0 && end%4 == 0
}

// appendQuoted decodes quoted-printable. RFC 2045, 6.7: hexadecimal digits may be small, an escape that is none stays
// as it is, and blanks at the end of a line were added on the way.
func appendQuoted(out, b []byte) []byte {
	for len(b) > 0 {
		i := bytes.IndexByte(b, '\n')
		line, end := b, []byte(nil)
		if i >= 0 {
			line, end, b = b[:i], b[i:i+1], b[i+1:]
			if i > 0 && line[i-1] == '\r' {
				line, end = line[:i-1], line[i-1:i+1]
			}
		} else {
			b = nil
		}
		n := len(line)
		for n > 0 && isBlank(line[n-1]) {
			n--
		}
		line = line[:n]
		soft := n > 0 && line[n-1] == '='
		if soft {
			line = line[:n-1]
		}
		for {
			j := bytes.IndexByte(line, '=')
			if j < 0 {
				out = append(out, line...)
				break
			}
			out = append(out, line[:j]...)
			if j+2 < len(line) {
				if h, l := hexDigit(line[j+1]), hexDigit(line[j+2]); h|l < 16 {
					out = append(out, h<<4|l)
					line = line[j+3:]
					continue
				}
			}
			out = append(out, '=')
			line = line[j+1:]
		}
		if !soft {
			out = append(out, end...)
		}
	}
	return out
}

// uudecode decodes the first file in b, from its begin line to its end line or as far as it goes.
func uudecode(b []byte) (out []byte, ok bool) {
	inside := false
	for pos := 0; pos < len(b); {
		end, next := lineAt(b, pos, '\n')
		line := b[pos:end]
		pos = next
		if !inside {
			inside = bytes.HasPrefix(line, []byte("begin ")) && len(line) > 10 && isDigit(line[6])
			continue
		}
		if len(line) == 0 || bytes.Equal(line, []byte("end")) {
			break
		}
		n := int(line[0]-' ') & 0x3f
		line = line[1:]
		for i := 0; n > 0 && i < len(line); i += 4 {
			var v [4]byte
			for k := range v {
				if i+k < len(line) {
					v[k] = (line[i+k] - ' ') & 0x3f
				}
			}
			three := [3]byte{v[0]<<2 | v[1]>>4, v[1]<<4 | v[2]>>2, v[2]<<6 | v[3]}
			take := min(n, 3)
			out = append(out, three[:take]...)
			n -= take
		}
	}
	return out, inside
}
