package htmltext

import (
	"strconv"
	"strings"

	"golang.org/x/net/html/atom"
	"pneu/maildir/safe"
)

// Limits of a table that is drawn as one.
const (
	maxColumns = 24
	maxRows    = 2000
	maxCell    = 60 // columns of text in a cell of a table without other signs of data
)

// A cell of a data table.
type cell struct {
	node  int32
	span  int
	head  bool
	lines []string
	width int
}

// A grid is a table as rows of cells; a nil cell is covered by a neighbour.
type grid struct {
	rows    [][]*cell
	cols    int
	caption int32
	heads   int // th cells
}

func (l *layout) table(i int32) {
	n := &l.nodes[i]
	role := strings.ToLower(n.get("role"))
	if !n.inner && role != "presentation" && role != "none" {
		g := &grid{}
		if l.collect(i, g, 0) && l.holdsData(n, g) && l.draw(g) {
			return
		}
	}
	l.boxed(i, 1)
}

// collect finds the cells; it reports false for what is surely no data.
func (l *layout) collect(i int32, g *grid, depth int) bool {
	if depth > 8 {
		return false
	}
	for c := l.nodes[i].first; c != 0; c = l.nodes[c].next {
		n := &l.nodes[c]
		switch {
		case n.hidden && !l.showHidden:
			return false // the layout without a grid counts what is hidden
		case n.tag == atom.Tr:
			if len(g.rows) == maxRows || !l.row(c, g) {
				return false
			}
		case n.tag == atom.Caption:
			g.caption = c
		case n.tag == 0:
			if visible(n.text) {
				return false
			}
		case n.tag == atom.Col || n.tag == atom.Colgroup:
		default:
			if !l.collect(c, g, depth+1) {
				return false
			}
		}
	}
	return true
}

func (l *layout) row(tr int32, g *grid) bool {
	var row []*cell
	for c := l.nodes[tr].first; c != 0; c = l.nodes[c].next {
		n := &l.nodes[c]
		switch n.tag {
		case atom.Td, atom.Th:
			span, err := strconv.Atoi(strings.TrimSpace(n.get("colspan")))
			if err != nil || span < 1 {
				span = 1
			}
			if r := strings.TrimSpace(n.get("rowspan")); n.hidden && !l.showHidden || r != "" && r != "1" || len(row)+span > maxColumns {
				return false
			}
			row = append(row, &cell{node: c, span: span, head: n.tag == atom.Th})
			for range span - 1 {
				row = append(row, nil)
			}
			if n.tag == atom.Th {
				g.heads++
			}
		case 0:
			if visible(n.text) {
				return false
			}
		default:
			return false
		}
	}
	if len(row) > 0 {
		g.rows = append(g.rows, row)
		g.cols = max(g.cols, len(row))
	}
	return true
}

// holdsData tells data from layout: a table says that it is one by th, caption or
// border, or looks like one by two rows and two columns of short text.
func (l *layout) holdsData(n *node, g *grid) bool {
	if g.cols < 2 {
		return false
	}
	b := strings.TrimSpace(n.get("border"))
	if g.heads > 0 || g.caption != 0 || b != "" && b != "0" {
		return true
	}
	if len(g.rows) < 2 {
		return false
	}
	filled := 0
	for _, row := range g.rows {
		have := 0
		for _, c := range row {
			if c == nil {
				continue
			}
			size, plain := 0, true
			l.measure(c.node, &size, &plain)
			if !plain || size > maxCell {
				return false
			}
			if size > 0 {
				have++
			}
		}
		if have >= 2 {
			filled++
		}
	}
	return filled >= 2
}

// measure counts the text below a node; plain turns false at a picture or a block
// that no cell of data would hold.
func (l *layout) measure(i int32, size *int, plain *bool) {
	for c := l.nodes[i].first; c != 0 && *plain && *size <= maxCell; c = l.nodes[c].next {
		n := &l.nodes[c]
		switch n.tag {
		case 0:
			if visible(n.text) {
				*size += len(strings.TrimSpace(n.text))
			}
		case atom.Img, atom.Ul, atom.Ol, atom.H1, atom.H2, atom.H3, atom.H4, atom.Hr, atom.Blockquote:
			*plain = false
		case atom.A:
			if looksLikeButton(n) {
				*plain = false
			}
		}
		l.measure(c, size, plain)
	}
}

// draw sets the table in columns, or as records of "name: value" lines if it is too
// wide for that.
func (l *layout) draw(g *grid) bool {
	l.block(1)
	if g.caption != 0 {
		l.boxed(g.caption, 0)
	}
	widths := make([]int, g.cols)
	number := make([]int, g.cols) // cells with numbers less those with words
	for r, row := range g.rows {
		for k, c := range row {
			if c == nil {
				continue
			}
			sub := &layout{tree: l.tree, doc: l.doc, width: 1 << 20, showHidden: l.showHidden, link: l.link}
			sub.children(c.node)
			sub.flush()
			for _, s := range sub.lines {
				if s != "" {
					c.lines = append(c.lines, s)
					c.width = max(c.width, safe.Width(s))
				}
			}
			if c.span == 1 {
				widths[k] = max(widths[k], c.width)
			}
			if s := strings.Join(c.lines, ""); !c.head && r > 0 && s != "" {
				if figures(s) {
					number[k]++
				} else {
					number[k] -= len(g.rows)
				}
			}
		}
	}
	// What spans columns may widen the last of them.
	for _, row := range g.rows {
		for k, c := range row {
			if c == nil || c.span == 1 {
				continue
			}
			have := 2 * (c.span - 1)
			for _, w := range widths[k : k+c.span] {
				have += w
			}
			if c.width > have {
				widths[k+c.span-1] += c.width - have
			}
		}
	}
	total := 0
	for _, w := range widths {
		if w > 0 {
			total += w + 2
		}
	}
	if total-2 > l.width-safe.Width(l.prefix) {
		l.records(g)
	} else {
		l.columns(g, widths, number)
	}
	l.block(1)
	return true
}

func (l *layout) columns(g *grid, widths, number []int) {
	for r, row := range g.rows {
		height, heads := 0, len(row) > 0
		for _, c := range row {
			if c != nil {
				height = max(height, len(c.lines))
				heads = heads && c.head
			}
		}
		for y := range height {
			var b strings.Builder
			gap := 0 // blanks due before the next text
			for k, c := range row {
				if c == nil {
					continue
				}
				w := -2
				for _, cw := range widths[k : k+c.span] {
					if cw > 0 {
						w += cw + 2
					}
				}
				if w < 0 {
					continue // an empty column
				}
				text := ""
				if y < len(c.lines) {
					text = c.lines[y]
				}
				rest := max(w-safe.Width(text), 0)
				if number[k] > 0 && c.span == 1 {
					gap, rest = gap+rest, 0
				}
				if text == "" {
					gap += rest + 2
					continue
				}
				b.WriteString(strings.Repeat(" ", gap))
				b.WriteString(text)
				gap = rest + 2
			}
			l.emit(b.String())
		}
		if heads && r == 0 && len(g.rows) > 1 {
			var b strings.Builder
			for _, w := range widths {
				if w > 0 {
					b.WriteString(strings.Repeat("-", w) + "  ")
				}
			}
			l.emit(strings.TrimRight(b.String(), " "))
		}
	}
}

// records sets each row as lines of its own, named by the head of the column.
func (l *layout) records(g *grid) {
	names := make([]string, g.cols)
	rows := g.rows
	named := true
	for _, c := range rows[0] {
		named = named && c != nil && c.head
	}
	if named {
		for k, c := range rows[0] {
			names[k] = strings.Join(c.lines, " ")
		}
		rows = rows[1:]
	}
	for _, row := range rows {
		l.block(1)
		for k, c := range row {
			if c == nil || len(c.lines) == 0 {
				continue
			}
			text := strings.Join(c.lines, " ")
			if names[k] != "" && text != "" {
				text = names[k] + ": " + text
			}
			l.wrap([]rune(text))
		}
	}
}

// figures reports whether a cell holds a number, a price, a percentage, an amount.
func figures(s string) bool {
	digits := 0
	for _, r := range s {
		switch {
		case r >= '0' && r <= '9':
			digits++
		case strings.ContainsRune(" .,+-%$€£¥()\u2212", r):
		default:
			return false
		}
	}
	return digits > 0
}
