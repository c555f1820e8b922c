package term

import (
	"bytes"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
	xterm "golang.org/x/term"
)

// A Background is what is known of the terminal's background colour.
type Background int

// Unknown is dark for most purposes, but never certain.
const (
	Unknown Background = iota
	Dark
	Light
)

// Env says which lookups of the environment Probe may trust.
type Env struct{ Term, ColorFGBG string }

// Probe asks the terminal for its background colour and waits at most d for the answer. A terminal that is not
// known to answer is not asked. Everything read that was not an answer is returned, to be read as keys.
func Probe(in, out *os.File, env Env, d time.Duration) (Background, []byte) {
	if b := fromEnv(env.ColorFGBG); b != Unknown {
		return b, nil
	}
	if !answers(env.Term) {
		return Unknown, nil
	}
	state, err := xterm.MakeRaw(int(in.Fd()))
	if err != nil {
		return Unknown, nil
	}
	defer xterm.Restore(int(in.Fd()), state)
	// DA1 comes last: every terminal answers it, and answers come in order.
	if _, err := out.WriteString("\x1b]11;?\x1b\\\x1b[c"); err != nil {
		return Unknown, nil
	}
	var got []byte
	end := time.Now().Add(d)
	for {
		left := time.Until(end)
		if left <= 0 {
			break
		}
		fds := []unix.PollFd{{Fd: int32(in.Fd()), Events: unix.POLLIN}}
		if n, err := unix.Poll(fds, int(left/time.Millisecond)+1); err != nil || n == 0 {
			if err == unix.EINTR {
				continue
			}
			break
		}
		buf := make([]byte, 256)
		n, err := in.Read(buf)
		if n <= 0 || err != nil {
			break
		}
		got = append(got, buf[:n]...)
		if i := bytes.Index(got, []byte("\x1b[?")); i >= 0 && bytes.IndexByte(got[i:], 'c') > 0 {
			break
		}
	}
	b := parseBackground(got)
	return b, got[:StripReplies(got)]
}

// answers reports whether a terminal of that name is worth asking.
func answers(name string) bool {
	for _, p := range []string{"dumb", "linux", "vt1", "vt2", "ansi", "cons"} {
		if strings.HasPrefix(name, p) {
			return false
		}
	}
	return name != ""
}

// fromEnv reads COLORFGBG, "15;0" or "0;default;15", which rxvt and Konsole set.
func fromEnv(s string) Background {
	i := strings.LastIndexByte(s, ';')
	if i < 0 {
		return Unknown
	}
	n, err := strconv.Atoi(s[i+1:])
	switch {
	case err != nil:
		return Unknown
	case n == 7 || n == 15:
		return Light
	}
	return Dark
}

// parseBackground finds the answer to OSC 11, "11;rgb:RRRR/GGGG/BBBB", and weighs its brightness.
func parseBackground(b []byte) Background {
	_, rest, ok := bytes.Cut(b, []byte("\x1b]11;rgb"))
	if !ok {
		return Unknown
	}
	_, rest, _ = bytes.Cut(rest, []byte(":"))
	if n := stringEnd(rest); n > 0 {
		rest = bytes.TrimRight(rest[:n], "\x07\x1b\\")
	}
	var sum float64
	weights := []float64{0.299, 0.587, 0.114}
	parts := strings.Split(string(rest), "/")
	if len(parts) < 3 {
		return Unknown
	}
	for i, w := range weights {
		h := parts[i]
		v, err := strconv.ParseUint(h, 16, 32)
		if err != nil || h == "" || len(h) > 4 {
			return Unknown
		}
		sum += w * float64(v) / float64(uint(1)<<(4*len(h))-1)
	}
	if sum > 0.5 {
		return Light
	}
	return Dark
}

// Drain reads answers that are still under way when the program ends, so that the shell does not get them.
func Drain(in *os.File, d time.Duration) {
	state, err := xterm.MakeRaw(int(in.Fd()))
	if err != nil {
		return
	}
	defer xterm.Restore(int(in.Fd()), state)
	fds := []unix.PollFd{{Fd: int32(in.Fd()), Events: unix.POLLIN}}
	if n, err := unix.Poll(fds, int(d/time.Millisecond)); err == nil && n > 0 {
		buf := make([]byte, 256)
		_, _ = in.Read(buf)
	}
}
