package search

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The manual names every field, state, thing and pattern.
func TestManual(t *testing.T) {
	b, err := os.ReadFile(filepath.Join("..", "..", "man", "pneu-query.7"))
	if err != nil {
		t.Fatal(err)
	}
	page := string(b)
	want := func(what string) {
		if !strings.Contains(page, what) {
			t.Errorf("%s is not in the manual", what)
		}
	}
	for _, f := range fields {
		want(strings.TrimPrefix(f, "'") + ":")
	}
	for name := range refused {
		if name != "changed" && name != "uid" {
			want(name + ":")
		}
	}
	for _, s := range states {
		if s.name != "odd" && s.name != "flowed" { // of use to those who look into the format of mail
			want(s.name + s.keyword)
		}
	}
	for _, h := range things {
		want(h.name)
	}
	for c := range patterns {
		want(`\(ti` + string(c))
	}
	for c := range simple {
		want(`\(ti` + string(c))
	}
	// An example of each kind of value is one.
	for _, q := range []string{
		`from:ada subject:"jitter buffer" is:unread -list:* date:7d.. size:>1M`, "a XOR b", "!a", "NOT a", "header:Name=value", "size:=500", "size:10k..",
		"date:2026-03-14T10:30", "date:@1700000000", "date:monday", "date:30min", "date:this_year", "thread:{a}", "link:mismatch", "to:me",
	} {
		if _, err := Parse(q); err != nil {
			t.Error(err)
		}
	}
}
