// Package folders shows the folders: as a column beside the list, and as a picker that finds one by a few letters.
package folders

import (
	"sort"
	"strings"

	"pneu/tui/edit"
	"pneu/tui/look"
	"pneu/tui/term"
)

// An Item is a folder with its counts; -1 where they are not known.
type Item struct {
	Name          string
	Total, Unread int
}

// Outgoing counts what is in the queue.
type Outgoing struct {
	Known                           bool
	Waiting, Deferred, Failed, Held int
}

// A Sidebar is the column of folders.
type Sidebar struct {
	theme   *look.Theme
	Items   []Item
	Current string
	Out     Outgoing
}

// NewSidebar makes an empty column.
func NewSidebar(t *look.Theme) *Sidebar { return &Sidebar{theme: t} }

// rank puts the folders everyone has where everyone looks for them.
func rank(name string) int {
	top, _, _ := strings.Cut(name, "/")
	switch strings.ToLower(top) {
	case "inbox":
		return 0
	case "drafts":
		return 1
	case "sent":
		return 2
	case "archive":
		return 3
	case "junk", "spam":
		return 5
	case "trash":
		return 6
	}
	return 4
}

// Sort orders folders: INBOX, the customary ones, the others by name, Junk and Trash last.
func Sort(items []Item) {
	sort.SliceStable(items, func(i, j int) bool {
		a, b := items[i].Name, items[j].Name
		if ra, rb := rank(a), rank(b); ra != rb {
			return ra < rb
		}
		return strings.ToLower(a) < strings.ToLower(b)
	})
}

// Lines draws the column.
func (s *Sidebar) Lines(w, h int) []string {
	t := s.theme
	var out []string
	out = append(out, t.NewLine(w).Lit(t.Head, "Folders").String())
	rows, at := s.rows(w)
	room := h - 1
	if s.Out.Known {
		room -= 5
	}
	from := max(0, min(at-room/2, len(rows)-room))
	out = append(out, rows[from:min(len(rows), from+max(0, room))]...)
	if s.Out.Known && h > 10 {
		out = append(out, t.Blank(w), t.NewLine(w).Lit(t.Head, "Outgoing").String())
		out = append(out, s.count(w, "waiting", s.Out.Waiting+s.Out.Held, t.Plain),
			s.count(w, "deferred", s.Out.Deferred, t.Waiting), s.count(w, "failed", s.Out.Failed, t.Failed))
	}
	for len(out) < h {
		out = append(out, t.Blank(w))
	}
	return out[:h]
}

func (s *Sidebar) count(w int, name look.Lit, n int, style look.Style) string {
	t := s.theme
	if n == 0 {
		return t.NewLine(w).Pad(2).Lit(t.Hint, name).String()
	}
	num := look.Number(n)
	return t.NewLine(w).Pad(2).Lit(style, name).To(w-1-len(num)).F(style, "%s", num).String()
}

// rows draws the folders. Those within another are indented; a parent that is no folder itself gets a line too.
func (s *Sidebar) rows(w int) (rows []string, current int) {
	t := s.theme
	var path []string
	for _, it := range s.Items {
		parts := strings.Split(it.Name, "/")
		same := 0
		for same < len(path) && same < len(parts)-1 && path[same] == parts[same] {
			same++
		}
		for d := same; d < len(parts)-1; d++ {
			rows = append(rows, t.NewLine(w).Pad(2+2*min(d, 4)).F(t.Hint, "%s", parts[d]).String())
		}
		path = parts
		l := t.NewLine(w)
		style := look.Style(0)
		if it.Unread > 0 {
			style = look.Bold
		}
		if it.Name == s.Current {
			current = len(rows)
			l.Lit(t.Mark, "> ")
			style |= look.Bold
		} else {
			l.Pad(2)
		}
		l.Pad(2 * min(len(parts)-1, 4))
		num := ""
		if it.Unread > 0 {
			num = look.Number(it.Unread)
		}
		l.Cell(style, look.T(parts[len(parts)-1]), max(1, w-l.Width()-len(num)-2)).Pad(1)
		l.F(style, "%s", num)
		rows = append(rows, l.String())
	}
	return rows, current
}

// A Picker finds a folder by letters of its name.
type Picker struct {
	theme  *look.Theme
	Title  string
	Create bool // a name that is no folder may be chosen: it is made
	items  []Item
	recent []string
	field  edit.Field
	hits   []int
	at     int
}

// NewPicker offers items; those named in recent come first.
func NewPicker(t *look.Theme, title string, items []Item, recent []string, create bool) *Picker {
	p := &Picker{theme: t, Title: title, Create: create}
	p.recent = recent
	p.SetItems(items)
	return p
}

// SetItems replaces the folders to choose from; the one that is chosen stays so.
func (p *Picker) SetItems(items []Item) {
	chosen := ""
	if p.at < len(p.hits) {
		chosen = p.items[p.hits[p.at]].Name
	}
	p.items = nil
	seen := map[string]bool{}
	for _, name := range p.recent {
		for _, it := range items {
			if it.Name == name && !seen[name] {
				p.items = append(p.items, it)
				seen[name] = true
			}
		}
	}
	for _, it := range items {
		if !seen[it.Name] {
			p.items = append(p.items, it)
		}
	}
	p.filter()
	for i, h := range p.hits {
		if p.items[h].Name == chosen {
			p.at = i
		}
	}
}

func (p *Picker) filter() {
	p.hits = look.Filter(p.field.String(), len(p.items), func(i int) string { return p.items[i].Name })
	p.at = 0
}

// Key takes a key. done is true when the picker closes; name is then the folder chosen, or empty.
func (p *Picker) Key(k term.Key) (name string, done bool) {
	switch k.Name {
	case "esc", "ctrl+c", "ctrl+g":
		return "", true
	case "enter":
		if p.at < len(p.hits) {
			return p.items[p.hits[p.at]].Name, true
		}
		if p.Create {
			return strings.Trim(p.field.String(), "/ "), true
		}
		return "", false
	case "down", "ctrl+n", "tab", "ctrl+j":
		p.at = min(p.at+1, max(0, len(p.hits)-1))
	case "up", "ctrl+p", "shift+tab":
		p.at = max(0, p.at-1)
	default:
		if p.field.Key(k) {
			p.filter()
		}
	}
	return "", false
}

// Box draws the picker for a screen of that size.
func (p *Picker) Box(sw, sh int) look.Box {
	t := p.theme
	w := min(56, sw-2)
	rows := min(max(3, len(p.items)), max(3, min(14, sh-8)))
	in := w - 2
	lines := make([]string, 0, rows+2)
	l := t.NewLine(in).Pad(1)
	p.field.Draw(l, in-2, look.Bold, true)
	lines = append(lines, l.String())
	from := max(0, min(p.at-rows/2, len(p.hits)-rows))
	for i := from; i < from+rows; i++ {
		l := t.NewLine(in)
		if i < len(p.hits) {
			it := p.items[p.hits[i]]
			if i == p.at {
				l.Base(t.Cursor).Lit(0, " > ")
			} else {
				l.Pad(3)
			}
			l.Cell(0, look.T(it.Name), in-18)
			if it.Total >= 0 {
				if it.Unread > 0 {
					l.Right(t.Head, look.T(look.Number(it.Unread)), 6)
				} else {
					l.Pad(6)
				}
				l.Right(t.Hint, look.T(look.Number(it.Total)), 8)
			}
		} else if i == 0 && p.Create && !p.field.Empty() {
			l.Pad(3).F(0, "make %s", p.field.String())
		} else if i == 0 {
			l.Pad(3).Lit(t.Hint, "no folder has these letters")
		}
		lines = append(lines, l.String())
	}
	return look.Box{Title: p.Title, Lines: lines, W: w, Foot: "enter choose · esc close"}
}
