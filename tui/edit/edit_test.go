package edit

import (
	"strings"
	"testing"

	"pneu/maildir/safe"
	"pneu/tui/look"
	"pneu/tui/term"
)

// press gives keys by name; what is not a name is typed.
func press(key func(term.Key) bool, keys ...string) {
	for _, k := range keys {
		if len(k) > 1 && (strings.Contains(k, "+") || named[k]) {
			key(term.Named(k))
			continue
		}
		for _, r := range k {
			key(term.Rune(r))
		}
	}
}

var named = map[string]bool{"left": true, "right": true, "up": true, "down": true, "home": true, "end": true, "enter": true, "backspace": true, "delete": true, "tab": true, "pgup": true, "pgdown": true}

func TestField(t *testing.T) {
	tests := []struct {
		name string
		keys []string
		want string // with | for the cursor
	}{
		{"typed", []string{"ada"}, "ada|"},
		{"in the middle", []string{"ad", "left", "x"}, "ax|d"},
		{"word back", []string{"ada lovelace", "alt+b"}, "ada |lovelace"},
		{"word away", []string{"ada lovelace", "ctrl+w"}, "ada |"},
		{"to the beginning", []string{"ada", "ctrl+a", "x"}, "x|ada"},
		{"all away", []string{"ada", "left", "ctrl+u"}, "|a"},
		{"rest away", []string{"ada", "home", "right", "ctrl+k"}, "a|"},
		{"backspace at the beginning", []string{"a", "home", "backspace"}, "|a"},
		{"delete at the end", []string{"a", "delete"}, "a|"},
		{"other letters", []string{"Zoë Ümlaut", "alt+b", "backspace"}, "Zoë|Ümlaut"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var f Field
			press(f.Key, tt.keys...)
			if got := f.Before() + "|" + f.After(); got != tt.want {
				t.Errorf("%s, want %s", got, tt.want)
			}
		})
	}
}

func TestFieldDrawsItsWidth(t *testing.T) {
	th := look.NewTheme(look.Options{})
	for _, text := range []string{"", "short", strings.Repeat("long ", 40), "請求書のご確認請求書のご確認"} {
		var f Field
		f.Set(text)
		for range len([]rune(text)) + 1 {
			l := th.NewLine(20)
			f.Draw(l, 20, 0, true)
			if l.Width() != 20 {
				t.Errorf("%q is %d cells", text, l.Width())
			}
			f.Key(term.Named("left"))
		}
	}
}

func TestEditor(t *testing.T) {
	tests := []struct {
		name, text string
		keys       []string
		want       string
	}{
		{"typed", "", []string{"a", "enter", "b"}, "a\nb\n"},
		{"line joined", "a\nb", []string{"down", "backspace"}, "ab\n"},
		{"line joined by delete", "a\nb", []string{"end", "delete"}, "ab\n"},
		{"line cut", "abc", []string{"right", "ctrl+k"}, "a\n"},
		{"line cut at its end joins", "a\nb", []string{"end", "ctrl+k"}, "ab\n"},
		{"word away", "one two", []string{"end", "ctrl+w"}, "one \n"},
		{"undo takes back a run", "x", []string{"abc", "alt+u"}, "x\n"},
		{"undo in steps", "", []string{"a", "enter", "b", "ctrl+_", "ctrl+_"}, "a\n"},
		{"across lines", "a\nb", []string{"right", "right", "x"}, "a\nxb\n"},
		{"up keeps the column", "abcd\nx\nabcd", []string{"down", "down", "end", "up", "up", "y"}, "abcdy\nx\nabcd\n"},
		{"tab", "", []string{"tab", "x"}, "    x\n"},
		{"empty lines at the end stay", "a\n\n\n", nil, "a\n\n\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := NewEditor()
			e.Set(tt.text)
			press(e.Key, tt.keys...)
			if e.String() != tt.want {
				t.Errorf("%q, want %q", e.String(), tt.want)
			}
		})
	}
}

func TestEditorPaste(t *testing.T) {
	e := NewEditor()
	e.Set("ab")
	e.Key(term.Named("right"))
	e.Key(term.Pasted("1\r\n2\t3"))
	if got := e.String(); got != "a1\n2    3b\n" {
		t.Errorf("%q", got)
	}
}

// TestLongTextIsNotCut types and pastes more than the editors of the library take.
func TestLongTextIsNotCut(t *testing.T) {
	e := NewEditor()
	for range 300 {
		press(e.Key, "x", "enter")
	}
	e.Key(term.Pasted(strings.Repeat("line\n", 20_000)))
	if e.Len() != 20_301 {
		t.Errorf("%d lines, want 20,301", e.Len())
	}
}

func FuzzEditor(f *testing.F) { // whatever is pressed: no panic, and every line is as wide as the screen
	f.Add("hello\nworld", []byte("abc\x00\x01\x02\x03\x04\x05\x06\x07"))
	f.Add("請求書のご確認 "+strings.Repeat("long ", 30), []byte("\x02\x02\x03\x06\x08"))
	names := []string{"left", "right", "up", "down", "home", "end", "enter", "backspace", "delete", "tab", "pgup", "pgdown", "ctrl+w", "ctrl+u", "ctrl+k", "alt+u", "alt+b", "alt+f"}
	th := look.NewTheme(look.Options{Mono: true})
	f.Fuzz(func(t *testing.T, text string, keys []byte) {
		if len(text) > 2000 || len(keys) > 200 {
			return
		}
		e := NewEditor()
		e.SetSize(20, 5)
		e.Set(safe.Body(text).String())
		for _, k := range keys {
			if int(k) < len(names) {
				e.Key(term.Named(names[k]))
			} else {
				e.Key(term.Rune(rune(k)))
			}
			if lines := e.Lines(th, true); len(lines) != 5 {
				t.Fatalf("%d lines", len(lines))
			}
		}
	})
}
