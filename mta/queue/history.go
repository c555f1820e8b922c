package queue

import (
	"errors"
	"io"
	"io/fs"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// maxHistory is how much of a history is read: its end.
const maxHistory = 8 << 20

// An Event is one line of a message's history.
type Event struct {
	Time     time.Time
	Kind     string // accepted attempt deferred delivered failed expired bounced delayed held released removed note
	Rcpt     int    // 0 for the message as a whole
	Host, IP string
	TLS      string
	Code     int
	Enhanced string
	Text     string
	Next     time.Time
}

// String is the line written, without its end:
//
//	2026-11-21T01:28:03.123456Z deferred to=2 host="mx.example.net" code=451 next=... text="..."
func (ev Event) String() string {
	b := make([]byte, 0, 256)
	b = ev.Time.UTC().AppendFormat(b, timeForm)
	b = append(b, ' ')
	kind := ev.Kind
	if !word(kind) {
		kind = "note"
	}
	b = append(b, kind...)
	number := func(key string, n int) {
		if n != 0 {
			b = append(append(append(b, ' '), key...), '=')
			b = strconv.AppendInt(b, int64(n), 10)
		}
	}
	text := func(key, s string) {
		if s != "" {
			if len(s) > 2000 {
				s = s[:2000]
			}
			b = append(append(append(b, ' '), key...), '=')
			b = strconv.AppendQuoteToASCII(b, s) // a stranger's words: no line end, no control
		}
	}
	number("to", ev.Rcpt)
	text("host", ev.Host)
	text("ip", ev.IP)
	text("tls", ev.TLS)
	number("code", ev.Code)
	text("enhanced", ev.Enhanced)
	if !ev.Next.IsZero() {
		b = append(b, " next="...)
		b = ev.Next.UTC().AppendFormat(b, timeForm)
	}
	text("text", ev.Text)
	return string(b)
}

func word(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] < 'a' || s[i] > 'z' {
			return false
		}
	}
	return s != ""
}

// ParseEvent reads a line that String wrote. Of a damaged one it keeps what
// there is, as a note.
func ParseEvent(line string) Event {
	stamp, rest, _ := strings.Cut(line, " ")
	at, err := time.Parse(time.RFC3339Nano, stamp)
	if err != nil {
		return Event{Kind: "note", Text: line}
	}
	kind, rest, _ := strings.Cut(rest, " ")
	if !word(kind) {
		return Event{Time: at, Kind: "note", Text: line}
	}
	ev := Event{Time: at, Kind: kind}
	for rest != "" {
		key, more, ok := strings.Cut(rest, "=")
		if !ok {
			return damagedEvent(at, line)
		}
		value := more
		if strings.HasPrefix(more, `"`) {
			q, err := strconv.QuotedPrefix(more)
			if err != nil {
				return damagedEvent(at, line)
			}
			rest = strings.TrimPrefix(more[len(q):], " ")
			if value, err = strconv.Unquote(q); err != nil {
				return damagedEvent(at, line)
			}
		} else {
			value, rest, _ = strings.Cut(more, " ")
		}
		switch key {
		case "to":
			ev.Rcpt, err = strconv.Atoi(value)
		case "code":
			ev.Code, err = strconv.Atoi(value)
		case "next":
			ev.Next, err = time.Parse(time.RFC3339Nano, value)
		case "host":
			ev.Host = value
		case "ip":
			ev.IP = value
		case "tls":
			ev.TLS = value
		case "enhanced":
			ev.Enhanced = value
		case "text":
			ev.Text = value
		}
		if err != nil {
			return damagedEvent(at, line)
		}
	}
	return ev
}

func damagedEvent(at time.Time, line string) Event { return Event{Time: at, Kind: "note", Text: line} }

// Log adds events to the message's history, in one write. It is not synced:
// no promise rests on it.
func (m *Message) Log(evs ...Event) error {
	var b []byte
	for _, ev := range evs {
		if ev.Time.IsZero() {
			ev.Time = time.Now()
		}
		b = append(append(b, ev.String()...), '\n')
	}
	if len(b) == 0 {
		return nil
	}
	name := m.s.path(inLog, m.ID)
	const flags = syscall.O_WRONLY | syscall.O_APPEND | syscall.O_CREAT
	f, err := m.s.fs.Open(name, flags, 0o600)
	if errors.Is(err, fs.ErrNotExist) {
		if err := m.s.fs.Mkdir(m.s.dir(inLog, m.ID), 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
			return &stepError{"write history", err}
		}
		f, err = m.s.fs.Open(name, flags, 0o600)
	}
	if err != nil {
		return &stepError{"write history", err}
	}
	_, err = f.Write(b)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return &stepError{"write history", err}
	}
	return nil
}

// History returns what befell the message, its acceptance first. Lines that
// cannot be read come as notes.
func (m *Message) History() ([]Event, error) {
	evs := []Event{{Time: m.Arrived, Kind: "accepted", Text: m.Client}}
	f, err := m.s.fs.Open(m.s.path(inLog, m.ID), syscall.O_RDONLY, 0)
	if missing(err) {
		return evs, nil
	}
	if err != nil {
		return evs, &stepError{"read history", err}
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return evs, &stepError{"read history", err}
	}
	from := max(st.Size-maxHistory, 0)
	b := make([]byte, st.Size-from)
	n, err := f.ReadAt(b, from)
	if err != nil && err != io.EOF {
		return evs, &stepError{"read history", err}
	}
	text := string(b[:n])
	if from > 0 {
		_, text, _ = strings.Cut(text, "\n")
	}
	for line := range strings.Lines(text) {
		if line = strings.TrimRight(line, "\n"); line != "" {
			evs = append(evs, ParseEvent(line))
		}
	}
	return evs, nil
}
