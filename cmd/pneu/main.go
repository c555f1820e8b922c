// Pneu reads and changes mail kept in Maildirs, from the shell.
//
// Each verb takes messages as paths, does one thing and prints paths, so that verbs
// make pipelines. Without a verb, on a terminal, it becomes pneu-tui. It must never
// link Bubble Tea, which queries the terminal when it is initialised.
package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"syscall"

	"github.com/urfave/cli/v2"

	"pneu/cmd/internal/boot"
	"pneu/mta/sysexits"
)

// The exit codes that are not those of sysexits(3).
const (
	exitNothing = 1 // nothing matched, or some records failed
	exitUsage   = 2
)

func main() {
	spareGC()
	code := run(os.Args)
	if code == 128+int(syscall.SIGINT) || code == 128+int(syscall.SIGTERM) {
		dieOf(code)
	}
	os.Exit(code)
}

// spareGC has garbage looked for late: a verb lives for a moment, and it is quicker to take
// memory than to find what is free. At first that is at 64 MB, and then where there may be
// garbage as large as garbageRoom, or as four times what is in use, or as what is in use if
// that is more. Verbs that run for long set what they want.
func spareGC() {
	debug.SetGCPercent(1600)
	percent := 1600
	type mark struct{ _ *byte } // without a pointer it might share its memory, and be kept
	var again func(*mark)
	again = func(m *mark) { // runs after each collection
		live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
		if metrics.Read(live); live[0].Value.Kind() == metrics.KindUint64 {
			want := min(max(100*garbageRoom/max(live[0].Value.Uint64(), 1), 100), 400)
			if want := int(want); want != percent {
				if was := debug.SetGCPercent(want); was != percent { // a verb has set its own
					debug.SetGCPercent(was)
					return
				}
				percent = want
			}
		}
		runtime.SetFinalizer(m, again)
	}
	runtime.SetFinalizer(&mark{}, again)
}

const garbageRoom = 128 << 20

func run(args []string) int {
	app := newApp()
	boot.Prepare(app) // also names the version flag, which arrange must know
	code := boot.RunArgs(app, arrange(app, args))
	if code == sysexits.Usage {
		code = exitUsage
	}
	return code
}

func newApp() *cli.App {
	return &cli.App{
		Name:                   "pneu",
		Usage:                  "read and change mail in Maildirs",
		UsageText:              "pneu [VERB [OPTION...] [ARGUMENT...]]",
		Commands:               verbs(),
		Action:                 screen,
		Flags:                  []cli.Flag{cli.HelpFlag}, // cli leaves it out where there is a verb of that name
		UseShortOptionHandling: true,
	}
}

// verbs is the table of what pneu can do.
func verbs() []*cli.Command {
	return []*cli.Command{
		lsVerb(), foldersVerb(), searchVerb(), pickVerb(), grepVerb(), sortVerb(), threadVerb(), seqVerb(), scanVerb(), showVerb(),
		partVerb(), hdrVerb(), statsVerb(), dedupeVerb(), watchVerb(),
		flagVerb(), mvVerb(), cpVerb(), rmVerb(), archiveVerb(), sedVerb(), mkdirVerb(), undoVerb(), logVerb(),
		newVerb(), replyVerb(), forwardVerb(), bounceVerb(), mimeVerb(), sendVerb(), queueVerb(), unsubscribeVerb(),
		deliverVerb(), importVerb(), exportVerb(), storeVerb(),
		tuiVerb(), completionVerb(), helpVerb(),
	}
}

func tuiVerb() *cli.Command {
	return &cli.Command{
		Name: "tui", Usage: "read mail on the screen (pneu-tui)", ArgsUsage: "[ARGUMENT...]", SkipFlagParsing: true,
		Action: func(c *cli.Context) error {
			if args := c.Args().Slice(); wantsChoice(args) {
				return choosing(c, args)
			}
			return become("pneu-tui", c.Args().Slice())
		},
	}
}

// screen is what pneu does without a verb.
func screen(c *cli.Context) error {
	if name := c.Args().First(); name != "" {
		return boot.Usage(fmt.Sprintf("there is no verb %q (see pneu --help)", name))
	}
	if !isTerminal(os.Stdin) || !isTerminal(os.Stdout) {
		return boot.Usage("say what to do (see pneu --help), or start it on a terminal for the screen")
	}
	return become("pneu-tui", nil)
}

// beside returns the program of that name next to our own binary, else in PATH.
func beside(name string) (path string, ours bool, err error) {
	if self, err := os.Executable(); err == nil {
		if self, err = filepath.EvalSymlinks(self); err == nil {
			p := filepath.Join(filepath.Dir(self), name)
			if st, err := os.Stat(p); err == nil && st.Mode().IsRegular() && st.Mode()&0o111 != 0 {
				return p, true, nil
			}
		}
	}
	p, err := exec.LookPath(name)
	if err != nil {
		return "", false, sysexits.New(sysexits.Unavailable, name+" is not installed beside pneu, nor in PATH")
	}
	return p, false, nil
}

// become replaces this process by another program.
func become(name string, args []string) error {
	path, _, err := beside(name)
	if err != nil {
		return err
	}
	err = syscall.Exec(path, append([]string{name}, args...), os.Environ())
	return sysexits.Wrap(sysexits.OS, fmt.Errorf("start %s: %w", path, err))
}
