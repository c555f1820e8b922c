package message

import (
	"bytes"
	"iter"
)

// A Field is a header field as it stands: Name and Value are parts of the bytes it was found in, and Start and End
// the place of the whole of it there, with folds and the last line end.
type Field struct {
	Start, End  int
	Name, Value []byte
}

// HeaderOf returns the header of the message in b, as ReadHeader does from a reader, without a copy.
func HeaderOf(b []byte) Header {
	b = b[:min(len(b), maxSummary)]
	eol := lineEnd(b)
	s := scanner{b: b, pos: headerStart(b, eol), eol: eol}
	for {
		if _, _, ok := s.next(); !ok {
			return Header(b[:s.body:s.body])
		}
	}
}

// RawFields yields the fields in order, not unfolded and not decoded.
func (h Header) RawFields() iter.Seq[Field] {
	return func(yield func(Field) bool) {
		s := h.scanner()
		s.yield(yield)
	}
}

// RawFields yields the fields of a part as Parse saw them; their places are those in Raw.
func (m *Message) RawFields(part int) iter.Seq[Field] {
	return func(yield func(Field) bool) {
		t := &m.Parts[part]
		s := scanner{b: m.Raw[:t.BodyStart], pos: t.HeaderStart, eol: m.eol}
		if s.eol == 0 {
			s.eol = lineEnd(m.Raw)
		}
		s.yield(yield)
	}
}

func (s *scanner) yield(yield func(Field) bool) {
	for {
		name, value, ok := s.next()
		if !ok {
			return
		}
		start := cap(s.b) - cap(name) // garbage before the name is not part of the field
		if !yield(Field{start, s.pos, name, value}) {
			return
		}
	}
}

// A FieldReader decodes the values of a header's fields as Header.Summary does.
type FieldReader struct{ g hinter }

// Reader returns a FieldReader for the values of h.
func (h Header) Reader() FieldReader { return FieldReader{hinter{h: h}} }

// Text decodes an unstructured field, into one line without superfluous blanks.
func (r *FieldReader) Text(value []byte) string {
	return squeeze(decodeWords(unfold(value), r.g.hint(value)))
}

// Addresses appends the mailboxes of an address field to a list.
func (r *FieldReader) Addresses(to []Addr, value []byte) []Addr {
	return appendAddrs(to, value, r.g.hint(value))
}

// ID returns the id in a Message-ID, without angle brackets.
func (r *FieldReader) ID(value []byte) string { return firstID(value) }

// ReplyID returns the first id in an In-Reply-To, without angle brackets.
func (r *FieldReader) ReplyID(value []byte) string {
	id, _ := nextID(value)
	return id
}

// References joins the ids of References and In-Reply-To as Header.References does.
func (r *FieldReader) References(refs, reply []byte) []string { return references(refs, reply) }

// ListID returns the id in a List-Id.
func (r *FieldReader) ListID(value []byte) string { return listID(value) }

// Unfold returns a value in one line, as Header.Get does.
func Unfold(value []byte) string { return unfold(value) }

// LikelyAttachment guesses from the values of Content-Type and Content-Disposition, as Summary.HasAttachment.
func LikelyAttachment(ctype, cdisp []byte) bool { return likelyAttachment(ctype, cdisp) }

// A Param is a parameter of a Content-Type or Content-Disposition as it stands there: without quotes, but not decoded.
type Param struct {
	Name  string // lower case; with the asterisks and section of RFC 2231
	Value string
}

// Params takes a Content-Type or Content-Disposition value apart: what stands before the first semicolon, and the
// parameters in order. It is for those who hand it on; what a parameter says, Parse has decoded.
func Params(value []byte) (first string, list []Param) {
	var ps params
	ps.whole = true
	ps.reset(value)
	for i := range ps.list {
		p := &ps.list[i]
		list = append(list, Param{string(bytes.ToLower(p.name)), string(p.raw())})
	}
	return string(ps.value), list
}
