package look

import (
	"strings"
	"time"
)

// A Binding gives a command to a sequence of keys: "j", "g g", "ctrl+r".
type Binding struct {
	Keys    string
	Command string
}

// A Keymap is a tree of key sequences.
type Keymap struct {
	root node
}

type node struct {
	command string
	next    map[string]*node
	order   []string
}

// NewKeymap builds the tree. A later binding replaces an earlier one.
func NewKeymap(bindings []Binding) *Keymap {
	m := &Keymap{}
	for _, b := range bindings {
		n := &m.root
		for _, k := range strings.Fields(b.Keys) {
			if n.next == nil {
				n.next = map[string]*node{}
			}
			if n.next[k] == nil {
				n.next[k] = &node{}
				n.order = append(n.order, k)
			}
			n = n.next[k]
		}
		n.command = b.Command
	}
	return m
}

// Has reports whether a sequence begins with key.
func (m *Keymap) Has(key string) bool { return m.root.next[key] != nil }

// Times of a sequence.
const (
	Popup   = 400 * time.Millisecond // until what may follow is shown
	Timeout = 600 * time.Millisecond // until a key that is both a command and a prefix is taken for the command
)

// A Dispatcher collects keys until they are a command.
type Dispatcher struct {
	at    *node
	keys  []string
	count int
	// Serial changes with every key, so that a timer can tell whether it is still wanted.
	Serial int
}

// A Result says what a key led to.
type Result struct {
	Command string // the command, if complete
	Count   int    // number typed before it; 0 if none
	Pending bool   // more keys are wanted
	Unknown string // a sequence that means nothing
	Timer   bool   // the command is complete, but longer ones exist: call Expire after Timeout
}

const maxCount = 9_999_999

// Feed takes one key.
func (d *Dispatcher) Feed(m *Keymap, key string) Result {
	d.Serial++
	if key == "esc" && (len(d.keys) > 0 || d.count > 0) {
		d.Reset()
		return Result{}
	}
	if len(d.keys) == 0 {
		d.at = &m.root
		if len(key) == 1 && (key >= "1" && key <= "9" || key == "0" && d.count > 0) {
			d.count = min(d.count*10+int(key[0]-'0'), maxCount)
			return Result{Pending: true}
		}
	}
	n := d.at.next[key]
	if n == nil {
		seq := strings.Join(append(d.keys, key), " ")
		d.Reset()
		return Result{Unknown: seq}
	}
	d.keys = append(d.keys, key)
	d.at = n
	if len(n.next) > 0 {
		return Result{Pending: true, Timer: n.command != ""}
	}
	return d.done()
}

// Expire ends the wait for a longer sequence.
func (d *Dispatcher) Expire(serial int) Result {
	if serial != d.Serial || d.at == nil || d.at.command == "" {
		return Result{}
	}
	return d.done()
}

func (d *Dispatcher) done() Result {
	r := Result{Command: d.at.command, Count: d.count}
	d.Reset()
	return r
}

// Reset forgets what was typed.
func (d *Dispatcher) Reset() { d.at, d.keys, d.count = nil, nil, 0 }

// Pending is what was typed so far, for the status line.
func (d *Dispatcher) Pending() string {
	if d.count == 0 && len(d.keys) == 0 {
		return ""
	}
	s := ""
	if d.count > 0 {
		s = itoa(d.count)
	}
	return s + strings.Join(d.keys, "")
}

// Next lists what may follow the keys typed: key and command.
func (d *Dispatcher) Next() [][2]string {
	if d.at == nil || len(d.keys) == 0 {
		return nil
	}
	var out [][2]string
	for _, k := range d.at.order {
		n := d.at.next[k]
		c := n.command
		if c == "" {
			c = "…"
		}
		out = append(out, [2]string{k, c})
	}
	return out
}

func itoa(n int) string {
	if n < 10 {
		return string(rune('0' + n))
	}
	return itoa(n/10) + string(rune('0'+n%10))
}
