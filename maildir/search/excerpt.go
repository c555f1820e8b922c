package search

import (
	"bytes"
	"math/bits"
	"slices"
	"sort"
	"strings"
	"unicode/utf8"

	"pneu/maildir/digest"
)

// An Excerpt is a line of a message's text in which something was found, or as much of it as a screen has room for.
type Excerpt struct {
	Line  string   // as it stands in the text; of what goes over several lines, the ends are blanks
	Marks [][2]int // what was found in it: from, to, ascending
}

const (
	excerptMatches = 32  // of each term, that are looked at
	excerptTerms   = 16  // of a query
	excerptBefore  = 240 // octets of the line kept before the first match, and with it
	excerptAll     = 1600
)

// AsksText reports whether q looks for something in texts, which Excerpt would show.
func (q Query) AsksText() bool { return len(q.textTerms()) > 0 }

// textTerms returns what is looked for in texts.
func (q Query) textTerms() []*text {
	var terms []*text
	walk(q.root, false, func(t *term, not bool) {
		if (t.field == "text" || t.field == "body") && !not && !t.text.any && !t.text.me && len(terms) < excerptTerms && (t.text.re != nil || len(t.text.needle) > 0) {
			terms = append(terms, t.text)
		}
	})
	return terms
}

// Excerpt returns the line of a text, such as digest.Text makes of a message, that has most of what q looks for in
// texts; of several the first, lines that are no quotation before those that are. ok is false if none has anything.
func (q Query) Excerpt(s string) (e Excerpt, ok bool) {
	terms := q.textTerms()
	if len(terms) == 0 {
		return e, false
	}
	f := foldLines(s)
	type found struct {
		terms    uint
		from, to int // of the first in the line, folded
	}
	lines := map[int]found{}
	for i, t := range terms {
		for _, at := range t.all(f.folded, excerptMatches) {
			n := f.line(at[0])
			l, was := lines[n]
			if !was || at[0] < l.from {
				l.from, l.to = at[0], at[1]
			}
			l.terms |= 1 << i
			lines[n] = l
		}
	}
	best, most := -1, 0
	for n, l := range lines {
		score := 2 * bits.OnesCount(l.terms)
		if !strings.HasPrefix(f.text(n), ">") {
			score++
		}
		if best < 0 || score > most || score == most && n < best {
			best, most = n, score
		}
	}
	if best < 0 {
		return e, false
	}
	from, to := f.place(lines[best].from, false), f.place(lines[best].to, true)
	first := f.lines[best].from
	last := f.lines[f.line(max(lines[best].to-1, lines[best].from))].to
	first = max(first, from-excerptBefore)
	last = min(last, first+excerptAll)
	for first < from && !utf8.RuneStart(s[first]) {
		first++
	}
	for last < len(s) && !utf8.RuneStart(s[last]) {
		last++
	}
	e.Line = strings.NewReplacer("\n", " ", "\r", " ").Replace(s[first:last])
	e.Marks = marks(terms, e.Line)
	if len(e.Marks) == 0 { // what it begins with was cut off
		e.Marks = [][2]int{{from - first, min(to, last) - first}}
	}
	return e, true
}

// marks returns where terms are in a line, what overlaps as one.
func marks(terms []*text, line string) [][2]int {
	f := foldLines(line)
	var all [][2]int
	for _, t := range terms {
		for _, at := range t.all(f.folded, excerptMatches) {
			if from, to := f.place(at[0], false), f.place(at[1], true); from < to {
				all = append(all, [2]int{from, to})
			}
		}
	}
	slices.SortFunc(all, func(a, b [2]int) int { return a[0] - b[0] })
	var out [][2]int
	for _, m := range all {
		if n := len(out); n > 0 && m[0] <= out[n-1][1] {
			out[n-1][1] = max(out[n-1][1], m[1])
			continue
		}
		out = append(out, m)
	}
	return out
}

// all returns where a folded text matches, but no more than most places.
func (x *text) all(folded []byte, most int) (places [][2]int) {
	if x.re != nil {
		for _, at := range x.re.FindAllIndex(folded, most) {
			if at[0] < at[1] {
				places = append(places, [2]int{at[0], at[1]})
			}
		}
		return places
	}
	for from := 0; len(places) < most; {
		i := x.index(folded[from:])
		if i < 0 {
			break
		}
		from += i + len(x.needle)
		places = append(places, [2]int{from - len(x.needle), from})
	}
	return places
}

// folds is a text that was folded line by line, so that a place in what came of it is found again in the text.
type folds struct {
	s      string
	folded []byte
	lines  []foldedLine
}

// A foldedLine is a line, without blanks at its ends, and where it begins in what is folded.
type foldedLine struct{ from, to, at int }

func foldLines(s string) *folds {
	f := &folds{s: s, folded: make([]byte, 0, len(s)+8)}
	for from := 0; from < len(s); {
		to, next := len(s), len(s)
		if i := strings.IndexByte(s[from:], '\n'); i >= 0 {
			to, next = from+i, from+i+1
		}
		line := strings.TrimSpace(s[from:to])
		begin := from + strings.Index(s[from:to], line)
		start := len(f.folded)
		if start > 0 && f.folded[start-1] != ' ' {
			f.folded = append(f.folded, ' ')
		}
		at := len(f.folded)
		f.folded = digest.Fold(f.folded, line)
		if rest := bytes.TrimLeft(f.folded[at:], " "); len(rest) < len(f.folded)-at { // blanks behind what cannot be seen
			f.folded = append(f.folded[:at], rest...)
		}
		if len(f.folded) == at {
			f.folded = f.folded[:start]
		} else {
			f.lines = append(f.lines, foldedLine{begin, begin + len(line), at})
		}
		from = next
	}
	return f
}

// line returns the line of a place in what is folded.
func (f *folds) line(at int) int {
	return max(0, sort.Search(len(f.lines), func(i int) bool { return f.lines[i].at > at })-1)
}

func (f *folds) text(line int) string { return f.s[f.lines[line].from:f.lines[line].to] }

// place returns where in the text a place in what is folded is: where the character begins that stands there, or if it
// is an end, where that before it ends.
func (f *folds) place(at int, end bool) int {
	n := f.line(at)
	if end {
		n = f.line(at - 1)
	}
	line, off := f.text(n), at-f.lines[n].at
	size := func(i int) int {
		for i < len(line) && !utf8.RuneStart(line[i]) {
			i++
		}
		return len(bytes.TrimLeft(digest.Fold(nil, line[:i]), " "))
	}
	// size counts whole characters, so the place before the first that is too much begins the character that is.
	if end {
		i := sort.Search(len(line), func(i int) bool { return size(i) >= off })
		for i < len(line) && !utf8.RuneStart(line[i]) {
			i++
		}
		return f.lines[n].from + i
	}
	return f.lines[n].from + sort.Search(len(line), func(i int) bool { return size(i+1) > off })
}
