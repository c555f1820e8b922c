// Package message reads RFC 5322 messages and their MIME structure (RFC 2045-2049, 2183, 2231, 6532).
//
// Parse never fails and never copies: it goes over the bytes once and leaves a flat list of parts, each a few
// offsets into the message. Everything else (headers, bodies, text, names) is derived from those when asked for.
// What is odd is noted as a Defect, not refused: a mail reader shows what came. Limits bound time and memory,
// whatever was sent: MaxDepth levels, MaxParts parts, and caps on headers and parameters.
//
// The strings returned are decoded but not cleaned: whatever prints them passes them through package safe.
package message

// Limits of Parse. What lies beyond them stays inside the last part that fits.
const (
	MaxDepth = 100
	MaxParts = 10000
)

// A Message is a parsed message. It refers to Raw, which must not change.
type Message struct {
	Raw     []byte
	Parts   []Part // depth first; Parts[0] is the message itself
	Defects []Defect

	eol byte // what ends lines; 0 if Parse did not make it
}

// A Part is a node of the MIME tree. Raw[HeaderStart:BodyStart] is its header with the empty line that ends it, and
// Raw[BodyStart:BodyEnd] its body, without the line break that belongs to the next boundary (RFC 2046, 5.1.1).
type Part struct {
	Parent      int // index of the multipart or message/rfc822 it is in; -1 for the root
	Depth       int // 0 for the root
	NumChildren int // a message/rfc822 has one: the message within

	HeaderStart, BodyStart, BodyEnd int

	Lines int // line ends in the body

	Type, Subtype string // lower case; the default is text/plain, or message/rfc822 in a digest
	Charset       string // as declared, lower case; empty if not
	Encoding      string // Content-Transfer-Encoding, lower case; empty if not given
	Disposition   string // "attachment", "inline", ..., lower case; empty if not given
	Filename      string // decoded (RFC 2231, 2047) but not cleaned: see safe.Filename
	ContentID     string // without angle brackets
	Flowed        bool   // format=flowed (RFC 3676)
	DelSp         bool   // delsp=yes
}

// An Addr is a mailbox with its name decoded.
type Addr struct {
	Name string `json:"name"`
	Addr string `json:"addr"`
}
