package tui

import (
	"strings"

	"pneu/maildir/safe"
	"pneu/tui/edit"
	"pneu/tui/folders"
	"pneu/tui/look"
	"pneu/tui/reader"
	"pneu/tui/term"
)

// An overlay takes all keys until it closes. box draws it; a prompt, which has the last line, has none.
type overlay interface {
	key(*App, term.Key) term.Cmd
	box(w, h int) (look.Box, bool)
}

func (a *App) overKey(k term.Key) term.Cmd { return a.over.key(a, k) }

// A prompt is a question in the last line.
type prompt struct {
	label  look.Lit
	hint   safe.Text
	field  edit.Field
	done   func(string) term.Cmd
	change func(string) term.Cmd // after each key; may be nil
	cancel func() term.Cmd       // may be nil
	past   *[]string             // what was entered before
	at     int                   // position in past, counted from its end
}

func (p *prompt) box(int, int) (look.Box, bool) { return look.Box{}, false }

func (p *prompt) key(a *App, k term.Key) term.Cmd {
	switch k.Name {
	case "esc", "ctrl+c", "ctrl+g":
		a.over = nil
		if p.cancel != nil {
			return p.cancel()
		}
		return nil
	case "enter":
		a.over = nil
		s := strings.TrimSpace(p.field.String())
		if p.past != nil && s != "" {
			*p.past = append(*p.past, s)
		}
		return p.done(s)
	case "up", "down":
		if p.past == nil {
			return nil
		}
		if k.Name == "up" {
			p.at = min(p.at+1, len(*p.past))
		} else {
			p.at = max(0, p.at-1)
		}
		if p.at == 0 {
			p.field.Set("")
		} else {
			p.field.Set((*p.past)[len(*p.past)-p.at])
		}
	default:
		if !p.field.Key(k) {
			return nil
		}
	}
	if p.change != nil {
		return p.change(p.field.String())
	}
	return nil
}

// ask puts a question to be answered with a word.
func (a *App) ask(question string, done func(string) term.Cmd) {
	a.over = &prompt{label: look.Lit(look.T(question).String()), done: func(s string) term.Cmd { return done(strings.ToLower(s)) }}
}

// askFor asks for a line, with something filled in.
func (a *App) askFor(label look.Lit, fill string, done func(string) term.Cmd) {
	p := &prompt{label: label, done: done}
	p.field.Set(fill)
	a.over = p
}

// pickOver is the folder picker.
type pickOver struct {
	*folders.Picker
	done func(string) term.Cmd
}

func (p *pickOver) box(w, h int) (look.Box, bool) { return p.Box(w, h), true }

func (p *pickOver) key(a *App, k term.Key) term.Cmd {
	name, done := p.Key(k)
	if !done {
		return nil
	}
	a.over = nil
	if name == "" {
		return nil
	}
	return p.done(name)
}

func (a *App) pickFolder(name string) term.Cmd {
	if name != "" {
		return a.openFolder(name)
	}
	a.over = &pickOver{folders.NewPicker(a.theme, "Open folder", a.sidebar.Items, nil, false), a.openFolder}
	return a.loadFolders()
}

// A palette is the command line: letters find a command, words after its name are its argument.
type palette struct {
	field edit.Field
	cmds  []*command
	hits  []int
	at    int
	theme *look.Theme
}

func (a *App) openPalette() term.Cmd {
	p := &palette{theme: a.theme}
	here := a.context()
	for i := range a.commands {
		if a.commands[i].where&here != 0 {
			p.cmds = append(p.cmds, &a.commands[i])
		}
	}
	p.filter()
	a.over = p
	return nil
}

// exact returns the command whose name the text begins with, and the rest.
func (p *palette) exact() (*command, string) {
	s := strings.TrimSpace(p.field.String())
	var best *command
	for _, c := range p.cmds {
		if (s == c.name || strings.HasPrefix(s, c.name+" ")) && (best == nil || len(c.name) > len(best.name)) {
			best = c
		}
	}
	if best == nil {
		return nil, ""
	}
	return best, strings.TrimSpace(s[len(best.name):])
}

func (p *palette) filter() {
	s := strings.TrimSpace(p.field.String())
	p.at = 0
	p.hits = look.Filter(s, len(p.cmds), func(i int) string { return p.cmds[i].name })
	if c, arg := p.exact(); c != nil && arg != "" {
		for i, x := range p.cmds {
			if x == c {
				p.hits = []int{i}
			}
		}
	}
}

func (p *palette) key(a *App, k term.Key) term.Cmd {
	switch k.Name {
	case "esc", "ctrl+c", "ctrl+g":
		a.over = nil
		return nil
	case "down", "ctrl+n":
		p.at = min(p.at+1, max(0, len(p.hits)-1))
		return nil
	case "up", "ctrl+p":
		p.at = max(0, p.at-1)
		return nil
	case "tab":
		if p.at < len(p.hits) {
			p.field.Set(p.cmds[p.hits[p.at]].name + " ")
		}
		return nil
	case "backspace":
		if p.field.Empty() {
			a.over = nil
			return nil
		}
	case "enter":
		a.over = nil
		c, arg := p.exact()
		if c == nil && p.at < len(p.hits) {
			c = p.cmds[p.hits[p.at]]
		} else if c != nil && arg == "" && p.at > 0 && p.at < len(p.hits) {
			c = p.cmds[p.hits[p.at]]
		}
		if c == nil {
			a.say("no command %s", p.field.String())
			return nil
		}
		return c.do(a, call{arg: arg})
	}
	if p.field.Key(k) {
		p.filter()
	}
	return nil
}

func (p *palette) box(sw, sh int) (look.Box, bool) {
	t := p.theme
	w := min(66, sw-2)
	rows := max(3, min(12, sh-8))
	in := w - 2
	l := t.NewLine(in).Lit(t.Key, " : ")
	p.field.Draw(l, in-5, 0, true)
	lines := []string{l.String()}
	from := max(0, min(p.at-rows/2, len(p.hits)-rows))
	for i := from; i < from+rows; i++ {
		l := t.NewLine(in)
		if i < len(p.hits) {
			c := p.cmds[p.hits[i]]
			if i == p.at {
				l.Base(t.Cursor).Lit(0, " > ")
			} else {
				l.Pad(3)
			}
			l.Cell(t.Head, look.T(c.name), 19).Cell(t.Hint, look.T(c.help), max(0, in-19-3-8)).Right(t.Key, look.T(keyText(c)), 7)
		} else if i == 0 {
			l.Pad(3).Lit(t.Hint, "no command has these letters")
		}
		lines = append(lines, l.String())
	}
	return look.Box{Title: "command", Lines: lines, W: w, Foot: "enter run · tab complete · esc close"}, true
}

// help lists all keys of a screen; typing narrows the list.
type help struct {
	field edit.Field
	cmds  []*command
	theme *look.Theme
	top   int
}

func (a *App) openHelp() term.Cmd {
	h := &help{theme: a.theme}
	here := a.context()
	for i := range a.commands {
		if a.commands[i].where&here != 0 && len(a.commands[i].keys) > 0 {
			h.cmds = append(h.cmds, &a.commands[i])
		}
	}
	a.over = h
	return nil
}

func (h *help) key(a *App, k term.Key) term.Cmd {
	switch k.Name {
	case "esc", "ctrl+c", "enter":
		a.over = nil
	case "q", "?":
		if h.field.Empty() {
			a.over = nil
			return nil
		}
		h.field.Key(k)
	case "down", "pgdown":
		h.top += 5
	case "up", "pgup":
		h.top = max(0, h.top-5)
	default:
		h.field.Key(k)
		h.top = 0
	}
	return nil
}

func (h *help) box(sw, sh int) (look.Box, bool) {
	t := h.theme
	w := min(116, sw-2)
	in := w - 2
	cols := 1
	if in >= 76 {
		cols = 2
	}
	want := strings.ToLower(h.field.String())
	var hits []*command
	for _, c := range h.cmds {
		if strings.Contains(strings.ToLower(c.name+" "+c.help+" "+strings.Join(c.keys, " ")), want) {
			hits = append(hits, c)
		}
	}
	colW := in / cols
	room := max(3, sh-7)
	rows := min((len(hits)+cols-1)/cols, room)
	h.top = max(0, min(h.top, (len(hits)+cols-1)/cols-rows))
	per := (len(hits) + cols - 1) / cols
	l := t.NewLine(in).Lit(t.Hint, " find ")
	h.field.Draw(l, in-8, 0, true)
	lines := []string{l.String()}
	for r := h.top; r < h.top+rows; r++ {
		l := t.NewLine(in)
		for c := range cols {
			if i := r + c*per; i < len(hits) && r < per {
				var keys []string
				for _, k := range hits[i].keys {
					keys = append(keys, strings.ReplaceAll(k, " ", ""))
				}
				l.To(c * colW).Pad(1)
				end := (c+1)*colW - 1
				l.Cell(t.Key, look.T(strings.Join(keys, " ")), 14).Cell(0, look.T(hits[i].help), max(0, end-l.Width()))
			}
		}
		lines = append(lines, l.String())
	}
	foot := "type to find · esc close"
	if per > rows {
		foot = "up and down show more · " + foot
	}
	return look.Box{Title: "keys here (a number before one repeats it)", Lines: lines, W: w, Foot: foot}, true
}

// linksOver lists the links of a message.
type linksOver struct {
	links []reader.Link
	at    int
	theme *look.Theme
}

// links opens link n, or lists them.
func (a *App) links(n int) term.Cmd {
	d := a.reader.Doc()
	if d == nil && a.reader.Current() >= 0 {
		a.whenRead = func() term.Cmd { return a.links(n) }
		return nil
	}
	if d == nil || len(d.Links) == 0 {
		a.say("no links in this message")
		return nil
	}
	if n > 0 {
		if n > len(d.Links) {
			a.say("the message has %s", look.Plural(len(d.Links), "link"))
			return nil
		}
		return a.browse(d.Links[n-1].Raw)
	}
	a.over = &linksOver{links: d.Links, theme: a.theme}
	return nil
}

func (o *linksOver) key(a *App, k term.Key) term.Cmd {
	switch k.Name {
	case "esc", "q", "ctrl+c", "h":
		a.over = nil
	case "j", "down", "tab":
		o.at = min(o.at+1, len(o.links)-1)
	case "k", "up":
		o.at = max(0, o.at-1)
	case "G", "end":
		o.at = len(o.links) - 1
	case "g", "home":
		o.at = 0
	case "enter", "o", "l":
		a.over = nil
		return a.browse(o.links[o.at].Raw)
	}
	return nil
}

func (o *linksOver) box(sw, sh int) (look.Box, bool) {
	t := o.theme
	w := min(100, sw-2)
	in := w - 2
	rows := min(len(o.links), max(3, sh-9))
	from := max(0, min(o.at-rows/2, len(o.links)-rows))
	var lines []string
	for i := from; i < from+rows; i++ {
		k := o.links[i]
		l := t.NewLine(in)
		if i == o.at {
			l.Base(t.Cursor).Lit(0, ">")
		} else {
			l.Pad(1)
		}
		l.Right(t.Key, look.T(look.Number(i+1)), 4).Pad(2)
		if k.Warn.String() != "" {
			l.F(t.Danger, "! %s ", k.Warn.String())
		}
		if s := k.Text.String(); s != "" && s != k.URL.String() {
			l.Cell(0, k.Text, min(safe.Width(s), in/3)).Pad(2)
		}
		l.Cell(t.Hint, k.URL, max(0, in-l.Width()-1))
		lines = append(lines, l.String())
	}
	lines = append(lines, t.Blank(in))
	for _, s := range chunks(o.links[o.at].URL.String(), in-2, 2) {
		lines = append(lines, t.NewLine(in).Pad(1).F(t.Link, "%s", s).String())
	}
	return look.Box{Title: "links", Lines: lines, W: w, Foot: "enter open · esc close"}, true
}

// chunks cuts s into at most n pieces of w cells.
func chunks(s string, w, n int) []string {
	var out []string
	for s != "" && len(out) < n {
		cut := safe.Truncate(s, w)
		out = append(out, cut)
		if cut == s {
			break
		}
		body := strings.TrimSuffix(cut, "…")
		if len(out) < n {
			out[len(out)-1] = body
		}
		s = s[len(body):]
	}
	return out
}

// logOver lists the errors so far.
type logOver struct{ a *App }

func (a *App) showLog() term.Cmd {
	if len(a.log) == 0 {
		a.say("no errors so far")
		return nil
	}
	a.over = &logOver{a}
	return nil
}

func (o *logOver) key(a *App, k term.Key) term.Cmd {
	if k.Name == "esc" || k.Name == "q" || k.Name == "enter" || k.Name == "ctrl+c" {
		a.over = nil
	}
	return nil
}

func (o *logOver) box(sw, sh int) (look.Box, bool) {
	t := o.a.theme
	w := min(100, sw-2)
	var lines []string
	log := o.a.log
	const most = 4 // lines of one
	for _, e := range log[max(0, len(log)-(sh-9)):] {
		for i, s := range chunks(e.text.String(), w-14, most) {
			l := t.NewLine(w - 2).Pad(1)
			if i == 0 {
				l.F(t.Hint, "%s", e.at.Format("15:04:05"))
			}
			lines = append(lines, l.To(11).F(0, "%s", s).String())
		}
	}
	lines = lines[max(0, len(lines)-max(1, sh-7)):]
	return look.Box{Title: "errors", Lines: lines, W: w, Foot: "esc close"}, true
}
