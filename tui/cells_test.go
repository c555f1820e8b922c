package tui

import (
	"regexp"

	"pneu/maildir/safe"
)

var sgrs = regexp.MustCompile("\x1b\\[[0-9;]*m")

// plain takes the program's own sequences out of a line.
func plain(s string) string { return sgrs.ReplaceAllString(s, "") }

func cells(s string) int { return safe.Width(plain(s)) }
