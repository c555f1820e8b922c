// Package reader shows conversations: the messages one has read in a line each, the others whole, quotes folded,
// links numbered, attachments named.
//
// Everything costly, parsing and laying out, is done by Load and Layout outside the loop; the model keeps lines.
// All text passes through package safe, and nothing is ever fetched.
package reader

import (
	"strings"

	"pneu/maildir/compose"
	"pneu/maildir/htmltext"
	"pneu/maildir/message"
	"pneu/maildir/safe"
	"pneu/tui/look"
)

// Limits of the work on one message.
const (
	maxText  = 2 << 20
	maxLines = 50000
)

// A Seg is text in one style; a Line of the document is made of them.
type Seg struct {
	Style look.Style
	Text  safe.Text
}

// A Line is one line of a laid out message.
type Line struct {
	Segs  []Seg
	Quote bool // belongs to quoted text
	Fold  int  // number of quoted lines folded into this one; 0: none
}

// A Link is a target named in the text.
type Link struct {
	Text, URL safe.Text
	Raw       string // the target itself, to be handed to a browser
	Warn      safe.Text
}

// A Doc is a message laid out.
type Doc struct {
	Msg         *message.Message
	Attachments []int
	Lines       []Line
	Links       []Link
	HTML        bool // the text shown was made from HTML
	HasBoth     bool // there is plain text and HTML
	Blocked     htmltext.Blocked
	Width       int
	Show        Show
}

// Show says what of a message is shown.
type Show struct {
	Quotes  bool // quoted text unfolded
	Headers bool // the whole header
	Other   bool // the other of plain text and HTML
	Hidden  bool // what HTML hides
}

// Layout lays a parsed message out in lines of w cells.
func Layout(m *message.Message, t *look.Theme, w int, show Show) *Doc {
	w = max(20, min(w, 100))
	d := &Doc{Msg: m, Width: w, Show: show}
	plain, html, atts := m.Display()
	d.Attachments = atts
	d.HasBoth = plain >= 0 && html >= 0
	b := builder{doc: d, t: t, w: w, show: show}
	if show.Headers {
		b.headers(m.Header(0))
	}
	var text string
	if plain >= 0 {
		text = m.Text(plain, maxText)
		if m.Parts[plain].Flowed {
			text = compose.Unflow(text, m.Parts[plain].DelSp)
		}
	}
	var r htmltext.Result
	useHTML := html >= 0 && plain < 0
	if html >= 0 && (useHTML || show.Other || len(text) < 2000) {
		r = htmltext.Render(m.Text(html, maxText), htmltext.Options{Width: w, ShowHidden: show.Hidden})
		useHTML = useHTML || htmltext.Prefer(text, r)
	}
	if show.Other && d.HasBoth {
		if useHTML = !useHTML; useHTML && r.Text == "" {
			r = htmltext.Render(m.Text(html, maxText), htmltext.Options{Width: w, ShowHidden: show.Hidden})
		}
	}
	switch {
	case useHTML:
		d.HTML = true
		d.Blocked = r.Blocked
		b.html(r)
	case plain >= 0:
		b.plain(text)
	case len(m.Parts) > 0 && m.Parts[0].Type == "text":
		b.plain(m.Text(0, maxText))
	default:
		b.note("no text in this message")
	}
	b.trim()
	if len(text) >= maxText {
		b.note("the text goes on: v shows the parts, s saves them")
	}
	b.attachments(m, atts)
	b.blocked()
	return d
}

// A builder makes the lines of a Doc.
type builder struct {
	doc  *Doc
	t    *look.Theme
	w    int
	show Show
}

func (b *builder) add(l Line) {
	if len(b.doc.Lines) < maxLines {
		b.doc.Lines = append(b.doc.Lines, l)
	}
}

func (b *builder) blank() {
	if n := len(b.doc.Lines); n > 0 && len(b.doc.Lines[n-1].Segs) > 0 {
		b.add(Line{})
	}
}

func (b *builder) note(s look.Lit) {
	b.blank()
	b.add(Line{Segs: []Seg{{b.t.Hint, look.Tf("(%s)", string(s))}}})
}

// trim drops empty lines at the end.
func (b *builder) trim() {
	for n := len(b.doc.Lines); n > 0 && blankLine(b.doc.Lines[n-1]); n-- {
		b.doc.Lines = b.doc.Lines[:n-1]
	}
}

func blankLine(l Line) bool {
	for _, s := range l.Segs {
		if strings.TrimSpace(s.Text.String()) != "" {
			return false
		}
	}
	return l.Fold == 0
}

func (b *builder) headers(h message.Header) {
	n := 0
	for name, value := range h.Fields() {
		if n++; n > 500 {
			b.note("more fields follow")
			break
		}
		text := safe.Line(message.DecodeWords(value)) // a field, not running text: nothing that reorders it
		pad := strings.Repeat(" ", 2)
		for i, s := range wrap(text, max(10, b.w-len(name)-2)) {
			if i == 0 {
				b.add(Line{Segs: []Seg{{b.t.Label, look.Tf("%s: ", name)}, {0, body(s)}}})
				continue
			}
			b.add(Line{Segs: []Seg{{0, body(pad + s)}}})
		}
	}
	b.add(Line{})
}

func (b *builder) attachments(m *message.Message, atts []int) {
	if len(atts) == 0 {
		return
	}
	b.blank()
	for i, p := range atts {
		if i == 20 {
			b.add(Line{Segs: []Seg{{b.t.Hint, look.Tf("    and %d more: v shows all", len(atts)-i)}}})
			break
		}
		part := m.Parts[p]
		name, danger := PartName(part)
		segs := []Seg{
			{b.t.Mark, look.T("& ")},
			{b.t.Head, name},
			{b.t.Hint, look.Tf("  %s  %s/%s", look.Size(int64(partSize(part))), part.Type, part.Subtype)},
		}
		if danger.String() != "" {
			segs = append(segs, Seg{b.t.Danger, look.Tf("  ! %s", danger.String())})
		}
		if i == 0 {
			segs = append(segs, Seg{b.t.Hint, look.T("   v view or save")})
		}
		b.add(Line{Segs: segs})
	}
}

// partSize estimates the decoded size without decoding.
func partSize(p message.Part) int {
	n := p.BodyEnd - p.BodyStart
	if p.Encoding == "base64" {
		return max(0, n-p.Lines) * 3 / 4
	}
	return n
}

func (b *builder) blocked() {
	k := b.doc.Blocked
	if k.Images+k.Hidden == 0 {
		return
	}
	var s []string
	if k.Images > 0 {
		s = append(s, look.Plural(k.Images, "remote image")+" not fetched")
	}
	if k.Trackers > 0 {
		s = append(s, look.Plural(k.Trackers, "tracker"))
	}
	if k.Hidden > 0 {
		s = append(s, look.Plural(k.Hidden, "hidden piece")+" (zh shows)")
	}
	b.blank()
	b.add(Line{Segs: []Seg{{b.t.Hint, look.Tf("%s", strings.Join(s, " · "))}}})
}

// body makes a safe.Text of a single line without touching its blanks.
func body(s string) safe.Text { return safe.Body(s) }

// PartText lays out one text part by itself.
func PartText(m *message.Message, part int, t *look.Theme, w int) []Line {
	d := &Doc{Msg: m, Width: w}
	b := builder{doc: d, t: t, w: max(20, w), show: Show{Quotes: true}}
	if m.Parts[part].Subtype == "html" {
		b.html(htmltext.Render(m.Text(part, maxText), htmltext.Options{Width: w}))
	} else {
		b.plain(m.Text(part, maxText))
	}
	if len(d.Lines) == 0 {
		b.note("empty")
	}
	return d.Lines
}
