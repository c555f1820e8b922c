package main

import (
	"os/user"
	"path/filepath"
	"strings"
	"testing"
)

// Without $HOME, as in a service, the home is the one of passwd(5): no directory is made up.
func TestStateDir(t *testing.T) {
	for _, tt := range []struct{ state, home, want string }{
		{"/s", "/h", "/s/pneu"},
		{"", "/h", "/h/.local/state/pneu"},
		{"relative", "/h", "/h/.local/state/pneu"},
		{"", "", "HOME/.local/state/pneu"},
	} {
		t.Setenv("XDG_STATE_HOME", tt.state)
		t.Setenv("HOME", tt.home)
		home := "/dev/null"
		if u, err := user.Current(); err == nil && filepath.IsAbs(u.HomeDir) {
			home = u.HomeDir
		}
		if got, want := stateDir(), strings.Replace(tt.want, "HOME", home, 1); got != want {
			t.Errorf("with HOME=%q, XDG_STATE_HOME=%q: %s, want %s", tt.home, tt.state, got, want)
		}
	}
}
