// Package digest is what an index keeps of a message: made once from its bytes, read without parsing it again.
package digest

import (
	"errors"
	"time"

	"pneu/maildir/message"
)

// Version is the first byte of a digest. One of another version is made anew from the message.
const Version = 1

// MaxSize bounds a digest, whatever the message is. What does not fit is left out and Truncated says so.
const MaxSize = 64 << 10

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

// Make appends the digest of the message raw, a whole file with any compression undone, to dst. It never fails.
func Make(dst, raw []byte) []byte { return Append(dst, message.Parse(raw)) }

// Append appends the digest of a parsed message to dst.
func Append(dst []byte, m *message.Message) []byte { return append(dst, Version) }

// Decode returns the digest in b, which must not change while it is used. Any bytes may come; the error is
// ErrVersion or ErrFormat.
func Decode(b []byte) (Digest, error) {
	switch {
	case len(b) == 0:
		return Digest{}, ErrFormat
	case b[0] != Version:
		return Digest{}, ErrVersion
	}
	return Digest{b}, nil
}

// Bytes returns the encoded digest.
func (d Digest) Bytes() []byte { return d.b }

// Truncated reports whether something did not fit: who needs all reads the file.
func (d Digest) Truncated() bool { return false }

// Class returns what kind of message it is.
func (d Digest) Class() Class { return 0 }

// Size returns the length of the message's file.
func (d Digest) Size() int64 { return 0 }

// WireSize returns the length of the message with CRLF line ends.
func (d Digest) WireSize() int64 { return 0 }

// Lines returns the number of lines of the whole message.
func (d Digest) Lines() int { return 0 }

// Sent returns the time in the Date field in seconds since 1970, and whether there is one.
func (d Digest) Sent() (unix int64, ok bool) { return 0, false }

// Date returns the time in the Date field, in the zone of its writer; the zero time if there is none.
func (d Digest) Date() time.Time { return time.Time{} }

// Summary returns the same as message.ReadSummary does from the file.
func (d Digest) Summary() message.Summary { return message.Summary{} }

// FromName returns what a list shows as the sender: the name, or the address if there is none.
func (d Digest) FromName() string { return string(d.FromNameBytes()) }

// FromNameBytes is FromName without a copy.
func (d Digest) FromNameBytes() []byte { return nil }

// FromAddrBytes returns the first sender's address.
func (d Digest) FromAddrBytes() []byte { return nil }

// Subject returns the decoded subject in one line.
func (d Digest) Subject() string { return string(d.SubjectBytes()) }

// SubjectBytes is Subject without a copy.
func (d Digest) SubjectBytes() []byte { return nil }

// Preview returns how the text begins, in one line of some 120 characters.
func (d Digest) Preview() string { return string(d.PreviewBytes()) }

// PreviewBytes is Preview without a copy.
func (d Digest) PreviewBytes() []byte { return nil }

// From returns the senders.
func (d Digest) From() []message.Addr { return nil }

// Sender returns the mailbox in the Sender field.
func (d Digest) Sender() []message.Addr { return nil }

// ReplyTo returns where answers are wanted.
func (d Digest) ReplyTo() []message.Addr { return nil }

// To returns the recipients in To.
func (d Digest) To() []message.Addr { return nil }

// Cc returns the recipients in Cc.
func (d Digest) Cc() []message.Addr { return nil }

// Bcc returns the recipients in Bcc.
func (d Digest) Bcc() []message.Addr { return nil }

// MessageID returns the Message-ID without angle brackets.
func (d Digest) MessageID() string { return string(d.MessageIDBytes()) }

// MessageIDBytes is MessageID without a copy.
func (d Digest) MessageIDBytes() []byte { return nil }

// InReplyTo returns the first id of In-Reply-To without angle brackets.
func (d Digest) InReplyTo() string { return "" }

// References returns the ids as message.Header.References does.
func (d Digest) References() []string { return nil }

// BaseSubject returns a hash of the base subject (RFC 5256, 2.1), equal for equal ones in any case; 0 if it is empty.
func (d Digest) BaseSubject() uint64 { return 0 }

// ListID returns the list's id (RFC 2919) without angle brackets.
func (d Digest) ListID() string { return "" }

// Unsubscribe returns the List-Unsubscribe field (RFC 2369), unfolded.
func (d Digest) Unsubscribe() string { return "" }

// Auth returns the topmost Authentication-Results field (RFC 8601), unfolded.
func (d Digest) Auth() string { return "" }

// Lang returns a guess of the language of the text, as in RFC 5646, or "" if there is none.
func (d Digest) Lang() string { return "" }

// An AttachmentInfo is an attachment as a list shows it.
type AttachmentInfo struct {
	Part int    // its index in the message's list of parts
	Type string // type/subtype
	Name string // decoded, not cleaned
	Size int64  // octets once decoded; for base64 reckoned from its length
}

// Attachments returns what message.Display calls attachments.
func (d Digest) Attachments() []AttachmentInfo { return nil }

// NumParts returns the number of parts of the MIME tree that are kept: all, unless Truncated.
func (d Digest) NumParts() int { return 0 }
