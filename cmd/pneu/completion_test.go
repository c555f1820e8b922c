package main

import (
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
