package search

import (
	"maps"
	"slices"
	"strings"
)

// fields are the names of fields and the one each stands for.
var fields = map[string]string{
	"from": "from", "to": "to", "cc": "cc", "bcc": "bcc", "rcpt": "rcpt", "recipient": "rcpt",
	"subject": "subject", "s": "subject", "body": "body", "text": "text",
	"is": "is", "has": "has", "flag": "flag", "flags": "flag",
	"date": "date", "received": "received", "older": "older", "before": "older", "newer": "newer", "after": "newer", "since": "newer",
	"size": "size", "in": "in", "folder": "in", "list": "list", "id": "id", "mid": "id", "header": "header", "h": "header",
}

// states are the values of is:.
var states = map[string]string{
	"unread": "unread", "unseen": "unread", "read": "read", "seen": "read",
	"flagged": "flagged", "starred": "flagged", "important": "flagged",
	"replied": "replied", "answered": "replied", "draft": "draft", "new": "new",
	"passed": "forwarded", "forwarded": "forwarded", "trashed": "trashed", "deleted": "trashed",
}

// things are the values of has:.
var things = map[string]string{
	"attachment": "attachment", "attachments": "attachment", "patch": "patch", "list": "list",
}

// hints are examples of each field.
var hints = map[string]string{
	"is":       "one of unread, read, new, flagged, replied, forwarded, draft, trashed",
	"has":      "one of attachment, patch, list",
	"date":     "such as date:7d.., date:2026-03, date:2026-01..2026-03, date:yesterday",
	"received": "such as received:7d.., received:2026-03",
	"older":    "such as older:90d, older:2026-01-01",
	"newer":    "such as newer:7d, newer:2026-01-01",
	"size":     "such as size:>1M, size:<10k, size:1M..5M",
	"header":   "such as header:X-Spam=yes, header:List-Id",
	"in":       "such as in:INBOX, in:Archive/*",
	"flag":     "such as flag:S, flag:FR",
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
	case "from", "to", "cc", "bcc", "rcpt", "subject", "body", "text", "list":
		return true
	}
	return false
}

// suggest says what may have been meant by an unknown field.
func suggest(name, rest string) string {
	best, dist := "", 3
	for _, f := range slices.Sorted(maps.Keys(fields)) {
		if d := distance(name, f); d < dist && d < len(f) {
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
