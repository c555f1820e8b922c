package dsn

import (
	"bufio"
	"strings"
	"time"
	"unicode/utf8"
)

// words writes the part for a person.
func (r *Report) words(b *bufio.Writer) {
	field(b, "Content-Type", "text/plain; charset=utf-8")
	field(b, "Content-Transfer-Encoding", "8bit")
	field(b, "Content-Description", "Notification")
	b.WriteString("\n")
	action := r.Recipients[0].Action
	write := func(s string) { b.WriteString(wrap(s, "")) }
	write("This is the mail system at " + r.Hostname + ".")
	b.WriteString("\n")
	who := "the recipient below"
	if len(r.Recipients) > 1 {
		who = "the recipients below"
	}
	when := ""
	if !r.Arrived.IsZero() {
		when = " of " + r.Arrived.Format("2 January 2006, 15:04 -0700")
	}
	switch action {
	case Failed:
		write("Your message" + when + " could not be delivered to " + who + ". It will not be tried again. The reason is given with each address.")
	case Delayed:
		write("Your message" + when + " has not been delivered yet to " + who + ". You need not send it again: it is kept and tried until " +
			until(r.Recipients) + ". If that fails, you will be told.")
	case Delivered:
		write("Your message" + when + " was delivered to " + who + ". You had asked to be told.")
	case Relayed:
		write("Your message" + when + " was passed on for " + who + ", to a server that does not report deliveries. " +
			"You had asked to be told; this is the last report unless it fails.")
	}
	for _, rc := range r.Recipients {
		b.WriteString("\n")
		b.WriteString("  <" + clean(rc.Address, true) + ">\n")
		if typ, orig, ok := strings.Cut(rc.ORcpt, ";"); ok && orig != rc.Address && strings.EqualFold(typ, "rfc822") {
			b.WriteString("    (sent to " + clean(orig, true) + ")\n")
		}
		text := clean(rc.Text, true)
		switch {
		case rc.Code != 0 && rc.Host == "" && rc.IP == "":
			b.WriteString(wrap(strings.TrimPrefix(clean(diagnostic(rc), true), "smtp; "), "    "))
		case rc.Code != 0:
			b.WriteString(wrap(clean(server(rc), false)+" answered: "+strings.TrimPrefix(clean(diagnostic(rc), true), "smtp; "), "    "))
		case text != "" && (rc.Host != "" || rc.IP != ""):
			b.WriteString(wrap(clean(server(rc), false)+": "+text, "    "))
		case text != "":
			b.WriteString(wrap(text, "    "))
		}
	}
	if r.QueueID != "" {
		b.WriteString("\nHere the message is known as " + r.QueueID + ".\n")
	}
}

func until(list []Recipient) string {
	var t time.Time
	for _, rc := range list {
		if rc.RetryUntil.After(t) {
			t = rc.RetryUntil
		}
	}
	if t.IsZero() {
		return "its time is over"
	}
	return t.Format("2 January 2006, 15:04 -0700")
}

// clean makes a stranger's bytes fit for a line of a report: no controls, valid
// UTF-8, ASCII alone if asked, and not without end.
func clean(s string, unicode bool) string {
	const most = 1000
	if len(s) > most {
		s = s[:most]
		for len(s) > 0 && !utf8.RuneStart(s[len(s)-1]) {
			s = s[:len(s)-1]
		}
		s = strings.ToValidUTF8(s, "") + "..."
	}
	return strings.Map(func(c rune) rune {
		switch {
		case c == '\t' || c == '\n' || c == '\r':
			return ' '
		case c < ' ' || c >= 0x7f && c < 0xa0 || c == 0x2028 || c == 0x2029 || c == utf8.RuneError:
			return '?'
		case c >= 0x80 && !unicode:
			return '?'
		}
		return c
	}, s)
}

// wrap breaks s at spaces into indented lines of at most 76 bytes where it can.
func wrap(s, indent string) string {
	var b strings.Builder
	line := indent
	for _, w := range strings.Fields(s) {
		if line != indent && len(line)+1+len(w) > 76 {
			b.WriteString(line + "\n")
			line = indent
		}
		if line != indent {
			line += " "
		}
		line += w
	}
	b.WriteString(line + "\n")
	return b.String()
}

// fold breaks a field's value; name is what stands before it.
func fold(name, value string) string {
	lines := strings.Split(strings.TrimSuffix(wrap(value, strings.Repeat(" ", len(name))), "\n"), "\n")
	for i := range lines {
		lines[i] = strings.TrimSpace(lines[i])
	}
	return strings.Join(lines, "\n\t")
}
