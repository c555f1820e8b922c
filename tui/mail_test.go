package tui

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A letter is a message of the trial Maildir.
type letter struct {
	at       string // time of the Date field
	from     string
	subject  string
	body     string
	flags    string // "new", or flags of cur
	id, re   string
	to       string
	more     string // further fields
	attached string // name of an attachment
}

// trialMail is the mail that the screens show.
func trialMail(t testing.TB, dir string) {
	inbox := []letter{
		{at: "Thu 12 Nov 10:00", from: "HR <hr@example.org>", subject: "Payslip November", body: "your document is ready", flags: "S", attached: "payslip.pdf"},
		{at: "Fri 13 Nov 11:00", from: "Linus T <linus@example.net>", subject: "[GIT PULL] mail fixes", body: "please pull, three small ones", flags: "S", id: "pull@x"},
		{at: "Fri 13 Nov 12:00", from: "Ada Lovelace <ada@example.org>", subject: "Re: [GIT PULL] mail fixes", body: "pulled, thanks", flags: "S", id: "pulled@x", re: "pull@x"},
		{at: "Sun 15 Nov 09:00", from: "Zoë Ümlaut <zoe@uni.example>", subject: "Flat viewing", body: "Tuesday 18:00 works for me", flags: "RS"},
		{at: "Mon 16 Nov 09:00", from: "Robin <robin@example.net>", subject: "aerc -> pneu notes", body: "the queue view is the reason", flags: "S"},
		{at: "Mon 16 Nov 14:00", from: "Ada Lovelace <ada@example.org>", subject: "Invoice 4711", body: "paid, thanks", flags: "S"},
		{at: "Wed 18 Nov 08:00", from: "Mail Delivery System <MAILER-DAEMON@example.org>", subject: "Undelivered: Re: offer", body: "550 5.1.1 no such user", flags: "S"},
		{at: "Thu 19 Nov 19:00", from: "Zoë Ümlaut <zoe@uni.example>", subject: "Photos from Lisbon", body: "12 pictures attached", flags: "S", attached: "IMG_0412.jpg"},
		{at: "Fri 20 Nov 10:00", from: "Grace Hopper <grace@navy.example>", subject: "Re-indexing the archive", body: "I would like to rebuild the index on host b tonight.", flags: "S", id: "idx1@x", to: "list@lists.example"},
		{at: "Fri 20 Nov 11:40", from: "Linus T <linus@example.net>", subject: "Re: Re-indexing the archive", body: "Why not incremental?", flags: "S", id: "idx2@x", re: "idx1@x"},
		{at: "Fri 20 Nov 12:01", from: "Ada Lovelace <ada@example.org>", subject: "Re: Re-indexing the archive", body: "Because the index on b is a month old.", flags: "S", id: "idx3@x", re: "idx1@x idx2@x"},
		{at: "Fri 20 Nov 12:09", from: "Me <me@example.org>", subject: "Re: Re-indexing the archive", body: "I can watch it.", flags: "S", id: "idx4@x", re: "idx1@x idx2@x idx3@x"},
		{at: "Fri 20 Nov 18:30", from: "Linus T <linus@example.net>", subject: "Lunch on Friday?", body: "12:30 at the usual place", flags: "S", id: "lunch1@x"},
		{at: "Sat 21 Nov 07:58", from: "\"security@bank.com\" <m5@evil.example>", subject: "Statement October", body: "open at once", flags: "S"},
		{at: "Sat 21 Nov 08:30", from: "CI <ci@example.org>", subject: "failed: main @ 3f2a1b", body: "3 tests failed: TestQueueRetry", flags: "S"},
		{at: "Sat 21 Nov 08:31", from: "Zoë Ümlaut <zoe@uni.example>", subject: "Re: Re-indexing the archive", body: "The second pass took 3 s, so the incremental path works.\n\n" + quoted(12) + "\n\nNumbers: https://bench.example/run/41", flags: "new", id: "idx5@x", re: "idx1@x idx2@x"},
		{at: "Sat 21 Nov 08:55", from: "Grace Hopper <grace@navy.example>", subject: "Re: Re-indexing the archive", body: "I measured 41 s for the first pass on ZFS:\n\n    pass   files      time\n    1      1,000,000  41.2 s\n    2              0   0.3 s\n\n> so the incremental path works\n\nThe script is at https://bench.example/run/41 and the raw numbers are attached.\n\n-- \nGrace", flags: "new", id: "idx6@x", re: "idx1@x idx5@x", to: "list@lists.example, me@example.org", attached: "results.csv"},
		{at: "Sat 21 Nov 09:12", from: "山田 太郎 <yamada@example.jp>", subject: "請求書のご確認", body: "いつもお世話になっております。請求書をお送りいたします。", flags: "new"},
		{at: "Sat 21 Nov 09:41", from: "Ada Lovelace <ada@example.org>", subject: "[PATCH v3 2/7] queue: retry with jitter", body: "jitter window now +/-15 %, see the table below\n\ndiff --git a/q.go b/q.go\n--- a/q.go\n+++ b/q.go\n@@ -1 +1 @@\n-old\n+new", flags: "F", more: "List-Id: <dev.lists.example>\nList-Post: <mailto:dev@lists.example>\n", id: "patch@x"},
	}
	deliver(t, dir, inbox)
	deliver(t, filepath.Join(dir, ".Archive.2026"), []letter{{at: "Mon 02 Nov 10:00", from: "Ada <ada@example.org>", subject: "Old", body: "old", flags: "S"}})
	deliver(t, filepath.Join(dir, ".lists.golang"), []letter{{at: "Mon 02 Nov 10:00", from: "rsc <rsc@example.org>", subject: "proposal", body: "p", flags: "new"}})
	deliver(t, filepath.Join(dir, ".Sent"), []letter{{at: "Mon 02 Nov 10:00", from: "Me <me@example.org>", to: "Ada Lovelace <ada@example.org>", subject: "hello", body: "hi", flags: "S"}})
	for _, f := range []string{".Drafts", ".Trash", ".Junk", ".Archive"} {
		deliver(t, filepath.Join(dir, f), nil)
	}
}

func quoted(n int) string {
	var s []string
	for i := range n {
		s = append(s, fmt.Sprintf("> line %d of what was said before", i+1))
	}
	return strings.Join(s, "\n")
}

func deliver(t testing.TB, folder string, letters []letter) {
	t.Helper()
	put(t, folder, "tmp/x", "")
	for i, l := range letters {
		at, err := time.Parse("Mon 02 Jan 15:04 2006", l.at+" 2026")
		if err != nil {
			t.Fatal(err)
		}
		if l.id == "" {
			l.id = fmt.Sprintf("m%d.%d@trial", at.Unix(), i)
		}
		if l.to == "" {
			l.to = "Me <me@example.org>"
		}
		text := fmt.Sprintf("From: %s\nTo: %s\nSubject: %s\nDate: %s\nMessage-ID: <%s>\n%s", l.from, l.to, l.subject, at.Format(time.RFC1123Z), l.id, l.more)
		if l.re != "" {
			text += "References: <" + strings.Join(strings.Fields(l.re), "> <") + ">\n"
		}
		if l.attached != "" {
			text += "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain; charset=utf-8\n\n" + l.body +
				"\n--b\nContent-Type: application/octet-stream\nContent-Disposition: attachment; filename=\"" + l.attached + "\"\nContent-Transfer-Encoding: base64\n\nAAECAwQFBgcICQ==\n--b--\n"
		} else {
			text += "MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n\n" + l.body + "\n"
		}
		name := fmt.Sprintf("%d.M%dP1.trial", at.Unix(), i)
		if l.flags == "new" {
			put(t, folder, "new/"+name, text)
			continue
		}
		put(t, folder, "cur/"+name+":2,"+l.flags, text)
	}
}
