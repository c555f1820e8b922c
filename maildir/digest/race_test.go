//go:build race

package digest

// raceEnabled: what runs in one goroutine is tried less often, for it takes ten times as long.
const raceEnabled = true
