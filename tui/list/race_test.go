//go:build race

package list

// slower is how much more time the race detector is granted.
const slower = 10
