package search

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"pneu/maildir/digest"
)

// marked writes the marks of an excerpt as braces.
func marked(e Excerpt) string {
	var b strings.Builder
	at := 0
	for _, m := range e.Marks {
		fmt.Fprintf(&b, "%s{%s}", e.Line[at:m[0]], e.Line[m[0]:m[1]])
		at = m[1]
	}
	return b.String() + e.Line[at:]
}

func TestExcerpt(t *testing.T) {
	const text = "Dear Ada,\n\n  raw numbers are attached for the Reindex run;\nfirst pass 41 s\n> we reindex, first\nfirst of all\n"
	long := strings.Repeat("lorem ipsum ", 100) + "Reindex" + strings.Repeat(" dolor sit", 400)
	tests := []struct{ query, text, want string }{
		{"reindex", text, "raw numbers are attached for the {Reindex} run;"},
		{"from:grace has:attachment body:reindex", text, "raw numbers are attached for the {Reindex} run;"},
		{"first", text, "{first} pass 41 s"},
		{"first reindex", text, "> we {reindex}, {first}"},
		{"reindex OR numbers", text, "raw {numbers} are attached for the {Reindex} run;"},
		{`"run; first"`, text, "raw numbers are attached for the Reindex {run; first} pass 41 s"},
		{`/re.ndex|s$/`, text, "raw numbers are attached for the {Reindex} run;"},
		{"zebra", text, ""},
		{"-reindex", text, ""},
		{"subject:reindex from:me is:unread *", text, ""},
		{"請求書", "いつも\nお世話になっております。請求書をお送りいたします。", "お世話になっております。{請求書}をお送りいたします。"},
		{"ａｂｃ", "x ABC y ａｂｃ", "x {ABC} y {ａｂｃ}"},
		{"straße", "Die STRA\u00adSSE, die Stra\u00adße", "Die STRA\u00adSSE, die {Stra\u00adße}"},
		{"zoë", "von Zoe\u0308 und Zoë", "von {Zoe\u0308} und {Zoë}"},
		{"f", "ein ﬁx", "ein {ﬁ}x"},
		{`"o w"`, "hello \t\u200b  world", "hell{o \t\u200b  w}orld"},
		{`"over all"`, "one \r\n\r\n over\r\n all", "{over   all}"},
		{"aa", "aaaaa", "{aaaa}a"},
		{"", text, ""},
	}
	for _, tt := range tests {
		q, err := Parse(tt.query)
		if err != nil {
			t.Fatal(err)
		}
		e, ok := q.Excerpt(tt.text)
		if got := marked(e); got != tt.want || ok != (tt.want != "") {
			t.Errorf("%s: %q, %v; want %q", tt.query, got, ok, tt.want)
		}
		if ok && !q.AsksText() {
			t.Errorf("%s asks for no text", tt.query)
		}
	}
	q, _ := Parse("reindex")
	e, _ := q.Excerpt(long)
	if got := marked(e); len(got) > 3000 || !strings.Contains(got, "ipsum {Reindex} dolor") {
		t.Errorf("of a long line %d octets: %q", len(got), got)
	}
	q, err := Parse(`/lorem(.|\s)*sit/`)
	if err != nil {
		t.Fatal(err)
	}
	if e, ok := q.Excerpt(long); !ok || len(e.Line) > excerptAll+utf8.UTFMax || len(e.Marks) != 1 || e.Marks[0][1] > len(e.Line) {
		t.Errorf("of a long match %v, %d octets, marks %v", ok, len(e.Line), e.Marks)
	}
}

// FuzzExcerpt finds in any text what a search of the folded text finds, and marks nothing else.
func FuzzExcerpt(f *testing.F) {
	for _, s := range []string{"Dear Ada,\n\nthe Reindex run\n", "ﬁ e\u0301\u00ad\u200d x", "\xff\xc0a\u0300\u0301\n\u0301b", "한국\u1112\u1161\u11ab", "a \u2003 b\r\nc", "İ ẞ Σς"} {
		for _, n := range []string{"reindex", "é", "a", "b c", "한", "i"} {
			f.Add(s, n)
		}
	}
	f.Fuzz(func(t *testing.T, s, needle string) {
		q := Body(needle)
		e, ok := q.Excerpt(s)
		fold := digest.Fold(nil, needle)
		if whole := bytes.Contains(digest.Fold(nil, s), fold); ok && !whole || !ok && whole && len(bytes.TrimSpace(fold)) == len(fold) && len(fold) > 0 && !bytes.ContainsAny(fold, " ") {
			t.Fatalf("%q in %q: found %v, as a whole %v", needle, s, ok, whole)
		}
		last := 0
		for _, m := range e.Marks {
			if m[0] < last || m[1] < m[0] || m[1] > len(e.Line) {
				t.Fatalf("%q in %q: marks %v", needle, s, e.Marks)
			}
			if last = m[1]; utf8.ValidString(e.Line) && !utf8.ValidString(e.Line[m[0]:m[1]]) {
				t.Fatalf("%q in %q: half a character marked: %v", needle, e.Line, e.Marks)
			}
		}
	})
}
