package boot

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"

	"github.com/urfave/cli/v2"

	"pneu/mta/sysexits"
)

func TestRun(t *testing.T) {
	tests := []struct {
		name string
		args []string
		err  error
		code int
		says string
	}{
		{"fine", nil, nil, 0, ""},
		{"unknown flag", []string{"--wat"}, nil, 64, "prog: flag provided but not defined: -wat (see prog --help)\n"},
		{"bad value", []string{"--n", "x"}, nil, 64, `prog: invalid value "x"`},
		{"h is a word", []string{"h"}, nil, 0, ""},
		{"help is a word", []string{"help"}, nil, 0, ""},
		{"unknown error means later", nil, errors.New("disk full"), 75, "prog: disk full\n"},
		{"own code", nil, fmt.Errorf("x: %w", sysexits.New(67, "no such user")), 67, "prog: x: no such user\n"},
		{"cleaned", nil, errors.New("550 \x1b[2J"), 75, "prog: 550 "},
		{"quiet", nil, Exit(1), 1, ""},
		{"reader gone", nil, syscall.EPIPE, 141, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var out bytes.Buffer
			app := &cli.App{Name: "prog", ErrWriter: &out, Writer: &out,
				Flags:  []cli.Flag{&cli.IntFlag{Name: "n"}},
				Action: func(*cli.Context) error { return tt.err }}
			code := RunArgs(app, append([]string{"prog"}, tt.args...))
			if code != tt.code || !strings.HasPrefix(out.String(), tt.says) || tt.says == "" && out.Len() > 0 {
				t.Errorf("exit %d, %q; want %d, %q", code, out.String(), tt.code, tt.says)
			}
			if strings.ContainsRune(out.String(), 0x1b) {
				t.Errorf("control byte in %q", out.String())
			}
		})
	}
}

func TestSliceFlagsKeepCommas(t *testing.T) {
	var got []string
	app := &cli.App{Name: "prog", Flags: []cli.Flag{&cli.StringSliceFlag{Name: "to"}},
		Action: func(c *cli.Context) error { got = c.StringSlice("to"); return nil }}
	if code := RunArgs(app, []string{"prog", "--to", `"a,b"@example.org`}); code != sysexits.OK || len(got) != 1 {
		t.Errorf("exit %d, %q", code, got)
	}
}

// Help names options as the manual does, and does not say of each switch that it is off.
func TestHelp(t *testing.T) {
	list := &cli.Command{Name: "list", Usage: "list them", ArgsUsage: "[ID...]",
		Flags: []cli.Flag{&cli.BoolFlag{Name: "all", Usage: "all of them"}, &cli.BoolFlag{Name: "wrap", Value: true, Usage: "wrap"}}}
	for args, want := range map[string]string{
		"user list": "prog user list [OPTION...] [ID...]\n",
		"user":      "prog user COMMAND [OPTION...] [ARGUMENT...]\n",
	} {
		var out bytes.Buffer
		app := &cli.App{Name: "prog", ErrWriter: &out, Writer: &out, Commands: []*cli.Command{
			{Name: "user", Usage: "keep users", Subcommands: []*cli.Command{list}}}}
		code := RunArgs(app, append(append([]string{"prog"}, strings.Fields(args)...), "--help"))
		if code != 0 || !strings.Contains(out.String(), want) || strings.Contains(out.String(), "default: false") {
			t.Errorf("%s: exit %d, %s", args, code, out.String())
		}
		if args == "user list" && !strings.Contains(out.String(), "default: true") {
			t.Errorf("a switch that is on does not say so: %s", out.String())
		}
	}
}
