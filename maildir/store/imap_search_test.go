package store

import (
	"math"
	"strings"
	"testing"
	"time"

	"pneu/maildir"
	"pneu/maildir/search"
)

// Every key of IMAP SEARCH (RFC 9051, 6.4.4; 3501; 5032; 7162; 8514) is a query here.
func TestIMAPSearch(t *testing.T) {
	messages := []struct {
		flags    maildir.Flags
		keywords []string
		received string // INTERNALDATE
		raw      string
	}{
		{"S", nil, "2026-01-10T12:00:00Z", "From: Ada <ada@example.org>\nTo: bob@example.net\nSubject: Kettle\nDate: Fri, 9 Jan 2026 23:30:00 -0500\n\nwater\n"},
		{"RS", []string{"$Label1"}, "2026-01-11T00:30:00Z", "From: bob@example.net\nTo: ada@example.org\nCc: carl@example.com\nSubject: Re: kettle\nDate: Sun, 11 Jan 2026 01:00:00 +0100\nX-Spam: no\n\n" + strings.Repeat("boils\n", 100)},
		{"F", []string{"$label1", "work"}, "2026-01-12T08:00:00Z", "From: carl@example.com\nTo: ada@example.org\nBcc: dora@example.com\nSubject: =?utf-8?q?K=C3=A4se?=\nDate: Mon, 12 Jan 2026 09:00:00 +0100\nX-Spam:\n\nand bread\n"},
		{"DST", nil, "2026-02-01T08:00:00Z", "From: ada@example.org\nSubject: draft\n\n"},
		{"", nil, "2026-02-02T08:00:00Z", "From: eve@example.com\nTo: ada@example.org\nSubject: no date\nContent-Type: text/html; charset=utf-8\n\n<p>W<b>at</b>er &amp; sand</p>\n"},
	}
	day := func(s string) time.Time {
		d, err := time.Parse("2-Jan-2006", s)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	not, all := search.Not, search.Range{First: 1, Last: math.MaxUint32}
	tests := []struct {
		key  string
		q    search.Query
		want string // UIDs
	}{
		{"2:3,5", search.Sequence([]search.Range{{First: 2, Last: 3}, {First: 5, Last: 5}}), "235"},
		{"1:*", search.Sequence([]search.Range{all}), "12345"},
		{"ALL", search.All(), "12345"},
		{"ANSWERED", search.Flagged("R"), "2"},
		{"UNANSWERED", not(search.Flagged("R")), "1345"},
		{"BCC dora", search.Bcc("dora"), "3"},
		{"BEFORE 11-Jan-2026", search.DayBefore(search.Received, day("11-Jan-2026")), "1"},
		{"ON 11-Jan-2026", search.DayOn(search.Received, day("11-Jan-2026")), "2"},
		{"SINCE 12-Jan-2026", search.DaySince(search.Received, day("12-Jan-2026")), "345"},
		{"SENTBEFORE 10-Jan-2026", search.DayBefore(search.Sent, day("10-Jan-2026")), "1"},
		{"SENTON 9-Jan-2026", search.DayOn(search.Sent, day("9-Jan-2026")), "1"},
		{"SENTON 11-Jan-2026", search.DayOn(search.Sent, day("11-Jan-2026")), "2"},
		{"SENTSINCE 11-Jan-2026", search.DaySince(search.Sent, day("11-Jan-2026")), "23"}, // the others bear no date,
		{"BODY WATER", search.Body("WATER"), "15"},
		{"BODY oil", search.Body("oil"), "2"},
		{`BODY ""`, search.Body(""), "12345"},
		{"CC carl", search.Cc("carl"), "2"},
		{"DELETED", search.Flagged("T"), "4"},
		{"UNDELETED", not(search.Flagged("T")), "1235"},
		{"DRAFT", search.Flagged("D"), "4"},
		{"UNDRAFT", not(search.Flagged("D")), "1235"},
		{"FLAGGED", search.Flagged("F"), "3"},
		{"UNFLAGGED", not(search.Flagged("F")), "1245"},
		{"SEEN", search.Flagged("S"), "124"},
		{"UNSEEN", not(search.Flagged("S")), "35"},
		{"FROM ada", search.From("ada"), "14"},
		{"FROM <ada@", search.From("<ada@"), "1"},
		{`HEADER X-Spam ""`, search.Header("X-Spam", ""), "23"},
		{"HEADER X-Spam NO", search.Header("X-Spam", "NO"), "2"},
		{"HEADER Subject kettle", search.Header("Subject", "kettle"), "12"},
		{"HEADER Date 2026", search.Header("Date", "2026"), "123"},
		{"KEYWORD $LABEL1", search.Keyword("$LABEL1"), "23"},
		{"UNKEYWORD $Label1", not(search.Keyword("$Label1")), "145"},
		{"KEYWORD nonesuch", search.Keyword("nonesuch"), ""},
		{"LARGER 500", search.Larger(500), "2"},
		{"SMALLER 100", search.Smaller(100), "4"},
		{"OR FLAGGED ANSWERED", search.Or(search.Flagged("F"), search.Flagged("R")), "23"},
		{"NOT (SEEN FROM ada)", not(search.And(search.Flagged("S"), search.From("ada"))), "235"},
		{"SUBJECT KÄSE", search.Subject("KÄSE"), "3"},
		{`SUBJECT ""`, search.Subject(""), "12345"},
		{"TEXT kettle", search.Text("kettle"), "12"},
		{"TEXT dora", search.Text("dora"), "3"},
		{"TEXT sand", search.Text("sand"), "5"},
		{"TO ADA@EXAMPLE", search.To("ADA@EXAMPLE"), "235"},
		{"UID 3:4", search.UIDs([]search.Range{{First: 3, Last: 4}}), "34"},
		{"UID 4:*", search.UIDs([]search.Range{{First: 4, Last: math.MaxUint32}}), "45"},
		{"UID 99", search.UIDs([]search.Range{{First: 99, Last: 99}}), ""},
		{"$, nothing saved", search.None(), ""},
		{"YOUNGER (2026-01-12T08:00:00)", search.Since(search.Received, day("12-Jan-2026").Add(8*time.Hour)), "345"},
		{"OLDER (2026-01-12T08:00:00)", search.Before(search.Received, day("12-Jan-2026").Add(8*time.Hour+time.Second)), "123"},
		{"MODSEQ 1", search.Modified(1), "12345"},
		{"MODSEQ 1000000", search.Modified(1e6), ""},
		{"SAVEDATESUPPORTED", search.SaveDated(), "12345"},
		{"SAVEDBEFORE 10-Jan-2026", search.DayBefore(search.Saved, day("10-Jan-2026")), ""},
		{"SAVEDSINCE 10-Jan-2026", search.DaySince(search.Saved, day("10-Jan-2026")), "12345"},
	}
	for _, mode := range []string{"index", "index and texts", "files"} {
		t.Run(mode, func(t *testing.T) {
			s := newTree(t, Options{NoIndex: mode == "files", Now: func() time.Time { return day("1-Mar-2026") }})
			b, err := s.Box("INBOX")
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range messages {
				at, err := time.Parse(time.RFC3339, m.received)
				if err != nil {
					t.Fatal(err)
				}
				if _, err := b.Append(t.Context(), maildir.Delivery{Flags: m.flags, Time: at, Cur: true}, m.keywords, strings.NewReader(m.raw)); err != nil {
					t.Fatal(err)
				}
			}
			if mode == "index and texts" {
				if err := b.EnsureText(t.Context(), nil); err != nil {
					t.Fatal(err)
				}
			}
			v, err := b.Sync(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, tt := range tests {
				set, err := v.Query(t.Context(), tt.q)
				if err != nil {
					t.Errorf("%s: %v", tt.key, err)
					continue
				}
				got := ""
				for row := range set.Rows() {
					got += string(rune('0' + v.Row(row).UID()))
				}
				if got != tt.want {
					t.Errorf("%s: %q, want %q", tt.key, got, tt.want)
				}
			}
		})
	}
}
