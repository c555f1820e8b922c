// Package keywords is the list in which the keywords of messages are set and removed: those the folder knows, found by
// a few letters, and new ones.
package keywords

import (
	"slices"
	"strings"

	"pneu/tui/edit"
	"pneu/tui/look"
	"pneu/tui/term"
)

// An Item is a keyword, and how many of the messages have it.
type Item struct {
	Name string
	Have int
}

// A Picker is the list on the screen.
type Picker struct {
	theme *look.Theme
	title string
	items []Item
	of    int // messages
	want  map[string]bool
	field edit.Field
	hits  []int
	at    int
}

// NewPicker offers keywords for so many messages: those that some of them have first.
func NewPicker(t *look.Theme, title string, items []Item, of int) *Picker {
	p := &Picker{theme: t, title: title, items: slices.Clone(items), of: of, want: map[string]bool{}}
	slices.SortStableFunc(p.items, func(a, b Item) int {
		if (a.Have > 0) != (b.Have > 0) {
			return map[bool]int{true: -1, false: 1}[a.Have > 0]
		}
		return strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name))
	})
	p.filter()
	return p
}

func (p *Picker) filter() {
	p.hits = look.Filter(p.field.String(), len(p.items), func(i int) string { return p.items[i].Name })
	p.at = 0
	for k, i := range p.hits { // what is typed whole is meant
		if strings.EqualFold(p.items[i].Name, p.field.String()) {
			p.at = k
		}
	}
}

// fresh is the new keyword that is typed, "" if that is none.
func (p *Picker) fresh() string {
	s := p.field.String()
	if slices.ContainsFunc(p.items, func(it Item) bool { return strings.EqualFold(it.Name, s) }) {
		return ""
	}
	return s
}

// rows is how many there are to choose from: what the letters find, and what they would make.
func (p *Picker) rows() int {
	if p.fresh() != "" {
		return len(p.hits) + 1
	}
	return len(p.hits)
}

// turn says that the keyword under the cursor is to be set on all messages, or removed where all have it.
func (p *Picker) turn() {
	if p.at < len(p.hits) {
		it := p.items[p.hits[p.at]]
		if on, wanted := p.want[it.Name]; wanted {
			p.want[it.Name] = !on
		} else {
			p.want[it.Name] = it.Have < p.of
		}
		return
	}
	if name := p.fresh(); name != "" {
		p.items = append(p.items, Item{Name: name})
		p.want[name] = true
		p.field.Set("")
		p.filter()
	}
}

// Key takes a key. done is true when the list closes, and ok if something is to be changed then.
func (p *Picker) Key(k term.Key) (done, ok bool) {
	switch k.Name {
	case "esc", "ctrl+c", "ctrl+g":
		return true, false
	case "enter":
		if len(p.want) == 0 || !p.field.Empty() {
			p.turn()
		}
		return true, true
	case "space", " ":
		p.turn()
	case "down", "ctrl+n", "ctrl+j":
		p.at = min(p.at+1, max(0, p.rows()-1))
	case "up", "ctrl+p", "shift+tab":
		p.at = max(0, p.at-1)
	case "tab":
		if p.at < len(p.hits) {
			p.field.Set(p.items[p.hits[p.at]].Name)
			p.filter()
		}
	default:
		if p.field.Key(k) {
			p.filter()
		}
	}
	return false, false
}

// Change returns what is to be set and removed.
func (p *Picker) Change() (add, remove []string) {
	for _, it := range p.items {
		switch on, wanted := p.want[it.Name]; {
		case !wanted:
		case on && it.Have < p.of:
			add = append(add, it.Name)
		case !on && it.Have > 0:
			remove = append(remove, it.Name)
		}
	}
	return add, remove
}

// Box draws the list for a screen of that size.
func (p *Picker) Box(sw, sh int) look.Box {
	t := p.theme
	w := min(46, sw-2)
	in := w - 2
	rows := min(max(3, len(p.items)+1), max(3, min(14, sh-8)))
	l := t.NewLine(in).Pad(1)
	p.field.Draw(l, in-2, look.Bold, true)
	lines := []string{l.String()}
	from := max(0, min(p.at-rows/2, p.rows()-rows))
	for i := from; i < from+rows; i++ {
		l := t.NewLine(in)
		if i < p.rows() {
			if i == p.at {
				l.Base(t.Cursor).Lit(0, ">")
			} else {
				l.Pad(1)
			}
		}
		switch {
		case i < len(p.hits):
			p.draw(l, p.items[p.hits[i]], in)
		case i == len(p.hits) && p.fresh() != "":
			l.Pad(4).F(0, "a new one: %s", p.fresh())
		case i == 0:
			l.Pad(5).Lit(t.Hint, "none yet: type a name")
		}
		lines = append(lines, l.String())
	}
	return look.Box{Title: p.title, Lines: lines, W: w, Foot: "space mark · enter do it · esc close"}
}

func (p *Picker) draw(l *look.Line, it Item, w int) {
	t := p.theme
	on, wanted := p.want[it.Name]
	switch {
	case wanted && on, !wanted && it.Have == p.of:
		l.Lit(t.Mark, "[x] ")
	case !wanted && it.Have > 0:
		l.Lit(t.Mark, "[-] ")
	default:
		l.Lit(0, "[ ] ")
	}
	l.Cell(0, look.T(it.Name), w-16)
	switch {
	case wanted && on && it.Have < p.of:
		l.Right(t.Added, look.T("set"), 10)
	case wanted && !on && it.Have > 0:
		l.Right(t.Removed, look.T("remove"), 10)
	case it.Have > 0 && p.of > 1:
		l.Right(t.Hint, look.Tf("%s of %s", look.Number(it.Have), look.Number(p.of)), 10)
	}
}
