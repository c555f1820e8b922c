package main

import (
	"path/filepath"
	"testing"

	"pneu/cmd/internal/conf"
)

// Whom smtpd takes mail for is whom deliver knows.
func TestDirectoryObeysDeliver(t *testing.T) {
	for _, tt := range []struct {
		table, addr string
		want        bool
	}{
		{"", "alice+lists@try.test", true},
		{"", "alice-lists@try.test", false},
		{"[deliver]\ndelimiter = \"-\"\n", "alice-lists@try.test", true},
		{"[deliver]\ndelimiter = \"-\"\n", "alice+lists@try.test", false},
	} {
		dir := system(t, full+tt.table)
		f, err := conf.Load(filepath.Join(dir, "pneu.toml"), "", nil)
		if err != nil {
			t.Fatal(err)
		}
		users, err := openDirectory(&settings{File: f}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := users.Exists(t.Context(), tt.addr); err != nil || got != tt.want {
			t.Errorf("%s with %q: %v, %v; want %v", tt.addr, tt.table, got, err, tt.want)
		}
	}
}
