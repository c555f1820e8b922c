// Package submit does the header work on messages from our own users (RFC
// 6409, 8): it finds recipients, removes Bcc, and adds the fields that RFC
// 5322, 3.6 demands and the user's program left out.
//
// The header block is read whole, up to a limit; the body streams past and is
// never looked at. What is added goes on top, and nothing that was given is
// changed, except that Bcc fields go when recipients are taken from the
// header: so a message is found again at its destination byte for byte, below
// what was added.
package submit

import (
	"bufio"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"pneu/maildir/address"
	"pneu/mta/sysexits"
)

// Options say what to do with a header.
type Options struct {
	// MaxHeader is the largest header block taken. Default: 1 MiB.
	MaxHeader int
	// Recipients extracts them from To, Cc and Bcc, or from Resent-To,
	// Resent-Cc and Resent-Bcc when one of these is there.
	Recipients bool
	// KeepBcc leaves Bcc fields in, whatever Recipients says.
	KeepBcc bool
	// DropBcc removes Bcc fields, whatever Recipients says.
	DropBcc bool
	// AddMissing adds From, Date and Message-ID when missing.
	AddMissing bool
	// From is the address for a missing From; FullName its display name, plain text.
	From, FullName string
	// Hostname stands right of the @ in a Message-ID that is added.
	Hostname string
	// ID is the queue id, which makes a Message-ID that is added unique.
	ID string
	// Received is the value of a Received field to put on top, "" for none.
	Received string
	// Now is the time for Date.
	Now time.Time
}

// A field is one header field, folding and line end included.
type field struct {
	name       string // in lower case
	start, end int    // in raw
	value      int
}

// A Head is a message's header block, ready to be written again.
type Head struct {
	Recipients []string // from the header, if wanted; in order, each once
	UTF8       bool     // the header holds UTF-8 beyond ASCII (RFC 6532)
	EightBit   bool     // or at least bytes above 127
	CRLF       bool     // the first line ended in CRLF

	opt    Options
	raw    []byte
	fields []field
	blank  bool // an empty line must be put below what is added
}

const defaultMaxHeader = 1 << 20

// Read reads the header block from r and leaves the body there: the empty
// line is part of the block, and a line that is no field ends it. mbox "From "
// lines above the first field are dropped, as by other sendmails.
func Read(r *bufio.Reader, opt Options) (*Head, error) {
	if opt.MaxHeader <= 0 {
		opt.MaxHeader = defaultMaxHeader
	}
	h := &Head{opt: opt}
	if err := h.read(r); err != nil {
		return nil, err
	}
	for _, b := range h.raw {
		if b >= 0x80 {
			h.EightBit = true
			h.UTF8 = utf8.Valid(h.raw)
			break
		}
	}
	if opt.Recipients {
		h.extract()
	}
	return h, nil
}

// read collects lines until the header ends. It decides on a line by its
// first bytes, before it is taken from r: what belongs to the body stays.
func (h *Head) read(r *bufio.Reader) error {
	for {
		kind, n := classify(r, len(h.fields) > 0)
		switch kind {
		case lineEnd:
			// Nothing, or a body without an empty line before it. Below what we
			// add one is needed, unless fields of the message stand between.
			h.blank = len(h.fields) == 0
			// An input that breaks off here may have had more fields, and more
			// recipients in them. Before the first byte the error is the body's
			// to meet, unless the lack of recipients would be told in its place.
			if _, err := r.Peek(1); err != nil && err != io.EOF && (len(h.raw) > 0 || h.opt.Recipients) {
				return readError(err)
			}
			return nil
		case lineEmpty:
			return h.take(r)
		case lineMbox:
			if err := discardLine(r); err != nil {
				return err
			}
		case lineField:
			name, _ := r.Peek(n)
			f := field{name: strings.ToLower(strings.TrimRight(string(name[:n-1]), " \t")), start: len(h.raw)}
			f.value = f.start + n
			if err := h.take(r); err != nil {
				return err
			}
			f.end = len(h.raw)
			h.fields = append(h.fields, f)
		case lineFold:
			if err := h.take(r); err != nil {
				return err
			}
			h.fields[len(h.fields)-1].end = len(h.raw)
		}
	}
}

// take moves one line from r to raw.
func (h *Head) take(r *bufio.Reader) error {
	for {
		b, err := r.ReadSlice('\n')
		if len(h.raw)+len(b) > h.opt.MaxHeader {
			return sysexits.New(sysexits.Data, "message header is larger than "+size(h.opt.MaxHeader))
		}
		h.raw = append(h.raw, b...)
		switch err {
		case nil, io.EOF:
			if len(h.fields) == 0 {
				h.CRLF = strings.HasSuffix(string(h.raw), "\r\n")
			}
			return nil
		case bufio.ErrBufferFull:
		default:
			return readError(err)
		}
	}
}

func readError(err error) error {
	return sysexits.Wrap(sysexits.IO, &stepError{"read message", err})
}

type stepError struct {
	step string
	err  error
}

func (e *stepError) Error() string { return e.step + ": " + e.err.Error() }
func (e *stepError) Unwrap() error { return e.err }

func discardLine(r *bufio.Reader) error {
	for {
		switch _, err := r.ReadSlice('\n'); err {
		case nil, io.EOF:
			return nil
		case bufio.ErrBufferFull:
		default:
			return readError(err)
		}
	}
}

type lineKind int

const (
	lineEnd   lineKind = iota // not of the header, or end of input
	lineEmpty                 // ends the header
	lineMbox                  // "From " or ">From " above the first field
	lineField
	lineFold
)

// maxName is the longest field name taken for one; RFC 5322, 2.1.1 would stop
// at 998.
const maxName = 998

// classify looks at the line that comes next. For a field n is the length of
// its name with the colon.
func classify(r *bufio.Reader, fields bool) (kind lineKind, n int) {
	first, _ := r.Peek(1)
	switch {
	case len(first) == 0:
		return lineEnd, 0
	case first[0] == '\n':
		return lineEmpty, 0
	case first[0] == '\r':
		if b, _ := r.Peek(2); len(b) == 2 && b[1] == '\n' {
			return lineEmpty, 0
		}
		return lineEnd, 0
	case first[0] == ' ' || first[0] == '\t':
		if fields {
			return lineFold, 0
		}
		return lineEnd, 0
	}
	if !fields {
		if b, _ := r.Peek(6); strings.HasPrefix(strings.TrimPrefix(string(b), ">"), "From ") {
			return lineMbox, 0
		}
	}
	// Ask for no more than is there until it does not do: a terminal gives
	// line by line.
	for want := max(min(r.Buffered(), maxName), 1); ; want = min(want*2, maxName) {
		b, err := r.Peek(want)
		for i, c := range b {
			switch {
			case c == ':':
				if i == 0 {
					return lineEnd, 0
				}
				return lineField, i + 1
			case c == ' ' || c == '\t': // RFC 5322, 4.5: blanks before the colon, nothing else
				if i == 0 || !colonFollows(b[i:]) && (err != nil || !blank(b[i:])) {
					return lineEnd, 0
				}
			case c < 33 || c > 126: // RFC 5322, 3.6.8: ftext
				return lineEnd, 0
			}
		}
		if err != nil || want == maxName {
			return lineEnd, 0
		}
		want = max(want, r.Buffered())
	}
}

func colonFollows(b []byte) bool {
	for _, c := range b {
		if c == ':' {
			return true
		}
		if c != ' ' && c != '\t' {
			return false
		}
	}
	return false
}

func blank(b []byte) bool { return strings.Trim(string(b), " \t") == "" }

func size(n int) string {
	return strconv.Itoa(n) + " bytes"
}

// Has reports whether the message as read had a field of that name.
func (h *Head) Has(name string) bool {
	name = strings.ToLower(name)
	for i := range h.fields {
		if h.fields[i].name == name {
			return true
		}
	}
	return false
}

// Get returns the first value of a field as read, unfolded.
func (h *Head) Get(name string) string {
	name = strings.ToLower(name)
	for _, f := range h.fields {
		if f.name == name {
			return strings.TrimSpace(h.unfold(f))
		}
	}
	return ""
}

// Count returns how many fields of that name there are.
func (h *Head) Count(name string) int {
	n := 0
	for _, f := range h.fields {
		if f.name == name {
			n++
		}
	}
	return n
}

// unfold removes line ends: RFC 5322, 2.2.3.
func (h *Head) unfold(f field) string {
	b := h.raw[min(f.value, f.end):f.end]
	out := make([]byte, 0, len(b))
	for i, c := range b {
		if c == '\n' || c == '\r' && i+1 < len(b) && b[i+1] == '\n' {
			continue
		}
		out = append(out, c)
	}
	return string(out)
}

// extract fills Recipients.
func (h *Head) extract() {
	from := []string{"to", "cc", "bcc"}
	if h.Has("resent-to") || h.Has("resent-cc") || h.Has("resent-bcc") {
		from = []string{"resent-to", "resent-cc", "resent-bcc"}
	}
	seen := map[string]bool{}
	for _, f := range h.fields {
		if f.name != from[0] && f.name != from[1] && f.name != from[2] {
			continue
		}
		for _, a := range address.ParseList(h.unfold(f)) {
			if a.Addr != "" && !seen[a.Addr] {
				seen[a.Addr] = true
				h.Recipients = append(h.Recipients, a.Addr)
			}
		}
	}
}

// isBcc: RFC 5322, 3.6.3: the other recipients must not see it.
func (f *field) isBcc() bool { return f.name == "bcc" || f.name == "resent-bcc" }
