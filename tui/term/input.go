package term

import (
	"bytes"
	"os"
	"sync"
	"time"
	"unicode/utf8"

	"golang.org/x/sys/unix"
)

const (
	tail      = 30 * time.Millisecond // how long the rest of a sequence may take; after that a lone ESC is a key
	pasteIdle = time.Second           // a paste whose end does not come
	pasteMax  = 1 << 20
)

var (
	pasteStart = []byte("\x1b[200~")
	pasteEnd   = []byte("\x1b[201~")
)

// An Input is the terminal's input for Bubble Tea v1, which has no timer for ESC: a sequence that a slow line cuts
// in two would become the key "esc" and letters, that is commands nobody gave. Read waits for the rest. It also
// takes out the terminal's answers to queries, which would come as typed text, and ends a paste whose end is lost.
//
// It never holds back bytes: the poll of Bubble Tea's reader would not fire again for them.
type Input struct {
	*os.File
	// wait reports whether more can be read within d. Nil: poll the file.
	wait func(d time.Duration) bool

	mu      sync.Mutex
	pasting int    // bytes since the start of a paste; 0: none
	drop    bool   // the paste was too long; the rest of it is dropped
	tail    []byte // of the last read within a paste: its end may be cut in two
}

// NewInput wraps the terminal.
func NewInput(f *os.File) *Input { return &Input{File: f} }

// Read implements io.Reader.
func (in *Input) Read(p []byte) (int, error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	room := len(p)
	if room > 64 {
		room -= len(pasteEnd) // so that the end of a paste can be added
	}
	n, err := in.File.Read(p[:room])
	if err != nil || n <= 0 {
		return n, err
	}
	for n < room && unfinished(p[:n]) && in.ready(tail) {
		m, err := in.File.Read(p[n:room])
		if m <= 0 || err != nil {
			break
		}
		n += m
	}
	n = StripReplies(p[:n])
	return in.paste(p, n), nil
}

// paste follows bracketed pastes over reads. Bubble Tea swallows everything until the end marker comes.
func (in *Input) paste(p []byte, n int) int {
	if in.drop {
		all := append(in.tail, p[:n]...)
		end := bytes.Index(all, pasteEnd)
		if end < 0 {
			in.tail = lastOf(all)
			if !in.ready(pasteIdle) {
				in.drop = false
			}
			return 0
		}
		in.drop = false
		n = copy(p, all[end+len(pasteEnd):])
	}
	rest, again := p[:n], 0
	if in.pasting > 0 {
		rest, again = append(in.tail, rest...), len(in.tail)
	}
	for {
		if in.pasting == 0 {
			i := bytes.Index(rest, pasteStart)
			if i < 0 {
				return n
			}
			in.pasting, rest, again = 1, rest[i+len(pasteStart):], 0
		}
		i := bytes.Index(rest, pasteEnd)
		if i < 0 {
			break
		}
		in.pasting, rest, again = 0, rest[i+len(pasteEnd):], 0
	}
	in.pasting += len(rest) - again
	in.tail = lastOf(rest)
	switch {
	case in.pasting > pasteMax:
		in.drop = true
	case in.ready(pasteIdle):
		return n // the end, or more, comes with the next read
	}
	in.pasting = 0
	return n + copy(p[n:], pasteEnd)
}

// lastOf returns a copy of as much of the end of b as may be the beginning of pasteEnd.
func lastOf(b []byte) []byte { return bytes.Clone(b[max(0, len(b)-len(pasteEnd)+1):]) }

func (in *Input) ready(d time.Duration) bool {
	if in.wait != nil {
		return in.wait(d)
	}
	fds := []unix.PollFd{{Fd: int32(in.Fd()), Events: unix.POLLIN}}
	n, err := unix.Poll(fds, int(d/time.Millisecond))
	return err == nil && n > 0
}

// unfinished reports whether b ends within an escape sequence or a UTF-8 character.
func unfinished(b []byte) bool {
	esc := bytes.LastIndexByte(b, 0x1b)
	if esc < 0 {
		for i := len(b) - 1; i >= 0 && i >= len(b)-4; i-- {
			if utf8.RuneStart(b[i]) {
				return b[i] >= 0xc2 && !utf8.FullRune(b[i:])
			}
		}
		return false
	}
	// A string sequence (OSC, DCS, APC, PM) is ended by BEL or ESC \; its end has an ESC of its own.
	if i := lastString(b); i >= 0 {
		return true
	}
	s := b[esc+1:]
	if len(s) == 0 {
		return true
	}
	switch s[0] {
	case '[':
		if len(s) > 1 && s[1] == 'M' && len(s) < 5 {
			return true // X10 mouse report
		}
		for _, c := range s[1:] {
			if c >= 0x40 && c <= 0x7e {
				return false
			}
		}
		return len(s) < 64
	case 'O':
		return len(s) == 1
	}
	return false
}

// lastString returns where an unterminated string sequence begins, or -1.
func lastString(b []byte) int {
	for i := 0; i+1 < len(b); i++ {
		if b[i] != 0x1b || !isString(b[i+1]) {
			continue
		}
		end := stringEnd(b[i+2:])
		if end < 0 {
			if len(b)-i > 256 {
				return -1 // not an answer to anything asked
			}
			return i
		}
		i += 1 + end
	}
	return -1
}

func isString(c byte) bool { return c == ']' || c == 'P' || c == '_' || c == '^' }

// stringEnd returns the length up to and with the terminator, or -1.
func stringEnd(b []byte) int {
	for i, c := range b {
		if c == 7 {
			return i + 1
		}
		if c == 0x1b && i+1 < len(b) && b[i+1] == '\\' {
			return i + 2
		}
	}
	return -1
}
