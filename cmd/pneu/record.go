package main

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"
	"unicode/utf8"

	"pneu/maildir/digest"
	"pneu/maildir/message"
	"pneu/maildir/safe"
)

// A record is what --json says of a message. Fields are never renamed, only added; "pneu
// help json" prints them.
type record struct {
	V           int            `json:"v"`
	Path        string         `json:"path"`
	ID          string         `json:"id"`
	Folder      string         `json:"folder"`
	New         bool           `json:"new"`
	Flags       string         `json:"flags"`
	Keywords    []string       `json:"keywords"`
	MID         string         `json:"mid"`
	Thread      string         `json:"thread,omitempty"`
	Depth       *int           `json:"depth,omitempty"`
	Refs        []string       `json:"refs"`
	Date        *string        `json:"date"`
	Received    *string        `json:"received"`
	From        []message.Addr `json:"from"`
	To          []message.Addr `json:"to"`
	Cc          []message.Addr `json:"cc"`
	ReplyTo     []message.Addr `json:"reply_to"`
	Subject     string         `json:"subject"`
	Size        int64          `json:"size"`
	Lines       int            `json:"lines"`
	Attachments []attachment   `json:"attachments"`
	List        *list          `json:"list"`
	Auth        *auth          `json:"auth"`
	Crypto      string         `json:"crypto"` // signed, encrypted or nothing; not verified
	Lang        string         `json:"lang"`
	Snippet     string         `json:"snippet"`
	Text        string         `json:"text,omitempty"` // of show
	Op          string         `json:"op,omitempty"`
	Dest        string         `json:"dest,omitempty"` // folder a change leads to
	Was         string         `json:"was,omitempty"`  // path before an event of watch
	Of          string         `json:"of,omitempty"`   // path of the message it is a copy of
	Err         string         `json:"err,omitempty"`

	when, received time.Time
}

type attachment struct {
	N    int    `json:"n"` // as "pneu part get -p N" takes it
	Type string `json:"type"`
	Name string `json:"name"`
	Size int64  `json:"size"`
}

type list struct {
	ID          string `json:"id"`
	Unsubscribe string `json:"unsubscribe"`
	OneClick    bool   `json:"one_click"`
}

var errNoUTF8 = errors.New("its name is not UTF-8, which JSON cannot hold: use -0")

// record says all of the message: as its index keeps it, else as its file does.
func (m *msg) record() (*record, error) {
	d, err := m.digest()
	if err != nil {
		return nil, err
	}
	s := m.Summary()
	r := &record{
		V: 1, Path: m.path, ID: m.e.Base(), Folder: m.Folder(), New: m.e.New, Keywords: []string{},
		MID: s.MessageID, Refs: notNil(s.References), From: notNil(s.From), To: notNil(s.To), Cc: notNil(s.Cc), ReplyTo: notNil(s.ReplyTo),
		Subject: s.Subject, Size: m.Size(), Attachments: []attachment{}, Thread: m.thread, when: s.Date, received: m.Received(),
	}
	if m.f == nil {
		r.ID = filepath.Base(m.path)
	}
	for _, c := range m.Flags() {
		if c >= 'a' && c <= 'z' {
			r.Keywords = append(r.Keywords, string(c))
		} else {
			r.Flags += string(c)
		}
	}
	if len(m.keywords) > 0 {
		r.Keywords = m.keywords
	}
	if m.thread != "" {
		r.Depth = &m.depth
	}
	if !s.Date.IsZero() {
		r.Date = ptr(s.Date.Format(time.RFC3339))
	}
	if !r.received.IsZero() {
		r.Received = ptr(r.received.UTC().Format(time.RFC3339))
	}
	if err := r.content(m, d, s.List); err != nil {
		return nil, err
	}
	r.Crypto, r.Lang = nature(d)
	r.Snippet = safe.Truncate(safe.Line(d.Preview()).String(), 120)
	r.Dest, r.Was, r.Of = m.dest, m.was, m.of
	return r, nil
}

// content says what is enclosed, and what the header says of lists and of who vouches for it. What
// does not fit into a digest is read from the file.
func (r *record) content(m *msg, d digest.Digest, listID string) error {
	unsubscribe, post, results := d.Unsubscribe(), d.Class()&digest.OneClick != 0, d.Auth()
	if d.Truncated() {
		p, err := m.load()
		if err != nil {
			return err
		}
		h := p.Header(0)
		unsubscribe, results = h.Get("List-Unsubscribe"), h.Get("Authentication-Results")
		r.Lines = bytes.Count(m.raw[p.Parts[0].BodyStart:], []byte{'\n'})
		_, _, parts := p.Display()
		for _, i := range parts {
			part := &p.Parts[i]
			r.Attachments = append(r.Attachments, attachment{i, part.ContentType(), part.Filename, int64(len(p.Decode(i)))})
		}
	} else {
		for _, p := range d.Parts() {
			r.Lines = p.Lines
			break
		}
		for _, a := range d.Attachments() {
			r.Attachments = append(r.Attachments, attachment{a.Part, a.Type, a.Name, a.Size})
		}
	}
	if listID != "" || unsubscribe != "" {
		r.List = &list{listID, oneLine(unsubscribe), post}
	}
	if strings.TrimSpace(results) != "" {
		r.Auth = authOf(results)
	}
	return nil
}

func ptr(s string) *string { return &s }

func notNil[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// encode writes a record as a line of JSON in which no character can act on a terminal.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return escapeInvisible(b.Bytes()), nil
}

// escapeInvisible spells control, bidi and invisible characters as \uXXXX: JSON asks that
// of C0 alone, and terminals act on others too.
func escapeInvisible(b []byte) []byte {
	at := nextInvisible(b)
	if at < 0 {
		return b
	}
	out := make([]byte, 0, len(b)+32)
	for at >= 0 {
		r, n := utf8.DecodeRune(b[at:])
		if out = append(out, b[:at]...); r >= 0x10000 {
			out = fmt.Appendf(out, `\u%04x\u%04x`, 0xd800+(r-0x10000)>>10, 0xdc00+(r-0x10000)&0x3ff)
		} else {
			out = fmt.Appendf(out, `\u%04x`, r)
		}
		b = b[at+n:]
		at = nextInvisible(b)
	}
	return append(out, b...)
}

// nextInvisible returns where the first character is that is to be spelled, negative if none is.
func nextInvisible(b []byte) int {
	const high, one = 0x8080808080808080, 0x0101010101010101
	for i := 0; i < len(b); {
		if len(b)-i >= 8 { // eight octets at a time that are below DEL
			if x := binary.LittleEndian.Uint64(b[i:]); (x|(x+one))&high == 0 {
				i += 8
				continue
			}
		}
		if b[i] < 0x7f {
			i++
			continue
		}
		r, n := utf8.DecodeRune(b[i:])
		switch {
		case r >= 0x7f && r < 0xa0, r == 0xad, r == 0x34f, r == 0x61c, r == 0x180e, r >= 0x200b && r <= 0x200f, r >= 0x2028 && r <= 0x202e,
			r >= 0x2060 && r <= 0x206f, r == 0xfeff, r >= 0xe0000 && r <= 0xe0fff:
			return i
		}
		i += n
	}
	return -1
}
