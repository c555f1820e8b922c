package message

import (
	"io"
	"iter"
	"time"
)

// A Defect is something in a message that breaks the rules, and where.
type Defect struct {
	Part int
	What string
}

// Parse finds the structure of the message in b. It never fails and keeps b.
func Parse(b []byte) *Message { panic("soon") }

// Header returns the header block of a part.
func (m *Message) Header(part int) Header { panic("soon") }

// Body returns the body of a part as it stands in the message.
func (m *Message) Body(part int) []byte { panic("soon") }

// Decode returns the body of a part with its transfer encoding undone.
func (m *Message) Decode(part int) []byte { panic("soon") }

// DecodeTo writes what Decode returns.
func (m *Message) DecodeTo(w io.Writer, part int) error { panic("soon") }

// Text returns the body of a text part in UTF-8 with LF line ends: at most limit bytes of it, or all if limit <= 0.
func (m *Message) Text(part int, limit int) string { panic("soon") }

// Display says what to show: the best text/plain and text/html part (-1 for none) and the attachments.
func (m *Message) Display() (plain, html int, attachments []int) { panic("soon") }

// A Header is a raw header block.
type Header []byte

// Get returns the first field of that name, unfolded but not decoded.
func (h Header) Get(field string) string { panic("soon") }

// Text returns the first field of that name with its encoded words decoded.
func (h Header) Text(field string) string { panic("soon") }

// Values returns all fields of that name, unfolded but not decoded.
func (h Header) Values(field string) []string { panic("soon") }

// Fields yields name and unfolded value of each field in order.
func (h Header) Fields() iter.Seq2[string, string] { panic("soon") }

// Addresses returns the mailboxes in all fields of that name.
func (h Header) Addresses(field string) []Addr { panic("soon") }

// Date returns the time in the Date field, in the zone of its writer.
func (h Header) Date() (time.Time, bool) { panic("soon") }

// MessageID returns the Message-ID without angle brackets.
func (h Header) MessageID() string { panic("soon") }

// References returns the ids of References and, if it adds one, In-Reply-To, oldest first, without angle brackets.
func (h Header) References() []string { panic("soon") }

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
func ReadSummary(r io.Reader) (Summary, error) { panic("soon") }

// DecodeWords decodes the encoded words (RFC 2047) in an unstructured field or a name.
func DecodeWords(s string) string { panic("soon") }

// EncodeWord returns s as it may stand in a header: unchanged if it is printable ASCII, else as encoded words.
func EncodeWord(s string) string { panic("soon") }

// ParseDate reads a Date field (RFC 5322, 3.3 and 4.3) and much that was meant to be one.
func ParseDate(s string) (time.Time, error) { panic("soon") }

// A Report is what the parser found in a message, for comparison with other parsers.
type Report struct {
	Subject   string  `json:"subject"`
	From      []Addr  `json:"from"`
	To        []Addr  `json:"to"`
	Date      *string `json:"date"`
	MessageID *string `json:"message_id"`
	Leaves    []Leaf  `json:"leaves"`
}

// A Leaf is a part that has no parts.
type Leaf struct {
	Type       string  `json:"type"`
	Charset    *string `json:"charset"`
	Filename   *string `json:"filename"`
	Size       int     `json:"size"`
	SHA256     string  `json:"sha256"`
	UTF8SHA256 string  `json:"utf8_sha256,omitempty"`
}

// NewReport reports on m.
func NewReport(m *Message) Report { panic("soon") }
