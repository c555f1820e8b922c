// Package compose makes messages: new ones, answers, forwards.
package compose

import (
	"io"
	"time"

	"pneu/maildir/message"
)

// An Attachment is a file that goes with a draft, or bytes that do.
type Attachment struct {
	Path string // file to read when the draft is written; or
	Data []byte // the content, already decoded
	Name string // name the receiver sees; default: last element of Path
	Type string // media type; default: by the name's extension, else by content
}

// A Draft is a message being written.
type Draft struct {
	From                 message.Addr
	To, Cc, Bcc, ReplyTo []message.Addr
	Subject              string
	InReplyTo            string   // Message-ID without brackets
	References           []string // without brackets
	Body                 string   // UTF-8, LF
	Attachments          []Attachment
	Extra                []Field // further header fields, as written
}

// A Field is one header field.
type Field struct{ Name, Value string }

// Options say how an answer is made.
type Options struct {
	From        message.Addr   // who writes; zero: the one of me the message was sent to
	Width       int            // columns quoted text is wrapped at; 0: 72
	Location    *time.Location // for the date in the attribution; nil: Local
	NoQuote     bool           // leave the body empty
	Attribution string         // template; "": "On {date}, {name} wrote:"
	Signature   string         // put under "-- "
}

// ForwardMode says how a forwarded message travels.
type ForwardMode int

const (
	Inline   ForwardMode = iota // its text in the body, its attachments beside it
	Attached                    // whole, as message/rfc822
)

// Reply answers m. me are the writer's addresses.
func Reply(m *message.Message, me []string, all bool, opt Options) Draft { panic("being written") }

// ReplyList answers to the mailing list m came through; ok is false without one.
func ReplyList(m *message.Message, me []string, opt Options) (d Draft, ok bool) {
	panic("being written")
}

// Forward passes m on.
func Forward(m *message.Message, mode ForwardMode, me []string, opt Options) Draft {
	panic("being written")
}

// FromMessage takes a stored draft up again.
func FromMessage(m *message.Message) Draft { panic("being written") }

// Text returns the draft as text for an editor.
func (d Draft) Text() []byte { panic("being written") }

// ParseText reads what an editor left. What can be read is in the draft even
// when there are errors.
func ParseText(b []byte) (Draft, []error) { panic("being written") }

// Recipients returns the envelope recipients: To, Cc and Bcc, each once.
func (d Draft) Recipients() []string { panic("being written") }

// Write writes the message with LF line ends; Bcc is left out. A zero
// msgid makes one from the sender's domain.
func (d Draft) Write(w io.Writer, now time.Time, msgid string) error { panic("being written") }

// WriteDraft writes the message as it is kept in a Drafts folder: with Bcc.
func (d Draft) WriteDraft(w io.Writer, now time.Time, msgid string) error { panic("being written") }
