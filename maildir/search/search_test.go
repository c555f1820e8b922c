package search

import (
	"errors"
	"strings"
	"testing"
	"time"

	"pneu/maildir"
	"pneu/maildir/message"
)

var now = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

type doc struct {
	sum      message.Summary
	header   string
	flags    maildir.Flags
	unread   bool
	folder   string
	size     int64
	received time.Time
	text     string
	asked    bool // for the text
}

func (d *doc) Summary() *message.Summary { return &d.sum }
func (d *doc) Header() message.Header    { return message.Header(d.header) }
func (d *doc) Flags() maildir.Flags      { return d.flags }
func (d *doc) Unread() bool              { return d.unread }
func (d *doc) Folder() string            { return d.folder }
func (d *doc) Size() int64               { return d.size }
func (d *doc) Received() time.Time       { return d.received }
func (d *doc) Text() string              { d.asked = true; return d.text }

func letter() *doc {
	return &doc{
		sum: message.Summary{
			From:    []message.Addr{{Name: "Ada Lovelace", Addr: "ada@example.org"}},
			To:      []message.Addr{{Name: "Grace Hopper", Addr: "grace@navy.example"}, {Addr: "me@example.net"}},
			Cc:      []message.Addr{{Name: "Zoë Ümlaut", Addr: "zoe@example.com"}},
			Subject: "[PATCH v3] Jitter buffer (again)", MessageID: "1@example.org",
			Date: time.Date(2026, 11, 15, 8, 0, 0, 0, time.UTC), HasAttachment: true, List: "queue.lists.example.org",
		},
		header: "From: ada@example.org\nX-Spam: No, score=1.5\nBcc: hidden@example.org\n\n",
		flags:  "FS", folder: "Archive/2026", size: 2 << 20, text: "Dear Grace,\nthe Queue drains.\n",
		received: time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC),
	}
}

func TestMatch(t *testing.T) {
	tests := []struct {
		query string
		want  bool
	}{
		{"", true}, {"*", true}, {"-*", false},
		{"from:ada", true}, {"from:LOVELACE", true}, {"from:grace", false}, {`from:"ada lovelace"`, true},
		{"to:grace", true}, {"to:zoe", false}, {"cc:zoë", true}, {"cc:ZOË", true}, {"rcpt:zoe", true}, {"bcc:hidden", true},
		{"to:me", true}, {"from:me", false}, {`to:"me"`, true}, {"cc:me", false},
		{"from:/^ada@/", true}, {"from:/^da@/", false},
		{"subject:jitter", true}, {`subject:"jitter buffer"`, true}, {`subject:"buffer jitter"`, false}, {`subject:"(again)"`, true},
		{"body:queue", true}, {"body:jitter", false}, {"queue", true}, {"jitter", true}, {"drain lovelace", true}, {"nowhere", false},
		{"list:*", true}, {"list:queue", true}, {"-list:*", false},
		{"is:read", true}, {"is:unread", false}, {"is:flagged", true}, {"is:replied", false}, {"-is:replied", true}, {"is:draft", false},
		{"flag:SF", true}, {"flag:R", false},
		{"has:attachment", true}, {"has:patch", true}, {"has:list", true},
		{"in:archive/2026", true}, {"in:Archive/*", true}, {"in:Arch*", false}, {"in:Archive", false}, {"in:inbox", false},
		{"size:>1M", true}, {"size:>2M", false}, {"size:2M", true}, {"size:<2M", false}, {"size:1M..3M", true}, {"size:<=2M", true}, {"size:=2M", true},
		{"id:1@example.org", true}, {"id:<1@example.org>", true}, {"id:1@example", false},
		{"header:X-Spam=score", true}, {"header:x-spam", true}, {"header:X-Other", false}, {`header:X-Spam=/score=1\.\d/`, true},
		{"date:7d..", true}, {"date:7d", true}, {"date:..7d", false}, {"date:5d..", false}, {"date:30d..5d", true},
		{"date:2026", true}, {"date:2026-11", true}, {"date:2026-11-15", true}, {"date:2026-11-16", false}, {"date:2025..2026-10", false},
		{"date:..2026-11", true}, {"older:5d", true}, {"older:7d", false}, {"newer:7d", true}, {"before:2026-11-15", false}, {"after:2026-11-15", true},
		{"received:yesterday", true}, {"received:today", false},
		{"from:grace OR to:grace", true}, {"from:grace | to:grace", true}, {"from:grace to:grace", false}, {"from:grace OR to:grace is:unread", false},
		{"(from:grace OR to:grace) is:read", true}, {"-(from:ada to:zoe)", true}, {"NOT from:ada", false}, {"from:ada AND to:grace", true},
		{"from:(grace OR ada)", true}, {"from:(grace ada)", false}, {"to:(-ada grace)", true},
		{"~f ada", true}, {"~f ada ~t grace", true}, {"! ~f ada", false}, {"!~f grace", true}, {"~N", false}, {"~R", true}, {"~F", true}, {"~A", true},
		{"~s ^.PATCH", true}, {"~s jitter.buffer", false}, {"~s jitter.*buffer", true}, {"~b drains", true}, {"~C zoe", true}, {"~p", true}, {"~P", false}, {"~l", true},
		{"~d <7d", true}, {"~d >7d", false}, {"~d 15/11/2026", true}, {"~d 1/11/2026-16/11/2026", true}, {"~d 16/11/2026-", false},
		{"~z >1M", true}, {"~z 1M-3M", true}, {"~X 1-", true}, {`~h "x-spam: score"`, true}, {"~f grace | ~t grace", true},
		{"http://example.org", false}, {"12:30", false}, {"Kelvin", false},
	}
	for _, tt := range tests {
		q, err := ParseWith(tt.query, Options{Now: now, Me: []string{"me@example.net"}})
		if err != nil {
			t.Errorf("%q: %v", tt.query, err)
			continue
		}
		d := letter()
		if got := q.Match(d); got != tt.want {
			t.Errorf("%q matches: %v, want %v", tt.query, got, tt.want)
		}
		if d.asked && !q.NeedsBody() {
			t.Errorf("%q read the body without saying so", tt.query)
		}
	}
}

func TestString(t *testing.T) {
	tests := []struct{ in, want string }{
		{"", ""}, {"  ", ""},
		{"a  b", "a b"}, {"a AND b", "a b"}, {"a OR b c", "a OR b c"}, {"(a OR b) c", "(a OR b) c"}, {"((a b) c)", "a b c"},
		{"a | b || c", "a OR b OR c"}, {"--a", "a"}, {"-(a b)", "-(a b)"}, {"NOT a", "-a"}, {"! a", "-a"},
		{`"a b"`, `"a b"`}, {`"a"`, "a"}, {`"OR"`, `"OR"`}, {`"-a"`, `"-a"`}, {"%f(a)", `"%f" a`}, {"%f(a)b", `"%f" a b`}, {`"x:y"`, `"x:y"`}, {`"say \"hi\""`, `"say \"hi\""`},
		{"FROM:Ada", "from:Ada"}, {"from:(a OR b)", "from:a OR from:b"}, {"is:starred", "is:flagged"}, {"before:2026", "older:2026"},
		{"date:7D", "date:7d.."}, {"size:>1024k", "size:>1M"}, {"size:>=1M", "size:>1048575"}, {"size:2M", "size:>2097151"}, {"size:<=9", "size:<10"},
		{"folder:lists", "in:lists"}, {"header:x-a=b c", "header:X-A=b c"}, {"header:x-a", "header:X-A"}, {`header:x-a="b c"`, `header:"X-A=b c"`},
		{"/a b/", "/a b/"}, {`subject:/a\/b/`, `subject:/a\/b/`}, {"~f ada ~N", "from:ada is:new"}, {"~s ^x", "subject:/^x/"}, {"~A", "*"},
		{"from:me", "from:me"}, {`from:"me"`, `from:"me"`}, {"http://a/b", `"http://a/b"`}, {"flag:SF", "flag:FS"}, {"/usr/bin", `"/usr/bin"`},
	}
	for _, tt := range tests {
		q, err := ParseWith(tt.in, Options{Now: now})
		if err != nil {
			t.Errorf("%q: %v", tt.in, err)
		} else if got := q.String(); got != tt.want {
			t.Errorf("%q is %s, want %s", tt.in, got, tt.want)
		}
	}
}

func TestErrors(t *testing.T) {
	tests := []struct {
		in   string
		pos  int
		hint string // part of the message
	}{
		{"form:ada", 0, "did you mean from:"},
		{"a subjet:x", 2, "did you mean subject:"},
		{"zzzzzz:x", 0, "between quotes"},
		{"is:rad", 3, "unread, read"},
		{"has:money", 4, "attachment"},
		{"date:soon", 5, "7d.."},
		{"date:..", 5, "neither"},
		{"date:7d..30d", 5, "older comes first"},
		{"size:big", 5, ">1M"},
		{"size:>", 5, "not a size"},
		{"size:<0", 5, "smaller than 0"},
		{"from:", 5, "no value"},
		{"(a b", 0, "never closed"},
		{"a) b", 1, "without"},
		{`"a b`, 0, "never closed"},
		{"a OR", 4, "missing at the end"},
		{"OR a", 0, "missing here"},
		{"-", 1, "missing at the end"},
		{"()", 1, "missing"},
		{"~", 0, "letter is missing"},
		{"~j x", 0, "not known"},
		{"~f", 2, "no value"},
		{"~d sometime", 3, "not a date"},
		{"subject:/(/", 8, "not a regular expression"},
		{"header:=x", 7, "wants a name"},
		{"flag:42", 5, "letters"},
		{strings.Repeat("(", 200), 64, "too deep"},
		{strings.Repeat("-", 200), 64, "too deep"},
		{strings.Repeat("x", maxLength+1), maxLength, "too long"},
	}
	for _, tt := range tests {
		_, err := ParseWith(tt.in, Options{Now: now})
		var e *Error
		if !errors.As(err, &e) {
			t.Errorf("%.40q: error %v", tt.in, err)
			continue
		}
		if e.Pos != tt.pos || !strings.Contains(e.Error(), tt.hint) {
			t.Errorf("%.40q: at %d: %v; want it at %d with %q", tt.in, e.Pos, e, tt.pos, tt.hint)
		}
	}
}

func TestWords(t *testing.T) {
	q, err := Parse(`from:ada -subject:not "two words" (body:x OR ~s y) /re/ is:read`)
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(q.Words(), "|"); got != "ada|two words|x|y" {
		t.Error(got)
	}
}

// What is parsed can be written, and what is written parses to the same query.
func FuzzParse(f *testing.F) {
	for _, s := range []string{`from:ada OR -("a b" is:read)`, `~f x !~N | ~d <7d`, `header:"X=/a\\b/" size:>1M`, `to:(a OR -b) /r\/e/`, "thread:{a -from:b} XOR tag:x", `thread:"{is:new}" type:/a|b/`,
		"path:a/** keyword:unread", "~(~f x | ~N) =s ^a ~X 0", "date:last_week.. lang:de_AT larger:1M", "not a xor b or has:link",
		"any:me flag:personal list:*", `subject:ab* "x*" "me"`, "thread:<{x}> label:Muted folder:/", "date:30d..7d older:2026-01-01 *", `cc:"\"" in:"a b"`} {
		f.Add(s)
	}
	opt := Options{Now: now, Me: []string{"me@example.net"}}
	f.Fuzz(func(t *testing.T, s string) {
		q, err := ParseWith(s, opt)
		if err != nil {
			var e *Error
			if !errors.As(err, &e) || e.Pos < 0 || e.Pos > len(s) {
				t.Fatalf("%q: %v", s, err)
			}
			return
		}
		text := q.String()
		again, err := ParseWith(text, opt)
		if err != nil {
			if len(text) > maxLength || strings.Contains(err.Error(), "too deep") {
				return // parentheses made it longer than may be
			}
			t.Fatalf("%q is %q: %v", s, text, err)
		}
		if got := again.String(); got != text {
			t.Fatalf("%q is %q is %q", s, text, got)
		}
		d, e := letter(), letter()
		if q.Match(d) != again.Match(e) {
			t.Fatalf("%q and %q differ", s, text)
		}
	})
}
