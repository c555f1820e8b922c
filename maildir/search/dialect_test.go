package search

import (
	"errors"
	"strings"
	"testing"

	"pneu/maildir/message"
)

// What other programs' users type, and what it is here.
func TestDialects(t *testing.T) {
	tests := []struct{ dialect, in, want string }{
		{"pneu", "from:ada", "from:ada"},
		{"pneu", "any:ada", "any:ada"},
		{"pneu", "reply-to:ada", "replyto:ada"},
		{"pneu", "text:word", "word"},
		{"pneu", `text:"*"`, `"*"`},
		{"pneu", "word*", "word"},
		{"pneu", "ada**", "ada"},
		{"pneu", `"word*"`, `"word*"`},
		{"pneu", "***", "*"},
		{"pneu", "is:seen", "is:read"},
		{"pneu", "is:muted", "tag:$Muted"},
		{"pneu", "is:junk", "tag:$Junk"},
		{"pneu", "is:spam", "tag:$Junk"},
		{"pneu", "is:signed", "has:signed"},
		{"pneu", "is:bounce", "is:report"},
		{"pneu", "has:attachments", "has:attachment"},
		{"pneu", "has:invitation", "has:invite"},
		{"pneu", "tag:$Forwarded", "tag:$Forwarded"},
		{"pneu", "keyword:unread", "keyword:unread"},
		{"pneu", "tag:*", "tag:*"},
		{"pneu", `tag:"*"`, `tag:"*"`},
		{"pneu", "tag:/^w/", "tag:/^w/"},
		{"pneu", "type:PDF", "type:pdf"},
		{"pneu", "type:application/pdf", "type:application/pdf"},
		{"pneu", "type:/pdf|zip/", "type:/pdf|zip/"},
		{"pneu", "attachment:report", "attachment:report"},
		{"pneu", `attachment:"a b"`, `attachment:"a b"`},
		{"pneu", "attachment:*", "attachment:*"},
		{"pneu", "lang:de_AT", "lang:de-at"},
		{"pneu", "link:mismatch", "link:mismatch"},
		{"pneu", "size:1k..2k", "size:1k..2k"},
		{"pneu", "saved:7d", "saved:7d.."},
		{"pneu", "thread:1@example.org", "thread:1@example.org"},
		{"pneu", "thread:<1@example.org>", "thread:1@example.org"},
		{"pneu", "thread:<{x}>", `thread:"<{x}>"`},
		{"pneu", "thread:{from:ada is:unread}", "thread:{from:ada is:unread}"},
		{"pneu", "thread:{ from:ada  OR (x -y) } z", "thread:{from:ada OR x -y} z"},
		{"pneu", "thread:{thread:{a} b}", "thread:{thread:{a} b}"},
		{"pneu", `thread:{"}"}`, `thread:{"}"}`},
		{"pneu", "thread:{.}", "thread:1@example.org"},
		{"pneu", "thread:{ this }", "thread:1@example.org"},
		{"pneu", "thread:{.x}", "thread:{.x}"},
		{"pneu", "a}", `"a}"`},
		{"pneu", "a XOR b", "a XOR b"},
		{"pneu", "a XOR b XOR c", "a XOR b XOR c"},
		{"pneu", "a XOR (b XOR c)", "a XOR (b XOR c)"},
		{"pneu", "a OR b XOR c", "(a OR b) XOR c"},
		{"pneu", "a XOR b OR c", "(a XOR b) OR c"},
		{"pneu", "(a XOR b) c", "(a XOR b) c"},
		{"pneu", "-(a XOR b)", "-(a XOR b)"},
		{"pneu", "to:(ada OR grace)", "to:ada OR to:grace"},
		{"pneu", "tag:(work OR $Junk)", "tag:work OR tag:$Junk"},
		{"pneu", "in:anywhere", "*"},
		{"pneu", "header:X-Spam=/yes/", "header:X-Spam=/yes/"},

		{"notmuch", "tag:unread", "is:unread"},
		{"notmuch", "tag:inbox", "in:INBOX"},
		{"notmuch", "tag:flagged", "is:flagged"},
		{"notmuch", "tag:replied", "is:replied"},
		{"notmuch", "tag:passed", "is:forwarded"},
		{"notmuch", "tag:draft", "is:draft"},
		{"notmuch", "tag:deleted", "is:trashed"},
		{"notmuch", "tag:attachment", "has:attachment"},
		{"notmuch", "tag:signed", "has:signed"},
		{"notmuch", "tag:encrypted", "has:encrypted"},
		{"notmuch", "tag:spam", "tag:$Junk"},
		{"notmuch", "tag:work", "tag:work"},
		{"notmuch", "is:unread", "is:unread"},
		{"notmuch", "folder:Archive/2026", "in:Archive/2026"},
		{"notmuch", `folder:""`, "in:INBOX"},
		{"notmuch", "path:Archive/2026", "in:Archive/2026"},
		{"notmuch", "path:Archive/**", "in:Archive OR in:Archive/*"},
		{"notmuch", "path:**", "*"},
		{"notmuch", "path:lists/cur", "in:lists"},
		{"notmuch", `path:""`, "in:INBOX"},
		{"notmuch", "mid:1@example.org", "id:1@example.org"},
		{"notmuch", "id:1@example.org", "id:1@example.org"},
		{"notmuch", "attachment:report.pdf", "attachment:report.pdf"},
		{"notmuch", "mimetype:image/png", "type:image/png"},
		{"notmuch", "from:/ada|grace/", "from:/ada|grace/"},
		{"notmuch", "subject:/^re:/", "subject:/^re:/"},
		{"notmuch", "a and b", "a b"},
		{"notmuch", "a or b", "a OR b"},
		{"notmuch", "a and not b", "a -b"},
		{"notmuch", "not a", "-a"},
		{"notmuch", "a xor b", "a XOR b"},
		{"notmuch", "(from:ada or from:grace) and not tag:unread", "(from:ada OR from:grace) -is:unread"},
		{"notmuch", `"quoted phrase"`, `"quoted phrase"`},
		{"notmuch", `subject:"pull request"`, `subject:"pull request"`},
		{"notmuch", "date:2026..", "date:2026.."},
		{"notmuch", "date:yesterday..", "date:yesterday.."},
		{"notmuch", "date:7d..", "date:7d.."},
		{"notmuch", "date:2026-01..2026-03", "date:2026-01..2026-03"},
		{"notmuch", "date:@1700000000..@1700000100", "date:@1700000000..@1700000100"},
		{"notmuch", "date:last_week", "date:last_week"},
		{"notmuch", `date:"this month"`, `date:"this month"`},
		{"notmuch", "date:monday..", "date:monday.."},
		{"notmuch", "date:january", "date:january"},
		{"notmuch", "date:3days..", "date:3days.."},
		{"notmuch", `thread:"{from:ada}"`, "thread:{from:ada}"},
		{"notmuch", "*", "*"},

		{"mu", "flag:unread", "is:unread"},
		{"mu", "flag:seen", "is:read"},
		{"mu", "flag:attach", "has:attachment"},
		{"mu", "flag:list", "has:list"},
		{"mu", "flag:calendar", "has:invite"},
		{"mu", "flag:personal", "any:me"},
		{"mu", "g:flagged", "is:flagged"},
		{"mu", "g:u", "is:unread"},
		{"mu", "g:a", "has:attachment"},
		{"mu", "g:FS", "flag:FS"},
		{"mu", "maildir:/x", "in:x"},
		{"mu", "maildir:/", "in:INBOX"},
		{"mu", "m:/Archive/2026", "in:Archive/2026"},
		{"mu", "msgid:1@example.org", "id:1@example.org"},
		{"mu", "i:1@example.org", "id:1@example.org"},
		{"mu", "mime:application/pdf", "type:application/pdf"},
		{"mu", "mime:image/*", "type:image/*"},
		{"mu", "file:report", "attachment:report"},
		{"mu", "prio:high", "is:urgent"},
		{"mu", "prio:normal", "-is:urgent"},
		{"mu", "size:10k..", "size:>10239"},
		{"mu", "size:10k..2m", "size:10k..2M"},
		{"mu", "date:20260101..20260201", "date:20260101..20260201"},
		{"mu", "date:202601011230..", "date:202601011230.."},
		{"mu", "date:2w..", "date:2w.."},
		{"mu", "date:..2d", "date:..2d"},
		{"mu", "date:today..now", "date:today..now"},
		{"mu", "s:capybara", "subject:capybara"},
		{"mu", "f:ada and t:grace", "from:ada to:grace"},
		{"mu", "contact:ada", "any:ada"},
		{"mu", "recip:ada", "rcpt:ada"},
		{"mu", "list:golang", "list:golang"},
		{"mu", "x:work", "tag:work"},
		{"mu", "refs:1@example.org", "header:References=1@example.org"},
		{"mu", "from:ada not flag:unread", "from:ada -is:unread"},
		{"mu", "language:de", "lang:de"},
		{"mu", "subject:soc*", "subject:soc"},

		{"gmail", "older_than:1y", "older:1y"},
		{"gmail", "newer_than:2d", "newer:2d"},
		{"gmail", "after:2026/01/02 before:2026/03/01", "newer:2026/01/02 older:2026/03/01"},
		{"gmail", "larger:10M", "size:>10M"},
		{"gmail", "smaller:10k", "size:<10k"},
		{"gmail", "filename:pdf", "attachment:pdf"},
		{"gmail", "is:starred", "is:flagged"},
		{"gmail", "label:work", "tag:work"},
		{"gmail", "rfc822msgid:1@example.org", "id:1@example.org"},
		{"gmail", "deliveredto:ada@example.org", "header:Delivered-To=ada@example.org"},
		{"gmail", "subject:(dinner movie)", "subject:dinner subject:movie"},
		{"gmail", "has:attachment", "has:attachment"},

		{"mutt", "~f ada", "from:ada"},
		{"mutt", "~t ada", "to:ada"},
		{"mutt", "~c ada", "cc:ada"},
		{"mutt", "~C ada", "rcpt:ada"},
		{"mutt", "~L ada", "any:ada"},
		{"mutt", "~s word", "subject:word"},
		{"mutt", `~s "two words"`, `subject:"two words"`},
		{"mutt", "~s ^re", "subject:/^re/"},
		{"mutt", "=s ^re", "subject:^re"},
		{"mutt", "~b word", "body:word"},
		{"mutt", "=b word", "body:word"},
		{"mutt", "~B word", "word"},
		{"mutt", "~d <7d", "date:7d.."},
		{"mutt", "~d >2w", "date:..2w"},
		{"mutt", "~d =1d", "date:2026-11-20"},
		{"mutt", "~d 14/3/2026", "date:2026-03-14"},
		{"mutt", "~d 1/3/26-14/3/26", "date:2026-03-01..2026-03-14"},
		{"mutt", "~d 20260314-", "date:2026-03-14.."},
		{"mutt", "~d -14/3", "date:..2026-03-14"},
		{"mutt", "~r <1m", "received:1m.."},
		{"mutt", "~F", "is:flagged"},
		{"mutt", "~N", "is:new"},
		{"mutt", "~O", "is:old"},
		{"mutt", "~U", "is:unread"},
		{"mutt", "~R", "is:read"},
		{"mutt", "~D", "is:trashed"},
		{"mutt", "~Q", "is:replied"},
		{"mutt", "~A", "*"},
		{"mutt", "~p", "rcpt:me"},
		{"mutt", "~P", "from:me"},
		{"mutt", "~l", "list:*"},
		{"mutt", "~u", "list:*"},
		{"mutt", "~g", "has:signed"},
		{"mutt", "~G", "has:encrypted"},
		{"mutt", "~k", "type:application/pgp-keys"},
		{"mutt", "~X", "has:attachment"},
		{"mutt", "~X 1-", "has:attachment"},
		{"mutt", "~X 0", "-has:attachment"},
		{"mutt", "~z >10k", "size:>10k"},
		{"mutt", "~z 10k-20k", "size:10k..20k"},
		{"mutt", "~z -20k", "size:<20481"},
		{"mutt", `~h "X-Spam: yes"`, "header:X-Spam=yes"},
		{"mutt", `~h "X-Spam: ^yes"`, "header:X-Spam=/^yes/"},
		{"mutt", "~i 1@example.org", "id:1@example.org"},
		{"mutt", "~i <1@example.org>", "id:1@example.org"},
		{"mutt", "~i test", "header:Message-Id=test"},
		{"mutt", "~i @example.org", "header:Message-Id=@example.org"},
		{"mutt", "~i ^<x", "header:Message-Id=/^<x/"},
		{"mutt", `~h "^X-Mailer:.*Outlook"`, "header:X-Mailer=Outlook"},
		{"mutt", `~h "^X-Mailer: Out.+k"`, "header:X-Mailer=/Out.+k/"},
		{"mutt", "~h X-Spam:", "header:X-Spam"},
		{"mutt", "~e ada", "header:Sender=ada"},
		{"mutt", "~x 1@example.org", "header:References=1@example.org"},
		{"mutt", "~y work", "header:X-Label=work"},
		{"mutt", "~Y work", "tag:work"},
		{"mutt", "~M application/pdf", "type:application/pdf"},
		{"mutt", "~(~f ada)", "thread:{from:ada}"},
		{"mutt", "~(~N | ~F) ~s x", "thread:{is:new OR is:flagged} subject:x"},
		{"mutt", "!~p !~P", "-rcpt:me -from:me"},
		{"mutt", "! (~f ada | ~f grace)", "-(from:ada OR from:grace)"},
		{"mutt", "~f ada|~t ada", "from:ada OR to:ada"},
		{"mutt", "=x", "=x"},
	}
	opt := Options{Now: now, Current: &message.Summary{MessageID: "1@example.org", InReplyTo: "0@example.org"}}
	for _, tt := range tests {
		q, err := ParseWith(tt.in, opt)
		if err != nil {
			t.Errorf("%s: %q: %v", tt.dialect, tt.in, err)
			continue
		}
		got := q.String()
		if tt.in == "=x" {
			tt.want = `"=x"`
		}
		if got != tt.want {
			t.Errorf("%s: %q is %s, want %s", tt.dialect, tt.in, got, tt.want)
		}
		again, err := ParseWith(got, opt)
		if err != nil || again.String() != got {
			t.Errorf("%s: %q is %s, which is %s, %v", tt.dialect, tt.in, got, again, err)
		}
	}
}

// What cannot be had says why, and what to write instead.
func TestRefused(t *testing.T) {
	tests := []struct {
		in     string
		column int
		msg    []string
	}{
		{"property:x=y", 1, []string{"property: is not supported", "database", "header:"}},
		{"a query:saved", 3, []string{"query: is not supported", "parentheses"}},
		{"lastmod:1..2", 1, []string{"revisions", "received:"}},
		{"category:social", 1, []string{"Gmail", "has:list"}},
		{"uid:5", 1, []string{"servers", "id:"}},
		{"prio:low", 6, []string{"priority", "prio:high"}},
		{"lnk:x", 1, []string{"did you mean link:"}},
		{"tread:x", 1, []string{"did you mean thread:"}},
		{"attachmnt:x", 1, []string{"did you mean attachment:"}},
		{"is:unred", 4, []string{"did you mean unread?"}},
		{"is:fagged", 4, []string{"did you mean flagged?"}},
		{"has:attachmet", 5, []string{"did you mean attachment?"}},
		{"has:unread", 5, []string{"is:unread asks for that"}},
		{"link:any", 6, []string{"link:mismatch", "has:link"}},
		{"thread:", 8, []string{"no value", "thread:{.}"}},
		{"thread:{.}", 8, []string{"no current message", "thread:ID"}},
		{"thread:{from:ada", 8, []string{"never closed"}},
		{"thread:{(a}", 9, []string{"never closed"}},
		{"thread:{}", 9, []string{"missing"}},
		{"thread:/x/", 8, []string{"no regular expression"}},
		{`x thread:"{frm:ada}"`, 10, []string{"did you mean from:"}},
		{"x thread:{a frm:ada}", 13, []string{"did you mean from:"}},
		{"folder:/a/", 8, []string{"no regular expression"}},
		{"date:2026-13", 6, []string{"not a date", "7d.."}},
		{"date:32d..2026-13-01", 6, []string{"2026-13-01"}},
		{"flag:4", 6, []string{"letters", "flag:unread"}},
		{"larger:huge", 8, []string{"not a size"}},
		{"a and", 3, []string{"missing behind AND", "quotes"}},
		{"a or", 5, []string{"missing at the end", "quotes"}},
		{"or a", 1, []string{"missing here", "quotes"}},
		{"not", 1, []string{"missing behind NOT", "quotes"}},
		{"xor b", 1, []string{"missing here"}},
		{"~T", 1, []string{"~T is not supported", "tagged"}},
		{"~S", 1, []string{"~S is not supported"}},
		{"~E", 1, []string{"~E is not supported"}},
		{"~n 5", 1, []string{"~n is not supported", "scores"}},
		{"~m 1-5", 1, []string{"~m is not supported", "pneu seq"}},
		{"~H spam", 1, []string{"~H is not supported", "is:junk"}},
		{"~v", 1, []string{"~v is not supported"}},
		{"~V", 1, []string{"~V is not supported", "has:signed"}},
		{"~=", 1, []string{"~= is not supported", "dedupe"}},
		{"~$", 1, []string{"~$ is not supported"}},
		{"~#", 1, []string{"~# is not supported"}},
		{"~<(~f ada)", 1, []string{"~< is not supported", "~(PATTERN)"}},
		{"~>(~f ada)", 1, []string{"~> is not supported", "~(PATTERN)"}},
		{"%f group", 1, []string{"groups"}},
		{"~X 3-", 4, []string{"not counted"}},
		{"~h spam", 4, []string{"a name and a value"}},
		{"~(a", 1, []string{"never closed"}},
	}
	for _, tt := range tests {
		_, err := ParseWith(tt.in, Options{Now: now})
		var e *Error
		if !errors.As(err, &e) {
			t.Errorf("%q: error %v", tt.in, err)
			continue
		}
		if e.Pos+1 != tt.column {
			t.Errorf("%q: %v; want column %d", tt.in, e, tt.column)
		}
		for _, m := range tt.msg {
			if !strings.Contains(e.Error(), m) {
				t.Errorf("%q: %v; want %q in it", tt.in, e, m)
			}
		}
	}
}
