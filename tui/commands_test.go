package tui

import (
	"strings"
	"testing"

	"pneu/maildir/safe"
	"pneu/tui/look"
)

// TestEveryKeyShownWorks feeds each key of each command to the keymap of its screens, and wants its help to fit the
// help of a terminal of 80 columns.
func TestEveryKeyShownWorks(t *testing.T) {
	const helpW = 22
	cmds := commands()
	maps := keymaps(cmds)
	for _, c := range cmds {
		if safe.Width(c.help) > helpW {
			t.Errorf("%s: help of %d cells: %q", c.name, safe.Width(c.help), c.help)
		}
		for w, m := range maps {
			if c.where&w == 0 {
				continue
			}
			for _, keys := range c.keys {
				var d look.Dispatcher
				var r look.Result
				for _, k := range strings.Fields(keys) {
					r = d.Feed(m, k)
				}
				if r.Command != c.name {
					t.Errorf("%q is to be %s on screen %d, but is %+v", keys, c.name, w, r)
				}
			}
		}
	}
}
