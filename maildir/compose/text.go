package compose

import (
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"pneu/maildir/address"
	"pneu/maildir/message"
)

// The text form: header lines as in a message but not encoded, an empty line, the body.
// From, To, Cc, Bcc and Subject are always there to be filled in. Each attachment is a line
//
//	Attach: "/path/with blanks" name="shown.pdf" type=application/pdf
//
// where "#1" instead of a path stands for the first attachment of the draft that has no
// file (see Draft.Edit).

// Text returns the draft as text for an editor.
func (d Draft) Text() []byte {
	var b strings.Builder
	list := func(name string, l []message.Addr, always bool) {
		if len(l) > 0 || always {
			b.WriteString(strings.TrimRight(name+": "+formatList(l), " ") + "\n")
		}
	}
	var from []message.Addr
	if d.From != (message.Addr{}) {
		from = []message.Addr{d.From}
	}
	list("From", from, true)
	list("To", d.To, true)
	list("Cc", d.Cc, true)
	list("Bcc", d.Bcc, true)
	list("Reply-To", d.ReplyTo, false)
	b.WriteString(strings.TrimRight("Subject: "+oneLine(d.Subject), " ") + "\n")
	if d.InReplyTo != "" {
		b.WriteString("In-Reply-To: <" + d.InReplyTo + ">\n")
	}
	if len(d.References) > 0 {
		b.WriteString("References: <" + strings.Join(d.References, ">\n\t<") + ">\n")
	}
	for _, f := range d.Extra {
		b.WriteString(strings.TrimRight(f.Name+": "+oneLine(f.Value), " ") + "\n")
	}
	inline := 0
	for _, a := range d.Attachments {
		path := a.Path
		if path == "" {
			inline++
			path = "#" + strconv.Itoa(inline)
		}
		b.WriteString("Attach: " + quoteIfNeeded(path))
		if a.Name != "" {
			b.WriteString(" name=" + quoteIfNeeded(a.Name))
		}
		if a.Type != "" {
			b.WriteString(" type=" + quoteIfNeeded(a.Type))
		}
		b.WriteByte('\n')
	}
	b.WriteByte('\n')
	b.WriteString(d.Body)
	if d.Body != "" && !strings.HasSuffix(d.Body, "\n") {
		b.WriteByte('\n')
	}
	return []byte(b.String())
}

// quoteIfNeeded quotes what would not be read back as one word.
func quoteIfNeeded(s string) string {
	if s != "" && !strings.ContainsAny(s, " \t\"\\\n\r=") {
		return s
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\r", `\r`).Replace(s) + `"`
}

func formatList(l []message.Addr) string {
	parts := make([]string, 0, len(l))
	for _, a := range l {
		name := oneLine(a.Name)
		switch {
		case name == "":
			parts = append(parts, a.Addr)
		case a.Addr == "":
			parts = append(parts, quoteName(name))
		default:
			parts = append(parts, quoteName(name)+" <"+a.Addr+">")
		}
	}
	return strings.Join(parts, ", ")
}

// quoteName puts quotes around a name that is more than words.
func quoteName(s string) string {
	if !strings.ContainsAny(s, `()<>[]:;@\,."`+"\t") {
		return s
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}

// ParseText reads what an editor left. What can be read is in the draft even when there
// are errors.
func ParseText(b []byte) (Draft, []error) {
	var d Draft
	var errs []error
	s := strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(strings.ToValidUTF8(string(b), "\ufffd"))
	line := 0
	for s != "" {
		var l string
		l, s, _ = strings.Cut(s, "\n")
		line++
		if strings.TrimSpace(l) == "" {
			break
		}
		at := line
		for s != "" && (s[0] == ' ' || s[0] == '\t') {
			more, rest, _ := strings.Cut(s, "\n")
			if strings.TrimSpace(more) == "" {
				break
			}
			l, s = l+" "+strings.TrimSpace(more), rest
			line++
		}
		name, value, ok := strings.Cut(l, ":")
		if !ok || !fieldName(name) {
			errs = append(errs, fmt.Errorf("line %d: %q is no header line (Name: value); is the empty line before the text missing?", at, short(l)))
			continue
		}
		if err := d.set(name, strings.TrimSpace(value)); err != nil {
			errs = append(errs, fmt.Errorf("line %d: %w", at, err))
		}
	}
	d.Body = s
	if s != "" && !strings.HasSuffix(s, "\n") {
		d.Body += "\n"
	}
	return d, errs
}

// Edit reads the text form of a draft back after editing; attachments without a file
// are those of d.
func (d Draft) Edit(b []byte) (Draft, []error) {
	e, errs := ParseText(b)
	var inline []Attachment
	for _, a := range d.Attachments {
		if a.Path == "" {
			inline = append(inline, a)
		}
	}
	kept := e.Attachments[:0]
	for _, a := range e.Attachments {
		if num, ok := strings.CutPrefix(a.Path, "#"); ok {
			n, err := strconv.Atoi(num)
			if err != nil || n < 1 || n > len(inline) {
				errs = append(errs, fmt.Errorf("there is no attachment #%s to keep", short(num)))
				continue
			}
			a.Path, a.Data = "", inline[n-1].Data
		}
		kept = append(kept, a)
	}
	if e.Attachments = kept; len(kept) == 0 {
		e.Attachments = nil
	}
	return e, errs
}

func short(s string) string {
	if r := []rune(s); len(r) > 40 {
		return string(r[:40]) + "…"
	}
	return s
}

// fieldName reports whether s may name a header field (RFC 5322, 2.2).
func fieldName(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] >= 0x7f || s[i] == ':' {
			return false
		}
	}
	return s != ""
}

func (d *Draft) set(name, value string) error {
	switch strings.ToLower(name) {
	case "from":
		l, err := parseAddrs(value)
		if len(l) > 0 {
			d.From = l[0]
		}
		if len(l) > 1 && err == nil {
			err = fmt.Errorf("more than one address")
		}
		return wrapName("From", err)
	case "to":
		return addAddrs(&d.To, "To", value)
	case "cc":
		return addAddrs(&d.Cc, "Cc", value)
	case "bcc":
		return addAddrs(&d.Bcc, "Bcc", value)
	case "reply-to":
		return addAddrs(&d.ReplyTo, "Reply-To", value)
	case "subject":
		d.Subject = oneLine(value)
	case "in-reply-to":
		if ids := msgIDs(value); len(ids) > 0 {
			d.InReplyTo = ids[0]
		}
	case "references":
		d.References = append(d.References, msgIDs(value)...)
	case "attach":
		a, err := parseAttach(value)
		if err != nil {
			return err
		}
		d.Attachments = append(d.Attachments, a)
	default:
		if reserved(name) {
			return fmt.Errorf("%s is written when the message is sent", name)
		}
		d.Extra = append(d.Extra, Field{name, oneLine(value)})
	}
	return nil
}

func wrapName(name string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", name, err)
}

func addAddrs(to *[]message.Addr, name, value string) error {
	l, err := parseAddrs(value)
	*to = append(*to, l...)
	return wrapName(name, err)
}

// parseAddrs reads an address list as people type it; names are not encoded.
func parseAddrs(value string) ([]message.Addr, error) {
	var out []message.Addr
	var bad error
	for _, a := range address.ParseList(value) {
		out = append(out, message.Addr{Name: oneLine(a.Name), Addr: a.Addr})
		full := a.Addr
		if !strings.Contains(full, "@") {
			full += "@localhost" // somebody here
		}
		switch err := address.Valid(full, true); {
		case bad != nil:
		case a.Addr == "":
			bad = fmt.Errorf("%q has no address", short(a.Name))
		case err != nil:
			bad = fmt.Errorf("%q: %w", short(a.Addr), err)
		}
	}
	return out, bad
}

func msgIDs(value string) []string {
	var ids []string
	for f := range strings.FieldsSeq(strings.NewReplacer("<", " ", ">", " ").Replace(value)) {
		ids = append(ids, f)
	}
	return ids
}

// parseAttach reads the value of an Attach line.
func parseAttach(s string) (Attachment, error) {
	var a Attachment
	word := func() (string, error) {
		s = strings.TrimLeft(s, " \t")
		var b strings.Builder
		if !strings.HasPrefix(s, `"`) {
			n := strings.IndexAny(s, " \t")
			if n < 0 {
				n = len(s)
			}
			w := s[:n]
			s = s[n:]
			return w, nil
		}
		for i := 1; i < len(s); i++ {
			switch c := s[i]; {
			case c == '"':
				s = s[i+1:]
				return b.String(), nil
			case c == '\\' && i+1 < len(s):
				i++
				switch s[i] {
				case 'n':
					b.WriteByte('\n')
				case 'r':
					b.WriteByte('\r')
				default:
					b.WriteByte(s[i])
				}
			default:
				b.WriteByte(c)
			}
		}
		return "", fmt.Errorf("attach: the quote is never closed")
	}
	path, err := word()
	if err != nil {
		return a, err
	}
	if path == "" {
		return a, fmt.Errorf("attach: wants a file")
	}
	a.Path = path
	for s = strings.TrimLeft(s, " \t"); s != ""; s = strings.TrimLeft(s, " \t") {
		key, rest, ok := strings.Cut(s, "=")
		if !ok || key != "name" && key != "type" {
			return a, fmt.Errorf(`attach: %q: write a path with blanks between quotes; known are name= and type=`, short(s))
		}
		s = rest
		v, err := word()
		if err != nil {
			return a, err
		}
		if key == "name" {
			a.Name = filepath.Base(strings.ReplaceAll(v, "\n", " "))
		} else {
			a.Type = v
		}
	}
	return a, nil
}

// reserved are the fields that the writer of the message makes.
func reserved(name string) bool {
	switch strings.ToLower(name) {
	case "date", "message-id", "mime-version", "content-type", "content-transfer-encoding", "content-disposition", "content-id":
		return true
	}
	return false
}
