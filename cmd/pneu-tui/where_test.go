package main

import (
	"flag"
	"path/filepath"
	"testing"

	"github.com/urfave/cli/v2"

	"pneu/maildir"
	mstore "pneu/maildir/store"
)

// The Maildir is the one that the tools would take, one of which may have become this program.
func TestWhichMaildir(t *testing.T) {
	home := t.TempDir()
	for _, name := range []string{"arg", "flag", "pneu", "env", "Maildir"} {
		if _, err := maildir.Create(filepath.Join(home, name)); err != nil {
			t.Fatal(err)
		}
	}
	at := func(name string) string {
		if name == "" {
			return ""
		}
		return filepath.Join(home, name)
	}
	t.Setenv("HOME", home)
	for _, tt := range []struct{ arg, flag, pneu, env, want string }{
		{"arg", "flag", "pneu", "env", "arg"},
		{"", "flag", "pneu", "env", "flag"},
		{"", "", "pneu", "env", "pneu"},
		{"", "", "", "env", "env"},
		{"", "", "", "", "Maildir"},
	} {
		t.Setenv("PNEU_MAILDIR", at(tt.pneu))
		t.Setenv("MAILDIR", at(tt.env))
		set := flag.NewFlagSet("", flag.ContinueOnError)
		set.String("folder", "", "")
		set.String("maildir", at(tt.flag), "")
		var args []string
		if tt.arg != "" {
			args = []string{at(tt.arg)}
		}
		if err := set.Parse(args); err != nil {
			t.Fatal(err)
		}
		s, _, err := openStore(cli.NewContext(nil, set, nil), nil, nil, mstore.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if got := filepath.Base(s.Tree().Root()); got != tt.want {
			t.Errorf("%+v: %s", tt, got)
		}
		s.Close()
	}
}

// The journal is that of the tools, which heed no path from where they happen to stand.
func TestStateDir(t *testing.T) {
	home := t.TempDir()
	t.Setenv("HOME", home)
	for _, tt := range []struct{ state, want string }{
		{filepath.Join(home, "s"), "s/pneu"}, {"", ".local/state/pneu"}, {"relative", ".local/state/pneu"},
	} {
		t.Setenv("XDG_STATE_HOME", tt.state)
		if got, err := stateDir(); err != nil || got != filepath.Join(home, tt.want) {
			t.Errorf("with %q: %s, %v", tt.state, got, err)
		}
	}
}
