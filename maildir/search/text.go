package search

import (
	"bytes"
	"regexp"
	"regexp/syntax"
	"strings"

	"pneu/maildir/digest"
	"pneu/maildir/message"
)

// A text is what words are compared with: a needle, a regular expression, or "there is something". Both see folded text.
type text struct {
	finder
	re    *regexp.Regexp
	must  string   // is in all that re matches, or empty
	ends  bool     // re begins with ^ or ends with $, and so means a whole name or address
	any   bool     // *: the field is there
	me    bool     // one of
	addrs []string // these addresses, folded, is in the field
}

func newText(needle string) *text { return &text{finder: newFinder(digest.Fold(nil, needle))} }

// in reports whether a folded field matches.
func (x *text) in(field []byte) bool {
	switch {
	case x.any:
		return len(field) > 0
	case x.re != nil:
		return x.re.Match(field)
	}
	return x.finder.in(field)
}

// inAddrs is in for a field of addresses.
func (x *text) inAddrs(field []byte) bool {
	if x.in(field) {
		return true
	}
	if !x.ends {
		return false
	}
	for len(field) > 0 {
		var piece []byte
		i := bytes.IndexAny(field, "<>,")
		if i < 0 {
			i = len(field)
		}
		piece, field = bytes.TrimSpace(field[:i]), field[min(i+1, len(field)):]
		if len(piece) > 0 && x.re.Match(piece) {
			return true
		}
	}
	return false
}

func (x *text) inField(i int, field []byte) bool {
	if i <= headReplyTo {
		return x.inAddrs(field)
	}
	return x.in(field)
}

// mine reports whether one of the addresses of me is in list.
func (x *text) mine(list []message.Addr) bool {
	for _, a := range list {
		addr := string(digest.Fold(nil, a.Addr))
		for _, me := range x.addrs {
			if addr == me {
				return true
			}
		}
	}
	return false
}

// mineIn looks for the addresses of me in a field of a head record: yes, no, or perhaps if that needs the addresses
// taken apart, since a name may hold what looks like one.
func (x *text) mineIn(field []byte) (yes, perhaps bool) {
	for _, me := range x.addrs {
		if bytes.Contains(field, []byte(me)) {
			perhaps = true
			if string(field) == me {
				return true, false
			}
			if name, ok := bytes.CutSuffix(field, []byte("<"+me+">")); ok && !bytes.ContainsAny(name, "<,") {
				return true, false
			}
		}
	}
	return false, perhaps
}

// headSet is a set of fields of the head record: 1<<headFrom and so on.
type headSet uint8

// inRecords returns what reports whether a head record has a match in one of the fields of set. It may be called from
// several goroutines.
func (x *text) inRecords(set headSet) func(rec []byte) (yes, perhaps bool) {
	switch {
	case x.re != nil:
		must := newFinder([]byte(x.must))
		return func(rec []byte) (bool, bool) {
			if len(must.needle) > 0 && !must.in(rec) {
				return false, false
			}
			return x.inFields(rec, set)
		}
	case x.any || x.me || len(x.needle) == 0:
		return func(rec []byte) (bool, bool) { return x.inFields(rec, set) }
	}
	var t tuner
	if set == 1<<headFrom { // the first field, and the shortest way
		return func(rec []byte) (bool, bool) {
			if i := bytes.IndexByte(rec, 0); i >= 0 {
				rec = rec[:i]
			}
			return t.finder(&x.finder, rec).in(rec), false
		}
	}
	return func(rec []byte) (bool, bool) { return needleIn(t.finder(&x.finder, rec), rec, set), false }
}

// inFields looks at one field after the other.
func (x *text) inFields(rec []byte, set headSet) (yes, perhaps bool) {
	for i := range headFields {
		var field []byte
		field, rec, _ = bytes.Cut(rec, []byte{0})
		if set&(1<<i) == 0 {
			continue
		}
		y, p := false, false
		if x.me {
			y, p = x.mineIn(field)
		} else {
			y = x.inField(i, field)
		}
		if y {
			return true, false
		}
		perhaps = perhaps || p
		if set>>i == 1 {
			break
		}
	}
	return false, perhaps
}

// needleIn looks through the whole record, and only at a hit for the field it is in: mostly there is none.
func needleIn(f *finder, rec []byte, set headSet) bool {
	for field := 0; ; field++ {
		i := f.index(rec)
		if i < 0 {
			return false
		}
		field += bytes.Count(rec[:i], []byte{0})
		if set&(1<<field) != 0 {
			return true
		}
		if set>>field == 0 {
			return false // only fields before this one are asked for
		}
		end := bytes.IndexByte(rec[i:], 0) // nothing else in this field counts
		if end < 0 {
			return false
		}
		rec = rec[i+end+1:]
	}
}

// newRegexp compiles a pattern for folded text: what is not ASCII in it is folded too.
func newRegexp(pat string) (*regexp.Regexp, error) {
	for i := range len(pat) {
		if pat[i] >= 0x80 {
			pat = foldPattern(pat)
			break
		}
	}
	return regexp.Compile("(?i)" + pat)
}

func foldPattern(pat string) string {
	var b strings.Builder
	for len(pat) > 0 {
		n := 0
		for n < len(pat) && pat[n] < 0x80 {
			n++
		}
		b.WriteString(pat[:n])
		pat = pat[n:]
		for n = 0; n < len(pat) && pat[n] >= 0x80; {
			n++
		}
		b.WriteString(regexp.QuoteMeta(string(digest.Fold(nil, pat[:n]))))
		pat = pat[n:]
	}
	return b.String()
}

// literal returns a text that is in everything a pattern matches, or "": the longest run of letters and digits it
// cannot do without.
func literal(pat string) string {
	re, err := syntax.Parse(pat, syntax.Perl|syntax.FoldCase)
	if err != nil {
		return ""
	}
	return longest(re.Simplify())
}

func longest(re *syntax.Regexp) string {
	switch re.Op {
	case syntax.OpLiteral:
		for _, r := range re.Rune {
			if r >= 0x80 || r <= ' ' { // letters of other scripts match more than their folded selves
				return ""
			}
		}
		return strings.ToLower(string(re.Rune))
	case syntax.OpCapture, syntax.OpPlus:
		return longest(re.Sub[0])
	case syntax.OpRepeat:
		if re.Min > 0 {
			return longest(re.Sub[0])
		}
	case syntax.OpConcat:
		best := ""
		for _, sub := range re.Sub {
			if s := longest(sub); len(s) > len(best) {
				best = s
			}
		}
		return best
	}
	return ""
}
