package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"pneu/cmd/internal/boot"
	"pneu/cmd/internal/conf"
	"pneu/cmd/internal/local"
	"pneu/maildir/safe"
	"pneu/mta/sysexits"
)

// A finding is one thing that check has to say.
type finding struct {
	Level  string `json:"level"` // ok, warn, bad
	About  string `json:"about"`
	Text   string `json:"text"`
	Remedy string `json:"remedy,omitempty"`
}

// A checkup gathers findings.
type checkup struct {
	c    *cli.Context
	file *conf.File
	list []finding
}

func (k *checkup) ok(about, format string, args ...any) {
	k.list = append(k.list, finding{"ok", about, fmt.Sprintf(format, args...), ""})
}

func (k *checkup) warn(about, text, remedy string) {
	k.list = append(k.list, finding{"warn", about, text, remedy})
}

func (k *checkup) bad(about, text, remedy string) {
	k.list = append(k.list, finding{"bad", about, text, remedy})
}

// check looks at everything a mail system depends on. It exits 0 if mail can
// flow, 1 if something is bad.
func check(c *cli.Context) error {
	if c.NArg() > 0 {
		return boot.Usage("check takes no names")
	}
	k := &checkup{c: c}
	f, err := boot.Config(configured(c), "", nil)
	if err != nil {
		k.bad("configuration", err.Error(), "correct the file, or have postmaster init write one")
		return k.report()
	}
	k.file = f
	k.ok("configuration", "%s", f.Path)
	k.secrets()
	k.spool()
	if opt, err := local.Options(f); err != nil {
		k.bad("deliver", err.Error(), "correct the table [deliver]")
	} else {
		k.accounts(opt)
	}
	k.programs()
	k.certificate()
	k.names(c.Context)
	return k.report()
}

func (k *checkup) report() error {
	bad := 0
	out := json.NewEncoder(k.c.App.Writer)
	for _, f := range k.list {
		if f.Level == "bad" {
			bad++
		}
		switch {
		case k.c.Bool("json"):
			if err := out.Encode(f); err != nil {
				return err
			}
		case f.Level != "ok" || k.c.Bool("all"):
			fmt.Fprintf(k.c.App.Writer, "%-4s  %s: %s\n", f.Level, safe.Line(f.About), safe.Line(f.Text))
			if f.Remedy != "" {
				fmt.Fprintf(k.c.App.Writer, "      -> %s\n", safe.Line(f.Remedy))
			}
		}
	}
	if bad > 0 {
		return boot.Exit(1)
	}
	if !k.c.Bool("json") {
		fmt.Fprintf(k.c.App.Writer, "ok    %d checks\n", len(k.list))
	}
	return nil
}

// secrets: passwords are for those alone who need them.
func (k *checkup) secrets() {
	if k.file.RelayAuth != "" && !strings.HasPrefix(k.file.RelayAuth, "file:") && readableByAll(k.file.Path) {
		k.bad("relay_auth", "the password stands in "+k.file.Path+", which everybody may read",
			`put it into a file of its own and write relay_auth = "file:PATH"`)
	}
	if path, ok := strings.CutPrefix(k.file.RelayAuth, "file:"); ok {
		if !filepath.IsAbs(path) { // as qrun takes it
			path = filepath.Join(filepath.Dir(k.file.Path), path)
		}
		f, err := os.Open(path)
		switch {
		case errors.Is(err, fs.ErrPermission):
			k.bad("relay_auth", err.Error(), "run postmaster check as the spool's owner, who must be able to read it")
		case err != nil:
			k.bad("relay_auth", err.Error(), "write USER:PASSWORD into it")
		case readableByAll(path):
			k.bad("relay_auth", "everybody may read "+path, "chmod o= "+path)
		}
		f.Close()
	}
	if k.file.Users != "" && readableByAll(k.file.Users) {
		k.bad("users", "everybody may read "+k.file.Users+", which holds passwords", "chmod o= "+k.file.Users)
	}
}

func readableByAll(path string) bool {
	fi, err := os.Stat(path)
	return err == nil && fi.Mode().Perm()&0o004 != 0
}

// exitCode is what to say about an error of our own packages.
func exitCode(err error) string {
	if sysexits.Code(err) == sysexits.Config {
		return "correct the file at the place named"
	}
	return "see to it, then run postmaster check again"
}
