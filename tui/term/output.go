package term

import (
	"bytes"
	"os"
	"sync/atomic"
)

const (
	syncOn  = "\x1b[?2026h"
	syncOff = "\x1b[?2026l"
	wrapOff = "\x1b[?7l"
	wrapOn  = "\x1b[?7h"
	erase   = "\x1b[K"
)

// home is what each frame of Bubble Tea begins with on the alternate screen.
var home = []byte("\x1b[H")

// An Output is the terminal's output for Bubble Tea v1, which writes each frame in one Write.
//
// Terminals do not agree on how wide characters are: half-width marks, emoji, what Unicode calls ambiguous. A line
// that is wider than was reckoned would go on in the next one and scroll the screen, and one that is narrower would
// leave the end of the line before it. So lines do not wrap within a frame, and one that may be narrower than
// reckoned is erased before it is written. Frames are bracketed in synchronized output, so that none is shown half
// drawn; terminals that do not know the mode ignore it.
type Output struct {
	*os.File
	// Sync tells whether to bracket frames.
	Sync bool

	frames, bytes atomic.Int64
}

// NewOutput wraps the terminal.
func NewOutput(f *os.File) *Output { return &Output{File: f, Sync: true} }

// Write implements io.Writer. What is not a frame goes out as it is: mode changes and the like.
func (o *Output) Write(p []byte) (int, error) {
	if !bytes.HasPrefix(p, home) || len(p) == len(home) {
		return o.File.Write(p)
	}
	b := Frame(p, o.Sync)
	o.frames.Add(1)
	o.bytes.Add(int64(len(b)))
	if n, err := o.File.Write(b); err != nil {
		return min(n, len(p)), err
	}
	return len(p), nil
}

// Frame makes a frame of Bubble Tea safe for a terminal that has widths of its own.
func Frame(p []byte, sync bool) []byte {
	b := make([]byte, 0, len(p)+len(p)/16+64)
	if sync {
		b = append(b, syncOn...)
	}
	b = append(append(b, wrapOff...), home...)
	p = p[len(home):]
	for len(p) > 0 {
		n := bytes.IndexByte(p, '\n') + 1
		if n == 0 {
			n = len(p)
		}
		if !isASCII(p[:n]) {
			b = append(b, erase...)
		}
		b, p = append(b, p[:n]...), p[n:]
	}
	b = append(b, wrapOn...)
	if sync {
		b = append(b, syncOff...)
	}
	return b
}

func isASCII(p []byte) bool {
	for _, c := range p {
		if c >= 0x80 {
			return false
		}
	}
	return true
}

// Stats returns how many frames and bytes were written.
func (o *Output) Stats() (frames, bytes int64) { return o.frames.Load(), o.bytes.Load() }
