package store

import (
	"slices"
	"strings"

	"pneu/maildir/safe"
	"pneu/tui/look"
)

// told are the keywords with a $ that say something to a person. The others are notes of programs to each other, such
// as $MDNSent, and a list has no room for them.
var told = []string{"$important", "$junk", "$phishing", "$muted", "$followed", "$memo"}

// Labels writes keywords as a list shows them: #work #later.
func Labels(keywords []string) safe.Text {
	var s []string
	for _, k := range keywords {
		low := strings.ToLower(k)
		switch {
		case low == "nonjunk": // Thunderbird's $NotJunk
		case strings.HasPrefix(k, "$") && !slices.Contains(told, low) && !strings.HasPrefix(low, "$label"):
		default:
			s = append(s, "#"+strings.TrimPrefix(k, "$"))
		}
	}
	if len(s) == 0 {
		return safe.Text{}
	}
	return look.T(strings.Join(s, " "))
}

// AllLabels writes all keywords, as the reader shows them.
func AllLabels(keywords []string) safe.Text {
	if len(keywords) == 0 {
		return safe.Text{}
	}
	return look.T("#" + strings.Join(keywords, " #"))
}

// Keywords returns the keywords of message id.
func (b *Box) Keywords(id int) []string {
	n, ok := b.row(id)
	if !ok {
		return nil
	}
	return b.now.Index().Keywords(n)
}
