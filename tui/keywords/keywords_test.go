package keywords

import (
	"fmt"
	"strings"
	"testing"

	"pneu/tui/look"
	"pneu/tui/term"
)

func TestPicker(t *testing.T) {
	items := []Item{{"work", 1}, {"later", 0}, {"todo", 2}, {"wife", 0}}
	tests := []struct {
		keys        string // names of keys that are longer than one letter are written in one
		done, ok    bool
		add, remove string
	}{
		{"enter", true, true, "[]", "[todo]"}, // all have it, and it comes first
		{"down enter", true, true, "[work]", "[]"},
		{"w enter", true, true, "[work]", "[]"},
		{"w i enter", true, true, "[wife]", "[]"},
		{"l a t e r enter", true, true, "[later]", "[]"},
		{"space down space enter", true, true, "[work]", "[todo]"},
		{"space space enter", true, true, "[]", "[]"},
		{"down space space enter", true, true, "[]", "[work]"}, // of the one that has it
		{"n e w enter", true, true, "[new]", "[]"},
		{"n e w space l a t enter", true, true, "[later new]", "[]"},
		{"l a down enter", true, true, "[la]", "[]"},
		{"W O R K enter", true, true, "[work]", "[]"},
		{"space esc", true, false, "[]", "[todo]"},
		{"x x", false, false, "[]", "[]"},
		{"l tab enter", true, true, "[later]", "[]"},
	}
	for _, tt := range tests {
		p := NewPicker(look.NewTheme(look.Options{}), "keywords", items, 2)
		done, ok := false, false
		for _, k := range strings.Fields(tt.keys) {
			key := term.Named(k)
			if len(k) == 1 {
				key = term.Rune(rune(k[0]))
			}
			done, ok = p.Key(key)
			p.Box(80, 24)
		}
		add, remove := p.Change()
		if done != tt.done || ok != tt.ok || fmt.Sprint(add) != tt.add || fmt.Sprint(remove) != tt.remove {
			t.Errorf("%s: %v %v +%v -%v, want %v %v +%s -%s", tt.keys, done, ok, add, remove, tt.done, tt.ok, tt.add, tt.remove)
		}
	}
}
