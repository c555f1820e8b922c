package search

import (
	"path"
	"regexp"
	"strings"
	"time"

	"pneu/maildir/message"
)

// A term is a leaf of a query.
type term struct {
	field string // canonical; "text" for a word, "all" for what always matches
	name  string // of header:
	value string // as the canonical form spells it

	text     *text     // for fields that hold words
	from, to time.Time // for dates: from <= t < to, zero is open
	min, max int64     // for sizes: min <= n <= max, max < 0 is open
}

// A text is what words are compared with.
type text struct {
	lower string
	re    *regexp.Regexp
	any   bool     // *: the field is there
	me    bool     // one of
	addrs []string // these addresses
}

func (x *text) in(s string) bool {
	switch {
	case x.any:
		return s != ""
	case x.re != nil:
		return x.re.MatchString(s)
	}
	return containsFold(s, x.lower)
}

func (x *text) inAddrs(list []message.Addr) bool {
	for _, a := range list {
		if x.me {
			for _, me := range x.addrs {
				if fold(a.Addr) == me {
					return true
				}
			}
			continue
		}
		if x.in(a.Addr) || a.Name != "" && (x.in(a.Name) || x.re == nil && strings.Contains(x.lower, " ") && x.in(a.Name+" <"+a.Addr+">")) {
			return true
		}
	}
	return false
}

func (t *term) match(d Doc) bool {
	switch t.field {
	case "all":
		return true
	case "from":
		return t.text.inAddrs(d.Summary().From)
	case "to":
		return t.text.inAddrs(d.Summary().To)
	case "cc":
		return t.text.inAddrs(d.Summary().Cc)
	case "bcc":
		return t.text.inAddrs(d.Header().Addresses("Bcc"))
	case "rcpt":
		s := d.Summary()
		return t.text.inAddrs(s.To) || t.text.inAddrs(s.Cc)
	case "subject":
		return t.text.in(d.Summary().Subject)
	case "list":
		return t.text.in(d.Summary().List)
	case "body":
		return t.text.in(d.Text())
	case "text":
		s := d.Summary()
		return t.text.in(s.Subject) || t.text.inAddrs(s.From) || t.text.inAddrs(s.To) || t.text.inAddrs(s.Cc) || t.text.in(d.Text())
	case "header":
		for _, v := range d.Header().Values(t.name) {
			if t.text.any || t.text.in(message.DecodeWords(v)) {
				return true
			}
		}
		return false
	case "id":
		return d.Summary().MessageID == t.value
	case "in":
		return inFolder(d.Folder(), t.value)
	case "is":
		return is(d, t.value)
	case "has":
		return has(d, t.value)
	case "flag":
		for _, f := range t.value {
			if !strings.ContainsRune(string(d.Flags()), f) {
				return false
			}
		}
		return true
	case "size":
		n := d.Size()
		return n >= t.min && (t.max < 0 || n <= t.max)
	case "received":
		return t.within(d.Received())
	}
	when := d.Summary().Date // date, older, newer
	if when.IsZero() {
		when = d.Received()
	}
	return t.within(when)
}

func (t *term) within(when time.Time) bool {
	return !when.IsZero() && (t.from.IsZero() || !when.Before(t.from)) && (t.to.IsZero() || when.Before(t.to))
}

func is(d Doc, state string) bool {
	flag := func(f string) bool { return strings.Contains(string(d.Flags()), f) }
	switch state {
	case "unread":
		return d.Unread()
	case "read":
		return !d.Unread()
	case "new": // nobody has looked at the folder since it came
		n, ok := d.(interface{ New() bool })
		if ok {
			return n.New()
		}
		return d.Unread()
	case "flagged":
		return flag("F")
	case "replied":
		return flag("R")
	case "forwarded":
		return flag("P")
	case "draft":
		return flag("D")
	}
	return flag("T") // trashed
}

func has(d Doc, thing string) bool {
	switch thing {
	case "attachment":
		return d.Summary().HasAttachment
	case "list":
		return d.Summary().List != ""
	}
	s := d.Summary().Subject // patch, as git format-patch marks it
	return containsFold(s, "[patch") || containsFold(s, " patch ") && strings.HasPrefix(s, "[")
}

// inFolder compares folder names; INBOX in any case, * and ? as in a shell.
func inFolder(folder, want string) bool {
	if folder == want || strings.EqualFold(folder, "INBOX") && strings.EqualFold(want, "INBOX") {
		return true
	}
	if below, ok := strings.CutSuffix(want, "/*"); ok && strings.HasPrefix(folder, below+"/") {
		return true
	}
	if !strings.ContainsAny(want, "*?[") {
		return strings.EqualFold(folder, want)
	}
	ok, err := path.Match(want, folder)
	return err == nil && ok
}

func (t *term) write(int) string {
	switch t.field {
	case "all":
		return "*"
	case "text":
		if t.text.re != nil {
			return slashed(t.value)
		}
		return quote(t.value, true)
	case "header":
		switch {
		case t.text.any:
			return "header:" + t.name
		case t.text.re != nil:
			return "header:" + quote(t.name+"=/"+t.value+"/", false)
		}
		return "header:" + quote(t.name+"="+t.value, false)
	}
	if t.text != nil && t.text.re != nil {
		return t.field + ":" + slashed(t.value)
	}
	if t.text != nil && !t.text.any && !t.text.me && (t.value == "*" || strings.EqualFold(t.value, "me")) {
		return t.field + `:"` + t.value + `"`
	}
	return t.field + ":" + quote(t.value, false)
}

// slashed writes a pattern between slashes; those within it are escaped.
func slashed(pat string) string {
	var b strings.Builder
	b.WriteByte('/')
	for i := 0; i < len(pat); i++ {
		switch c := pat[i]; {
		case c == '\\' && i+1 < len(pat):
			b.WriteString(pat[i : i+2])
			i++
		case c == '/':
			b.WriteString(`\/`)
		default:
			b.WriteByte(c)
		}
	}
	b.WriteByte('/')
	return b.String()
}

// quote puts quotes around a value that would not be read back as it is. A word has
// more to be taken for than the value of a field.
func quote(s string, word bool) string {
	plain := s != "" && s[0] != '/' && !strings.ContainsAny(s, " \t\r\n()|\"\\")
	if word && plain {
		switch s {
		case "OR", "AND", "NOT", "*":
			plain = false
		}
		plain = plain && strings.IndexByte("-!~", s[0]) < 0 && !strings.Contains(s, ":")
	}
	if plain {
		return s
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}

func fold(s string) string { return strings.ToLower(s) }

// containsFold is strings.Contains in any case; lower is in lower case.
func containsFold(s, lower string) bool {
	if lower == "" {
		return true
	}
	first := lower[0]
	if first >= 0x80 || !ascii(lower) {
		return strings.Contains(fold(s), lower)
	}
	up := first
	if first >= 'a' && first <= 'z' {
		up -= 'a' - 'A'
	}
	for i := 0; i+len(lower) <= len(s); i++ {
		c := s[i]
		if c == 0xe2 || c == 0xc4 { // the Kelvin sign and the dotted I fold to ASCII letters
			return strings.Contains(fold(s), lower)
		}
		if c != first && c != up {
			continue
		}
		k := 1
		for ; k < len(lower); k++ {
			c := s[i+k]
			if c >= 'A' && c <= 'Z' {
				c += 'a' - 'A'
			}
			if c != lower[k] {
				break
			}
		}
		if k == len(lower) {
			return true
		}
	}
	return false
}

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}
