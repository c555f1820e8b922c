package message

import (
	"bytes"
	"encoding/binary"
	"iter"
	"strings"
	"time"

	"pneu/maildir/address"
)

// maxField is how much of one field is looked at; the rest of it is there in the bytes of the header.
const maxField = 256 << 10

// A Header is a raw header block, with or without the empty line that ends it. Names are compared without regard to
// case. Fields are found by going over the block: to read many, use Fields or Summary.
type Header []byte

func (h Header) scanner() scanner {
	eol := byte('\n')
	if n := len(h); n > 0 && h[n-1] == '\r' && bytes.IndexByte(h, '\n') < 0 {
		eol = '\r' // a message that knows no LF: see lineEnd
	}
	return scanner{b: h, pos: headerStart(h, eol), eol: eol}
}

func (h Header) find(field string) (value []byte, ok bool) {
	want := strings.ToLower(field)
	s := h.scanner()
	for {
		name, value, ok := s.next()
		if !ok {
			return nil, false
		}
		if equalFold(name, want) {
			return value, true
		}
	}
}

// Has reports whether there is a field of that name.
func (h Header) Has(field string) bool {
	_, ok := h.find(field)
	return ok
}

// Get returns the first field of that name, unfolded but not decoded.
func (h Header) Get(field string) string {
	v, _ := h.find(field)
	return unfold(v)
}

// Text returns the first field of that name with its encoded words decoded.
func (h Header) Text(field string) string {
	v, ok := h.find(field)
	if !ok {
		return ""
	}
	g := hinter{h: h}
	return decodeWords(unfold(v), g.hint(v))
}

// Values returns all fields of that name, unfolded but not decoded.
func (h Header) Values(field string) []string {
	want := strings.ToLower(field)
	var all []string
	s := h.scanner()
	for {
		name, value, ok := s.next()
		if !ok {
			return all
		}
		if equalFold(name, want) {
			all = append(all, unfold(value))
		}
	}
}

// Fields yields name and unfolded value of each field in order.
func (h Header) Fields() iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		s := h.scanner()
		for {
			name, value, ok := s.next()
			if !ok || !yield(string(name), unfold(value)) {
				return
			}
		}
	}
}

// Addresses returns the mailboxes in all fields of that name, their names decoded. Of From, Sender and Reply-To the
// first field alone counts (RFC 5322, 3.6): a second one is there to deceive.
func (h Header) Addresses(field string) []Addr {
	want := strings.ToLower(field)
	var all []Addr
	g := hinter{h: h}
	s := h.scanner()
	for {
		name, value, ok := s.next()
		if !ok {
			return all
		}
		if equalFold(name, want) {
			all = appendAddrs(all, value, g.hint(value))
			if want == "from" || want == "sender" || want == "reply-to" {
				return all
			}
		}
	}
}

// appendAddrs reads an address list. A name is decoded after the list is taken apart (RFC 2047, 6.2), so that an
// encoded comma cannot make two addresses of one.
func appendAddrs(to []Addr, value []byte, hint string) []Addr {
	for _, a := range address.ParseList(unfold(value)) {
		addr := Addr{Name: squeeze(decodeWords(a.Name, hint)), Addr: plainText(a.Addr, hint)}
		if a.Name == "" && strings.HasPrefix(a.Addr, "=?") && strings.HasSuffix(a.Addr, "?=") {
			addr = Addr{Name: squeeze(decodeWords(a.Addr, hint))} // a name alone; what it hides is no address
		}
		to = append(to, addr)
	}
	return to
}

// String returns the mailbox as it may stand in a header.
func (a Addr) String() string {
	if a.Name == "" {
		return a.Addr
	}
	name := EncodeWord(a.Name)
	if name == a.Name {
		name = address.Quote(name)
	}
	return name + " <" + a.Addr + ">"
}

// Date returns the time in the Date field, in the zone of its writer.
func (h Header) Date() (time.Time, bool) {
	v, ok := h.find("Date")
	if !ok {
		return time.Time{}, false
	}
	t, err := ParseDate(unfold(v))
	return t, err == nil
}

// MessageID returns the Message-ID without angle brackets.
func (h Header) MessageID() string {
	v, _ := h.find("Message-ID")
	return firstID(v)
}

// References returns the ids of References and, if it adds one, In-Reply-To, oldest first, without angle brackets.
func (h Header) References() []string {
	refs, _ := h.find("References")
	reply, _ := h.find("In-Reply-To")
	return references(refs, reply)
}

// A hinter knows the charset to try on raw eight-bit text in a field: what the body says of itself is likely true of
// the header. The header is searched once, and only for a field that needs it.
type hinter struct {
	h     Header
	known bool
	cs    string
}

func (g *hinter) hint(value []byte) string {
	if g.known || isASCII(value) {
		return g.cs
	}
	g.known = true
	ct, _ := g.h.find("Content-Type")
	var ps params
	ps.reset(ct)
	cs, _ := ps.get("charset")
	g.cs = string(firstToken(cs))
	return g.cs
}

func isASCII(b []byte) bool {
	for len(b) >= 16 {
		if (binary.LittleEndian.Uint64(b)|binary.LittleEndian.Uint64(b[8:]))&0x8080808080808080 != 0 {
			return false
		}
		b = b[16:]
	}
	for _, c := range b {
		if c >= 0x80 {
			return false
		}
	}
	return true
}

// unfold returns a field's value in one line, without white space around it. RFC 5322, 2.2.3: only the line end goes,
// the white space after it stays. A CR, LF or NUL elsewhere becomes a blank.
func unfold(v []byte) string {
	if len(v) > maxField {
		v = v[:maxField]
	}
	v = bytes.Trim(v, " \t\r\n")
	odd := false
	for _, c := range v {
		if c == '\r' || c == '\n' || c == 0 {
			odd = true
			break
		}
	}
	if !odd {
		return string(v)
	}
	out := make([]byte, 0, len(v))
	for i, c := range v {
		switch c {
		case '\r':
			if i+1 < len(v) && (v[i+1] == '\n' || v[i+1] == '\r') {
				continue
			}
			c = ' '
		case '\n':
			if i+1 < len(v) && isBlank(v[i+1]) {
				continue
			}
			c = ' '
		case 0:
			c = ' '
		}
		out = append(out, c)
	}
	return string(out)
}

// squeeze makes one blank of every run of white space.
func squeeze(s string) string {
	if !strings.Contains(s, "  ") && strings.IndexByte(s, '\t') < 0 {
		return strings.Trim(s, " ")
	}
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r == ' ' || r == '\t' }), " ")
}
