// Package term stands between the terminal (and Bubble Tea, which drives it) and the views.
//
// It has a Key type of its own, the wrappers around the tty in both directions, and the probe of the terminal's
// colours. Views know Key, Msg and Cmd and nothing of Bubble Tea, so that another driver is a change in one place.
package term

import (
	"os/exec"
	"unicode"
	"unicode/utf8"
)

// A Msg is something that happened: the result of a Cmd, or one of the types below.
type Msg = any

// A Cmd is work done outside the loop; its result comes back as a Msg. A nil Cmd is nothing to do.
type Cmd func() Msg

// Batch makes one Cmd of several; they run at the same time.
func Batch(cmds ...Cmd) Cmd {
	var all []Cmd
	for _, c := range cmds {
		if c != nil {
			all = append(all, c)
		}
	}
	switch len(all) {
	case 0:
		return nil
	case 1:
		return all[0]
	}
	return func() Msg { return Batched(all) }
}

// Batched is a Msg that stands for several commands to run.
type Batched []Cmd

// Size is the terminal's size in cells.
type Size struct{ W, H int }

// Quit, Suspend and Redraw are what a Cmd returns to end the program, to stop it (ctrl+z), to repaint everything.
type (
	Quit    struct{}
	Suspend struct{}
	Redraw  struct{}
	Resumed struct{}
)

// Exec is what a Cmd returns to lend the terminal to another program. Done makes a Msg of its result.
type Exec struct {
	Command *exec.Cmd
	Done    func(error) Msg
}

// A Key is one key pressed, or one paste.
type Key struct {
	// Name is the printable character itself ("j", "G", "é"), or a name: "space", "enter", "esc", "ctrl+r", "alt+t",
	// "shift+tab", "pgdown".
	Name string
	// Rune is the character to insert where text is typed; 0 if there is none.
	Rune rune
	// Paste is the text pasted; Name is then "paste".
	Paste string
}

// Rune makes the key of a typed character.
func Rune(r rune) Key {
	if r == ' ' {
		return Key{Name: "space", Rune: ' '}
	}
	return Key{Name: string(r), Rune: r}
}

// Named makes a key without a character.
func Named(name string) Key { return Key{Name: name} }

// Split makes single keys out of characters that came in one read: "jjj" is three keys.
func Split(runes []rune, alt bool) []Key {
	keys := make([]Key, 0, len(runes))
	for _, r := range runes {
		k := Rune(r)
		if alt {
			k = Key{Name: "alt+" + k.Name}
		}
		keys = append(keys, k)
	}
	return keys
}

// Pasted makes the key of a paste. What a terminal may not be sent is dropped: a paste is text.
func Pasted(s string) Key {
	clean := make([]rune, 0, len(s))
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		i += n
		switch {
		case r == '\r':
			if i < len(s) && s[i] == '\n' {
				i++
			}
			clean = append(clean, '\n')
		case r == '\n' || r == '\t', r != utf8.RuneError && !unicode.IsControl(r):
			clean = append(clean, r)
		}
	}
	return Key{Name: "paste", Paste: string(clean)}
}
