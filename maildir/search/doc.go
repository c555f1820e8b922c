package search

import (
	"bytes"
	"strings"
	"time"

	"pneu/maildir"
	"pneu/maildir/digest"
	"pneu/maildir/htmltext"
	"pneu/maildir/message"
)

// A Doc is a message a query can look at. Its methods may be costly and are called
// only when a term needs them.
type Doc interface {
	Summary() *message.Summary
	Header() message.Header
	Flags() maildir.Flags
	Unread() bool
	Folder() string
	Size() int64
	Received() time.Time
	Text() string // digest.Text of the message, or as near to it as this Doc can come
}

// What a Doc may have besides. A term about what it has not is worked out from the rest, or does not match.
type (
	// Fresh is a Doc that knows whether it lies in new/.
	Fresh interface{ New() bool }
	// Keyworded is a Doc that knows its IMAP keywords.
	Keyworded interface{ Keywords() []string }
	// Classed is a Doc that knows some of its classes without a digest: those in known.
	Classed interface {
		Class() (is, known digest.Class)
	}
	// Digested is a Doc with a digest. A class, attachments, a language and the size on the wire come from it.
	Digested interface{ Digest() (digest.Digest, bool) }
	// Headed is a Doc with its folded header record (digest.Head).
	Headed interface{ Head() ([]byte, bool) }
	// Parsed is a Doc whose file can be read. nil is no message.
	Parsed interface{ Message() *message.Message }
	// Numbered is a Doc with a place in its folder; 0 is none.
	Numbered interface {
		UID() uint32
		ModSeq() uint64
		Sequence() int // the first message is 1
	}
	// Dated is a Doc that knows when it came into its folder; the zero time is not.
	Dated interface{ Saved() time.Time }
)

// A view is a Doc while one query looks at it: what several terms ask for is made once.
type view struct {
	d      Doc
	run    *run // which knows the conversations of row, or nil
	row    int
	have   uint8              // head fields made
	head   [headFields][]byte // folded
	text   []byte             // folded
	texted bool
	dig    digest.Digest
	diged  bool // dig was asked for
	hasDig bool
}

// The fields of a head record, in its order.
const (
	headFrom = iota
	headTo
	headCc
	headBcc
	headReplyTo
	headSubject
	headList
	headID
	headFields
)

// field returns one field of the head record.
func (v *view) field(i int) []byte {
	if v.have&(1<<i) != 0 {
		return v.head[i]
	}
	if v.have == 0 {
		if h, ok := v.d.(Headed); ok {
			if rec, ok := h.Head(); ok {
				for k := range v.head {
					v.head[k], rec, _ = bytes.Cut(rec, []byte{0})
				}
				v.have = 1<<headFields - 1
				return v.head[i]
			}
		}
	}
	v.have |= 1 << i
	if i == headBcc {
		v.head[i] = foldAddrs(nil, v.bcc())
		return v.head[i]
	}
	s := v.d.Summary()
	switch i {
	case headFrom:
		v.head[i] = foldAddrs(nil, s.From)
	case headTo:
		v.head[i] = foldAddrs(nil, s.To)
	case headCc:
		v.head[i] = foldAddrs(nil, s.Cc)
	case headReplyTo:
		v.head[i] = foldAddrs(nil, s.ReplyTo)
	case headSubject:
		v.head[i] = digest.Fold(nil, s.Subject)
	case headList:
		v.head[i] = digest.Fold(nil, s.List)
	case headID:
		v.head[i] = digest.Fold(nil, s.MessageID)
	}
	return v.head[i]
}

func (v *view) bcc() []message.Addr {
	if d, ok := v.d.(Digested); ok {
		if d, ok := d.Digest(); ok && !d.Truncated() {
			return d.Bcc()
		}
	}
	return v.d.Header().Addresses("Bcc")
}

// foldAddrs appends a list of addresses as digest.Head has it.
func foldAddrs(dst []byte, list []message.Addr) []byte {
	for i, a := range list {
		if i > 0 {
			dst = append(dst, ", "...)
		}
		s := a.Name
		switch {
		case s == "":
			s = a.Addr
		case a.Addr != "":
			s += " <" + a.Addr + ">"
		}
		dst = digest.Fold(dst, s)
	}
	return dst
}

func (v *view) body() []byte {
	if !v.texted {
		v.texted = true
		v.text = digest.Fold(nil, v.d.Text())
	}
	return v.text
}

// digest returns the digest, made from the file if the Doc has none ready.
func (v *view) digest() (digest.Digest, bool) {
	if !v.diged {
		v.diged = true
		if d, ok := v.d.(Digested); ok {
			v.dig, v.hasDig = d.Digest()
		}
		if !v.hasDig {
			if m := v.message(); m != nil {
				d, err := digest.Decode(digest.Append(nil, m))
				v.dig, v.hasDig = d, err == nil
			}
		}
	}
	return v.dig, v.hasDig
}

func (v *view) message() *message.Message {
	if p, ok := v.d.(Parsed); ok {
		return p.Message()
	}
	return nil
}

// isOf reports whether the message is of one of the classes: by its digest, or by what the summary tells.
func (v *view) isOf(classes digest.Class) bool {
	if c, ok := v.d.(Classed); ok {
		if is, known := c.Class(); classes&^known == 0 {
			return is&classes != 0
		}
	}
	if d, ok := v.digest(); ok {
		return d.Class()&classes != 0
	}
	var c digest.Class
	s := v.d.Summary()
	if s.HasAttachment {
		c |= digest.Attachment | digest.LikelyAttachment
	}
	if s.List != "" {
		c |= digest.List
	}
	if sub := strings.ToLower(s.Subject); strings.Contains(sub, "[patch") || strings.HasPrefix(sub, "[") && strings.Contains(sub, " patch ") {
		c |= digest.Patch
	}
	return c&classes != 0
}

func (v *view) keywords() []string {
	if k, ok := v.d.(Keyworded); ok {
		return k.Keywords()
	}
	return nil
}

// isNew: nobody has looked at the folder since it came.
func (v *view) isNew() bool {
	if n, ok := v.d.(Fresh); ok {
		return n.New()
	}
	return v.d.Unread()
}

func (v *view) saved() time.Time {
	if s, ok := v.d.(Dated); ok {
		return s.Saved()
	}
	return time.Time{}
}

// sent is the date of the message, else that of its arrival.
func (v *view) sent() time.Time {
	if t := v.d.Summary().Date; !t.IsZero() {
		return t
	}
	return v.d.Received()
}

func (v *view) wireSize() int64 {
	if d, ok := v.d.(interface{ WireSize() int64 }); ok {
		return d.WireSize()
	}
	if d, ok := v.digest(); ok {
		return d.WireSize()
	}
	return v.d.Size()
}

// parts calls f with the type of each part of the message, and the name of its file, until f returns true.
func (v *view) parts(f func(typ, name string) bool) bool {
	if d, ok := v.digest(); ok && !d.Truncated() {
		for _, p := range d.Parts() {
			if f(p.ContentType(), p.Filename) {
				return true
			}
		}
		return false
	}
	if m := v.message(); m != nil {
		for i := range m.Parts {
			if p := &m.Parts[i]; f(p.ContentType(), p.Filename) {
				return true
			}
		}
	}
	return false
}

// links are those of its HTML.
func (v *view) links() []htmltext.Link {
	m := v.message()
	if m == nil {
		return nil
	}
	_, html, _ := m.Display()
	if html < 0 {
		return nil
	}
	return htmltext.Render(m.Text(html, htmltext.MaxHTML), htmltext.Options{Width: 80}).Links
}
