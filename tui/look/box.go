package look

import (
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// A Box is a frame laid over the screen: the only kind of frame there is, because it will go away.
type Box struct {
	Title string
	Lines []string // each exactly W-2 cells
	W     int      // with the frame
	Foot  string
}

// Render draws the frame.
func (b Box) Render(t *Theme) []string {
	g := t.Glyphs
	out := make([]string, 0, len(b.Lines)+2)
	out = append(out, t.edge(g.TopLeft, g.TopRight, b.Title, b.W))
	for _, s := range b.Lines {
		l := t.NewLine(b.W)
		l.put(t.Rule, g.Bar)
		l.Raw(s, b.W-2)
		l.put(t.Rule, g.Bar)
		out = append(out, l.String())
	}
	return append(out, t.edge(g.Bottom, g.BotRight, b.Foot, b.W))
}

func (t *Theme) edge(left, right, title string, w int) string {
	l := t.NewLine(w)
	l.put(t.Rule, left+t.Glyphs.Rule)
	if title != "" {
		l.max = w - 3
		l.put(t.Title, " "+Clean(title)+" ")
		l.max = w
	}
	for l.w < w-1 {
		l.put(t.Rule, t.Glyphs.Rule)
	}
	l.put(t.Rule, right)
	return l.String()
}

// Over lays box over the lines of a screen, its corner at column x, row y.
func Over(screen, box []string, x, y int) []string {
	out := append([]string(nil), screen...)
	for i, b := range box {
		if y+i < 0 || y+i >= len(out) {
			continue
		}
		w := ansi.StringWidth(b)
		under := out[y+i]
		left := ansi.Truncate(under, x, "")
		if n := ansi.StringWidth(left); n < x { // a wide character was cut
			left += strings.Repeat(" ", x-n)
		}
		out[y+i] = left + "\x1b[0m" + b + ansi.TruncateLeft(under, x+w, "")
	}
	return out
}

// Centre returns where a box of w by h stands in the middle of a screen of sw by sh.
func Centre(w, h, sw, sh int) (x, y int) { return max(0, (sw-w)/2), max(0, (sh-h)/2) }
