package main

import (
	"os"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"pneu/cmd/internal/mantest"
)

func TestMain(m *testing.M) { testscript.Main(m, map[string]func(){"postmaster": main}) }

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{Dir: "testdata"})
}

func TestManual(t *testing.T) { mantest.Flags(t, app(), "postmaster.8") }

func TestMountOptions(t *testing.T) {
	if _, err := os.Stat("/proc/self/mounts"); err != nil {
		t.Skip("no /proc here")
	}
	if mountOptions("/proc/self") == "" {
		t.Error("/proc is mounted without options")
	}
}

// The defaults of init are a configuration that can be read, whoever runs it.
func TestNames(t *testing.T) {
	host, domain := names()
	if host == "" || domain == "" {
		t.Errorf("host %q, domain %q", host, domain)
	}
	p := &plan{config: "/x/pneu.toml", spool: "/x/spool", users: "/x/users", aliases: "/x/aliases", mail: "/x/%u", hostname: host, domains: []string{domain, "b.test"}}
	text := p.text()
	for _, want := range []string{`spool = "spool"`, `users = "users"`, `mail = "%u"`, `"b.test"]`} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
}
