package main

import (
	"slices"
	"strings"
	"testing"

	"pneu/maildir/search"
)

// What is offered as the beginning of a query is one.
func TestQueryPrefixes(t *testing.T) {
	for _, p := range queryPrefixes {
		values := p.values
		if values == nil {
			values = []string{"x"}
		}
		for _, v := range values {
			if _, err := search.ParseWith(p.prefix+v, search.Options{Me: []string{"ada@example.org"}}); err != nil {
				t.Errorf("%s%s: %v", p.prefix, v, err)
			}
		}
	}
	for _, k := range keywordNames {
		if f, err := parseFlags([]string{k}, nil); err != nil || f.empty() {
			t.Errorf("%s: %v", k, err)
		}
	}
}

// What is and has take is offered, all of it.
func TestQueryValues(t *testing.T) {
	for _, field := range []string{"is:", "has:"} {
		_, err := search.Parse(field + "nonesuch")
		if err == nil {
			t.Fatal("no error")
		}
		_, known, _ := strings.Cut(err.Error(), "one of ")
		known, _, _ = strings.Cut(known, ")")
		for _, p := range queryPrefixes {
			for v := range strings.SplitSeq(known, ", ") {
				if p.prefix == field && !slices.Contains(p.values, v) {
					t.Errorf("%s%s is not offered", field, v)
				}
			}
		}
	}
}
