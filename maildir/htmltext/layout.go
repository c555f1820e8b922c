package htmltext

import (
	"strconv"
	"strings"

	"golang.org/x/net/html/atom"
	"pneu/maildir/safe"
)

// document is what the layouts of a message and of its table cells share.
type document struct {
	links   []Link
	seen    map[string]int // number of each link by its target
	images  []Image
	blocked Blocked
	shown   int // pictures that are no spacers
}

// A marker stands in the indentation of the first line of a list item.
type marker struct {
	at   int // offset in the prefix
	text string
}

// layout sets blocks below each other in lines of at most width columns.
type layout struct {
	*tree
	doc        *document
	width      int
	showHidden bool

	lines      []string
	headings   []int
	prefix     string // quote marks and indentation of the lines to come
	lastPrefix string // that of the last line
	markers    []marker
	margin     int // empty lines wanted before the next line

	para  []rune // inline content: ' ' may break, U+00A0 not, '\n' must
	pre   int    // depth of pre elements
	quote int
	lists []atom.Atom // open lists
	link  *strings.Builder
}

func (l *layout) children(n int32) {
	for c := l.nodes[n].first; c != 0; c = l.nodes[c].next {
		if l.splitsQuote(c) { // the rest of the siblings is what is answered
			l.block(0)
			l.quoted(func() {
				for ; c != 0; c = l.nodes[c].next {
					l.node(c)
				}
			})
			return
		}
		l.node(c)
	}
}

func (l *layout) node(i int32) {
	n := &l.nodes[i]
	if n.tag == 0 {
		if n.paint.alike() && !l.showHidden {
			if visible(n.text) {
				l.doc.blocked.Hidden++
			}
			return
		}
		l.text(n.text)
		return
	}
	if n.skip {
		return
	}
	if n.hidden && !l.showHidden {
		text := false
		l.countHidden(i, &text)
		if text {
			l.doc.blocked.Hidden++
		}
		return
	}
	switch n.tag {
	case atom.Br:
		if l.pre > 0 {
			l.text("\n")
		} else {
			l.para = append(trimSpace(l.para), '\n')
		}
	case atom.Hr:
		l.rule()
	case atom.Img:
		l.image(n)
	case atom.A:
		l.anchor(i)
	case atom.Input:
		if t := strings.ToLower(n.get("type")); t == "submit" || t == "button" {
			l.text("[" + n.get("value") + "]")
		}
	case atom.Table:
		l.table(i)
	case atom.Ul, atom.Ol, atom.Dir, atom.Menu:
		l.list(i)
	case atom.Li:
		l.item(i, "* ") // outside of a list
	case atom.Dt:
		l.boxed(i, 0)
	case atom.Dd:
		l.indented("    ", func() { l.boxed(i, 0) })
	case atom.Blockquote:
		l.blockquote(i)
	case atom.Pre, atom.Xmp, atom.Listing, atom.Plaintext:
		l.block(1)
		l.pre++
		l.children(i)
		l.block(1)
		l.pre--
	case atom.H1, atom.H2, atom.H3, atom.H4, atom.H5, atom.H6:
		l.block(1)
		from := len(l.lines)
		l.children(i)
		l.flush()
		for k := from; k < len(l.lines); k++ {
			if l.lines[k] != "" {
				l.headings = append(l.headings, k)
			}
		}
		l.block(1)
	case atom.P, atom.Dl, atom.Fieldset, atom.Figure:
		m := 1
		if isZero(n.styleOf("margin")) || strings.Contains(n.get("class"), "MsoNormal") {
			m = 0 // Outlook writes its lines as paragraphs without margins
		}
		l.boxed(i, m)
	case atom.Div:
		if hasWord(n.get("class"), "yahoo_quoted") {
			l.quoted(func() { l.boxed(i, 0) })
			return
		}
		l.boxed(i, 0)
	case atom.Td, atom.Th, atom.Tr, atom.Caption:
		l.boxed(i, 0) // of a layout table
	default:
		if inlineTag(n.tag) {
			l.children(i)
			return
		}
		l.boxed(i, 0)
	}
}

// boxed sets the children as a block with m empty lines around it.
func (l *layout) boxed(i int32, m int) {
	l.block(m)
	l.children(i)
	l.block(m)
}

// block ends the paragraph and asks for m empty lines. Margins collapse: the
// largest one asked for between two lines is what is set.
func (l *layout) block(m int) {
	l.flush()
	l.margin = max(l.margin, m)
}

func (l *layout) rule() {
	l.block(0)
	w := max(l.width-len(l.prefix), 4)
	l.emit(strings.Repeat("-", min(w, 40)))
	l.block(0)
}

// list sets ul and ol; what stands between the items is set as if in one.
func (l *layout) list(i int32) {
	n := &l.nodes[i]
	m := 1
	if len(l.lists) > 0 {
		m = 0
	}
	l.block(m)
	l.lists = append(l.lists, n.tag)
	num := 1
	if v, err := strconv.Atoi(strings.TrimSpace(n.get("start"))); err == nil {
		num = v
	}
	bullets := [...]string{"* ", "- ", "+ "}
	for c := n.first; c != 0; c = l.nodes[c].next {
		item := &l.nodes[c]
		if item.tag != atom.Li {
			l.node(c)
			continue
		}
		mark := bullets[min(len(l.lists), 3)-1]
		if n.tag == atom.Ol {
			if v, err := strconv.Atoi(strings.TrimSpace(item.get("value"))); err == nil {
				num = v
			}
			mark = ordinal(num, n.get("type")) + ". "
			num++
		}
		l.item(c, mark)
	}
	l.lists = l.lists[:len(l.lists)-1]
	l.block(m)
}

func (l *layout) item(i int32, mark string) {
	if n := &l.nodes[i]; n.hidden && !l.showHidden {
		l.node(i)
		return
	}
	l.block(0)
	at := len(l.prefix)
	l.indented(strings.Repeat(" ", len(mark)), func() {
		if len(l.prefix) == at+len(mark) {
			l.markers = append(l.markers, marker{at, mark})
		}
		have := len(l.markers)
		l.boxed(i, 0)
		if len(l.markers) == have && have > 0 {
			l.markers = l.markers[:have-1] // nothing came to stand behind it
		}
	})
}

// ordinal writes the number of a list item as its list wants it.
func ordinal(n int, typ string) string {
	if n < 1 || n > 26 || typ != "a" && typ != "A" {
		return strconv.Itoa(n)
	}
	return string(rune(typ[0]) + rune(n-1))
}

// indented sets what f sets behind more indentation, as far as there is room.
func (l *layout) indented(by string, f func()) {
	l.flush()
	old := l.prefix
	if len(l.prefix)+len(by) <= l.width/2 {
		l.prefix += by
	}
	f()
	l.flush()
	l.prefix = old
}

// blockquote is a level of quoting, but for Gmail's indented paragraphs.
func (l *layout) blockquote(i int32) {
	n := &l.nodes[i]
	if n.get("type") != "cite" && !hasWord(n.get("class"), "gmail_quote") && n.styleOf("border") == "none" {
		l.indented("    ", func() { l.boxed(i, 1) })
		return
	}
	l.block(1)
	l.quoted(func() { l.children(i) })
	l.block(1)
}

func (l *layout) quoted(f func()) {
	l.quote++
	l.indented("> ", f)
	l.quote--
}

// splitsQuote reports whether a node begins what Outlook answers to: it marks the
// header of the quoted message and lets its text follow as siblings.
func (l *layout) splitsQuote(i int32) bool {
	n := &l.nodes[i]
	return n.tag == atom.Div && l.quote < 8 &&
		(n.get("id") == "divRplyFwdMsg" || n.get("id") == "mail-editor-reference-message-container")
}

// emit sets one line, after the empty lines and behind the prefix that are due.
func (l *layout) emit(s string) {
	if len(l.lines) > 0 && l.margin > 0 {
		blank := strings.TrimRight(common(l.lastPrefix, l.prefix), " ")
		for range l.margin {
			l.lines = append(l.lines, blank)
		}
	}
	l.margin = 0
	prefix := l.prefix
	for _, m := range l.markers {
		if end := m.at + len(m.text); end <= len(prefix) {
			prefix = prefix[:m.at] + m.text + prefix[end:]
		}
	}
	l.markers = l.markers[:0]
	l.lastPrefix = l.prefix
	l.lines = append(l.lines, strings.TrimRight(prefix+s, " "))
}

func common(a, b string) string {
	n := min(len(a), len(b))
	for i := range n {
		if a[i] != b[i] {
			return a[:i]
		}
	}
	return a[:n]
}

// countHidden looks for text and pictures in what is not shown.
func (l *layout) countHidden(i int32, text *bool) {
	n := &l.nodes[i]
	switch {
	case n.tag == 0:
		*text = *text || visible(n.text)
	case n.tag == atom.Img && remote(n.get("src")):
		l.doc.blocked.Images++
		l.doc.blocked.Trackers++
	}
	for c := n.first; c != 0; c = l.nodes[c].next {
		l.countHidden(c, text)
	}
}

// visible reports whether a text would leave a mark on paper.
func visible(s string) bool {
	for _, r := range s {
		if r > ' ' && r != '\u00a0' && !dropped(r) {
			return true
		}
	}
	return false
}

func hasWord(list, word string) bool {
	for f := range strings.FieldsSeq(list) {
		if f == word {
			return true
		}
	}
	return false
}

func remote(src string) bool {
	src = strings.ToLower(strings.TrimSpace(src))
	return strings.HasPrefix(src, "http:") || strings.HasPrefix(src, "https:") || strings.HasPrefix(src, "//")
}

// image sets the alternative text of a picture, if it has any, and counts it.
func (l *layout) image(n *node) {
	src, alt := n.get("src"), strings.TrimSpace(n.get("alt"))
	cid := len(src) > 4 && strings.EqualFold(src[:4], "cid:")
	switch {
	case cid:
		l.doc.images = append(l.doc.images, Image{CID: clean(src[4:]), Alt: clean(alt)})
		if alt == "" {
			alt = "picture"
		}
	case remote(src):
		l.doc.blocked.Images++
		if tiny(n) {
			l.doc.blocked.Trackers++
			return
		}
	}
	if tiny(n) {
		return
	}
	l.doc.shown++
	if alt != "" {
		l.text("[" + alt + "]")
	}
}

// tiny reports whether a picture is no picture but a spacer or a tracker.
func tiny(n *node) bool {
	small := func(v string) bool {
		v = strings.TrimSpace(v)
		return v == "0" || v == "1" || v == "2" || v == "1px" || v == "0px" || v == "2px"
	}
	return small(n.get("width")) || small(n.get("height")) ||
		small(n.styleOf("width")) || small(n.styleOf("height"))
}

// footer finds the line at which the small print of a bulk mail begins: the
// paragraph that offers to unsubscribe, if it stands in the last part.
func footer(lines []string) int {
	for i := max(len(lines)/2, len(lines)-40); i < len(lines); i++ {
		s := strings.ToLower(lines[i])
		for _, w := range []string{"unsubscribe", "opt out", "opt-out", "manage preferences", "email preferences",
			"manage your subscription", "why did i get this", "view in browser", "abbestellen", "abmelden",
			"désabonner", "désinscrire", "darse de baja", "cancelar suscripción", "disiscriviti", "uitschrijven"} {
			if strings.Contains(s, w) && i > 0 && !strings.HasPrefix(s, ">") {
				for i > 0 && lines[i-1] != "" {
					i--
				}
				if i == 0 {
					return -1
				}
				return i
			}
		}
	}
	return -1
}

// clean removes what must not be in a name or a target.
func clean(s string) string { return safe.Line(s).String() }
