package message

import (
	"bytes"
	"errors"
	"io"
	"time"
)

// maxSummary is how much of a header ReadSummary reads.
const maxSummary = 256 << 10

// A Summary is what a list of messages shows of one.
type Summary struct {
	From, To, Cc, ReplyTo []Addr
	Subject               string
	MessageID, InReplyTo  string   // without angle brackets
	References            []string // as Header.References
	Date                  time.Time
	HasAttachment         bool   // guessed from Content-Type
	List                  string // list id (RFC 2919) without angle brackets
}

// ReadSummary reads the header of a message from r, and not much more.
func ReadSummary(r io.Reader) (Summary, error) {
	h, err := ReadHeader(r)
	if err != nil {
		return Summary{}, err
	}
	return h.Summary(), nil
}

// ReadHeader reads the header of a message from r, at most 256 KB of it. What was read beyond it is lost.
func ReadHeader(r io.Reader) (Header, error) {
	b := make([]byte, 0, 4096)
	for {
		n, err := r.Read(b[len(b):cap(b)])
		from := max(0, len(b)-3)
		b = b[:len(b)+n]
		if n > 0 && headerEnds(b[from:]) || len(b) >= maxSummary || err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
		if len(b) == cap(b) {
			b = append(make([]byte, 0, min(4*cap(b), maxSummary)), b...)
		}
	}
	eol := lineEnd(b)
	s := scanner{b: b, pos: headerStart(b, eol), eol: eol}
	if s.pos == 0 && len(b) == 0 {
		return nil, errEmpty
	}
	for {
		if _, _, ok := s.next(); !ok {
			return Header(b[:s.body:s.body]), nil
		}
	}
}

var errEmpty = errors.New("empty message")

// headerEnds reports whether an empty line is in b.
func headerEnds(b []byte) bool {
	for {
		i := bytes.IndexByte(b, '\n')
		if i < 0 || i+1 >= len(b) {
			return false
		}
		b = b[i+1:]
		if b[0] == '\n' || b[0] == '\r' && len(b) > 1 && b[1] == '\n' {
			return true
		}
	}
}

// Summary reads what a list shows, in one pass over the header.
func (h Header) Summary() Summary {
	var sum Summary
	g := hinter{h: h}
	var from, replyTo, subject, id, reply, refs, date, list, ctype, cdisp []byte
	s := h.scanner()
	for {
		name, value, ok := s.next()
		if !ok {
			break
		}
		var field *[]byte
		switch len(name) {
		case 2:
			switch name[0] | 0x20 {
			case 't':
				if equalFold(name, "to") {
					sum.To = appendAddrs(sum.To, value, g.hint(value))
				}
			case 'c':
				if equalFold(name, "cc") {
					sum.Cc = appendAddrs(sum.Cc, value, g.hint(value))
				}
			}
		case 4:
			if equalFold(name, "from") {
				field = &from
			} else if equalFold(name, "date") {
				field = &date
			}
		case 7:
			if equalFold(name, "subject") {
				field = &subject
			} else if equalFold(name, "list-id") {
				field = &list
			}
		case 8:
			if equalFold(name, "reply-to") {
				field = &replyTo
			}
		case 10:
			if equalFold(name, "message-id") {
				field = &id
			} else if equalFold(name, "references") {
				field = &refs
			}
		case 11:
			if equalFold(name, "in-reply-to") {
				field = &reply
			}
		case 12:
			if equalFold(name, "content-type") {
				field = &ctype
			}
		case 19:
			if equalFold(name, "content-disposition") {
				field = &cdisp
			}
		}
		if field != nil && *field == nil { // RFC 5322, 3.6: each at most once; if not, the first holds
			*field = value
		}
	}
	sum.From = appendAddrs(nil, from, g.hint(from))
	sum.ReplyTo = appendAddrs(nil, replyTo, g.hint(replyTo))
	sum.Subject = squeeze(decodeWords(unfold(subject), g.hint(subject)))
	sum.MessageID = firstID(id)
	sum.InReplyTo, _ = nextID(reply)
	sum.References = references(refs, reply)
	if date != nil {
		sum.Date, _ = ParseDate(unfold(date))
	}
	sum.List = listID(list)
	sum.HasAttachment = likelyAttachment(ctype, cdisp)
	return sum
}

// listID: RFC 2919, 3: the id is in angle brackets, after an optional description.
func listID(v []byte) string {
	if id, _ := nextID(v); id != "" {
		return plainText(id, "")
	}
	return squeeze(decodeWords(unfold(v), ""))
}

// likelyAttachment guesses from the header alone: multipart/mixed mostly has one, as has what is neither text nor a
// container.
func likelyAttachment(ctype, cdisp []byte) bool {
	if equalFold(firstToken(cdisp), "attachment") {
		return true
	}
	t := firstToken(ctype)
	typ, sub, _ := bytes.Cut(t, []byte("/"))
	switch {
	case len(t) == 0 || equalFold(typ, "text") || equalFold(typ, "message"):
		return false
	case equalFold(typ, "multipart"):
		return equalFold(sub, "mixed")
	}
	return true
}
