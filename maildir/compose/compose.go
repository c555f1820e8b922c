// Package compose makes messages: new ones, answers, forwards, and drafts taken up again.
//
// A [Draft] is a message as its writer thinks of it. It has two other forms: text for an
// editor ([Draft.Text], [ParseText]), which comes back as it went, and the message that is
// sent ([Draft.Write]): UTF-8 in format=flowed (RFC 3676), 7bit where that does, else
// quoted-printable, with LF line ends as sendmail takes it.
package compose

import (
	"strings"
	"time"

	"pneu/maildir/address"
	"pneu/maildir/message"
)

// An Attachment is a file that goes with a draft, or bytes that do.
type Attachment struct {
	Path string // file to read when the draft is written; or, if empty:
	Data []byte // the content, already decoded
	Name string // name the receiver sees; default: last element of Path
	Type string // media type; default: by the name's extension
}

// A Draft is a message being written.
type Draft struct {
	From                 message.Addr
	To, Cc, Bcc, ReplyTo []message.Addr
	Subject              string
	InReplyTo            string   // Message-ID without brackets
	References           []string // without brackets, oldest first
	Body                 string   // UTF-8, LF; a paragraph may be one long line
	Attachments          []Attachment
	Extra                []Field // further header fields
}

// A Field is one header field, its value not encoded.
type Field struct{ Name, Value string }

// Options say how an answer is made.
type Options struct {
	From        message.Addr   // who writes; zero: the one of me the message was sent to
	Width       int            // columns quoted text is wrapped at; 0: 72
	Location    *time.Location // for the date in the attribution; nil: that of the message
	NoQuote     bool           // leave the body empty
	Attribution string         // {date} {name} {addr} {subject}; "": DefaultAttribution
	Signature   string         // put below "-- "
	// Text is what is quoted or passed on instead of the message's own text: a reader
	// passes what it shows.
	Text string
}

// DefaultAttribution stands before quoted text.
const DefaultAttribution = "On {date}, {name} wrote:"

func (o Options) width() int {
	if o.Width <= 0 {
		return 72
	}
	return max(o.Width, 20)
}

// Recipients returns the envelope recipients: To, Cc and Bcc, each once.
func (d Draft) Recipients() []string {
	var out []string
	seen := map[string]bool{}
	for _, list := range [][]message.Addr{d.To, d.Cc, d.Bcc} {
		for _, a := range list {
			if k := key(a.Addr); a.Addr != "" && !seen[k] {
				seen[k] = true
				out = append(out, a.Addr)
			}
		}
	}
	return out
}

// key is what two spellings of an address have in common: case is not told apart, as
// nobody has two mailboxes that differ in it.
func key(addr string) string { return strings.ToLower(addr) }

// isMe reports whether addr is one of me, or a subaddress of one (me+list@...).
func isMe(addr string, me []string) bool {
	local, domain := address.Split(key(addr))
	base, _, sub := strings.Cut(local, "+")
	for _, m := range me {
		m = key(m)
		if m == key(addr) || sub && m == base+"@"+domain {
			return true
		}
	}
	return false
}

// without returns the addresses of list that are neither in seen nor, unless mine is set,
// my own; it notes them in seen.
func without(list []message.Addr, seen map[string]bool, me []string) []message.Addr {
	var out []message.Addr
	for _, a := range list {
		k := key(a.Addr)
		if a.Addr == "" || seen[k] || isMe(a.Addr, me) {
			continue
		}
		seen[k] = true
		out = append(out, a)
	}
	return out
}
