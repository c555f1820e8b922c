// Package boot starts and ends pneu's programs alike: signals cancel the
// context, an error is printed once on standard error, and the exit code is
// that of sysexits(3).
package boot

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/urfave/cli/v2"

	"pneu/cmd/internal/conf"
	"pneu/maildir/safe"
	"pneu/mta/sysexits"
)

// Version is set when a release is built (scripts/build).
var Version = "devel"

// Exit ends the program with a code and prints nothing: what there was to say
// has been said.
type Exit int

func (e Exit) Error() string { return fmt.Sprintf("exit status %d", int(e)) }

// Run runs the program and returns its exit code.
//
// It settles what cli leaves open: a wrong flag exits 64, there is no help
// command (h may be a recipient), -v is not taken for the version, commas in
// values stay, flags may stand behind other words, and os.Exit is the caller's.
func Run(app *cli.App) int { return RunArgs(app, os.Args) }

// RunArgs is Run with the command line given.
func RunArgs(app *cli.App, args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	Prepare(app)
	err := app.RunContext(ctx, order(app, args))
	return Report(app.Name, app.ErrWriter, err)
}

// Prepare gives the program pneu's habits; Run does it, tests may.
func Prepare(app *cli.App) {
	app.HideHelpCommand = true
	app.Version = Version
	app.DisableSliceFlagSeparator = true
	app.ExitErrHandler = func(*cli.Context, error) {}
	app.OnUsageError = usage
	app.CommandNotFound = nil
	if app.Writer == nil {
		app.Writer = os.Stdout
	}
	if app.ErrWriter == nil {
		app.ErrWriter = os.Stderr
	}
	cli.VersionFlag = &cli.BoolFlag{Name: "version", Usage: "print the version", DisableDefaultText: true}
	off(app.Flags)
	for _, c := range app.Commands {
		prepare(c, app.Name)
	}
}

func prepare(c *cli.Command, above string) {
	c.HideHelpCommand = true
	c.OnUsageError = usage
	off(c.Flags)
	name := above + " " + c.Name
	if c.UsageText == "" { // cli would say "[command options]"
		c.UsageText = name
		if len(c.Flags) > 0 {
			c.UsageText += " [OPTION...]"
		}
		switch {
		case c.ArgsUsage != "":
			c.UsageText += " " + c.ArgsUsage
		case len(c.Subcommands) > 0:
			c.UsageText += " COMMAND [OPTION...] [ARGUMENT...]"
		}
	}
	for _, s := range c.Subcommands {
		prepare(s, name)
	}
}

// off leaves out of help what is true of every switch: that it is off.
func off(flags []cli.Flag) {
	for _, f := range flags {
		if b, ok := f.(*cli.BoolFlag); ok && !b.Value {
			b.DisableDefaultText = true
		}
	}
}

func usage(c *cli.Context, err error, _ bool) error {
	name := c.App.Name
	if c.Command != nil && c.Command.Name != "" && c.Command.Name != name {
		name += " " + c.Command.Name
	}
	if c.Command != nil && strings.HasSuffix(c.Command.HelpName, " "+c.Command.Name) {
		name = c.Command.HelpName // with the words between, as in "pneu part get"
	}
	return Usage(fmt.Sprintf("%s (see %s --help)", err, name))
}

// Usage is the error of a wrong command line.
func Usage(text string) error { return sysexits.New(sysexits.Usage, text) }

// Report prints err, cleaned, as one line and returns the code to exit with.
func Report(name string, w io.Writer, err error) int {
	var quiet Exit
	switch {
	case err == nil:
		return sysexits.OK
	case errors.As(err, &quiet):
		return int(quiet)
	case errors.Is(err, syscall.EPIPE): // the reader has gone: nobody to tell
		return 128 + int(syscall.SIGPIPE)
	}
	for _, line := range strings.Split(strings.TrimRight(err.Error(), "\n"), "\n") {
		fmt.Fprintf(w, "%s: %s\n", name, safe.Line(line).String())
	}
	return sysexits.Code(err)
}

// ConfigFlag is -C, the configuration file.
func ConfigFlag() cli.Flag {
	return &cli.StringFlag{Name: "config", Aliases: []string{"C"}, Usage: "read settings from `FILE`"}
}

// Config reads the settings that -C, the environment or the system name; table
// is the program's, opt its Options.
func Config(c *cli.Context, table string, opt any) (*conf.File, error) {
	path, err := conf.Find(c.String("config"))
	if err != nil {
		return nil, err
	}
	return conf.Load(path, table, opt)
}

// LogFlags are --log and --verbose.
func LogFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "log", Value: "text", Usage: "write log lines as `FORMAT`: text or json"},
		&cli.BoolFlag{Name: "verbose", Usage: "log what is of use in finding a fault"},
	}
}

// Logger writes to standard error as --log and --verbose say.
func Logger(c *cli.Context) *slog.Logger {
	o := &slog.HandlerOptions{Level: slog.LevelInfo, ReplaceAttr: clean}
	if c.Bool("verbose") {
		o.Level = slog.LevelDebug
	}
	w := c.App.ErrWriter
	if w == nil {
		w = os.Stderr
	}
	if c.String("log") == "json" {
		return slog.New(slog.NewJSONHandler(w, o))
	}
	return slog.New(slog.NewTextHandler(w, o))
}

// clean keeps control bytes of strangers out of the log.
func clean(_ []string, a slog.Attr) slog.Attr {
	switch v := a.Value.Any().(type) {
	case string:
		a.Value = slog.StringValue(safe.Line(v).String())
	case error:
		a.Value = slog.StringValue(safe.Line(v.Error()).String())
	}
	return a
}
