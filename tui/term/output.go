package term

import (
	"os"
	"sync/atomic"
)

const (
	syncOn  = "\x1b[?2026h"
	syncOff = "\x1b[?2026l"
)

// An Output is the terminal's output for Bubble Tea v1, which writes each frame in one Write. It brackets frames
// in synchronized output, so that none is shown half drawn; terminals that do not know the mode ignore it.
type Output struct {
	*os.File
	// Sync tells whether to bracket frames.
	Sync bool

	frames, bytes atomic.Int64
}

// NewOutput wraps the terminal.
func NewOutput(f *os.File) *Output { return &Output{File: f, Sync: true} }

// Write implements io.Writer. Short writes are mode changes and the like: they go out as they are.
func (o *Output) Write(p []byte) (int, error) {
	if !o.Sync || len(p) < 64 {
		return o.File.Write(p)
	}
	o.frames.Add(1)
	o.bytes.Add(int64(len(p)))
	b := make([]byte, 0, len(p)+len(syncOn)+len(syncOff))
	b = append(append(append(b, syncOn...), p...), syncOff...)
	n, err := o.File.Write(b)
	return max(0, min(n-len(syncOn), len(p))), err
}

// Stats returns how many frames and bytes were written.
func (o *Output) Stats() (frames, bytes int64) { return o.frames.Load(), o.bytes.Load() }
