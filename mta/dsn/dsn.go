// Package dsn writes delivery status notifications (RFC 3461-3464, and RFC
// 6533 for addresses in Unicode): that a message failed, is delayed, was
// delivered or was handed to a server that does not report.
//
// A report has three parts: words for a person, fields for a program, and the
// original's header or all of it, as the sender asked (RET). Whether one is due
// at all, and to whom, is the caller's to know; so is sending it with the null
// sender (RFC 3464, 2).
package dsn

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"strconv"
	"strings"
	"time"
)

// An Action is what was done with a recipient (RFC 3464, 2.3.3).
type Action string

// The actions. Expanded is left to whoever expands lists.
const (
	Failed    Action = "failed"
	Delayed   Action = "delayed"
	Delivered Action = "delivered"
	Relayed   Action = "relayed"
)

// A Report is one notification.
type Report struct {
	Hostname   string    // of the host that reports
	To         string    // the original's sender
	MessageID  string    // of the report, without brackets
	Date       time.Time // of the report
	QueueID    string    // of the original
	EnvID      string    // the sender's ENVID, decoded
	Arrived    time.Time // when the original came
	Recipients []Recipient
	Original   io.Reader // from its start
	Full       bool      // return all of it, not the header alone
	UTF8       bool      // the recipient of the report takes SMTPUTF8
}

// A Recipient is what happened to one.
type Recipient struct {
	Address     string
	ORcpt       string // "rfc822;a@b", decoded; empty if not known
	Action      Action
	Status      string // enhanced status code
	Host, IP    string // of the server that answered
	Code        int    // of its reply; 0 if it gave none
	Text        string // its reply, or what went wrong
	LastAttempt time.Time
	RetryUntil  time.Time // when delayed
}

// maxHeader bounds the header that is returned.
const maxHeader = 256 << 10

// Write writes the report with LF line ends.
func Write(w io.Writer, r Report) error {
	if len(r.Recipients) == 0 {
		return errors.New("write report: no recipients")
	}
	b := bufio.NewWriterSize(w, 32<<10)
	in := bufio.NewReaderSize(&newlines{r: bufio.NewReader(r.Original)}, 32<<10)
	header, err := readHeader(in)
	if err != nil {
		return err
	}
	global := r.UTF8 && !r.ascii()
	mark := sha256.Sum256([]byte(r.MessageID + "\x00" + r.QueueID))
	boundary := "report-" + hex.EncodeToString(mark[:15])

	r.head(b, header, boundary)
	part(b, boundary)
	r.words(b)
	part(b, boundary)
	kind, enc := "message/delivery-status", ""
	if global {
		kind, enc = "message/global-delivery-status", "8bit"
	}
	field(b, "Content-Type", kind)
	if enc != "" {
		field(b, "Content-Transfer-Encoding", enc)
	}
	field(b, "Content-Description", "Delivery report")
	r.fields(b, global)
	part(b, boundary)
	kind = "text/rfc822-headers"
	utf8Head := r.UTF8 && eightBit(header)
	switch {
	case r.Full && utf8Head:
		kind = "message/global" // RFC 6532, 3.7
	case r.Full:
		kind = "message/rfc822"
	case utf8Head:
		kind = "message/global-headers" // RFC 6533, 6
	}
	field(b, "Content-Type", kind)
	field(b, "Content-Transfer-Encoding", "8bit")
	field(b, "Content-Description", "The message in question")
	b.WriteString("\n")
	b.Write(header)
	if r.Full {
		if _, err := io.Copy(b, in); err != nil {
			return err
		}
	}
	b.WriteString("\n--" + boundary + "--\n")
	return b.Flush()
}

func (r *Report) ascii() bool {
	for _, rc := range r.Recipients {
		if eightBit([]byte(rc.Address)) || eightBit([]byte(rc.ORcpt)) {
			return false
		}
	}
	return true
}

// head writes the report's own header.
func (r *Report) head(b *bufio.Writer, original []byte, boundary string) {
	id := messageID(original)
	field(b, "From", "Mail system at "+r.Hostname+" <MAILER-DAEMON@"+r.Hostname+">")
	field(b, "To", "<"+clean(r.To, true)+">")
	field(b, "Subject", subjects[r.Recipients[0].Action])
	field(b, "Date", r.Date.Format(time.RFC1123Z))
	field(b, "Message-ID", "<"+r.MessageID+">")
	if id != "" {
		field(b, "In-Reply-To", id)
		field(b, "References", id)
	}
	field(b, "Auto-Submitted", "auto-replied") // RFC 3834, 5
	field(b, "MIME-Version", "1.0")
	field(b, "Content-Type", "multipart/report; report-type=delivery-status;\n\tboundary=\""+boundary+"\"")
	field(b, "Content-Transfer-Encoding", "8bit")
	b.WriteString("\nThis is a delivery report in MIME format.\n")
}

var subjects = map[Action]string{
	Failed:    "Your message could not be delivered",
	Delayed:   "Your message is not delivered yet",
	Delivered: "Your message was delivered",
	Relayed:   "Your message was passed on",
}

func part(b *bufio.Writer, boundary string) { b.WriteString("\n--" + boundary + "\n") }

func field(b *bufio.Writer, name, value string) { b.WriteString(name + ": " + value + "\n") }

// fields writes the part for programs (RFC 3464, 2.2 and 2.3).
func (r *Report) fields(b *bufio.Writer, utf8 bool) {
	b.WriteString("\n")
	if r.EnvID != "" {
		field(b, "Original-Envelope-Id", clean(r.EnvID, false))
	}
	field(b, "Reporting-MTA", "dns; "+r.Hostname)
	if r.QueueID != "" {
		field(b, "X-Pneu-Queue-ID", r.QueueID)
	}
	if !r.Arrived.IsZero() {
		field(b, "Arrival-Date", r.Arrived.Format(time.RFC1123Z))
	}
	for _, rc := range r.Recipients {
		b.WriteString("\n")
		if typ, addr, ok := strings.Cut(rc.ORcpt, ";"); ok {
			field(b, "Original-Recipient", clean(typ, false)+"; "+address(addr, utf8))
		}
		typ := "rfc822"
		if eightBit([]byte(rc.Address)) {
			typ = "utf-8" // RFC 6533, 3
		}
		field(b, "Final-Recipient", typ+"; "+address(rc.Address, utf8))
		field(b, "Action", string(rc.Action))
		field(b, "Status", clean(rc.Status, false))
		if rc.Host != "" || rc.IP != "" {
			field(b, "Remote-MTA", "dns; "+clean(server(rc), false))
		}
		if d := diagnostic(rc); d != "" {
			field(b, "Diagnostic-Code", fold("Diagnostic-Code: ", clean(d, utf8)))
		}
		if !rc.LastAttempt.IsZero() {
			field(b, "Last-Attempt-Date", rc.LastAttempt.Format(time.RFC1123Z))
		}
		if rc.Action == Delayed && !rc.RetryUntil.IsZero() {
			field(b, "Will-Retry-Until", rc.RetryUntil.Format(time.RFC1123Z))
		}
	}
}

// diagnostic is the server's answer, or our own words of the type RFC 3464,
// 2.3.6 leaves to us.
func diagnostic(rc Recipient) string {
	if rc.Code == 0 {
		if rc.Text == "" {
			return ""
		}
		return "x-pneu; " + rc.Text
	}
	s := "smtp; " + strconv.Itoa(rc.Code)
	if rc.Status != "" {
		s += " " + rc.Status
	}
	return s + " " + rc.Text
}

func server(rc Recipient) string {
	switch {
	case rc.Host == "":
		return "[" + rc.IP + "]"
	case rc.IP == "":
		return rc.Host
	}
	return rc.Host + " [" + rc.IP + "]"
}

// address writes an address for the fields; in an ASCII part one in Unicode
// has the form of RFC 6533, 3 (utf-8-addr-xtext).
func address(s string, utf8 bool) string {
	if utf8 || !eightBit([]byte(s)) {
		return clean(s, utf8)
	}
	var b strings.Builder
	for _, c := range s {
		if c < '!' || c > '~' || c == '\\' {
			b.WriteString(`\x{` + strings.ToUpper(strconv.FormatInt(int64(c), 16)) + "}")
		} else {
			b.WriteRune(c)
		}
	}
	return b.String()
}

// readHeader reads up to and with the empty line. One too long is cut at a line.
func readHeader(in *bufio.Reader) ([]byte, error) {
	var h []byte
	for {
		line, err := in.ReadSlice('\n')
		if err == bufio.ErrBufferFull {
			err = nil
		}
		if len(h)+len(line) <= maxHeader {
			h = append(h, line...)
		}
		if err == io.EOF {
			return h, nil
		}
		if err != nil {
			return nil, err
		}
		if string(line) == "\n" && (len(h) < 2 || h[len(h)-2] == '\n') {
			return h, nil
		}
	}
}

// messageID finds the original's, if it can be quoted without harm.
func messageID(header []byte) string {
	for line := range bytes.Lines(header) {
		if len(line) > 11 && bytes.EqualFold(line[:11], []byte("message-id:")) {
			id := string(bytes.TrimSpace(line[11:]))
			if len(id) > 2 && len(id) < 250 && id[0] == '<' && id[len(id)-1] == '>' &&
				!strings.ContainsFunc(id, func(c rune) bool { return c <= ' ' || c > '~' }) {
				return id
			}
			return ""
		}
	}
	return ""
}

func eightBit(b []byte) bool {
	for _, c := range b {
		if c >= 0x80 {
			return true
		}
	}
	return false
}

// newlines turns every line end into LF, and NUL, which no line may hold, into
// a space.
type newlines struct {
	r  *bufio.Reader
	cr bool
}

func (n *newlines) Read(p []byte) (int, error) {
	for i := 0; i < len(p); {
		c, err := n.r.ReadByte()
		if err != nil {
			if i > 0 {
				return i, nil
			}
			return 0, err
		}
		was := n.cr
		n.cr = c == '\r'
		switch {
		case c == '\n' && was:
			continue
		case c == '\r':
			c = '\n'
		case c == 0:
			c = ' '
		}
		p[i] = c
		i++
	}
	return len(p), nil
}
