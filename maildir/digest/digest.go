package digest

import (
	"encoding/binary"
	"errors"
	"iter"
	"time"

	"pneu/maildir/message"
)

// Version is the first byte of a digest. One of another version is made anew from the message.
const Version = 1

// MaxSize bounds a digest, whatever the message is. What does not fit is left out and Truncated says so.
const MaxSize = 1<<16 - 1

var (
	// ErrVersion means that the digest was written by another version of this package.
	ErrVersion = errors.New("digest of another version")
	// ErrFormat means that the bytes are no digest.
	ErrFormat = errors.New("damaged digest")
)

// A Class is a set of what can be said of a message in one bit each.
type Class uint16

const (
	Attachment       Class = 1 << iota // has what a person would call an attachment
	LikelyAttachment                   // Summary.HasAttachment: a guess from the header alone
	List                               // has a List-Id
	Patch                              // as git format-patch marks it
	Calendar                           // an invitation, or an answer to one
	Signed                             // OpenPGP or S/MIME
	Encrypted                          // OpenPGP or S/MIME
	Danger                             // an attachment that would run when opened
	Flowed                             // format=flowed (RFC 3676)
	HTMLOnly                           // nothing to read but HTML
	Auto                               // written by a program (RFC 3834), or sent in bulk
	Reply                              // the subject says that it is a reply or forward (RFC 5256, 2.1)
	Report                             // a delivery status, a receipt or another multipart/report
	Important                          // its sender says so
	OneClick                           // List-Unsubscribe-Post (RFC 8058)
	Odd                                // its structure breaks the rules
)

// A Digest is a decoded view of an encoded one: it refers to the bytes. The zero Digest is that of nothing.
type Digest struct {
	b []byte
}

// Decode returns the digest in b, which must not change while it is used. Any bytes may come; the error is
// ErrVersion or ErrFormat. What is damaged in a way that Decode does not see reads as empty.
func Decode(b []byte) (Digest, error) {
	switch {
	case len(b) == 0:
		return Digest{}, ErrFormat
	case b[0] != Version:
		return Digest{}, ErrVersion
	case len(b) < fixedLength:
		return Digest{}, ErrFormat
	}
	before := fixedLength
	for at := atAddrs; at <= atEnd; at += 2 {
		place := int(binary.LittleEndian.Uint16(b[at:]))
		if place < before {
			return Digest{}, ErrFormat
		}
		before = place
	}
	if before != len(b) {
		return Digest{}, ErrFormat
	}
	return Digest{b}, nil
}

// Bytes returns the encoded digest.
func (d Digest) Bytes() []byte { return d.b }

// get returns n octets at a place; zeros of the zero Digest.
func (d Digest) get16(at int) int {
	if d.b == nil {
		return 0
	}
	return int(binary.LittleEndian.Uint16(d.b[at:]))
}

func (d Digest) get32(at int) uint32 {
	if d.b == nil {
		return 0
	}
	return binary.LittleEndian.Uint32(d.b[at:])
}

func (d Digest) get64(at int) uint64 {
	if d.b == nil {
		return 0
	}
	return binary.LittleEndian.Uint64(d.b[at:])
}

// at returns a piece of the digest, or nothing if it is not within.
func (d Digest) at(at, n int) []byte {
	if n <= 0 || at < 0 || at > len(d.b) || n > len(d.b)-at {
		return nil
	}
	return d.b[at : at+n : at+n]
}

// fixed returns the string whose place is in the fixed part.
func (d Digest) fixed(at int) []byte { return d.at(d.get16(at), d.get16(at+2)) }

// section returns what lies between two places of the fixed part.
func (d Digest) section(from int) reader {
	if d.b == nil {
		return reader{}
	}
	return reader{d: d, b: d.b[d.get16(from):d.get16(from+2)]}
}

// A reader goes over a section. Behind its end all is zero.
type reader struct {
	d Digest
	b []byte
}

func (r *reader) byte() byte {
	if len(r.b) == 0 {
		return 0
	}
	c := r.b[0]
	r.b = r.b[1:]
	return c
}

func (r *reader) int() int {
	if len(r.b) > 0 && r.b[0] < 0x80 {
		n := int(r.b[0])
		r.b = r.b[1:]
		return n
	}
	u, n := binary.Uvarint(r.b)
	if n <= 0 || u > 1<<62 {
		r.b = nil
		return 0
	}
	r.b = r.b[n:]
	return int(u)
}

func (r *reader) signed() int {
	u := r.int()
	return u>>1 ^ -(u & 1)
}

func (r *reader) uint16() int {
	if len(r.b) < 2 {
		r.b = nil
		return 0
	}
	n := binary.LittleEndian.Uint16(r.b)
	r.b = r.b[2:]
	return int(n)
}

// string reads a length and, unless it is 0, a place.
func (r *reader) string() []byte {
	n := r.int()
	if n == 0 {
		return nil
	}
	return r.d.at(r.int(), n)
}

func (r *reader) skip() {
	if r.int() > 0 {
		r.int()
	}
}

// Truncated reports whether something did not fit: who needs all reads the file.
func (d Digest) Truncated() bool { return d.b != nil && d.b[atFlags]&flagTruncated != 0 }

// Partial reports whether the message is longer than MaxRaw: lines and parts are those of its beginning, and who needs
// the others reads the file.
func (d Digest) Partial() bool { return d.b != nil && d.b[atFlags]&flagPartial != 0 }

// Class returns what kind of message it is.
func (d Digest) Class() Class { return Class(d.get16(atClass)) }

// Size returns the length of the message's file.
func (d Digest) Size() int64 { return int64(d.get64(atSize)) }

// WireSize returns the length of the message with CRLF line ends.
func (d Digest) WireSize() int64 { return d.Size() + int64(d.get32(atBare)) }

// Lines returns the number of lines of the whole message.
func (d Digest) Lines() int { return int(d.get32(atLines)) }

// Sent returns the time in the Date field in seconds since 1970, and whether there is one that can be read.
func (d Digest) Sent() (unix int64, ok bool) {
	if d.b == nil || d.b[atFlags]&flagDate == 0 {
		return 0, false
	}
	return int64(d.get64(atDate)), true
}

// Date returns the time in the Date field, in the zone of its writer; the zero time if there is none.
func (d Digest) Date() time.Time {
	unix, ok := d.Sent()
	if !ok {
		return time.Time{}
	}
	zone := time.UTC
	if minutes := int16(d.get16(atZone)); minutes != 0 {
		zone = time.FixedZone("", int(minutes)*60)
	}
	return time.Unix(unix, 0).In(zone)
}

// Summary returns the same as message.ReadSummary does from the file, unless Truncated.
func (d Digest) Summary() message.Summary {
	return message.Summary{
		From: d.From(), To: d.To(), Cc: d.Cc(), ReplyTo: d.ReplyTo(),
		Subject: d.Subject(), MessageID: d.MessageID(), InReplyTo: d.InReplyTo(), References: d.References(),
		Date: d.Date(), HasAttachment: d.Class()&LikelyAttachment != 0, List: d.ListID(),
	}
}

// FromName returns what a list shows as the sender: the name, or the address if there is none.
func (d Digest) FromName() string { return string(d.FromNameBytes()) }

// FromNameBytes is FromName without a copy.
func (d Digest) FromNameBytes() []byte { return d.fixed(atFromName) }

// FromAddrBytes returns the first sender's address.
func (d Digest) FromAddrBytes() []byte { return d.fixed(atFromAddr) }

// Subject returns the decoded subject in one line.
func (d Digest) Subject() string { return string(d.SubjectBytes()) }

// SubjectBytes is Subject without a copy.
func (d Digest) SubjectBytes() []byte { return d.fixed(atSubject) }

// Preview returns how the text begins, in one line of some 120 characters. It is not cleaned: see package safe.
func (d Digest) Preview() string { return string(d.PreviewBytes()) }

// PreviewBytes is Preview without a copy.
func (d Digest) PreviewBytes() []byte { return d.fixed(atPreview) }

// From returns the senders.
func (d Digest) From() []message.Addr { return d.addrs(listFrom) }

// Sender returns the mailbox in the Sender field.
func (d Digest) Sender() []message.Addr { return d.addrs(listSender) }

// ReplyTo returns where answers are wanted.
func (d Digest) ReplyTo() []message.Addr { return d.addrs(listReplyTo) }

// To returns the recipients in To.
func (d Digest) To() []message.Addr { return d.addrs(listTo) }

// Cc returns the recipients in Cc.
func (d Digest) Cc() []message.Addr { return d.addrs(listCc) }

// Bcc returns the recipients in Bcc.
func (d Digest) Bcc() []message.Addr { return d.addrs(listBcc) }

// list returns a reader at a list of mailboxes, and how many there are.
func (d Digest) list(n int) (r reader, count int) {
	r = d.section(atAddrs)
	for ; ; n-- {
		count = min(r.int(), len(r.b))
		if n == 0 {
			return r, count
		}
		for range 2 * count {
			r.skip()
		}
	}
}

func (d Digest) addrs(n int) []message.Addr {
	r, count := d.list(n)
	if count == 0 {
		return nil
	}
	list := make([]message.Addr, count)
	for i := range list {
		list[i] = message.Addr{Name: string(r.string()), Addr: string(r.string())}
	}
	return list
}

// mailboxes yields name and address of each mailbox of a list.
func (d Digest) mailboxes(n int) iter.Seq2[[]byte, []byte] {
	return func(yield func(name, addr []byte) bool) {
		r, count := d.list(n)
		for range count {
			if !yield(r.string(), r.string()) {
				return
			}
		}
	}
}

// Mailboxes yields name and address of each recipient in To, then those in Cc, without copies.
func (d Digest) Mailboxes() iter.Seq2[[]byte, []byte] {
	return func(yield func(name, addr []byte) bool) {
		for _, n := range [...]int{listTo, listCc} {
			for name, addr := range d.mailboxes(n) {
				if !yield(name, addr) {
					return
				}
			}
		}
	}
}

// ids returns a reader behind the address lists: at the list's id, the id answered, and the references.
func (d Digest) ids() reader {
	r, count := d.list(numLists - 1)
	for range 2 * count {
		r.skip()
	}
	return r
}

// MessageID returns the Message-ID without angle brackets.
func (d Digest) MessageID() string { return string(d.MessageIDBytes()) }

// MessageIDBytes is MessageID without a copy.
func (d Digest) MessageIDBytes() []byte { return d.fixed(atID) }

// ListID returns the list's id (RFC 2919) without angle brackets.
func (d Digest) ListID() string {
	r := d.ids()
	return string(r.string())
}

// InReplyTo returns the first id of In-Reply-To without angle brackets.
func (d Digest) InReplyTo() string {
	r := d.ids()
	r.skip()
	return string(r.string())
}

// References returns the ids as message.Header.References does.
func (d Digest) References() []string {
	var ids []string
	for id := range d.ReferencesBytes() {
		ids = append(ids, string(id))
	}
	return ids
}

// ReferencesBytes yields what References returns without copies.
func (d Digest) ReferencesBytes() iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		r := d.ids()
		r.skip()
		r.skip()
		for range min(r.int(), len(r.b)) {
			if !yield(r.string()) {
				return
			}
		}
	}
}

// BaseSubject returns a hash of the base subject (RFC 5256, 2.1), equal for equal ones in any case; 0 if it is empty.
func (d Digest) BaseSubject() uint64 { return d.get64(atBase) }

// Lang returns a guess of the language of the text, two letters of RFC 5646, or "" if there is none.
func (d Digest) Lang() string {
	if d.b == nil || d.b[atLang] == 0 {
		return ""
	}
	return string(d.b[atLang : atLang+2])
}
