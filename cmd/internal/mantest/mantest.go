// Package mantest holds programs to their manual pages: every flag and every
// command of a program stands in its page, and the page tells of no other.
package mantest

import (
	"os"
	"path/filepath"
	"regexp"
	"sort"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"
)

// Flags compares the flags and commands of app with those that page, such as
// "deliver.8", has among its list items (".It Fl f", ".It Cm user add"). Names
// given in also are looked for in the page as well: options that are read
// before cli sees them.
//
// Every program has --help and --version; pages need not say so.
func Flags(t *testing.T, app *cli.App, page string, also ...string) {
	t.Helper()
	b, err := os.ReadFile(find(t, page))
	if err != nil {
		t.Fatal(err)
	}
	text := string(b)
	has := set(also)
	collect(has, app.Flags)
	commands := map[string]bool{}
	for _, c := range app.Commands {
		walk(has, commands, "", c)
	}
	told := items(text)
	for _, f := range sorted(has) {
		if !told[f] {
			t.Errorf("%s does not describe the option %s", page, dashed(f))
		}
	}
	for _, f := range sorted(told) {
		if !has[f] && f != "help" && f != "h" && f != "version" {
			t.Errorf("%s describes an option %s that %s does not have", page, dashed(f), app.Name)
		}
	}
	if len(commands) == 0 {
		return
	}
	described := verbs(text)
	for _, c := range sorted(commands) {
		if !described[c] {
			t.Errorf("%s does not describe the command %q", page, c)
		}
	}
	for _, c := range sorted(described) {
		if !commands[c] {
			t.Errorf("%s describes a command %q that %s does not have", page, c, app.Name)
		}
	}
}

// find looks for man/page here and in the folders above.
func find(t *testing.T, page string) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		path := filepath.Join(dir, "man", page)
		if _, err := os.Stat(path); err == nil {
			return path
		}
		up := filepath.Dir(dir)
		if up == dir {
			t.Fatalf("man/%s: not found here or above", page)
		}
		dir = up
	}
}

func collect(into map[string]bool, flags []cli.Flag) {
	for _, f := range flags {
		if v, ok := f.(cli.VisibleFlag); ok && !v.IsVisible() {
			continue
		}
		for _, n := range f.Names() {
			into[n] = true
		}
	}
}

// walk gathers the leaves of the tree of commands: "user add", "init".
func walk(flags, commands map[string]bool, above string, c *cli.Command) {
	if c.Hidden {
		return
	}
	collect(flags, c.Flags)
	name := strings.TrimSpace(above + " " + c.Name)
	if len(c.Subcommands) == 0 {
		commands[name] = true
	}
	for _, s := range c.Subcommands {
		walk(flags, commands, name, s)
	}
}

// items returns the options of ".It Fl C Ar file , Fl -config Ar file" lines.
func items(text string) map[string]bool {
	got := map[string]bool{}
	for _, line := range macro.FindAllString(text, -1) {
		words := strings.Fields(line)
		for i, w := range words {
			if w != "Fl" {
				continue
			}
			for _, name := range words[i+1:] {
				if name == "," || name == "|" {
					continue
				}
				if len(name) == 2 && name[0] >= 'A' && name[0] <= 'Z' && name[1] >= 'a' && name[1] <= 'z' {
					break // another macro: Ar, Cm, Fl, Ns, ...
				}
				got[strings.ReplaceAll(strings.TrimPrefix(strings.TrimPrefix(name, `\`), "-"), `\-`, "-")] = true
			}
		}
	}
	return got
}

// verbs returns the commands of ".It Cm user add Ar address" lines.
func verbs(text string) map[string]bool {
	got := map[string]bool{}
	for _, line := range macro.FindAllString(text, -1) {
		words := strings.Fields(line)[1:]
		var name []string
		for i := 0; i < len(words) && words[i] == "Cm"; i++ {
			for i+1 < len(words) && !macros[words[i+1]] {
				i++
				name = append(name, words[i])
			}
		}
		if len(name) > 0 {
			got[strings.Join(name, " ")] = true
		}
	}
	return got
}

var macro = regexp.MustCompile(`(?m)^\.It .*$`)

var macros = map[string]bool{"Ar": true, "Fl": true, "Op": true, "Cm": true, "Oo": true, "Oc": true, "Ns": true, "No": true, "Pa": true, "Xo": true, "|": true, ",": true}

func set(names []string) map[string]bool {
	m := map[string]bool{}
	for _, n := range names {
		m[strings.TrimLeft(n, "-")] = true
	}
	return m
}

func sorted(m map[string]bool) []string {
	var s []string
	for n := range m {
		s = append(s, n)
	}
	sort.Strings(s)
	return s
}

func dashed(f string) string {
	if len(f) == 1 {
		return "-" + f
	}
	return "--" + f
}
