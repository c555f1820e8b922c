package digest

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
)

// The lists of the format stand in the package comment: who reads digests with another program has nothing else.
func TestDocumentedLists(t *testing.T) {
	b, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	doc := regexp.MustCompile(`[ \t]*\n//[ \t]*`).ReplaceAllString(string(b), " ")
	doc = strings.Join(strings.Fields(doc), " ") + " "
	check := func(n int, s string) {
		t.Helper()
		if want := fmt.Sprintf(" %d %s ", n, s); !strings.Contains(doc, want) {
			t.Errorf("doc.go lacks %q", want)
		}
	}
	for id, s := range usualSpelling {
		if s != "" {
			check(id, s)
		}
	}
	for i, s := range anotherSpelling {
		check(spellAnother+i, s)
	}
	for _, list := range [][]string{usualTypes[:], usualEncodings[:], usualCharsets[:], usualDispositions[:]} {
		for i, s := range list {
			check(i+1, s)
		}
	}
}
