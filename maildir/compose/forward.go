package compose

import (
	"strings"

	"pneu/maildir/message"
	"pneu/maildir/safe"
)

// ForwardMode says how a forwarded message travels.
type ForwardMode int

// Inline puts its text into the body and its attachments beside it; Attached adds it
// whole, as message/rfc822.
const (
	Inline ForwardMode = iota
	Attached
)

// Forward passes m on. Whom to is left for the writer to say.
func Forward(m *message.Message, mode ForwardMode, me []string, opt Options) Draft {
	h := m.Header(0)
	subject := oneLine(h.Text("Subject"))
	if p := strings.ToLower(subject); !strings.HasPrefix(p, "fwd:") && !strings.HasPrefix(p, "fw:") {
		subject = "Fwd: " + subject
	}
	d := Draft{From: sender(h, me, opt), Subject: subject, Body: signature(opt)}
	if mode == Attached {
		name := safe.Filename(strings.ReplaceAll(oneLine(h.Text("Subject")), "/", "-"))
		if len(name) > 80 {
			name = strings.ToValidUTF8(name[:80], "")
		}
		d.Attachments = []Attachment{{Name: name + ".eml", Type: "message/rfc822", Data: withoutFrom(m.Raw)}}
		return d
	}
	var b strings.Builder
	b.WriteString(d.Body)
	b.WriteString("\n---------- Forwarded message ----------\n")
	for _, field := range []string{"From", "Date", "Subject", "To", "Cc"} {
		v := h.Get(field)
		switch field {
		case "Subject":
			v = h.Text(field)
		case "Date":
		default:
			v = formatList(h.Addresses(field))
		}
		if v = oneLine(v); v != "" {
			b.WriteString(field + ": " + v + "\n")
		}
	}
	b.WriteByte('\n')
	text := opt.Text
	if text == "" {
		text = bodyText(m)
	}
	b.WriteString(strings.TrimRight(text, "\n") + "\n")
	d.Body = b.String()
	d.Attachments = attachments(m)
	return d
}

// withoutFrom drops a leading mbox line, which is no part of the message.
func withoutFrom(raw []byte) []byte {
	if strings.HasPrefix(string(raw[:min(len(raw), 5)]), "From ") {
		for i, c := range raw {
			if c == '\n' {
				return raw[i+1:]
			}
		}
	}
	return raw
}

// attachments copies the attachments of a message.
func attachments(m *message.Message) []Attachment {
	_, _, parts := m.Display()
	var out []Attachment
	for _, p := range parts {
		part := &m.Parts[p]
		a := Attachment{Type: part.Type + "/" + part.Subtype, Data: m.Decode(p)}
		if part.Filename != "" {
			a.Name = safe.Filename(part.Filename)
		}
		if a.Name == "" {
			a.Name = "attachment"
			if a.Type == "message/rfc822" {
				a.Name = "message.eml"
			}
		}
		out = append(out, a)
	}
	return out
}
