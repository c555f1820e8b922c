package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"pneu/maildir/safe"
)

// A progress is a line on the terminal that says how far something is that takes longer
// than a second. Where stderr is none it says nothing.
type progress struct {
	w     io.Writer // nil: says nothing
	what  string
	width int
	began time.Time
	last  time.Time
	shown bool
}

func (t *tool) progress(what string) *progress {
	p := &progress{what: safe.Line(what).String(), began: time.Now(), width: 80}
	if f, ok := t.errw.(*os.File); ok && isTerminal(f) {
		p.w, p.width = f, t.width()
	}
	return p
}

// count is show where the input does not say how much there is.
func (p *progress) count(done int) {
	if p.due() {
		fmt.Fprintf(p.w, "\r%s\x1b[K", safe.Truncate(fmt.Sprintf("%s: %s", p.what, plural(done, "message")), p.width-1))
	}
}

func (p *progress) due() bool {
	if p.w == nil {
		return false
	}
	now := time.Now()
	if now.Sub(p.began) < time.Second || now.Sub(p.last) < 100*time.Millisecond {
		return false
	}
	p.last, p.shown = now, true
	return true
}

// show is called as often as one likes.
func (p *progress) show(done, total int) {
	if total <= 0 || !p.due() {
		return
	}
	now := p.last
	left := ""
	if done > 0 {
		if d := time.Duration(float64(now.Sub(p.began)) / float64(done) * float64(total-done)); d > time.Second {
			left = ", " + d.Round(time.Second).String() + " left"
		}
	}
	text := fmt.Sprintf("%s: %d of %d%s", p.what, done, total, left)
	text = safe.Truncate(text, p.width-1)
	if room := p.width - 4 - safe.Width(text); room >= 10 {
		n := min(room, 30)
		full := n * done / total
		text += " [" + strings.Repeat("=", full) + strings.Repeat(" ", n-full) + "]"
	}
	fmt.Fprintf(p.w, "\r%s\x1b[K", text)
}

// end takes the line away. It comes back with the next thing that is said.
func (p *progress) end() {
	if p.shown {
		p.shown = false
		fmt.Fprint(p.w, "\r\x1b[K")
	}
}
