package submit

import (
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"pneu/maildir/address"
	"pneu/maildir/message/word"
)

// dateForm is RFC 5322, 3.3.
const dateForm = "Mon, 02 Jan 2006 15:04:05 -0700"

// Date returns t as it stands in a header.
func Date(t time.Time) string { return t.Format(dateForm) }

// WriteTo writes the header block with what was added on top, Bcc left out if
// it is to be, and an empty line where one is needed.
func (h *Head) WriteTo(w io.Writer) (int64, error) {
	b := h.added(make([]byte, 0, len(h.raw)+512))
	if h.opt.KeepBcc || !h.opt.Recipients && !h.opt.DropBcc {
		b = append(b, h.raw...)
	} else {
		last := 0
		for i := range h.fields {
			if f := &h.fields[i]; f.isBcc() {
				b = append(b, h.raw[last:f.start]...)
				last = f.end
			}
		}
		b = append(b, h.raw[last:]...)
	}
	n, err := w.Write(b)
	return int64(n), err
}

// added appends the new fields, with the line ends of the message.
func (h *Head) added(b []byte) []byte {
	eol := "\n"
	if h.CRLF {
		eol = "\r\n"
	}
	add := func(name, value string) {
		b = append(append(append(append(b, name...), ": "...), value...), eol...)
	}
	if h.opt.Received != "" {
		add("Received", strings.ReplaceAll(h.opt.Received, "\n", eol))
	}
	if h.opt.AddMissing {
		// RFC 5322, 3.6.6: a message that is sent once more gets the fields
		// with Resent- before their names.
		p := ""
		if h.Has("resent-from") || h.Has("resent-to") || h.Has("resent-cc") || h.Has("resent-bcc") {
			p = "Resent-"
		}
		if !h.Has(p + "From") {
			b = append(b, word.Fold(p+"From", Mailbox(h.opt.FullName, h.opt.From), eol)...)
		}
		if !h.Has(p + "Date") {
			add(p+"Date", Date(h.opt.Now))
		}
		if !h.Has(p + "Message-ID") {
			add(p+"Message-ID", "<"+h.opt.ID+"@"+h.opt.Hostname+">")
		}
	}
	if h.blank {
		b = append(b, eol...)
	}
	return b
}

// Mailbox returns an address with a display name, quoted or encoded as it has
// to be: RFC 5322, 3.4, RFC 2047, 5.
func Mailbox(name, addr string) string {
	name = strings.TrimSpace(strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == utf8.RuneError {
			return ' '
		}
		return r
	}, name))
	if name == "" {
		return addr
	}
	for i := 0; i < len(name); i++ {
		if name[i] >= 0x80 {
			return word.Encode(name, word.Usual) + " <" + addr + ">"
		}
	}
	return address.Quote(name) + " <" + addr + ">"
}
