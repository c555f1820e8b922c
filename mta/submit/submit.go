// Package submit does the header work on messages from our own users: it finds
// recipients, removes Bcc, and adds what RFC 5322 and RFC 6409 want added. The
// body streams past untouched.
package submit

import (
	"bufio"
	"io"
	"time"
)

// Options say what to do with a header.
type Options struct {
	// MaxHeader is the largest header block taken. Default: 1 MB.
	MaxHeader int
	// Recipients extracts them from To, Cc and Bcc (Resent-* when present).
	Recipients bool
	// KeepBcc leaves Bcc fields in; they are removed otherwise.
	KeepBcc bool
	// AddMissing adds From, Date and Message-ID when missing.
	AddMissing bool
	// From is the address for a missing From; FullName its display name, plain text.
	From, FullName string
	// Hostname stands right of the @ in a Message-ID that is added.
	Hostname string
	// ID is the queue id, part of a Message-ID that is added.
	ID string
	// Received is the value of a Received field to put on top, "" for none.
	Received string
	// Now is the time for Date.
	Now time.Time
}

// A Head is a message's header block, ready to be written again.
type Head struct {
	Recipients []string // from the header, if wanted; in order, each once
	UTF8       bool     // the header holds bytes above 127: SMTPUTF8 is needed
	CRLF       bool     // the first line ended in CRLF
}

// Read reads the header block from r and leaves the body there.
func Read(r *bufio.Reader, opt Options) (*Head, error) { panic("not yet") }

// Has reports whether the message as read had a field of that name.
func (h *Head) Has(field string) bool { panic("not yet") }

// Get returns the first value of a field as read, unfolded.
func (h *Head) Get(field string) string { panic("not yet") }

// WriteTo writes the header block, with additions and without Bcc, and the
// empty line if there was one or is needed.
func (h *Head) WriteTo(w io.Writer) (int64, error) { panic("not yet") }
