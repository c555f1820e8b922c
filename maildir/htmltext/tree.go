package htmltext

import (
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// A node is an element or, with tag 0, a piece of text. Nodes refer to each other
// by index; 0 is the root.
type node struct {
	tag                 atom.Atom
	first, last, next   int32
	hidden, skip, inner bool // inner: a table that holds a table
	paint               paint
	text                string
	attr                []html.Attribute // those of interest
}

type tree struct{ nodes []node }

// An open element. Where no node was made for it (plain inline markup, nesting too
// deep), node is the one its children go to.
type open struct {
	tag  atom.Atom
	node int32
}

type builder struct {
	tree
	stack []open
	count map[atom.Atom]int // how many of each are open
	depth int
}

// parse builds the tree. Unlike the HTML standard's algorithm it knows no adoption of
// misnested inline elements and no foster parents: a mail is read, not drawn.
func parse(s string) *tree {
	b := &builder{count: map[atom.Atom]int{}}
	b.nodes = make([]node, 1, len(s)/24+16)
	b.nodes[0].paint = paint{fg: -1, bg: -1}
	z := html.NewTokenizer(strings.NewReader(s))
	raw := false // inside an element whose text is not for readers
	for {
		switch z.Next() {
		case html.ErrorToken:
			return &b.tree
		case html.TextToken:
			if !raw {
				b.text(string(z.Text()))
			}
			raw = false
		case html.StartTagToken, html.SelfClosingTagToken:
			name, more := z.TagName()
			tag := atom.Lookup(name)
			var attr []html.Attribute
			for more {
				var k, v []byte
				k, v, more = z.TagAttr()
				if wanted(k) && len(attr) < 32 {
					attr = append(attr, html.Attribute{Key: string(k), Val: string(v)})
				}
			}
			switch tag {
			case atom.Noscript:
				z.NextIsNotRawText() // no mail reader runs scripts
			case atom.Script, atom.Style, atom.Title, atom.Iframe, atom.Noembed, atom.Noframes:
				raw = true
				continue
			}
			b.start(tag, attr)
		case html.EndTagToken:
			raw = false
			name, _ := z.TagName()
			b.end(atom.Lookup(name))
		}
	}
}

// wanted says which attributes the layout looks at.
func wanted(key []byte) bool {
	switch string(key) {
	case "style", "class", "id", "href", "src", "alt", "width", "height", "color", "bgcolor", "border",
		"colspan", "rowspan", "start", "value", "type", "hidden", "role":
		return true
	}
	return false
}

func (b *builder) top() int32 {
	if len(b.stack) == 0 {
		return 0
	}
	return b.stack[len(b.stack)-1].node
}

func (b *builder) add(n node) int32 {
	i, up := int32(len(b.nodes)), b.top()
	b.nodes = append(b.nodes, n)
	if p := &b.nodes[up]; p.first == 0 {
		p.first, p.last = i, i
	} else {
		b.nodes[p.last].next = i
		p.last = i
	}
	return i
}

func (b *builder) text(s string) {
	if s != "" {
		b.add(node{text: s, paint: b.nodes[b.top()].paint})
	}
}

func (b *builder) start(tag atom.Atom, attr []html.Attribute) {
	switch tag {
	case 0, atom.Html, atom.Head, atom.Meta, atom.Link, atom.Base, atom.Param, atom.Source, atom.Wbr:
		return
	case atom.Body:
		// Its colours count; it is never closed before the end.
		if p := paintOf(b.nodes[0].paint, attr); b.top() == 0 {
			b.nodes[0].paint = p
		}
		return
	case atom.P, atom.Div, atom.Table, atom.Ul, atom.Ol, atom.Dl, atom.Blockquote, atom.Pre, atom.Hr, atom.Center,
		atom.H1, atom.H2, atom.H3, atom.H4, atom.H5, atom.H6, atom.Section, atom.Article, atom.Header, atom.Footer:
		b.closeParagraph()
	case atom.Li:
		b.closeUpTo([]atom.Atom{atom.Li}, atom.Ul, atom.Ol)
	case atom.Dt, atom.Dd:
		b.closeUpTo([]atom.Atom{atom.Dt, atom.Dd}, atom.Dl)
	case atom.Td, atom.Th:
		b.closeUpTo([]atom.Atom{atom.Td, atom.Th, atom.Caption}, atom.Tr)
	case atom.Tr:
		b.closeUpTo([]atom.Atom{atom.Tr, atom.Caption})
	case atom.Tbody, atom.Thead, atom.Tfoot:
		b.closeUpTo([]atom.Atom{atom.Tbody, atom.Thead, atom.Tfoot, atom.Caption})
	case atom.A:
		b.closeUpTo([]atom.Atom{atom.A}, atom.Td, atom.Th)
	case atom.Option:
		b.closeUpTo([]atom.Atom{atom.Option}, atom.Select)
	}
	if tag == atom.Table && b.count[atom.Table] > 0 {
		b.markNested()
	}
	up := b.nodes[b.top()].paint
	if void(tag) {
		b.add(node{tag: tag, attr: attr, hidden: hidden(attr)})
		return
	}
	e := open{tag, b.top()}
	// Markup without a say in the layout needs no node, and a level too deep gets none.
	if (!inlineTag(tag) || len(attr) > 0) && b.depth < maxDepth {
		if tag == atom.A {
			up.fg = -1 // a link has a colour of its own
		}
		e.node = b.add(node{tag: tag, attr: attr, paint: paintOf(up, attr), hidden: hidden(attr), skip: unseen(tag)})
		b.depth++
	}
	b.stack = append(b.stack, e)
	b.count[tag]++
}

func (b *builder) end(tag atom.Atom) {
	if tag == atom.Br {
		b.add(node{tag: atom.Br})
		return
	}
	if b.count[tag] == 0 {
		return
	}
	low := max(0, len(b.stack)-maxReach)
	for i := len(b.stack) - 1; i >= low; i-- {
		t := b.stack[i].tag
		if t == tag {
			b.popTo(i)
			return
		}
		if inlineTag(tag) && tag != atom.A && !inlineTag(t) {
			return // </b> does not end the paragraph it stands in
		}
		switch t {
		case atom.Td, atom.Th, atom.Caption:
			if !tableTag(tag) {
				return
			}
		case atom.Table:
			return // what belongs outside cannot end from inside; </table> was found above
		}
	}
}

// closeUpTo ends the nearest open element that is one of tags, unless a table or one
// of the barriers comes first: end tags that HTML lets one leave out.
func (b *builder) closeUpTo(tags []atom.Atom, barriers ...atom.Atom) {
	n := 0
	for _, t := range tags {
		n += b.count[t]
	}
	if n == 0 {
		return
	}
	low := max(0, len(b.stack)-maxReach)
	for i := len(b.stack) - 1; i >= low; i-- {
		t := b.stack[i].tag
		for _, want := range tags {
			if t == want {
				b.popTo(i)
				return
			}
		}
		if t == atom.Table {
			return
		}
		for _, stop := range barriers {
			if t == stop {
				return
			}
		}
	}
}

// closeParagraph ends an open p: it holds no blocks.
func (b *builder) closeParagraph() {
	if b.count[atom.P] == 0 {
		return
	}
	low := max(0, len(b.stack)-maxReach)
	for i := len(b.stack) - 1; i >= low; i-- {
		if t := b.stack[i].tag; t == atom.P {
			b.popTo(i)
			return
		} else if !inlineTag(t) {
			return
		}
	}
}

func (b *builder) popTo(i int) {
	for j := len(b.stack) - 1; j >= i; j-- {
		e := b.stack[j]
		b.count[e.tag]--
		if j == 0 || b.stack[j-1].node != e.node {
			if e.node != 0 {
				b.depth--
			}
		}
	}
	b.stack = b.stack[:i]
}

// markNested notes that the innermost open table holds another one. Those further
// out were marked when it was opened.
func (b *builder) markNested() {
	low := max(0, len(b.stack)-maxReach)
	for i := len(b.stack) - 1; i >= low; i-- {
		if b.stack[i].tag == atom.Table {
			b.nodes[b.stack[i].node].inner = true
			return
		}
	}
}

func (n *node) get(key string) string {
	for _, a := range n.attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

func void(tag atom.Atom) bool {
	switch tag {
	case atom.Br, atom.Hr, atom.Img, atom.Input, atom.Area, atom.Col, atom.Embed, atom.Track:
		return true
	}
	return false
}

// unseen says whose content is not for readers.
func unseen(tag atom.Atom) bool {
	switch tag {
	case atom.Template, atom.Svg, atom.Math, atom.Object, atom.Audio, atom.Video, atom.Canvas, atom.Select, atom.Datalist:
		return true
	}
	return false
}

func tableTag(tag atom.Atom) bool {
	switch tag {
	case atom.Table, atom.Tr, atom.Td, atom.Th, atom.Tbody, atom.Thead, atom.Tfoot, atom.Caption:
		return true
	}
	return false
}

func inlineTag(tag atom.Atom) bool {
	switch tag {
	case atom.A, atom.B, atom.I, atom.U, atom.S, atom.Em, atom.Strong, atom.Span, atom.Font, atom.Small, atom.Big,
		atom.Code, atom.Tt, atom.Kbd, atom.Samp, atom.Var, atom.Sub, atom.Sup, atom.Strike, atom.Del, atom.Ins,
		atom.Mark, atom.Abbr, atom.Acronym, atom.Cite, atom.Dfn, atom.Q, atom.Label, atom.Time, atom.Bdi, atom.Bdo,
		atom.Nobr, atom.Button, atom.Blink:
		return true
	}
	return false
}
