package tui

import (
	"sort"

	"pneu/tui/look"
)

// A hint is a key and what it does, for the line of keys.
type hint struct{ key, what look.Lit }

func (a *App) hintsNow() []hint {
	switch a.screen {
	case readerScreen:
		return []hint{{"r", "reply"}, {"R", "all"}, {"f", "forward"}, {"d", "trash"}, {"a", "archive"}, {"o", "links"}, {"v", "parts"}, {"q", "back"}, {"?", "help"}}
	case queueScreen:
		return []hint{{"t", "try now"}, {"H", "hold"}, {"x", "cancel"}, {"q", "back"}, {"?", "help"}}
	case partsScreen:
		return []hint{{"enter", "view"}, {"s", "save"}, {"S", "save all"}, {"|", "pipe"}, {"q", "back"}, {"?", "help"}}
	case searchScreen:
		if a.search.Refining() {
			return []hint{{"enter", "narrow"}, {"-", "without"}, {"u", "back"}, {"tab", "hits"}}
		}
		return []hint{{"enter", "read"}, {"up down", "choose"}, {"tab", "refine"}, {"alt+1", "the first"}, {"esc", "close"}}
	case composeScreen:
		return []hint{{"ctrl+s", "send"}, {"ctrl+e", "$EDITOR"}, {"ctrl+a", "attach"}, {"tab", "next"}, {"esc", "leave (kept)"}}
	}
	if a.list.Count() > 0 {
		return []hint{{"a", "archive"}, {"d", "trash"}, {"s", "move"}, {"F", "flag"}, {"N", "unread"}, {"ctrl+t", "none"}, {"?", "help"}}
	}
	return []hint{{"enter", "read"}, {"a", "archive"}, {"d", "trash"}, {"r", "reply"}, {"m", "write"}, {"c", "folder"}, {"/", "search"}, {":", "command"}, {"?", "help"}}
}

// keyLine is the line of keys, as many as there is room for.
func (a *App) keyLine(w int) string {
	l := a.theme.NewLine(w)
	if a.screen == listScreen && a.list.Ranging() {
		l.Lit(a.theme.Mark, "range").Lit(0, " from here: move, then V   ")
	} else if n := a.list.Count(); a.screen == listScreen && n > 0 {
		l.F(a.theme.Mark, "%d selected", n).Pad(3)
	}
	for i, h := range a.hintsFor(l.Room()+2, 2) {
		if i > 0 {
			l.Pad(2)
		}
		l.Lit(a.theme.Key, h.key).Pad(1).Lit(a.theme.Hint, h.what)
	}
	return l.String()
}

// hintsFor returns as many keys as fit in so many cells with a gap before each; help is always among them.
func (a *App) hintsFor(room, gap int) []hint {
	hs := a.hintsNow()
	last := hs[len(hs)-1]
	need := func(h hint) int { return len(h.key) + len(h.what) + 1 + gap }
	room -= need(last)
	var show []hint
	for _, h := range hs[:len(hs)-1] {
		if room -= need(h); room < 0 {
			break
		}
		show = append(show, h)
	}
	return append(show, last)
}

// hints puts the most wanted keys behind the position.
func (a *App) hints(l *look.Line, room int) {
	for i, h := range a.hintsFor(room-1, 2) {
		l.Pad(2 + min(1, max(0, 1-i)))
		l.Lit(a.theme.Key, h.key).Pad(1).Lit(a.theme.Hint, h.what)
	}
}

// whichKey lays what may follow the keys typed over the last lines of the body.
func (a *App) whichKey(body []string, g geometry) []string {
	t := a.theme
	next := a.keys.Next()
	sort.SliceStable(next, func(i, j int) bool { return next[i][0] < next[j][0] })
	const col = 26
	cols := max(1, g.w/col)
	n := (len(next) + cols - 1) / cols
	if n == 0 || n+1 > len(body) {
		return body
	}
	out := append([]string(nil), body[:len(body)-n-1]...)
	out = append(out, t.HRule(g.w))
	for r := range n {
		l := t.NewLine(g.w)
		for c := range cols {
			if i := r + c*n; i < len(next) {
				l.To(c*col).Pad(1).F(t.Key, "%s%s", a.keys.Pending(), next[i][0]).Pad(2).F(t.Hint, "%s", next[i][1])
			}
		}
		out = append(out, l.String())
	}
	return out
}

// emptyLines is a list without rows, with a way out.
func (a *App) emptyLines(g geometry) []string {
	t := a.theme
	var text []func(*look.Line)
	line := func(f func(*look.Line)) { text = append(text, f) }
	switch q := a.box.Limit().Query; {
	case q != "":
		line(func(l *look.Line) { l.Lit(t.Head, "Nothing matches").Pad(1).F(t.Mark, "[%s]", q) })
		line(func(l *look.Line) {
			l.Lit(t.Key, "esc").Lit(t.Hint, " shows all mail again   ").Lit(t.Key, "\\").Lit(t.Hint, " another limit")
		})
	case a.box.Len() > 0:
		line(func(l *look.Line) { l.Lit(t.Hint, "reading ...") })
	default:
		line(func(l *look.Line) { l.Lit(t.Head, "Nothing here.") })
		line(func(l *look.Line) {
			l.Lit(t.Key, "gi").Lit(t.Hint, " inbox   ").Lit(t.Key, "c").Lit(t.Hint, " another folder   ").Lit(t.Key, "m").Lit(t.Hint, " write")
		})
	}
	return a.centred(g.listW, g.listH, text)
}

// troubleLines is a folder that cannot be shown, and what to do about it.
func (a *App) troubleLines(g geometry) []string {
	t := a.theme
	var text []func(*look.Line)
	line := func(f func(*look.Line)) { text = append(text, f) }
	if a.box == nil && a.boxErr == nil {
		line(func(l *look.Line) { l.F(t.Hint, "opening %s ...", a.opening) })
	} else {
		line(func(l *look.Line) { l.F(t.Error, "%s cannot be read", a.opening) })
		line(func(l *look.Line) { l.F(0, "%s", a.boxErr.Error()) })
		line(func(l *look.Line) {
			l.Lit(t.Key, "c").Lit(t.Hint, " another folder   ").Lit(t.Key, ":reload").Lit(t.Hint, " again   ").Lit(t.Key, "postmaster check").Lit(t.Hint, " says more")
		})
	}
	return a.centred(g.w-g.side, g.bodyH, text)
}

func (a *App) centred(w, h int, text []func(*look.Line)) []string {
	t := a.theme
	out := make([]string, 0, h)
	top := max(0, (h-2*len(text))/3)
	for range top {
		out = append(out, t.Blank(w))
	}
	for i, f := range text {
		if i > 0 {
			out = append(out, t.Blank(w))
		}
		probe := t.NewLine(w)
		f(probe)
		l := t.NewLine(w).Pad((w - probe.Width()) / 2)
		f(l)
		out = append(out, l.String())
	}
	for len(out) < h {
		out = append(out, t.Blank(w))
	}
	return out[:h]
}
