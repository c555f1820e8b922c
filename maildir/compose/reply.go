package compose

import (
	"net/url"
	"strings"

	"pneu/maildir/message"
)

// maxReferences keeps the References of an endless thread in bounds: the first and the
// latest ones (RFC 5322, 3.6.4 sets no limit, header lines do).
const maxReferences = 50

// Reply answers m; all answers everybody. me are the writer's addresses.
//
// Where the answer goes: to Mail-Followup-To if all are answered and it is there, else to
// Reply-To, else to From. An answer to a message of one's own goes where that went.
func Reply(m *message.Message, me []string, all bool, opt Options) Draft {
	h := m.Header(0)
	d := answer(m, me, opt)
	from := h.Addresses("From")
	to := from
	if r := h.Addresses("Reply-To"); len(r) > 0 {
		to = r
	}
	mine := len(from) > 0
	for _, a := range from {
		mine = mine && isMe(a.Addr, me)
	}
	seen := map[string]bool{}
	if follow := h.Addresses("Mail-Followup-To"); all && len(follow) > 0 && !mine {
		d.To = without(follow, seen, me)
		if len(d.To) > 0 {
			return d
		}
	}
	if mine {
		d.To = without(h.Addresses("To"), seen, me)
		if len(d.To) == 0 { // a note to oneself
			d.To = without(to, seen, nil)
		}
		if all {
			d.Cc = without(h.Addresses("Cc"), seen, me)
		}
		return d
	}
	d.To = without(to, seen, nil)
	if all {
		d.Cc = append(without(h.Addresses("To"), seen, me), without(h.Addresses("Cc"), seen, me)...)
	}
	return d
}

// ReplyList answers to the mailing list m came through; ok is false without one, or if
// nobody may write to it (RFC 2369, 3.4).
func ReplyList(m *message.Message, me []string, opt Options) (d Draft, ok bool) {
	h := m.Header(0)
	for _, part := range strings.Split(h.Get("List-Post"), ",") {
		part = strings.Trim(strings.TrimSpace(part), "<>")
		if len(part) < 8 || !strings.EqualFold(part[:7], "mailto:") {
			continue
		}
		addr, _, _ := strings.Cut(part[7:], "?")
		if a, err := url.PathUnescape(addr); err == nil {
			addr = a
		}
		if !strings.Contains(addr, "@") || strings.ContainsAny(addr, " \t\r\n,<>") {
			continue
		}
		d = answer(m, me, opt)
		d.To = []message.Addr{{Addr: addr}}
		for _, a := range append(h.Addresses("To"), h.Addresses("Cc")...) {
			if key(a.Addr) == key(addr) {
				d.To[0].Name = a.Name
				break
			}
		}
		return d, true
	}
	return Draft{}, false
}

// answer makes what all answers have: sender, subject, references, quoted body.
func answer(m *message.Message, me []string, opt Options) Draft {
	h := m.Header(0)
	d := Draft{From: sender(h, me, opt), Subject: "Re: " + stripReply(oneLine(h.Text("Subject")))}
	d.InReplyTo = h.MessageID()
	d.References = h.References()
	if d.InReplyTo != "" {
		d.References = append(d.References, d.InReplyTo)
	} else {
		d.References = nil // nothing to refer to
	}
	if n := len(d.References); n > maxReferences {
		d.References = append(d.References[:1:1], d.References[n-maxReferences+1:]...)
	}
	if !opt.NoQuote {
		text := opt.Text
		if text == "" {
			text = bodyText(m)
		}
		if q := quote(dropSignature(text), opt.width()); q != "" {
			d.Body = attribution(h, opt) + "\n" + q + "\n\n"
		}
	}
	d.Body += signature(opt)
	return d
}

func signature(opt Options) string {
	if opt.Signature == "" {
		return ""
	}
	return "\n-- \n" + strings.TrimRight(opt.Signature, "\n") + "\n"
}

// sender picks the writer's address: the one that the message came to.
func sender(h message.Header, me []string, opt Options) message.Addr {
	if opt.From.Addr != "" {
		return opt.From
	}
	for _, field := range []string{"To", "Cc", "Delivered-To", "X-Original-To", "From"} {
		for _, a := range h.Addresses(field) {
			if isMe(a.Addr, me) {
				return message.Addr{Name: opt.From.Name, Addr: a.Addr}
			}
		}
	}
	if len(me) > 0 {
		return message.Addr{Name: opt.From.Name, Addr: me[0]}
	}
	return opt.From
}

// stripReply removes what mail programs of several countries put before the subject of
// an answer, however often, with their counters: "AW: Re[2]: x".
func stripReply(s string) string {
	for {
		s = strings.TrimSpace(s)
		rest, ok := s, false
		for _, p := range []string{"re", "aw", "antw", "sv", "vs", "rif", "res", "odp", "ynt", "回复", "答复", "回覆"} {
			if len(s) > len(p) && strings.EqualFold(s[:len(p)], p) {
				rest, ok = s[len(p):], true
				break
			}
		}
		if !ok {
			return s
		}
		rest = strings.TrimLeft(rest, " ")
		if rest != "" && (rest[0] == '[' || rest[0] == '(') {
			n := strings.IndexAny(rest, "])")
			if n < 2 || strings.Trim(rest[1:n], "0123456789") != "" {
				return s
			}
			rest = strings.TrimLeft(rest[n+1:], " ")
		}
		switch {
		case strings.HasPrefix(rest, ":"):
			s = rest[1:]
		case strings.HasPrefix(rest, "："):
			s = rest[len("："):]
		default:
			return s
		}
	}
}

// oneLine makes white space of any kind one blank.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// attribution says who wrote what follows.
func attribution(h message.Header, opt Options) string {
	t := opt.Attribution
	if t == "" {
		t = DefaultAttribution
	}
	var who message.Addr
	if from := h.Addresses("From"); len(from) > 0 {
		who = from[0]
	}
	name := oneLine(who.Name)
	if name == "" {
		name = who.Addr
	}
	if name == "" {
		name = "somebody"
	}
	date := "an unknown day"
	if when, ok := h.Date(); ok {
		if opt.Location != nil {
			when = when.In(opt.Location)
		}
		date = when.Format("Mon, 2 Jan 2006 at 15:04")
	}
	return strings.NewReplacer("{date}", date, "{name}", name, "{addr}", who.Addr,
		"{subject}", oneLine(h.Text("Subject"))).Replace(t)
}
