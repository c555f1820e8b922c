// Package htmltext turns the HTML of a mail into text for a terminal.
package htmltext

// Options say how a message is laid out.
type Options struct {
	Width      int  // columns; 0 means 80, at most 100 are used
	ShowHidden bool // show what the sender hid (preheaders, white on white) too
	Limit      int  // bytes of HTML looked at; 0 means 2 MB
}

// A Link is an anchor of the message; [1] in the text is Links[0].
type Link struct {
	Text, URL string
	// Mismatch is the registrable domain the link really leads to, when its
	// text looks like another one; empty when there is nothing to warn of.
	Mismatch string
}

// An Image is a picture that came with the message (cid:) and could be shown.
type Image struct{ CID, Alt string }

// Blocked counts what was left out.
type Blocked struct {
	Images   int // remote pictures, never fetched
	Trackers int // those of them that are 1x1 or hidden
	Hidden   int // pieces of text the sender made invisible
}

// A Result is the rendered text. It has no control character but '\n'.
type Result struct {
	Text      string
	Links     []Link
	Images    []Image
	Blocked   Blocked
	Truncated bool // the message was longer than Options.Limit
}

// Render lays html out as text. It never fails and takes linear time.
func Render(html string, opt Options) Result { panic("being written") }
