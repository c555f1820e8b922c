package search

import (
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"pneu/maildir/digest"
	"pneu/maildir/message"
)

// A term is a leaf of a query.
type term struct {
	field string // canonical; "text" for a word, "all" for what always matches
	name  string // of header:
	value string // as the canonical form spells it

	text     *text     // for fields that hold words
	heads    headSet   // the fields of the head record it looks into
	from, to time.Time // for dates: from <= t < to, zero is open
	day      bool      // dates are compared as days
	column   Column    // for what is a number
	min, max int64     // for numbers: min <= n <= max, max < 0 is open
	set      []Range   // for UIDs and message numbers
	mask     int64     // for flags: those that count,
	want     int64     // and how they are
	class    digest.Class
	thread   *threadTerm
}

// What each field with words looks into.
var headsOf = map[string]headSet{
	"from": 1 << headFrom, "to": 1 << headTo, "cc": 1 << headCc, "bcc": 1 << headBcc, "replyto": 1 << headReplyTo,
	"rcpt":    1<<headTo | 1<<headCc | 1<<headBcc,
	"any":     1<<headFrom | 1<<headTo | 1<<headCc | 1<<headBcc | 1<<headReplyTo,
	"subject": 1 << headSubject, "list": 1 << headList, "id": 1 << headID,
	"text": 1<<headFrom | 1<<headTo | 1<<headCc | 1<<headBcc | 1<<headReplyTo | 1<<headSubject | 1<<headList,
}

func (t *term) match(v *view) bool {
	switch t.field {
	case "all":
		return true
	case "none":
		return false
	case "from", "to", "cc", "bcc", "replyto", "rcpt", "any", "subject", "list":
		return t.inHead(v)
	case "body":
		return t.text.in(v.body())
	case "text":
		return t.inHead(v) || t.text.in(v.body())
	case "id":
		return string(v.field(headID)) == string(t.text.needle)
	case "header":
		for _, s := range v.d.Header().Values(t.name) {
			if t.text.any || t.text.in(digest.Fold(nil, message.DecodeWords(s))) {
				return true
			}
		}
		return false
	case "in":
		return inFolder(v.d.Folder(), t.value)
	case "is", "flag":
		if t.class != 0 {
			return v.isOf(t.class)
		}
		return t.flagged(v)
	case "has":
		if t.class != 0 {
			return v.isOf(t.class)
		}
		return t.hasThing(v)
	case "tag":
		return slices.ContainsFunc(v.keywords(), t.isKeyword)
	case "size":
		return t.within(v.d.Size())
	case "wire":
		return t.within(v.wireSize())
	case "uid", "seq", "modseq":
		n, ok := v.d.(Numbered)
		if !ok {
			return false
		}
		switch t.field {
		case "uid":
			return inSet(t.set, uint64(n.UID()))
		case "seq":
			return inSet(t.set, uint64(n.Sequence()))
		}
		return t.within(int64(n.ModSeq()))
	case "attachment", "type":
		return v.parts(func(typ, name string) bool { return t.isPart(typ, name) })
	case "lang":
		d, ok := v.digest()
		return ok && t.isLang(d.Lang())
	case "link":
		for _, l := range v.links() {
			if l.Mismatch != "" {
				return true
			}
		}
		return false
	case "thread":
		if v.run != nil && t.thread.members == nil {
			return v.run.memo[t].yes.Has(v.row)
		}
		return t.thread.match(v)
	case "near":
		return t.thread.related(v.d.Summary())
	case "received":
		return t.at(v.d.Received())
	case "saved":
		return t.at(v.saved())
	case "sent": // IMAP's: the field alone
		return t.at(v.d.Summary().Date)
	}
	return t.at(v.sent()) // date, older, newer
}

func (t *term) inHead(v *view) bool {
	if t.text.me {
		s := v.d.Summary()
		return t.heads&(1<<headFrom) != 0 && t.text.mine(s.From) || t.heads&(1<<headTo) != 0 && t.text.mine(s.To) ||
			t.heads&(1<<headCc) != 0 && t.text.mine(s.Cc) || t.heads&(1<<headReplyTo) != 0 && t.text.mine(s.ReplyTo) ||
			t.heads&(1<<headBcc) != 0 && t.text.mine(v.bcc())
	}
	for i := range headFields {
		if t.heads&(1<<i) != 0 && t.text.inField(i, v.field(i)) {
			return true
		}
	}
	return false
}

// flagged tests flags. Only unread and new are not of the letters alone.
func (t *term) flagged(v *view) bool {
	bits := FlagBits(v.d.Flags()) &^ (FlagBit('S') | FlagNew)
	if !v.d.Unread() {
		bits |= FlagBit('S')
	}
	if t.mask&FlagNew != 0 && v.isNew() {
		bits |= FlagNew
	}
	return bits&t.mask == t.want
}

func (t *term) isKeyword(k string) bool {
	if t.text.any {
		return true
	}
	if t.text.re != nil {
		return t.text.re.MatchString(k)
	}
	return strings.EqualFold(k, t.value)
}

// isPart: type:pdf is any type/subtype with that subtype or type, or a name that ends so.
func (t *term) isPart(typ, name string) bool {
	if t.field == "attachment" {
		return name != "" && t.text.in(digest.Fold(nil, name))
	}
	if t.text.re != nil {
		return t.text.re.MatchString(typ)
	}
	if strings.Contains(t.value, "/") {
		ok, err := path.Match(t.value, typ)
		return ok && err == nil
	}
	major, minor, _ := strings.Cut(typ, "/")
	return major == t.value || minor == t.value || strings.TrimPrefix(minor, "x-") == t.value ||
		len(name) > len(t.value) && strings.EqualFold(name[len(name)-len(t.value)-1:], "."+t.value)
}

// isLang: lang:de is also de-AT.
func (t *term) isLang(lang string) bool {
	lang = strings.ToLower(lang)
	rest, ok := strings.CutPrefix(lang, t.value)
	return ok && lang != "" && (rest == "" || rest[0] == '-')
}

func (t *term) hasThing(v *view) bool {
	switch t.value {
	case "keyword":
		return len(v.keywords()) > 0
	case "link":
		if len(v.links()) > 0 {
			return true
		}
		b := string(v.body())
		return strings.Contains(b, "http://") || strings.Contains(b, "https://")
	case "savedate":
		return !v.saved().IsZero()
	}
	return false
}

// at reports whether a time is in the range of the term. A day is that of the clock it was written by.
func (t *term) at(when time.Time) bool {
	if when.IsZero() {
		return false
	}
	if t.day {
		if t.column != Sent {
			when = when.In(t.zone())
		}
		y, m, d := when.Date()
		when = time.Date(y, m, d, 0, 0, 0, 0, t.zone())
	}
	return (t.from.IsZero() || !when.Before(t.from)) && (t.to.IsZero() || when.Before(t.to))
}

func (t *term) zone() *time.Location {
	if !t.from.IsZero() {
		return t.from.Location()
	}
	return t.to.Location()
}

func (t *term) within(n int64) bool { return n >= t.min && (t.max < 0 || n <= t.max) }

// inSet reports whether n is in one of the sorted ranges.
func inSet(set []Range, n uint64) bool {
	i, found := slices.BinarySearchFunc(set, n, func(r Range, n uint64) int {
		switch {
		case r.Last < n:
			return -1
		case r.First > n:
			return 1
		}
		return 0
	})
	return found && i < len(set)
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
	case "none":
		return "-*"
	case "text":
		if t.text.re != nil {
			return slashed(t.value)
		}
		if strings.HasSuffix(t.value, "*") {
			return inQuotes(t.value)
		}
		return quote(t.value, true)
	case "tag":
		if t.text.re == nil && t.value != "*" {
			if field, _ := dialect("'tag", t.value); field != "tag" { // a keyword by the name of a tag that is none
				return "keyword:" + quote(t.value, false)
			}
		}
	case "header":
		switch {
		case t.text.any:
			return "header:" + t.name
		case t.text.re != nil:
			return "header:" + quote(t.name+"=/"+t.value+"/", false)
		}
		return "header:" + quote(t.name+"="+t.value, false)
	case "thread":
		return "thread:" + t.thread.write()
	case "uid", "seq":
		return t.field + ":" + spellSet(t.set)
	}
	if t.text != nil && t.text.re != nil {
		return t.field + ":" + slashed(t.value)
	}
	if t.text != nil && !t.text.any && !t.text.me {
		words := t.heads != 0 || t.field == "body" || t.field == "attachment"
		if t.value == "*" || strings.EqualFold(t.value, "me") || words && strings.HasSuffix(t.value, "*") {
			return t.field + ":" + inQuotes(t.value)
		}
	}
	return t.field + ":" + quote(t.value, false)
}

func spellSet(set []Range) string {
	var b []byte
	for i, r := range set {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendUint(b, r.First, 10)
		if r.Last != r.First {
			b = strconv.AppendUint(append(b, ".."...), r.Last, 10)
		}
	}
	return string(b)
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
	plain := s != "" && s[0] != '/' && s[0] != '{' && !strings.ContainsAny(s, " \t\r\n()|}\"\\")
	if word && plain {
		switch strings.ToUpper(s) {
		case "OR", "AND", "NOT", "XOR", "*":
			plain = false
		}
		plain = plain && strings.IndexByte("-!~=%", s[0]) < 0 && !strings.Contains(s, ":")
	}
	if plain {
		return s
	}
	return inQuotes(s)
}

func inQuotes(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}
