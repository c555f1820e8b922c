package digest

import (
	"bytes"
	"iter"
	"strings"

	"pneu/maildir/message"
)

// A Part is a node of the MIME tree, as message.Parse found it.
type Part struct {
	message.Part

	HeaderBare, BodyBare int // line ends without a CR in header and body: so many octets more they have on the wire

	d      Digest
	fields reader // of the fields kept of it
	count  int
}

// WireSize returns the length of the body with CRLF line ends, still encoded: the size in BODYSTRUCTURE.
func (p *Part) WireSize() int { return p.BodyEnd - p.BodyStart + p.BodyBare }

// NumParts returns the number of parts of the MIME tree that are kept: all, unless Truncated.
func (d Digest) NumParts() int {
	r := d.section(atParts)
	return r.uint16()
}

// Parts yields the parts, depth first: the first is the message itself.
func (d Digest) Parts() iter.Seq2[int, Part] {
	return func(yield func(int, Part) bool) {
		r := d.section(atParts)
		n := r.uint16()
		var path [message.MaxDepth + 2]int // the last part of each depth
		before := 0
		for i := 0; i < n && len(r.b) > 0; i++ {
			p := d.part(&r)
			p.Depth = min(p.Depth, message.MaxDepth)
			p.Parent = -1
			if p.Depth > 0 {
				p.Parent = min(path[p.Depth-1], i-1)
			}
			path[p.Depth] = i
			p.HeaderStart += before
			p.BodyStart += p.HeaderStart
			p.BodyEnd += p.BodyStart
			before = p.BodyStart
			if !yield(i, p) {
				return
			}
		}
	}
}

// part reads one part, places as lengths.
func (d Digest) part(r *reader) Part {
	var p Part
	p.Depth = int(r.byte())
	p.NumChildren = r.int()
	p.HeaderStart = r.int()
	p.BodyStart = r.int()
	p.BodyEnd = r.int()
	p.Lines = r.int()
	p.HeaderBare = r.int()
	p.BodyBare = p.Lines - r.signed()
	bits := r.byte()
	p.Flowed = bits&partFlowed != 0
	p.DelSp = bits&partDelSp != 0
	p.Type, p.Subtype, _ = strings.Cut(r.word(usualTypes[:]), "/")
	p.Encoding = r.word(usualEncodings[:])
	p.Charset = r.word(usualCharsets[:])
	p.Disposition = r.word(usualDispositions[:])
	p.Filename = string(r.string())
	p.d = d
	p.count = int(r.byte())
	p.fields = *r
	for range p.count {
		r.byte()
		r.skip()
	}
	p.ContentID = contentID(p.Field("Content-ID"))
	return p
}

// contentID takes the angle brackets off.
func contentID(v []byte) string {
	if len(v) == 0 {
		return ""
	}
	var r message.FieldReader
	return r.ID(v)
}

func (r *reader) word(list []string) string {
	switch c := int(r.byte()); {
	case c == 0:
		return ""
	case c <= len(list):
		return list[c-1]
	case c == otherWord:
		return string(r.string())
	}
	return ""
}

// Field returns a field of the part as it stands, without white space around it: one that begins with Content-, or, of a
// message within another, one of those that make up the envelope. Of the message itself see Digest.Field.
func (p *Part) Field(name string) []byte {
	if p.Depth == 0 {
		return p.d.Field(name)
	}
	want := fieldOf([]byte(name))
	r := p.fields
	for range p.count {
		id, v := fieldID(r.byte()), r.string()
		if id == want && want != fieldNone && want != fieldOther {
			return v
		}
	}
	return nil
}

// Field returns the first field of that name as it stands in the message, with folds, but without white space around
// it; nil if there is none. Of what is not kept it knows nothing: see Kept.
func (d Digest) Field(name string) []byte {
	id := fieldOf([]byte(name))
	for f := range d.lines() {
		if f.id == id && (id < fieldOther || bytes.EqualFold(f.name, []byte(name))) {
			return bytes.Trim(f.value, " \t\r\n")
		}
	}
	return nil
}

// An Envelope has the fields of IMAP's ENVELOPE as they stand in the message, without white space around them; nil is
// a field that is not there.
type Envelope struct {
	Date, Subject, From, Sender, ReplyTo, To, Cc, Bcc, InReplyTo, MessageID []byte
}

// Envelope returns the envelope in one pass. Where To, Cc or Bcc come several times they are joined with a comma.
func (d Digest) Envelope() Envelope {
	var e Envelope
	for f := range d.lines() {
		v := bytes.Trim(f.value, " \t\r\n")
		if v == nil {
			v = []byte{}
		}
		first := func(to *[]byte) {
			if *to == nil {
				*to = v
			}
		}
		join := func(to *[]byte) {
			if *to == nil {
				*to = v
			} else {
				*to = bytes.Join([][]byte{*to, v}, []byte(", "))
			}
		}
		switch f.id {
		case fieldDate:
			first(&e.Date)
		case fieldSubject:
			first(&e.Subject)
		case fieldFrom:
			first(&e.From)
		case fieldSender:
			first(&e.Sender)
		case fieldReplyTo:
			first(&e.ReplyTo)
		case fieldTo:
			join(&e.To)
		case fieldCc:
			join(&e.Cc)
		case fieldBcc:
			join(&e.Bcc)
		case fieldInReplyTo:
			first(&e.InReplyTo)
		case fieldMessageID:
			first(&e.MessageID)
		}
	}
	return e
}

// Fields yields name and value of the fields that are kept of the header, in order and as they stand, but for white
// space around them.
func (d Digest) Fields() iter.Seq2[[]byte, []byte] {
	return func(yield func(name, value []byte) bool) {
		for f := range d.lines() {
			if !yield(f.name, bytes.Trim(f.value, " \t\r\n")) {
				return
			}
		}
	}
}

// A line is a header field as it is kept: whole, or else without its name.
type line struct {
	whole, name, value []byte
	id                 fieldID
}

// lines yields the header fields that are kept.
func (d Digest) lines() iter.Seq[line] {
	return func(yield func(line) bool) {
		r := d.section(atFields)
		for at := fixedLength; len(r.b) > 0; {
			how, n := r.byte(), r.int()
			var f line
			switch {
			case how == spellWhole:
				colon := r.int()
				f.whole = d.at(at, n)
				if colon > len(f.whole) {
					return
				}
				f.name, f.value = bytes.TrimRight(f.whole[:max(colon-1, 0)], " \t"), f.whole[colon:]
			case how == spellDay:
				f.value = d.Date().AppendFormat(nil, formatDay)
			case how == spellDay2:
				f.value = d.Date().AppendFormat(nil, formatDay2)
			default:
				f.value = d.at(at, n)
			}
			if f.value == nil && n > 0 {
				return
			}
			at += n
			if how != spellWhole {
				f.name, f.id = spelled(how)
			} else {
				f.id = fieldOf(f.name)
			}
			if !yield(f) {
				return
			}
		}
	}
}

// Kept reports whether Fields has all fields of that name, so that one it does not have is not in the message.
func (d Digest) Kept(name string) bool {
	switch fieldOf([]byte(name)) {
	case fieldNone, fieldAuth:
		return false
	}
	return d.b != nil && !d.Truncated()
}

// AppendFields appends the fields of the given names to dst, as they stand in the message and in its order, and reports
// whether those are all: if not, the file has to be read. That is BODY[HEADER.FIELDS (...)] but for the empty line and
// the line ends.
func (d Digest) AppendFields(dst []byte, names ...string) ([]byte, bool) {
	for _, name := range names {
		if !d.Kept(name) {
			return dst, false
		}
	}
	eol := "\n"
	if d.b != nil && d.b[atFlags]&flagCRLF != 0 {
		eol = "\r\n"
	}
	for f := range d.lines() {
		for _, name := range names {
			if len(name) != len(f.name) || !bytes.EqualFold(f.name, []byte(name)) {
				continue
			}
			if f.whole != nil {
				dst = append(dst, f.whole...)
			} else {
				dst = append(append(dst, f.name...), ": "...)
				dst = append(append(dst, f.value...), eol...)
			}
			break
		}
	}
	return dst, true
}

// Unsubscribe returns the List-Unsubscribe field (RFC 2369), unfolded.
func (d Digest) Unsubscribe() string { return message.Unfold(d.Field("List-Unsubscribe")) }

// Auth returns the topmost Authentication-Results field (RFC 8601), unfolded.
func (d Digest) Auth() string { return message.Unfold(d.Field("Authentication-Results")) }

// An AttachmentInfo is an attachment as a list shows it.
type AttachmentInfo struct {
	Part int    // its index in the message's list of parts
	Type string // type/subtype
	Name string // decoded, not cleaned
	Size int64  // octets once decoded; reckoned for large or odd ones
}

// Attachments returns what message.Display calls attachments.
func (d Digest) Attachments() []AttachmentInfo {
	r := d.section(atFiles)
	n := min(r.uint16(), len(r.b))
	if n == 0 {
		return nil
	}
	list := make([]AttachmentInfo, n)
	for i := range list {
		list[i] = AttachmentInfo{Part: r.int(), Size: int64(r.int())}
	}
	next := 0
	for i, p := range d.Parts() {
		for next < n && list[next].Part < i {
			next++
		}
		if next == n {
			break
		}
		if list[next].Part == i {
			list[next].Type, list[next].Name = p.ContentType(), p.Filename
		}
	}
	return list
}
