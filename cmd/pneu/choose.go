package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"pneu/mta/sysexits"
)

// chooseFlag makes "pneu tui" a filter.
const chooseFlag = "--pick"

// choosing is "pneu tui --pick": the messages go to pneu-tui, the person marks some, and
// those are printed, in every form that records have.
func choosing(c *cli.Context, args []string) error {
	cmd := &cli.Command{
		Name: "tui", HideHelpCommand: true,
		Flags:  outputFlags(&cli.BoolFlag{Name: "pick"}),
		Action: verb(choose),
	}
	return cmd.Run(c, append([]string{"tui"}, args...)...)
}

func wantsChoice(args []string) bool { return slices.Contains(args, chooseFlag) }

func choose(t *tool) error {
	list, err := t.all(t.c.Args().Slice(), wholeSequence)
	if err != nil || len(list) == 0 {
		return err
	}
	screen, _, err := beside("pneu-tui")
	if err != nil {
		return err
	}
	var in strings.Builder
	for _, m := range list {
		in.WriteString(m.path + "\x00")
	}
	var out bytes.Buffer
	cmd := exec.CommandContext(t.c.Context, screen, chooseFlag)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(in.String()), &out, os.Stderr
	if err := cmd.Run(); err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) && exit.ExitCode() == exitNothing {
			return nil // nothing chosen, nothing printed
		}
		if errors.As(err, &exit) && exit.ExitCode() > 0 {
			return sysexits.New(exit.ExitCode(), "nothing was chosen")
		}
		return sysexits.Wrap(sysexits.TempFail, fmt.Errorf("%s: %w", screen, err))
	}
	return t.eachRecord(&out, t.emitRef)
}
