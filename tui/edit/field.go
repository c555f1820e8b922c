// Package edit is the text entry of the screen: a field of one line and an editor for the body of a mail.
package edit

import (
	"strings"
	"unicode"

	"pneu/maildir/safe"
	"pneu/tui/look"
	"pneu/tui/term"
)

// A Field is one line of text being typed.
type Field struct {
	text []rune
	at   int
}

// String returns the text.
func (f *Field) String() string { return string(f.text) }

// Set replaces the text and puts the cursor at its end.
func (f *Field) Set(s string) {
	f.text = []rune(strings.ReplaceAll(s, "\n", " "))
	f.at = len(f.text)
}

// Empty reports whether nothing is typed.
func (f *Field) Empty() bool { return len(f.text) == 0 }

// Before returns the text up to the cursor.
func (f *Field) Before() string { return string(f.text[:f.at]) }

// After returns the text behind the cursor.
func (f *Field) After() string { return string(f.text[f.at:]) }

// Replace puts s in place of the n runes before the cursor.
func (f *Field) Replace(n int, s string) {
	r := []rune(s)
	f.text = append(append(append([]rune(nil), f.text[:f.at-n]...), r...), f.text[f.at:]...)
	f.at += len(r) - n
}

// Key edits. It reports whether the key meant something here.
func (f *Field) Key(k term.Key) bool {
	switch k.Name {
	case "paste":
		f.Replace(0, strings.Join(strings.Fields(k.Paste), " "))
	case "left", "ctrl+b":
		f.at = max(0, f.at-1)
	case "right", "ctrl+f":
		f.at = min(len(f.text), f.at+1)
	case "home", "ctrl+a":
		f.at = 0
	case "end", "ctrl+e":
		f.at = len(f.text)
	case "alt+b", "ctrl+left", "alt+left":
		f.at = wordLeft(f.text, f.at)
	case "alt+f", "ctrl+right", "alt+right":
		f.at = wordRight(f.text, f.at)
	case "backspace", "ctrl+h":
		if f.at > 0 {
			f.Replace(1, "")
		}
	case "delete", "ctrl+d":
		if f.at < len(f.text) {
			f.at++
			f.Replace(1, "")
		}
	case "ctrl+w", "alt+backspace":
		f.Replace(f.at-wordLeft(f.text, f.at), "")
	case "ctrl+u":
		f.Replace(f.at, "")
	case "ctrl+k":
		f.text = f.text[:f.at]
	default:
		if k.Rune == 0 || unicode.IsControl(k.Rune) {
			return false
		}
		f.Replace(0, string(k.Rune))
	}
	return true
}

// Draw puts the field on the line, in w cells, with the cursor when focused. The text scrolls to keep it in sight.
func (f *Field) Draw(l *look.Line, w int, style look.Style, focused bool) {
	if w <= 0 {
		return
	}
	end := l.Width() + w
	start := 0
	for start < f.at && runesWidth(f.text[start:f.at]) > w-1 {
		start += max(1, (f.at-start)/8)
	}
	start = min(start, f.at)
	if !focused {
		l.Cell(style, look.T(string(f.text)), w)
		return
	}
	l.Add(style, look.T(string(f.text[start:f.at])))
	under, rest := " ", ""
	if f.at < len(f.text) {
		under, rest = string(f.text[f.at]), string(f.text[f.at+1:])
	}
	l.Add(look.Reverse, look.T(under))
	l.Cell(style, look.T(rest), end-l.Width())
}

func runesWidth(r []rune) int { return safe.Width(string(r)) }

func isWord(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) || r == '_' }

func wordLeft(t []rune, at int) int {
	for at > 0 && !isWord(t[at-1]) {
		at--
	}
	for at > 0 && isWord(t[at-1]) {
		at--
	}
	return at
}

func wordRight(t []rune, at int) int {
	for at < len(t) && !isWord(t[at]) {
		at++
	}
	for at < len(t) && isWord(t[at]) {
		at++
	}
	return at
}
