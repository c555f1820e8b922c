package message

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// A Report is what the parser found in a message, for comparison with other parsers.
type Report struct {
	Subject   string  `json:"subject"`
	From      []Addr  `json:"from"`
	To        []Addr  `json:"to"`
	Date      *string `json:"date"` // RFC 3339, in the zone of the message
	MessageID *string `json:"message_id"`
	Leaves    []Leaf  `json:"leaves"`
}

// A Leaf is a part that has no parts. Size and the sums are of the content, with LF line ends in text and message
// types; UTF8SHA256 is there if it is text whose charset could be decoded cleanly.
type Leaf struct {
	Type       string  `json:"type"`
	Charset    *string `json:"charset"`
	Filename   *string `json:"filename"`
	Size       int     `json:"size"`
	SHA256     string  `json:"sha256"`
	UTF8SHA256 string  `json:"utf8_sha256,omitempty"`
}

// NewReport reports on m. Messages within are entered, not listed.
func NewReport(m *Message) Report {
	h := m.Header(0)
	r := Report{
		Subject: squeeze(h.Text("Subject")),
		From:    append([]Addr{}, h.Addresses("From")...),
		To:      append([]Addr{}, h.Addresses("To")...),
		Leaves:  []Leaf{},
	}
	if t, ok := h.Date(); ok {
		s := t.Format("2006-01-02T15:04:05-07:00")
		r.Date = &s
	}
	if s := strings.TrimSpace(h.Text("Message-ID")); s != "" {
		r.MessageID = &s
	}
	r.leaves(m, 0)
	return r
}

func (r *Report) leaves(m *Message, depth int) {
	for i := range m.Parts {
		t := &m.Parts[i]
		if t.NumChildren > 0 {
			continue
		}
		if within := m.Embedded(i); within != nil && depth < 10 && len(r.Leaves) < MaxParts {
			r.leaves(within, depth+1)
			continue
		}
		r.Leaves = append(r.Leaves, m.leaf(i))
	}
}

func (m *Message) leaf(i int) Leaf {
	t := &m.Parts[i]
	b := m.Decode(i)
	if t.Type == "text" || t.Type == "message" {
		b = crlfToLF(b)
	}
	l := Leaf{Type: t.ContentType(), Size: len(b), SHA256: sum(b)}
	if t.Charset != "" {
		l.Charset = &t.Charset
	}
	if t.Filename != "" {
		l.Filename = &t.Filename
	}
	if t.Type == "text" {
		if s, err := toUTF8(t, b); err == nil {
			l.UTF8SHA256 = sum([]byte(s))
		}
	}
	return l
}

func sum(b []byte) string {
	s := sha256.Sum256(b)
	return hex.EncodeToString(s[:])
}
