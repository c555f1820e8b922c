package main

import (
	"bytes"
	"fmt"
	"io"
	"reflect"
	"strings"

	"github.com/urfave/cli/v2"

	"pneu/cmd/internal/boot"
)

func helpVerb() *cli.Command {
	return &cli.Command{
		Name: "help", Usage: "print help on a verb, or the fields of --json (pneu help json)", ArgsUsage: "[VERB...|json]",
		Action: func(c *cli.Context) error {
			switch name := c.Args().First(); {
			case name == "":
				return cli.ShowAppHelp(c)
			case name == "json":
				var b bytes.Buffer
				printSchema(&b, reflect.TypeOf(record{}), "")
				_, err := c.App.Writer.Write(b.Bytes())
				return err
			default:
				return helpOn(c)
			}
		},
	}
}

// helpOn prints what "pneu VERB --help" does.
func helpOn(c *cli.Context) error {
	words := []string{c.App.Name}
	cmds := c.App.Commands
	for _, name := range c.Args().Slice() {
		cmd := find(cmds, name)
		if cmd == nil || cmd.Name == "help" {
			return boot.Usage(fmt.Sprintf("there is no verb %q (pneu --help lists them)", name))
		}
		words, cmds = append(words, name), cmd.Subcommands
	}
	return c.App.RunContext(c.Context, append(words, "--help"))
}

// printSchema prints the fields of a record with their types, from the type itself.
func printSchema(w io.Writer, t reflect.Type, indent string) {
	for i := range t.NumField() {
		f := t.Field(i)
		name, opts, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "" {
			continue
		}
		typ, inner := jsonType(f.Type)
		if strings.Contains(opts, "omitempty") {
			typ += ", may be absent"
		}
		fmt.Fprintf(w, "%s%s: %s\n", indent, name, typ)
		if inner != nil {
			printSchema(w, inner, indent+"  ")
		}
	}
}

func jsonType(t reflect.Type) (string, reflect.Type) {
	switch t.Kind() {
	case reflect.Pointer:
		s, inner := jsonType(t.Elem())
		if inner == nil && t.Elem().Kind() == reflect.Int {
			return s, nil
		}
		return s + " or null", inner
	case reflect.Slice:
		s, inner := jsonType(t.Elem())
		return "list of " + s, inner
	case reflect.Struct:
		return "object", t
	case reflect.Bool:
		return "boolean", nil
	case reflect.String:
		return "string", nil
	}
	return "number", nil
}
