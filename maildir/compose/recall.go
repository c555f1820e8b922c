package compose

import (
	"strings"

	"pneu/maildir/htmltext"
	"pneu/maildir/message"
)

// FromMessage takes a stored draft up again, or a message as the pattern of a new one.
func FromMessage(m *message.Message) Draft {
	h := m.Header(0)
	d := Draft{
		To: h.Addresses("To"), Cc: h.Addresses("Cc"), Bcc: h.Addresses("Bcc"), ReplyTo: h.Addresses("Reply-To"),
		Subject: oneLine(h.Text("Subject")),
	}
	if from := h.Addresses("From"); len(from) > 0 {
		d.From = from[0]
	}
	if ids := msgIDs(h.Get("In-Reply-To")); len(ids) > 0 {
		d.InReplyTo = ids[0]
	}
	d.References = msgIDs(h.Get("References"))
	for name, value := range h.Fields() {
		if kept(name) && fieldName(name) {
			d.Extra = append(d.Extra, Field{name, oneLine(message.DecodeWords(value))})
		}
	}
	plain, html, _ := m.Display()
	if plain >= 0 {
		d.Body = m.Text(plain, 0)
		if p := &m.Parts[plain]; p.Flowed {
			d.Body = Unflow(d.Body, p.DelSp)
		}
	} else if html >= 0 {
		d.Body = htmltext.Render(m.Text(html, 0), htmltext.Options{Width: 72}).Text
	}
	// It goes back into an editor as it was typed, tabs included, but without controls.
	d.Body = strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' && r != '\t' || r >= 0x7f && r < 0xa0 {
			return -1
		}
		return r
	}, d.Body)
	if d.Body != "" && !strings.HasSuffix(d.Body, "\n") {
		d.Body += "\n"
	}
	d.Attachments = attachments(m)
	return d
}

// kept says which other fields a writer may have set: those of X- and a few that are
// asked for in a draft. What programs add on the way is not taken along.
func kept(name string) bool {
	switch n := strings.ToLower(name); n {
	case "organization", "mail-followup-to", "disposition-notification-to", "importance", "priority", "keywords", "comments":
		return true
	case "x-mailer", "x-original-to", "x-spam-status", "x-uid", "x-status", "x-keywords", "x-mozilla-status", "x-mozilla-status2":
		return false
	default:
		return strings.HasPrefix(n, "x-pneu-")
	}
}
