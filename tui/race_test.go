//go:build race

package tui

// slower is how much more time the race detector is granted.
const slower = 10
