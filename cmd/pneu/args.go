package main

import (
	"strings"

	"github.com/urfave/cli/v2"
)

// arrange puts options before arguments, as the flag package wants them: people and
// scripts write "pneu ls INBOX -u". Behind "--" nothing is an option. In queries a word
// such as -is:read is no option, and "flag" gets its +S -F in a form of its own.
func arrange(app *cli.App, args []string) []string {
	if len(args) < 2 {
		return args
	}
	cmds := app.Commands
	out := append([]string{}, args[0])
	var cmd *cli.Command
	i := 1
	for i < len(args) {
		next := find(cmds, args[i])
		if next == nil {
			break
		}
		cmd = next
		out = append(out, args[i])
		cmds = cmd.Subcommands
		i++
	}
	if cmd == nil || cmd.SkipFlagParsing {
		return args
	}
	var flags, rest []string
	for ; i < len(args); i++ {
		a := args[i]
		if a == "--" {
			rest = append(rest, args[i+1:]...)
			break
		}
		if cmd.Name == "flag" {
			if f, ok := flagChange(a); ok {
				flags = append(flags, f)
				continue
			}
		}
		if len(a) < 2 || a[0] != '-' {
			rest = append(rest, a)
			continue
		}
		known, value := option(cmd, a)
		if !known && (cmd.Name == "pick" || cmd.Name == "search") {
			rest = append(rest, a)
			continue
		}
		flags = append(flags, a)
		if value && i+1 < len(args) {
			i++
			flags = append(flags, args[i])
		}
	}
	out = append(out, flags...)
	out = append(out, "--")
	return append(out, rest...)
}

func find(cmds []*cli.Command, name string) *cli.Command {
	for _, c := range cmds {
		if c.HasName(name) {
			return c
		}
	}
	return nil
}

// option says whether a is an option of cmd, and whether its value is the next argument.
func option(cmd *cli.Command, a string) (known, value bool) {
	name, _, eq := strings.Cut(strings.TrimLeft(a, "-"), "=")
	if f := flagNamed(cmd, name); f != nil {
		return true, !eq && takesValue(f)
	}
	if strings.HasPrefix(a, "--") {
		return name == "help", false
	}
	for i := range len(name) { // -rn: several in one
		f := flagNamed(cmd, name[i:i+1])
		if f == nil {
			return name == "h", false
		}
		if takesValue(f) {
			return true, i == len(name)-1
		}
	}
	return true, false
}

func flagNamed(cmd *cli.Command, name string) cli.Flag {
	for _, f := range cmd.Flags {
		for _, n := range f.Names() {
			if n == name {
				return f
			}
		}
	}
	return nil
}

func takesValue(f cli.Flag) bool {
	d, ok := f.(cli.DocGenerationFlag)
	return ok && d.TakesValue()
}

// flagChange turns +S and -S into --add=S and --remove=S, +$Junk likewise. Flags are capitals, as options
// are not; a keyword letter can be added as +a, and removed by --remove.
func flagChange(a string) (string, bool) {
	if len(a) < 2 {
		return "", false
	}
	switch a[0] {
	case '+':
		return "--add=" + a[1:], true
	case '-':
		if a[1] == '$' || a[1] == '\\' {
			return "--remove=" + a[1:], true
		}
		for i := 1; i < len(a); i++ {
			if a[i] < 'A' || a[i] > 'Z' {
				return "", false
			}
		}
		return "--remove=" + a[1:], true
	}
	return "", false
}
