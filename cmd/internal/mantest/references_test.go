package mantest

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

var reference = regexp.MustCompile(`(?m)^\.(?:It )?Xr (\S+) ([1-9])`)

// What a page refers to is a page of ours, or one that systems have.
func TestReferences(t *testing.T) {
	system := set([]string{"cron.8", "crontab.5", "flock.2", "inetd.8", "sh.1", "sysexits.3"})
	pages, err := filepath.Glob("../../../man/*.[1-9]")
	if err != nil || len(pages) == 0 {
		t.Fatalf("no pages: %v", err)
	}
	ours := map[string]bool{}
	for _, p := range pages {
		ours[filepath.Base(p)] = true
	}
	found := 0
	for _, p := range pages {
		b, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range reference.FindAllStringSubmatch(string(b), -1) {
			found++
			if name := m[1] + "." + m[2]; !ours[name] && !system[name] {
				t.Errorf("%s refers to %s(%s), which is nowhere", filepath.Base(p), m[1], m[2])
			}
		}
	}
	if found == 0 {
		t.Error("no page refers to another: the form of references has changed")
	}
}
