package message

import (
	"bytes"
	"slices"
	"strings"
	"unicode/utf8"

	"pneu/maildir/message/charset"
)

// Header returns the header block of a part.
func (m *Message) Header(part int) Header {
	t := &m.Parts[part]
	return Header(m.Raw[t.HeaderStart:t.BodyStart:t.BodyStart])
}

// Body returns the body of a part as it stands in the message.
func (m *Message) Body(part int) []byte {
	t := &m.Parts[part]
	return m.Raw[t.BodyStart:t.BodyEnd:t.BodyEnd]
}

// encoding is the transfer encoding that counts: RFC 2045, 6.4 allows none on a multipart.
func (m *Message) encoding(part int) string {
	t := &m.Parts[part]
	if t.NumChildren > 0 {
		return ""
	}
	return t.Encoding
}

// Decode returns the body of a part with its transfer encoding undone: a part of Raw if there is none, else a copy.
func (m *Message) Decode(part int) []byte {
	return decode(m.encoding(part), m.Body(part))
}

// Embedded returns the message in a message/rfc822 part that was encoded against RFC 2046, 5.2.1, so that Parse could
// not enter it; nil for any other part.
func (m *Message) Embedded(part int) *Message {
	t := &m.Parts[part]
	if t.Type != "message" || t.Subtype != "rfc822" && t.Subtype != "global" || identity(t.Encoding) || t.Depth >= MaxDepth {
		return nil
	}
	return Parse(m.Decode(part))
}

// Text returns the body of a text part in UTF-8 with LF line ends: at most limit bytes of it, or all if limit <= 0.
// A charset that is not declared, or not known, is guessed. The text is not cleaned.
func (m *Message) Text(part int, limit int) string {
	t := &m.Parts[part]
	b := m.Body(part)
	if limit > 0 && len(b) > 4*limit+4096 {
		b = b[:4*limit+4096] // an octet takes at most three, and soft line breaks come on top
	}
	b = crlfToLF(decode(m.encoding(part), b))
	s, _ := toUTF8(t, b)
	if strings.IndexByte(s, '\r') >= 0 {
		s = strings.ReplaceAll(s, "\r\n", "\n") // of UTF-16, where the octets did not show it
	}
	if limit > 0 && len(s) > limit {
		n := limit
		for n > 0 && !utf8.RuneStart(s[n]) {
			n--
		}
		s = s[:n]
	}
	return s
}

// toUTF8 decodes the content of a part. The error says that the text may not be what was written.
func toUTF8(t *Part, b []byte) (string, error) {
	label := t.Charset
	if label == "" && t.Subtype == "html" {
		label = metaCharset(b)
	}
	s, err := charset.Decode(label, b)
	if err != nil && (label == "" || label == "us-ascii") && bytes.Contains(b, []byte("\x1b$")) {
		if j, e := charset.Decode("iso-2022-jp", b); e == nil {
			return j, err
		}
	}
	return s, err
}

// metaCharset returns the charset that an HTML page declares in its head.
func metaCharset(b []byte) string {
	b = b[:min(len(b), 4096)]
	i := bytes.Index(bytes.ToLower(b), []byte("charset="))
	if i < 0 {
		return ""
	}
	b = bytes.TrimLeft(b[i+len("charset="):], `"' `)
	n := 0
	for n < len(b) && n < 40 && isTokenByte(b[n]) && b[n] != '\'' {
		n++
	}
	if !charset.Known(string(b[:n])) {
		return ""
	}
	return string(b[:n])
}

// crlfToLF changes CRLF to LF. It returns b itself if there is nothing to change.
func crlfToLF(b []byte) []byte {
	if bytes.IndexByte(b, '\r') < 0 {
		return b
	}
	return bytes.ReplaceAll(b, []byte("\r\n"), []byte("\n"))
}

// AppendText appends what Text returns to dst, without copies in between for the text that most mail is.
func (m *Message) AppendText(dst []byte, part int, limit int) []byte {
	t := &m.Parts[part]
	b := m.Body(part)
	n := len(dst)
	switch enc := m.encoding(part); {
	case enc == "quoted-printable":
		if limit > 0 && len(b) > 2*limit+512 {
			dst = appendQuoted(dst, b[:2*limit+512])
			if len(dst)-n >= limit+4 { // else it was nearly all escapes
				dst = dst[:n+limit+4]
				break
			}
			dst = dst[:n]
		}
		if limit > 0 && len(b) > 4*limit+4096 {
			b = b[:4*limit+4096]
		}
		dst = appendQuoted(slices.Grow(dst, len(b)), b)
	case identity(enc):
		if limit > 0 && len(b) > limit+4 {
			b = b[:limit+4]
		}
		dst = append(dst, b...)
	default:
		return append(dst, m.Text(part, limit)...)
	}
	out := dst[n:]
	switch {
	case asIs(t, out, limit > 0 && len(out) > limit):
	case latin(t.Charset) && bytes.IndexByte(out, '\r') < 0:
		s, _ := charset.Decode(t.Charset, bytes.Clone(out)) // not out itself, which would then not stay on a caller's stack
		dst = append(dst[:n], s...)
		out = dst[n:]
	default:
		return append(dst[:n], m.Text(part, limit)...)
	}
	if limit > 0 && len(out) > limit {
		for limit > 0 && !utf8.RuneStart(out[limit]) {
			limit--
		}
		dst = dst[:n+limit]
	}
	return dst
}

// latin reports whether a charset has an octet for each character, so that a piece can be decoded by itself.
func latin(cs string) bool { return cs == "iso-8859-1" || cs == "windows-1252" || cs == "iso-8859-15" }

// asIs reports whether the decoded octets of a part are its text already. The last character may have been cut.
func asIs(t *Part, b []byte, isCut bool) bool {
	if bytes.IndexByte(b, '\r') >= 0 {
		return false
	}
	ascii := isASCII(b)
	switch t.Charset {
	case "us-ascii", "iso-8859-1", "windows-1252":
		return ascii
	case "utf-8":
	case "":
		return ascii && t.Subtype != "html"
	default:
		return false
	}
	if ascii {
		return true
	}
	for i := len(b) - 1; isCut && i >= max(0, len(b)-3) && b[i] >= 0x80; i-- {
		if b[i] >= 0xc0 {
			b = b[:i]
			break
		}
	}
	return !bytes.HasPrefix(b, []byte("\xef\xbb\xbf")) && utf8.Valid(b)
}
