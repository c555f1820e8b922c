// Package look is how everything on the screen looks and which keys do what: styles, glyphs, lines built cell by
// cell, boxes, short dates, and the table that turns keys into commands.
//
// Lines are made by Line alone, which takes safe.Text, numbers and constants of the program. Nothing that came
// with a mail can therefore reach the terminal as anything but printable characters.
package look

import (
	"cmp"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/charmbracelet/lipgloss"
	"github.com/muesli/termenv"
)

// A Style is a set of attributes and at most one of the terminal's own colours 1 to 6. Colours 0, 7, 8 and 15 are
// never used: one of them is invisible on somebody's background.
type Style uint16

// Attributes, and colours.
const (
	Bold Style = 1 << iota
	Dim
	Under
	Reverse
	colour0
	Red     = 1 * colour0
	Green   = 2 * colour0
	Yellow  = 3 * colour0
	Blue    = 4 * colour0
	Magenta = 5 * colour0
	Cyan    = 6 * colour0

	attrs   = Bold | Dim | Under | Reverse
	colours = 7 * colour0
	styles  = int(8 * colour0)
)

// A Theme says what each role looks like. The zero Theme is not usable: see NewTheme.
type Theme struct {
	// Roles.
	Plain, Unread, Date, People, Subject, Snippet, Count Style
	Cursor, Mark, New, Flagged, Danger, Me, Link, Match  Style
	Rule, Title, Hint, Key, Toast, Error, Label, Head    Style
	Quote                                                [3]Style
	Added, Removed, Hunk                                 Style
	ID, Done, Waiting, Failed                            Style
	Glyphs                                               Glyphs
	sgr                                                  [styles]string
	Colour                                               bool
}

// Glyphs are the characters of the frame. All are one cell wide.
type Glyphs struct {
	Unread, Rule, Bar, Tee, Dots        string
	TopLeft, TopRight, Bottom, BotRight string
	Branch, Leaf, Pipe                  string
}

// Unicode and ASCII are the two sets.
var (
	Unicode = Glyphs{"▌", "─", "│", "├", "…", "╭", "╮", "╰", "╯", "├ ", "└ ", "│ "}
	ASCII   = Glyphs{"N", "-", "|", "+", "~", "+", "+", "+", "+", "|-", "`-", "| "}
)

// Options choose a theme.
type Options struct {
	Light bool // the background is light
	Mono  bool // no colour (NO_COLOR): attributes and characters tell everything
	ASCII bool // no characters beyond ASCII in the frame
}

// NewTheme makes the theme. It uses the terminal's own colours.
func NewTheme(o Options) *Theme {
	t := &Theme{
		Unread: Bold, Date: 0, Count: Dim, Snippet: Dim,
		Cursor: Reverse, Mark: Cyan | Bold, New: Green | Bold, Flagged: Yellow | Bold, Danger: Red | Bold,
		Me: Green, Link: Under, Match: Bold | Under, Rule: Dim, Title: Bold, Hint: Dim, Key: Bold, Toast: 0, Error: Red | Bold,
		Label: Dim, Head: Bold,
		Quote: [3]Style{Cyan | Dim, Green | Dim, Magenta | Dim},
		Added: Green, Removed: Red, Hunk: Cyan,
		ID: Cyan, Done: Green, Waiting: Yellow, Failed: Red | Bold,
		Glyphs: Unicode, Colour: !o.Mono,
	}
	if o.Light { // yellow and cyan are hard to read on white, and dim makes them worse
		t.Flagged, t.Waiting = Magenta|Bold, Magenta
		t.Mark, t.Hunk, t.ID = Blue|Bold, Blue, Blue
		t.Quote = [3]Style{Blue, Green, Magenta}
	}
	if o.ASCII {
		t.Glyphs = ASCII
	}
	for s := range t.sgr {
		t.sgr[s] = sgr(Style(s), t.Colour)
	}
	return t
}

// SGR returns the sequence that sets s, whatever was set before.
func (t *Theme) SGR(s Style) string { return t.sgr[int(s)%styles] }

// sgr asks Lip Gloss once for each style, as a row of styled cells costs 29 times what the same row with literal
// sequences costs. The renderer is given its profile, so it asks the terminal nothing.
func sgr(s Style, colour bool) string {
	r := lipgloss.NewRenderer(io.Discard)
	r.SetColorProfile(termenv.ANSI)
	st := r.NewStyle().Bold(s&Bold != 0).Faint(s&Dim != 0).Underline(s&Under != 0).Reverse(s&Reverse != 0)
	if c := int(s & colours / colour0); colour && c >= 1 && c <= 6 {
		st = st.Foreground(lipgloss.Color(strconv.Itoa(c)))
	}
	before, _, _ := strings.Cut(st.Render("x"), "x")
	params := strings.Split(strings.Trim(before, "\x1b[m"), ";")
	slices.SortFunc(params, func(a, b string) int { return cmp.Or(len(a)-len(b), strings.Compare(a, b)) })
	params = slices.Compact(params) // Lip Gloss says some of them twice
	if params[0] == "" {
		return "\x1b[0m"
	}
	return "\x1b[0;" + strings.Join(params, ";") + "m" // what was set before ends with the 0
}
