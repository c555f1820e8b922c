package boot

import (
	"strings"

	"github.com/urfave/cli/v2"
)

// order puts the flags of a command line before its other words, where cli
// looks for them: "user add ADDRESS --password-stdin" is what people write.
// What stands behind "--" stays what it is.
func order(app *cli.App, args []string) []string {
	if len(args) == 0 {
		return args
	}
	return append(args[:1:1], orderWords(app.Flags, app.Commands, args[1:])...)
}

func orderWords(flags []cli.Flag, commands []*cli.Command, args []string) []string {
	var front, rest []string
	dashes := false
	for i := 0; i < len(args); i++ {
		a := args[i]
		switch {
		case a == "--":
			rest = append(rest, args[i+1:]...)
			dashes, i = true, len(args)
		case len(a) > 1 && a[0] == '-':
			front = append(front, a)
			name, _, glued := strings.Cut(strings.TrimLeft(a, "-"), "=")
			if !glued && takesValue(flags, name) && i+1 < len(args) {
				i++
				front = append(front, args[i])
			}
		default:
			if c := command(commands, a); c != nil && len(rest) == 0 {
				sub := args[i+1:]
				if !c.SkipFlagParsing {
					sub = orderWords(c.Flags, c.Subcommands, sub)
				}
				return append(append(front, a), sub...)
			}
			rest = append(rest, a)
		}
	}
	if dashes {
		front = append(front, "--")
	}
	return append(front, rest...)
}

func command(commands []*cli.Command, name string) *cli.Command {
	for _, c := range commands {
		if c.HasName(name) {
			return c
		}
	}
	return nil
}

// takesValue reports whether the flag of that name has a value in a word of
// its own.
func takesValue(flags []cli.Flag, name string) bool {
	for _, f := range flags {
		for _, n := range f.Names() {
			if n == name {
				v, ok := f.(cli.DocGenerationFlag)
				return ok && v.TakesValue()
			}
		}
	}
	return false
}
