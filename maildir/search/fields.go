package search

import (
	"maps"
	"slices"
	"strings"

	"pneu/maildir"
	"pneu/maildir/digest"
)

// fields are the names of fields, those of notmuch, mu and Gmail among them, and the one each stands for. What stands
// for a field in quotes is spelled another way there; see dialect.
var fields = map[string]string{
	"from": "from", "f": "from", "to": "to", "t": "to", "cc": "cc", "c": "cc", "bcc": "bcc",
	"replyto": "replyto", "reply-to": "replyto", "reply_to": "replyto",
	"rcpt": "rcpt", "recipient": "rcpt", "recip": "rcpt",
	"any": "any", "address": "any", "addr": "any", "contact": "any", "with": "any",
	"subject": "subject", "s": "subject", "body": "body", "b": "body", "text": "text",
	"is": "is", "has": "has", "flag": "flag", "flags": "flag", "g": "'g",
	"tag": "'tag", "keyword": "tag", "keywords": "tag", "label": "'tag", "x": "'tag",
	"date": "date", "d": "date", "sent": "date", "received": "received", "saved": "saved",
	"older": "older", "before": "older", "until": "older", "older_than": "older",
	"newer": "newer", "after": "newer", "since": "newer", "newer_than": "newer",
	"size": "size", "z": "size", "larger": "'larger", "smaller": "'smaller",
	"in": "'in", "folder": "'folder", "maildir": "'maildir", "m": "'maildir", "path": "'path",
	"list": "list", "v": "list",
	"id": "id", "mid": "id", "i": "id", "msgid": "id", "message-id": "id", "rfc822msgid": "id",
	"header": "header", "h": "header", "sender": "'sender", "deliveredto": "'deliveredto", "refs": "'refs", "references": "'refs",
	"attachment": "attachment", "file": "attachment", "j": "attachment", "filename": "attachment",
	"type": "type", "mime": "type", "mimetype": "type", "y": "type",
	"lang": "lang", "language": "lang", "link": "link", "thread": "thread", "prio": "'prio", "p": "'prio",
}

// refused are fields of other programs that cannot be had here, with the reason and a remedy.
var refused = map[string][2]string{
	"property": {"the properties of notmuch lie in its database, not in the Maildir", "header: asks for any field of the header"},
	"query":    {"queries saved in notmuch are not read", "write the query itself, in parentheses"},
	"lastmod":  {"the revisions of notmuch's database are not those of the Maildir", "such as received:1d.. or saved:1d.."},
	"category": {"Gmail's categories are not in the messages", "has:list and is:auto tell lists and machines from people"},
	"changed":  {"when a file changed is not kept", "such as received:1d.. or saved:1d.."},
	"uid":      {"UIDs are for servers", "id: asks for a Message-ID"},
}

// A state is what is: asks for: flags, a keyword or a class.
type state struct {
	name    string
	flags   maildir.Flags // those that count,
	set     bool          // and whether they are to be set
	isNew   int8          // 1: lies in new/, -1: does not
	keyword string
	class   digest.Class
}

// states are the values of is:.
var states = map[string]state{
	"unread": {name: "unread", flags: "S"}, "unseen": {name: "unread", flags: "S"},
	"read": {name: "read", flags: "S", set: true}, "seen": {name: "read", flags: "S", set: true},
	"flagged": {name: "flagged", flags: "F", set: true}, "starred": {name: "flagged", flags: "F", set: true},
	"important": {name: "flagged", flags: "F", set: true},
	"replied":   {name: "replied", flags: "R", set: true}, "answered": {name: "replied", flags: "R", set: true},
	"forwarded": {name: "forwarded", flags: "P", set: true}, "passed": {name: "forwarded", flags: "P", set: true},
	"draft":   {name: "draft", flags: "D", set: true},
	"trashed": {name: "trashed", flags: "T", set: true}, "deleted": {name: "trashed", flags: "T", set: true},
	"new": {name: "new", isNew: 1}, "old": {name: "old", isNew: -1, flags: "S"},
	"muted": {keyword: "$Muted"}, "junk": {keyword: "$Junk"}, "spam": {keyword: "$Junk"}, "phishing": {keyword: "$Phishing"},
	"auto": {name: "auto", class: digest.Auto}, "bulk": {name: "auto", class: digest.Auto},
	"reply":  {name: "reply", class: digest.Reply},
	"report": {name: "report", class: digest.Report}, "bounce": {name: "report", class: digest.Report},
	"urgent": {name: "urgent", class: digest.Important}, "odd": {name: "odd", class: digest.Odd},
	"html": {name: "html", class: digest.HTMLOnly}, "flowed": {name: "flowed", class: digest.Flowed},
}

// A thing is what has: asks for.
type thing struct {
	name  string
	class digest.Class
}

// things are the values of has:.
var things = map[string]thing{
	"attachment": {"attachment", digest.Attachment}, "attachments": {"attachment", digest.Attachment}, "attach": {"attachment", digest.Attachment},
	"patch": {"patch", digest.Patch}, "list": {"list", digest.List},
	"invite": {"invite", digest.Calendar}, "invitation": {"invite", digest.Calendar}, "calendar": {"invite", digest.Calendar},
	"signature": {"signed", digest.Signed}, "signed": {"signed", digest.Signed},
	"encrypted": {"encrypted", digest.Encrypted}, "encryption": {"encrypted", digest.Encrypted},
	"danger": {"danger", digest.Danger}, "unsubscribe": {"unsubscribe", digest.OneClick},
	"link": {"link", 0}, "links": {"link", 0}, "keyword": {"keyword", 0}, "keywords": {"keyword", 0}, "tag": {"keyword", 0},
}

// hints are examples of each field.
var hints = map[string]string{
	"is":         "one of unread, read, new, old, flagged, replied, forwarded, draft, trashed, muted, junk, phishing, auto, reply, report, urgent, html, flowed, odd",
	"has":        "one of attachment, patch, list, invite, link, signed, encrypted, danger, keyword, unsubscribe",
	"date":       "such as date:7d.., date:2026-03, date:2026-01..2026-03, date:yesterday",
	"received":   "such as received:7d.., received:2026-03",
	"saved":      "such as saved:7d.., saved:2026-03",
	"older":      "such as older:90d, older:2026-01-01",
	"newer":      "such as newer:7d, newer:2026-01-01",
	"size":       "such as size:>1M, size:<10k, size:1M..5M",
	"larger":     "such as larger:1M",
	"smaller":    "such as smaller:10k",
	"header":     "such as header:X-Spam=yes, header:List-Id",
	"in":         "such as in:INBOX, in:Archive/*",
	"path":       "such as path:Archive/2026, path:Archive/**",
	"flag":       "such as flag:S, flag:FR, flag:unread",
	"tag":        "such as tag:$Junk, tag:work",
	"type":       "such as type:pdf, type:application/pdf, type:image/*",
	"attachment": "such as attachment:report, attachment:.xlsx",
	"lang":       "such as lang:de",
	"link":       "link:mismatch is the one there is",
	"thread":     "such as thread:{.}, thread:{from:ada is:unread}, thread:1@example.org",
	"prio":       "prio:high is the one there is",
}

func hintFor(field string) string {
	if h, ok := hints[field]; ok {
		return h
	}
	return "such as " + field + ":word, " + field + `:"two words"`
}

// textual says which fields hold words, and so may be asked for several in parentheses.
func textual(field string) bool {
	switch field {
	case "body", "attachment", "tag", "'tag", "'in", "type":
		return true
	}
	return headsOf[field] != 0 && field != "id"
}

// near returns the one of words that name was probably meant to be, as a question, or "".
func near[T any](name string, words map[string]T) string {
	best, dist := "", min(3, len(name))
	for _, w := range slices.Sorted(maps.Keys(words)) {
		if d := distance(strings.ToLower(name), w); d < dist {
			best, dist = w, d
		}
	}
	if best == "" {
		return ""
	}
	return "did you mean " + best + "? "
}

// suggest says what may have been meant by an unknown field.
func suggest(name, rest string) string {
	best, dist := "", 3
	if len(name) < 4 {
		dist = 2 // so short a word is near to everything
	}
	for _, f := range slices.Sorted(maps.Keys(fields)) {
		if d := distance(name, f); d < dist && d < len(f) && len(f) > 1 {
			best, dist = f, d
		}
	}
	if best != "" {
		return "did you mean " + best + ":?"
	}
	word, _, _ := strings.Cut(rest, " ")
	if len(word) > 40 {
		return "write it between quotes to look for it"
	}
	return `write "` + strings.ReplaceAll(word, `"`, "") + `" between quotes to look for it`
}

// distance is the number of letters to change, add, drop or swap with the next.
func distance(a, b string) int {
	if len(a) > 20 {
		return len(a)
	}
	var d [22][22]int
	for i := 0; i <= len(a); i++ {
		for j := 0; j <= len(b); j++ {
			switch {
			case i == 0 || j == 0:
				d[i][j] = i + j
				continue
			case a[i-1] == b[j-1]:
				d[i][j] = d[i-1][j-1]
				continue
			}
			d[i][j] = 1 + min(d[i-1][j], d[i][j-1], d[i-1][j-1])
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				d[i][j] = min(d[i][j], 1+d[i-2][j-2])
			}
		}
	}
	return d[len(a)][len(b)]
}

func canonFlags(s string) string {
	b := []byte(s)
	slices.Sort(b)
	return string(slices.Compact(b))
}

// muFlags are the letters of flags in mu; those of keywords in file names are small too, and asked for by flag:.
var muFlags = map[string]string{
	"d": "draft", "f": "flagged", "n": "new", "p": "passed", "r": "replied", "s": "seen", "t": "trashed", "u": "unread",
	"a": "attach", "x": "encrypted", "z": "signed", "l": "list",
}

// dialect rewrites the value of a field that another program spells differently.
func dialect(field, value string) (string, string) {
	switch field {
	case "'tag": // notmuch keeps flags and folders as tags
		switch v := strings.ToLower(value); v {
		case "unread", "flagged", "replied", "passed", "draft", "deleted", "new", "muted", "spam", "junk", "starred":
			return "is", v
		case "attachment", "signed", "encrypted":
			return "has", v
		case "inbox":
			return "in", "INBOX"
		}
		return "tag", value
	case "'in":
		switch strings.ToLower(value) {
		case "anywhere", "all", "any":
			return "all", ""
		}
		return "in", value
	case "'folder", "'maildir": // "" and / are the Maildir itself
		if value = strings.Trim(value, "/"); value == "" || value == "." {
			value = "INBOX"
		}
		return "in", value
	case "'path":
		value = strings.Trim(value, "/")
		for _, sub := range []string{"/cur", "/new"} {
			value = strings.TrimSuffix(value, sub)
		}
		switch {
		case value == "**":
			return "all", ""
		case value == "" || value == "." || value == "cur" || value == "new":
			return "in", "INBOX"
		}
		if below, ok := strings.CutSuffix(value, "/**"); ok {
			return "path", below
		}
		return "in", value
	case "'g": // mu has letters for its names, in small
		if name, ok := muFlags[value]; ok {
			return "flag", name
		}
		return "flag", value
	case "'larger":
		return "size", ">" + value
	case "'smaller":
		return "size", "<" + value
	case "'sender":
		return "header", "Sender=" + value
	case "'deliveredto":
		return "header", "Delivered-To=" + value
	case "'refs":
		return "header", "References=" + strings.Trim(value, "<>")
	}
	return field, value
}
