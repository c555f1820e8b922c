// Package quiet keeps Bubble Tea from asking the terminal for its colours while the program is being loaded.
//
// Version 1 of Bubble Tea does that in an init function: it writes OSC 11 and a cursor query and waits up to five
// seconds for a terminal that does not answer. It leaves out the query when TERM is "dumb". This package imports
// nothing but os, so Go initialises it before Bubble Tea, whose chain of imports is longer; a program imports it
// and calls Restore first thing in main. A test in cmd/pneu-tui starts the program on a silent terminal.
package quiet

import "os"

var (
	saved, had = os.LookupEnv("TERM")
	_          = os.Setenv("TERM", "dumb")
)

// Restore gives TERM its value back.
func Restore() {
	if had {
		os.Setenv("TERM", saved)
		return
	}
	os.Unsetenv("TERM")
}
