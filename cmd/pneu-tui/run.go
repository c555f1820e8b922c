package main

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	"github.com/urfave/cli/v2"
	xterm "golang.org/x/term"

	"pneu/cmd/internal/boot"
	"pneu/cmd/internal/conf"
	"pneu/cmd/internal/person"
	"pneu/maildir/journal"
	"pneu/maildir/message"
	mstore "pneu/maildir/store"
	"pneu/mda/account"
	"pneu/mta/sysexits"
	"pneu/tui"
	"pneu/tui/look"
	"pneu/tui/term"
)

func run(c *cli.Context) error {
	if c.NArg() > 1 {
		return boot.Usage("one Maildir or folder at most")
	}
	if c.Bool("pick") {
		return choose(c)
	}
	if !xterm.IsTerminal(int(os.Stdout.Fd())) || !xterm.IsTerminal(int(os.Stdin.Fd())) {
		return sysexits.New(sysexits.Usage, "standard input and output must be a terminal; for pipes there is pneu(1)")
	}
	if t := os.Getenv("TERM"); t == "" || t == "dumb" {
		return sysexits.New(sysexits.Unavailable, "this terminal (TERM="+t+") cannot draw a screen; pneu scan and pneu show need none")
	}
	layout, ok := layouts[c.String("layout")]
	if !ok {
		return boot.Usage("--layout is list or preview")
	}
	if t := c.String("theme"); t != "" && t != "dark" && t != "light" && t != "mono" {
		return boot.Usage("--theme is dark, light or mono")
	}
	settings, err := settings(c)
	if err != nil {
		return err
	}
	me, db := person.Addresses(c.String("from"), settings), person.Accounts(settings)
	notices := tui.NewNotices()
	store, folder, err := openStore(c, db, me, mstore.Options{Log: slog.New(notices)})
	if err != nil {
		return err
	}
	defer store.Close()
	if owner := person.Owner(db, store.Tree().Root()); owner != "" && c.String("from") == "" {
		me = append([]message.Addr{{Addr: owner}}, me...)
	}
	j, held, done, err := openJournal(slog.New(notices))
	if err != nil {
		return sysexits.Wrap(sysexits.CantCreate, err)
	}
	defer done()
	noted := store.Journal()
	j.UseKeywords(noted)
	j.UseNumbers(noted)
	j.UseMover(noted)

	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(50) // changing many messages makes much garbage: a third less memory for a tenth more work
	}
	theme, typed := theme(c, os.Stdin, os.Stdout)
	opt := tui.Options{
		Store: store, Folder: folder, Me: me, Journal: j, Noted: noted, Notices: notices, Theme: theme, Layout: layout, Now: time.Now,
		Editor:  words(first(os.Getenv("VISUAL"), os.Getenv("EDITOR"), anyOf("sensible-editor", "vi", "nano"))),
		Browser: words(first(os.Getenv("BROWSER"), anyOf("xdg-open"))),
		Shell:   first(os.Getenv("SHELL"), "/bin/sh"), SaveDir: saveDir(), TempDir: os.TempDir(),
		SentFile: held, Signature: person.Signature(),
	}
	if p := findProgram("sendmail"); p != "" {
		opt.Sender = &sender{sendmail: p, qrun: findProgram("qrun"), config: settings.Path}
	}
	if p := findProgram("qrun"); p != "" {
		opt.Queue = &queue{qrun: p, config: settings.Path}
	}
	// A terminal that is closed ends the program as other signals do: what is being written is kept.
	ctx, stop := signal.NotifyContext(c.Context, syscall.SIGHUP)
	defer stop()
	err = tui.Run(ctx, tui.New(opt), tui.Terminal{In: term.NewInput(os.Stdin), Out: term.NewOutput(os.Stdout), Typed: typed})
	tui.Settle(os.Stdin)
	return err
}

var layouts = map[string]tui.Layout{"": tui.Auto, "list": tui.List, "preview": tui.Preview}

// settings reads the configuration. Mail can be read without one.
func settings(c *cli.Context) (*conf.File, error) {
	f, err := boot.Config(c, "", nil)
	if errors.Is(err, conf.ErrNone) {
		return conf.Default(), nil
	}
	return f, err
}

// openStore finds the Maildir: the argument, the flag, $PNEU_MAILDIR, the account, $MAILDIR, ~/Maildir.
func openStore(c *cli.Context, db *account.DB, me []message.Addr, opt mstore.Options) (*mstore.Store, string, error) {
	folder := c.String("folder")
	arg := c.Args().First()
	if arg != "" {
		if fi, err := os.Stat(arg); err != nil || !fi.IsDir() {
			folder, arg = arg, "" // the name of a folder
		}
	}
	var path string
	switch home, _ := os.UserHomeDir(); {
	case arg != "":
		path = arg
	case c.String("maildir") != "":
		path = c.String("maildir")
	case os.Getenv("PNEU_MAILDIR") != "": // which the tools go by, one of which may have become us
		path = os.Getenv("PNEU_MAILDIR")
	default:
		if path = accountMaildir(db, me); path == "" || !exists(path) {
			path = first(os.Getenv("MAILDIR"), path, filepath.Join(home, "Maildir"))
		}
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, "", sysexits.Wrap(sysexits.NoInput, err)
	}
	// A folder of a Maildir++ tree may be named by its path: ~/Maildir/.Archive.
	if base := filepath.Base(path); strings.HasPrefix(base, ".") && len(base) > 1 && exists(filepath.Join(filepath.Dir(path), "cur")) && arg != "" {
		if st, err := mstore.Open(filepath.Dir(path), opt); err == nil {
			return st, strings.ReplaceAll(base[1:], ".", "/"), nil
		}
	}
	st, err := mstore.Open(path, opt)
	if err != nil {
		return nil, "", sysexits.Wrap(sysexits.NoInput, err)
	}
	return st, folder, nil
}

func exists(path string) bool { _, err := os.Stat(path); return err == nil }

// accountMaildir is the Maildir of the first of these addresses that has an account; "" if none has.
func accountMaildir(db *account.DB, me []message.Addr) string {
	if db == nil {
		return ""
	}
	for _, m := range me {
		if a, err := db.Account(m.Addr); err == nil && a.Maildir != "" {
			return a.Maildir
		}
	}
	return ""
}

// openJournal opens the journal, and says where mail in its hold is noted. Where nothing can be
// kept, as on a disk that may not be written, mail is read all the same: the journal is then
// one of this session.
func openJournal(log *slog.Logger) (j *journal.Journal, held string, done func(), err error) {
	state, err := stateDir()
	if err == nil {
		j, err = journal.Open(filepath.Join(state, "journal"))
	}
	if err == nil {
		return j, filepath.Join(state, "held.json"), func() { j.Close() }, nil
	}
	dir, terr := os.MkdirTemp("", "pneu-tui-")
	if terr != nil {
		return nil, "", nil, err
	}
	path := filepath.Join(dir, "journal")
	if j, terr = journal.Open(path); terr != nil {
		os.Remove(dir)
		return nil, "", nil, err
	}
	log.Warn("undo reaches back to the start of this session only", "err", err)
	return j, "", func() {
		j.Close()
		os.Remove(path)
		os.Remove(path + ".old")
		os.Remove(dir) // not if messages lie there that undo took away
	}, nil
}

func stateDir() (string, error) {
	dir := os.Getenv("XDG_STATE_HOME")
	if !filepath.IsAbs(dir) { // as the tools have it: the journal is one
		home, err := os.UserHomeDir()
		if err != nil {
			return "", fmt.Errorf("find a place for the journal: %w", err)
		}
		dir = filepath.Join(home, ".local", "state")
	}
	dir = filepath.Join(dir, "pneu")
	return dir, os.MkdirAll(dir, 0o700)
}

// theme chooses colours: --theme, NO_COLOR, or what the terminal answers. What was typed meanwhile comes back too.
func theme(c *cli.Context, in, out *os.File) (*look.Theme, []byte) {
	o := look.Options{ASCII: c.Bool("ascii") || !unicodeLocale(), Mono: os.Getenv("NO_COLOR") != ""}
	var typed []byte
	switch c.String("theme") {
	case "light":
		o.Light = true
	case "mono":
		o.Mono = true
	case "dark":
	default:
		if o.Mono {
			break
		}
		var b term.Background
		b, typed = term.Probe(in, out, term.Env{Term: os.Getenv("TERM"), ColorFGBG: os.Getenv("COLORFGBG")}, 100*time.Millisecond)
		o.Light = b == term.Light
	}
	return look.NewTheme(o), typed
}

// unicodeLocale reports whether the locale's characters are UTF-8; one that is not set is taken for it.
func unicodeLocale() bool {
	l := strings.ToLower(first(os.Getenv("LC_ALL"), os.Getenv("LC_CTYPE"), os.Getenv("LANG")))
	return l == "" || strings.Contains(l, "utf-8") || strings.Contains(l, "utf8")
}

func saveDir() string {
	if home, err := os.UserHomeDir(); err == nil {
		if d := filepath.Join(home, "Downloads"); exists(d) {
			return d
		}
	}
	d, err := os.Getwd()
	if err != nil {
		return os.TempDir()
	}
	return d
}

func first(s ...string) string {
	for _, x := range s {
		if x != "" {
			return x
		}
	}
	return ""
}

func words(s string) []string { return strings.Fields(s) }

// anyOf returns the first program that is installed.
func anyOf(names ...string) string {
	for _, n := range names {
		if p, err := exec.LookPath(n); err == nil {
			return p
		}
	}
	return ""
}
