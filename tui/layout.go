package tui

import (
	"strings"
	"time"

	"pneu/maildir/safe"
	"pneu/tui/look"
	"pneu/tui/store"
	"pneu/tui/term"
)

// Widths at which the layout changes, and the smallest screen that shows more than one row's text.
const (
	sideFrom   = 100 // folders beside the list, the message below it
	columnFrom = 160 // the message in a column of its own
	minW, minH = 40, 8
	shortH     = 12 // below, the line of keys is left out
	keysInOne  = 100
)

// A Layout says whether the message under the cursor is shown beside the list.
type Layout uint8

// With Auto it is where there is room for it: beside the folders, on a wide screen.
const (
	Auto    Layout = iota
	List           // the list alone
	Preview        // list and message, on narrower screens too
)

// Least size of a screen split by wish.
const previewW, previewH = 60, 16

// A shape is what the person at the terminal made of the layout.
type shape struct {
	layout Layout
	share  int // of the list, in steps of 5 % more than the usual one
}

const shareStep, sharesMost = 5, 6

// A geometry says where everything is.
type geometry struct {
	w, h  int
	side  int // width of the folders with their rule; 0: none
	listW int
	listH int
	readW int
	readH int
	split splitKind
	foot  int // lines below the body, with the rule
	bodyH int
	tiny  bool
}

type splitKind uint8

const (
	onePane splitKind = iota
	below             // the message below the list
	beside            // the message in a column
)

func (a *App) geometry() geometry {
	g := geometry{w: a.size.W, h: a.size.H}
	if g.w < minW || g.h < minH {
		g.tiny = true
		return g
	}
	g.foot = 3
	if g.w >= keysInOne || g.h < shortH {
		g.foot = 2
	}
	g.bodyH = max(1, g.h-2-g.foot)
	more := a.shape.share * shareStep
	switch {
	case g.w >= columnFrom:
		g.side = 24
	case g.w >= sideFrom:
		g.side = 22
	}
	rest := g.w - g.side
	split := a.shape.layout == Preview && g.w >= previewW && g.h >= previewH || a.shape.layout == Auto && g.side > 0 && g.h >= 24
	switch {
	case g.w >= columnFrom && a.shape.layout != List:
		g.split = beside
		g.listW = min(max(80, rest*46/100)+rest*more/100, rest-previewW)
		g.readW = rest - g.listW - 2
		g.listH, g.readH = g.bodyH, g.bodyH-1
	case split:
		g.split = below
		g.listW, g.readW = rest, rest
		g.listH = max(6, g.bodyH*(42+more)/100)
		g.readH = g.bodyH - g.listH - 2
	default:
		g.listW, g.readW, g.listH, g.readH = rest, rest, g.bodyH, g.bodyH
	}
	return g
}

// turnLayout shows the message with the list, or the list alone.
func (a *App) turnLayout() term.Cmd {
	was := a.geometry().split
	a.shape.layout = List
	if was == onePane {
		a.shape.layout = Auto
		if a.geometry().split == onePane {
			a.shape.layout = Preview
		}
	}
	switch now := a.geometry().split; {
	case now == onePane && was == onePane:
		a.shape.layout = Auto
		a.say("no room for the message beside the list here")
	case now == onePane:
		a.say("the list alone")
	default:
		a.say("list and message   < > change their sizes")
	}
	return a.placed()
}

// resize gives the list more of the screen, or less.
func (a *App) resize(n int) term.Cmd {
	if a.geometry().split == onePane {
		a.say("one pane only; ctrl+w splits the screen")
		return nil
	}
	a.shape.share = max(-sharesMost, min(sharesMost, a.shape.share+n))
	return a.placed()
}

func (a *App) placed() term.Cmd {
	a.place()
	return term.Batch(a.wants(), a.wantRows(), a.preview(), a.hitLines())
}

// place tells the parts their sizes.
func (a *App) place() {
	g := a.geometry()
	if g.tiny {
		return
	}
	a.list.SetSize(g.listW, g.listH)
	a.reader.SetSize(g.readW, g.readH)
	a.queue.SetSize(g.w, g.bodyH)
	if a.parts != nil {
		a.parts.SetSize(g.w, g.bodyH)
	}
	if a.search != nil {
		a.search.SetSize(g.w, g.bodyH)
	}
	if a.compose != nil {
		a.compose.SetSize(g.w, g.bodyH)
	}
}

// View draws the screen. It is called after every message, so it keeps the last frame.
func (a *App) View() string {
	if !a.dirty && a.frame != "" {
		return a.frame
	}
	begin := time.Now()
	lines := a.Lines()
	a.frame = strings.Join(lines, "\n")
	a.dirty = false
	a.draws++
	a.drawn = time.Since(begin)
	return a.frame
}

// Lines draws the screen line by line.
func (a *App) Lines() []string {
	g := a.geometry()
	if g.tiny {
		return a.tinyLines(g)
	}
	t := a.theme
	out := make([]string, 0, g.h)
	out = append(out, a.titleLine(g), t.HRule(g.w))
	out = append(out, a.body(g)...)
	if a.which {
		out = a.whichKey(out, g)
	}
	out = append(out, t.HRule(g.w))
	out = append(out, a.footer(g)...)
	if a.over != nil {
		if b, ok := a.over.box(g.w, g.h); ok {
			box := b.Render(t)
			x, y := look.Centre(b.W, len(box), g.w, g.h-g.foot)
			out = look.Over(out, box, x, y)
		}
	}
	return out
}

// body is everything between the two rules.
func (a *App) body(g geometry) []string {
	switch a.screen {
	case queueScreen:
		return a.queue.Lines()
	case partsScreen:
		return a.parts.Lines()
	case composeScreen:
		return a.compose.Lines()
	case searchScreen:
		return a.search.Lines()
	}
	t := a.theme
	var main []string
	switch {
	case a.box == nil || a.boxErr != nil:
		main = a.troubleLines(g)
	case g.split == onePane && a.screen == readerScreen:
		main = a.reader.Lines()
	case g.split == onePane:
		main = a.listLines(g)
	case g.split == below:
		main = a.listLines(g)
		l := t.NewLine(g.readW)
		for range g.readW {
			l.Glyph(t.Rule, t.Glyphs.Rule)
		}
		main = append(main, l.String(), a.readerTitle(g.readW))
		main = append(main, a.reader.Lines()...)
	case g.split == beside:
		left, right := a.listLines(g), append([]string{a.readerTitle(g.readW)}, a.reader.Lines()...)
		bar := t.NewLine(2).Pad(1).Glyph(t.Rule, t.Glyphs.Bar).String()
		main = make([]string, g.bodyH)
		for i := range main {
			main[i] = left[i] + bar + right[i]
		}
	}
	if g.side == 0 {
		return main
	}
	side := a.sidebar.Lines(g.side-1, g.bodyH)
	bar, tee := t.NewLine(1).Glyph(t.Rule, t.Glyphs.Bar).String(), t.NewLine(1).Glyph(t.Rule, t.Glyphs.Tee).String()
	for i := range main {
		if g.split == below && i == g.listH && a.boxErr == nil && a.box != nil {
			main[i] = side[i] + tee + main[i]
			continue
		}
		main[i] = side[i] + bar + main[i]
	}
	return main
}

func (a *App) listLines(g geometry) []string {
	if a.list.Len() == 0 {
		return a.emptyLines(g)
	}
	return a.list.Lines(a.screen == listScreen && a.over == nil || g.split == onePane)
}

// readerTitle is the line above the message in a split screen.
func (a *App) readerTitle(w int) string {
	t := a.theme
	subject, size := a.reader.Title()
	style := t.Head
	if a.screen == readerScreen {
		style |= t.Mark
	}
	return t.Between(w, func(l *look.Line) {
		if a.screen == readerScreen {
			l.Lit(t.Mark, ">")
		} else {
			l.Pad(1)
		}
		l.Add(style, subject)
	}, func(l *look.Line) { l.Add(t.Hint, size).Pad(1) })
}

// titleLine says what is on the screen, and on its right what goes on behind it.
func (a *App) titleLine(g geometry) string {
	t := a.theme
	return t.Between(g.w, func(l *look.Line) {
		switch a.screen {
		case queueScreen:
			a.queue.Title(l)
		case composeScreen:
			a.compose.Title(l)
		case searchScreen:
			a.search.Title(l)
		case partsScreen:
			l.Lit(t.Title, "Parts of ").F(t.Title, "%q", a.parts.Subject().String())
		default:
			a.folderTitle(l, g)
		}
	}, func(l *look.Line) {
		if a.screen == composeScreen {
			a.compose.TitleRight(l)
			return
		}
		if a.screen == searchScreen {
			a.search.TitleRight(l)
			return
		}
		a.progress(l)
		if g.split == onePane && a.screen == readerScreen {
			_, size := a.reader.Title()
			if size.String() != "" {
				l.Add(t.Hint, size)
			}
			return
		}
		a.outgoing(l)
	})
}

func (a *App) folderTitle(l *look.Line, g geometry) {
	t := a.theme
	if a.box == nil {
		l.F(t.Title, "%s", a.opening)
		return
	}
	l.F(t.Title, "%s", a.box.Folder.Name())
	if g.split == onePane && a.screen == readerScreen {
		subject, _ := a.reader.Title()
		l.Lit(t.Hint, " > ").Add(t.Title, subject)
		return
	}
	if a.boxErr != nil {
		return
	}
	l.Pad(2)
	if n := a.box.Unread(); a.box.Len() == 0 {
		l.Lit(0, "empty")
	} else if n > 0 {
		l.F(0, "%s unread of %s", look.Number(n), look.Number(a.box.Len()))
	} else {
		l.F(0, "%s", look.Plural(a.box.Len(), "message"))
	}
	if q := a.box.Limit().Query; q != "" {
		l.Pad(3).F(t.Mark, "[%s]", q)
	}
	if g.w >= sideFrom {
		l.Pad(3)
		switch {
		case a.box.Sort() != store.ByDate && a.box.Oldest():
			l.F(t.Hint, "[by %s, turned round]", a.box.Sort().String())
		case a.box.Sort() != store.ByDate:
			l.F(t.Hint, "[by %s]", a.box.Sort().String())
		case a.box.Oldest():
			l.Lit(t.Hint, "[oldest first]")
		default:
			l.Lit(t.Hint, "[newest first]")
		}
		if a.box.Threads() && a.box.Sort() == store.ByDate {
			l.Lit(t.Hint, " [threads]")
		}
	}
}

// building is how many messages have to be read before it is worth a word.
const building = 256

// progress shows work behind the screen that takes long enough to be noticed.
func (a *App) progress(l *look.Line) {
	if p := a.building; p.on && p.total-p.done > building {
		l.F(a.theme.Hint, "index %d %%   ", p.percent())
	}
	if p := a.texting; p.on && p.total > 0 {
		l.F(a.theme.Hint, "text index %d %%   ", p.percent())
	}
	if a.perf {
		l.F(a.theme.Hint, "frame %d  %.1f ms   ", a.draws, float64(a.drawn.Microseconds())/1000)
	}
}

func (a *App) outgoing(l *look.Line) {
	t := a.theme
	o := a.sidebar.Out
	n := o.Waiting + o.Held + o.Deferred + o.Failed
	if !o.Known || n == 0 {
		return
	}
	l.F(0, "out %d", n)
	switch {
	case o.Failed > 0:
		l.F(t.Failed, " (%d failed)", o.Failed)
	case o.Deferred > 0:
		l.F(t.Waiting, " (%d deferred)", o.Deferred)
	}
}

// footer is the line of keys and the line of the latest result; one line where there is room for both.
func (a *App) footer(g geometry) []string {
	t := a.theme
	if p, ok := a.over.(*prompt); ok {
		line := t.NewLine(g.w)
		line.Lit(t.Key, p.label).Pad(1)
		p.field.Draw(line, max(10, g.w-line.Width()-safe.Width(p.hint.String())-3), 0, true)
		line.To(g.w-safe.Width(p.hint.String())-1).Add(t.Hint, p.hint)
		if g.foot == 2 {
			return []string{line.String()}
		}
		return []string{a.keyLine(g.w), line.String()}
	}
	if g.foot == 2 {
		// The result comes first; keys take what room it leaves.
		result := t.NewLine(g.w)
		a.drawStatus(result)
		return []string{t.Between(g.w, a.drawStatus, func(l *look.Line) {
			a.position(l)
			if g.w >= keysInOne {
				a.hints(l, min(g.w-result.Width(), g.w-g.w/3)-l.Width()-3)
			}
		})}
	}
	return []string{a.keyLine(g.w), a.statusLine(g.w)}
}

// statusLine is the latest result and the position. Where there is not room for both the result is cut; an error is
// not.
func (a *App) statusLine(w int) string {
	t := a.theme
	result, at := t.NewLine(w), t.NewLine(w)
	a.position(at)
	a.drawStatus(result)
	if a.status.err && result.Width()+at.Width()+1 > w {
		return result.String()
	}
	return t.Between(w, a.drawStatus, a.position)
}

// position says where the cursor is, and which keys wait for more.
func (a *App) position(l *look.Line) {
	t := a.theme
	if p := a.keys.Pending(); p != "" {
		l.F(t.Key, "%s", p).Pad(2)
	}
	switch a.screen {
	case listScreen:
		if n := a.list.Count(); n > 0 {
			l.F(t.Mark, "%d selected", n).Pad(2)
		}
		if n := a.list.Len(); n > 0 {
			l.F(t.Hint, "%s/%s", look.Number(a.list.Cursor()+1), look.Number(n))
		}
	case readerScreen:
		l.F(t.Hint, "%d%%", a.reader.Position())
	case composeScreen:
		a.compose.Position(l)
	case searchScreen:
		a.search.Position(l)
	case queueScreen:
		a.queue.Position(l)
	case partsScreen:
		a.parts.Position(l)
	}
}

// tinyLines is for a terminal that has room for one message's text only.
func (a *App) tinyLines(g geometry) []string {
	t := a.theme
	out := make([]string, 0, g.h)
	var what safe.Text
	if a.box != nil && a.list.Len() > 0 {
		if id := a.list.Current(); id >= 0 {
			r := a.box.Rows().Row(a.list.Cursor())
			what = look.Tf("%s: %s", r.People.String(), r.Subject.String())
		}
	}
	if what.String() == "" {
		what = look.T("no mail")
	}
	s := what.String()
	for len(out) < g.h-1 && s != "" {
		cut := safe.Truncate(s, g.w)
		out = append(out, t.NewLine(g.w).F(0, "%s", cut).String())
		if cut == s {
			break
		}
		s = s[min(len(s), len(strings.TrimSuffix(cut, "…"))):]
	}
	for len(out) < g.h-1 {
		out = append(out, t.Blank(g.w))
	}
	if g.h > 0 {
		out = append(out, t.Between(g.w, a.drawStatus, func(*look.Line) {}))
	}
	return out[:min(len(out), g.h)]
}
