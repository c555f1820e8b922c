// Package htmltext turns the HTML of a mail into text for a terminal.
//
// It is a renderer of its own on the tokenizer of x/net/html: html.Parse gives
// up at 512 open elements, which would make a hostile mail unreadable. Tables
// are drawn as tables only where they hold data; in most mail they are layout
// and their cells become blocks. Links get numbers, pictures their alternative
// text; nothing is ever fetched. What the sender made invisible is left out and
// counted. The output holds no control character but '\n', whatever came in, and
// the work grows with the length of the input and no faster.
package htmltext

import (
	"strings"

	"pneu/maildir/safe"
)

// Limits of the work on one message.
const (
	DefaultWidth = 80
	MaxWidth     = 100     // longer lines are hard to read
	MaxHTML      = 2 << 20 // bytes of HTML rendered
	maxDepth     = 1024    // nesting kept; what is deeper joins the deepest level
	maxReach     = 256     // open elements an end tag is matched against
)

// Options say how a message is laid out.
type Options struct {
	Width      int  // columns; 0 means DefaultWidth, more than MaxWidth means MaxWidth
	ShowHidden bool // show what the sender hid (preheaders, white on white) too
	Limit      int  // bytes of HTML looked at; 0 means MaxHTML
}

// A Link is an anchor of the message; [1] in the text is Links[0].
type Link struct {
	Text string
	URL  string // where it leads, without the redirector in front where that is known
	Via  string // host of that redirector, or empty
	// Mismatch is the registrable domain the link really leads to, when its
	// text looks like another one; empty when there is nothing to warn of.
	Mismatch string
}

// An Image is a picture that came with the message (cid:) and could be shown.
type Image struct{ CID, Alt string }

// Blocked counts what was left out.
type Blocked struct {
	Images   int // remote pictures, never fetched
	Trackers int // those of them that are 1x1 or invisible
	Hidden   int // pieces of text the sender made invisible
}

// A Result is the rendered text. It has no control character but '\n'.
type Result struct {
	Text      string
	Links     []Link
	Images    []Image
	Blocked   Blocked
	Headings  []int // numbers of the lines of Text that are headings
	Footer    int   // number of the line the footer begins at, or -1
	Truncated bool  // the message was longer than Options.Limit
}

// Render lays html out as text. It never fails.
func Render(html string, opt Options) Result {
	limit := opt.Limit
	if limit <= 0 {
		limit = MaxHTML
	}
	res := Result{Footer: -1}
	if len(html) > limit {
		html, res.Truncated = html[:limit], true
	}
	width := opt.Width
	if width <= 0 {
		width = DefaultWidth
	}
	width = min(width, MaxWidth)

	t := parse(html)
	l := &layout{tree: t, width: max(width, 8), showHidden: opt.ShowHidden, doc: &document{seen: map[string]int{}}}
	l.children(0)
	l.flush()
	res.Links, res.Images, res.Blocked = l.doc.links, l.doc.images, l.doc.blocked
	res.Headings = l.headings
	res.Footer = footer(l.lines)
	// The lines are clean already: this is the guard that stays if a rule above changes.
	res.Text = safe.Body(strings.Join(l.lines, "\n")).String()
	if res.Text != "" {
		res.Text += "\n"
	}
	return res
}
