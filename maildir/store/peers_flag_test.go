package store

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"pneu/maildir"
	"pneu/maildir/journal"
)

// others are ways of other programs to set F or S on all messages of INBOX, beside
// our index.
var others = map[string]struct {
	needs []string
	flag  func(p *peer, flag string)
}{
	"mutt":    {[]string{"mutt", "script"}, func(p *peer, flag string) { muttFlag(p, "mutt", flag) }},
	"neomutt": {[]string{"neomutt", "script"}, func(p *peer, flag string) { muttFlag(p, "neomutt", flag) }},
	"mblaze": {[]string{"mlist", "mflag", "minc"}, func(p *peer, flag string) {
		p.run("", "minc", p.root) // new/ to cur/
		p.run(p.run("", "mlist", p.root), "mflag", "-"+flag)
	}},
	"notmuch": {[]string{"notmuch"}, func(p *peer, flag string) {
		config := p.notmuch(ignorePattern)
		if out := p.run("", "notmuch", "--config="+config, "new", "--quiet"); out != "" {
			p.t.Errorf("notmuch new: %s", out)
		}
		p.run("", "notmuch", "--config="+config, "tag", map[string]string{"F": "+flagged", "S": "-unread"}[flag], "--", "*")
	}},
}

// ignorePattern is what pneu-store(5) tells people to write into new.ignore.
const ignorePattern = `/(^|/)(pneu[.][^/]*|dovecot-[^/]*|maildirfolder)$/`

func (p *peer) notmuch(ignore string) (config string) {
	return p.file("notmuch", "[database]\npath="+p.root+"\n[user]\nprimary_email=a@example.org\n"+
		"[new]\ntags=unread;new\nignore="+ignore+"\n[maildir]\nsynchronize_flags=true\n")
}

func muttFlag(p *peer, program, flag string) {
	p.t.Helper()
	keys := "<set-flag>!"
	if flag == "S" {
		keys = "<clear-flag>N"
	}
	rc := p.file("muttrc", "set mbox_type=Maildir\nset folder='"+p.home+"'\nset spoolfile='"+p.root+"'\nset header_cache=\n"+
		"set quit=yes\nset delete=no\nset sleep_time=0\nset sendmail=/bin/false\nset timeout=5\n"+
		`push "<tag-pattern>~A<enter><tag-prefix>`+keys+`<sync-mailbox><quit>"`+"\n")
	p.run("", "script", "-qec", program+" -n -F '"+rc+"' -f '"+p.root+"'", "/dev/null")
}

// list is every message by UID: subject, letters of flags and keywords.
func list(v *View) map[UID]string {
	m := map[UID]string{}
	for n := range v.Len() {
		r := v.Row(n)
		m[r.UID()] = fmt.Sprint(r.Subject(), " ", r.Flags(), " ", r.Keywords())
	}
	return m
}

// A program that knows nothing of indexes flags messages, we flag and move, mail
// is delivered, it flags again: UIDs stay, flags of both are there, and the other
// program takes no offence at our files.
func TestPeersBesideIndex(t *testing.T) {
	for name, c := range others {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPeer(t, c.needs...)
			for n := range 5 {
				p.put("INBOX", n)
			}
			s := p.open()
			if _, err := s.CreateFolder("Work"); err != nil {
				t.Fatal(err)
			}
			b, v := p.box(s, "INBOX")
			work, _ := p.box(s, "Work")
			if err := b.Build(ctx, nil); err != nil {
				t.Fatal(err)
			}
			uids := v.UIDs([]int32{0, 1, 2, 3, 4})
			c.flag(p, "F")
			if _, err := b.SetFlags(ctx, uids, FlagChange{Add: 1 << 1, AddKeywords: []string{"ours"}}); err != nil {
				t.Fatal(err)
			}
			if _, err := b.Sync(ctx); err != nil {
				t.Fatal(err)
			}
			if _, err := b.Move(ctx, uids[:1], work); err != nil {
				t.Fatal(err)
			}
			if err := b.Flush(ctx); err != nil {
				t.Fatal(err)
			}
			p.put("INBOX", 5)
			c.flag(p, "S")
			v, err := b.Sync(ctx)
			if err != nil {
				t.Fatal(err)
			}
			got := list(v)
			if len(got) != 5 {
				t.Errorf("%d messages: %v", len(got), got)
			}
			for n, uid := range uids[1:] {
				if got[uid] != fmt.Sprintf("s%d FRSa [ours]", n+1) {
					t.Errorf("UID %d is %q", uid, got[uid])
				}
			}
			if wv, err := work.Sync(ctx); err != nil || wv.Len() != 1 || wv.Row(0).Subject() != "s0" || !slices.Equal(wv.Row(0).Keywords(), []string{"ours"}) {
				t.Errorf("moved: %v, %v", list(wv), err)
			}
			files, _ := filepath.Glob(p.root + "/pneu.*")
			if len(files) == 0 {
				t.Error("index is gone")
			}
		})
	}
}

// Rule 16: without new.ignore notmuch names our files, and with what the page says
// it names none.
func TestRule16Notmuch(t *testing.T) {
	t.Parallel()
	p := newPeer(t, "notmuch")
	for n := range 3 {
		p.put("INBOX", n)
	}
	s := p.open()
	b, _ := p.box(s, "INBOX")
	if err := b.Build(ctx, nil); err != nil {
		t.Fatal(err)
	}
	if err := b.EnsureText(ctx, nil); err != nil {
		t.Fatal(err)
	}
	config := p.notmuch(ignorePattern)
	if out := p.run("", "notmuch", "--config="+config, "new", "--quiet"); out != "" {
		t.Errorf("notmuch new: %s", out)
	}
	if out := p.run("", "notmuch", "--config="+config, "count", "--output=files", "*"); strings.TrimSpace(out) != "3" {
		t.Errorf("notmuch has %s files", out)
	}
	page, err := os.ReadFile("../../man/pneu-store.5")
	if err != nil || !strings.Contains(string(page), ignorePattern) {
		t.Errorf("pneu-store(5) names another pattern: %v", err)
	}
}

// mu indexes the messages and nothing of ours.
func TestRule16Mu(t *testing.T) {
	t.Parallel()
	p := newPeer(t, "mu")
	if strings.Contains(p.root, " ") {
		t.Skip("mu finds nothing below a path with a blank")
	}
	for n := range 3 {
		p.put("INBOX", n)
	}
	s := p.open()
	b, _ := p.box(s, "INBOX")
	if err := b.Build(ctx, nil); err != nil {
		t.Fatal(err)
	}
	p.run("", "mu", "init", "--muhome="+p.home+"/mu", "--maildir="+p.root)
	p.run("", "mu", "index", "--muhome="+p.home+"/mu", "--quiet")
	if out := p.run("", "mu", "find", "--muhome="+p.home+"/mu", "--fields=l", "number"); strings.Count(out, "\n") != 3 || strings.Contains(out, "pneu.") {
		t.Errorf("mu find: %s", out)
	}
	v, err := b.Sync(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.SetFlags(ctx, v.UIDs([]int32{0, 1, 2}), FlagChange{Add: 1}); err != nil {
		t.Fatal(err)
	}
	if err := b.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	p.run("", "mu", "index", "--muhome="+p.home+"/mu", "--quiet")
	if out := p.run("", "mu", "find", "--muhome="+p.home+"/mu", "--fields=l", "flag:seen"); strings.Count(out, "\n") != 3 {
		t.Errorf("mu does not see our flags: %s", out)
	}
}

// newMirror has mbsync keep two trees alike, far and near, of two folders.
func newMirror(t *testing.T) (p *peer, sync func()) {
	t.Helper()
	p = newPeer(t, "mbsync")
	var config strings.Builder
	for _, side := range []string{"far", "near"} {
		root := filepath.Join(p.home, side)
		for _, folder := range []string{"/INBOX", "/Work"} {
			if _, err := maildir.Create(root + folder); err != nil {
				t.Fatal(err)
			}
		}
		fmt.Fprintf(&config, "MaildirStore %s\nPath \"%s/\"\nInbox \"%[2]s/INBOX\"\nSubFolders Verbatim\n\n", side, root)
	}
	rc := p.file("mbsyncrc", "FSync no\n\n"+config.String()+"Channel c\nFar :far:\nNear :near:\nPatterns *\nSync All\nCreate Both\nExpunge Both\nSyncState *\n")
	return p, func() {
		t.Helper()
		if out := p.run("", "mbsync", "-q", "-c", rc, "-a"); out != "" {
			t.Errorf("mbsync: %s", out)
		}
	}
}

// subjects lists those of all messages of a side, with their folders.
func (p *peer) subjects(side string) (list []string) {
	p.t.Helper()
	for _, folder := range []string{"/INBOX", "/Work"} {
		for _, sub := range []string{"/cur/*", "/new/*"} {
			paths, _ := filepath.Glob(p.home + side + folder + sub)
			for _, path := range paths {
				b, err := os.ReadFile(path)
				if err != nil {
					p.t.Error(err)
				}
				_, rest, _ := strings.Cut("\n"+string(b), "\nSubject: ")
				subject, _, _ := strings.Cut(rest, "\n")
				list = append(list, folder+":"+strings.TrimSpace(subject))
			}
		}
	}
	slices.Sort(list)
	return list
}

// Rules 7 and 8: names with mbsync's UIDs stay in their folder and lose them on the
// way to another; .uidvalidity is not touched; both sides end up the same.
func TestMbsyncBesideIndex(t *testing.T) {
	t.Parallel()
	p, sync := newMirror(t)
	p.root = p.home + "/far/INBOX"
	for n := range 6 {
		p.put("INBOX", n)
	}
	sync()
	near, err := Open(p.home+"/near", Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer near.Close()
	b, v := p.box(near, "INBOX")
	work, _ := p.box(near, "Work")
	before := list(v)
	validity, err := os.ReadFile(p.home + "/near/INBOX/.uidvalidity")
	if err != nil {
		t.Fatal(err)
	}
	uids := v.UIDs([]int32{0, 1, 2, 3, 4, 5})
	if _, err := b.SetFlags(ctx, uids[:4], FlagChange{Add: 1}); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Move(ctx, uids[:1], work); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Copy(ctx, uids[1:2], work); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Append(ctx, maildir.Delivery{}, nil, strings.NewReader("Subject: s6\n\nx\n")); err != nil {
		t.Fatal(err)
	}
	if err := b.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	v, err = b.Sync(ctx)
	if err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile(`,U=\d+`)
	for n := range v.Len() {
		r := v.Row(n)
		if r.Subject() != "s6" && !named.MatchString(r.Entry().File) {
			t.Errorf("%s lost its UID", r.Entry().File)
		}
	}
	wv, err := work.Sync(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for n := range wv.Len() {
		if named.MatchString(wv.Row(n).Entry().File) {
			t.Errorf("%s came with its UID", wv.Row(n).Entry().File)
		}
	}
	if now, err := os.ReadFile(p.home + "/near/INBOX/.uidvalidity"); err != nil || string(now) != string(validity) {
		t.Errorf(".uidvalidity is %q, was %q, %v", now, validity, err)
	}
	sync()
	sync() // and its own renames do not make it start over
	if v, err = b.Sync(ctx); err != nil {
		t.Fatal(err)
	}
	after := list(v)
	for uid, was := range before {
		if got, ok := after[uid]; uid != uids[0] && (!ok || !strings.HasPrefix(got, was[:2])) {
			t.Errorf("UID %d was %q, is %q", uid, was, got)
		}
	}
	want := strings.Fields("/INBOX:s1 /INBOX:s2 /INBOX:s3 /INBOX:s4 /INBOX:s5 /INBOX:s6 /Work:s0 /Work:s1")
	if near, far := p.subjects("/near"), p.subjects("/far"); !slices.Equal(near, want) || !slices.Equal(far, want) {
		t.Errorf("near %q, far %q, want %q", near, far, want)
	}
}

// Rule 7: mbsync has deleted on the other side what was moved away here. If undo brought it
// back under the old number it would be taken for deleted there, and be nowhere but here.
func TestRule07MbsyncUndo(t *testing.T) {
	for _, n := range []int{1, 100} { // one by one, and at once
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			t.Parallel()
			p, sync := newMirror(t)
			p.root = p.home + "/near/INBOX"
			for i := range n + 1 {
				p.put("INBOX", i)
			}
			sync()
			want := p.subjects("/far")
			if len(want) != n+1 {
				t.Fatalf("%d messages", len(want))
			}
			s, err := Open(p.home+"/near", Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			j, err := journal.Open(filepath.Join(p.home, "journal"))
			if err != nil {
				t.Fatal(err)
			}
			defer j.Close()
			notes := s.Journal()
			j.UseKeywords(notes)
			j.UseNumbers(notes)
			j.UseMover(notes)
			b, _ := p.box(s, "INBOX")
			work, _ := p.box(s, "Work")
			list, err := b.Folder().List()
			if err != nil {
				t.Fatal(err)
			}
			batch := j.Begin("test", "mv")
			for _, r := range notes.File(ctx, batch, b.Folder(), list[:n], work.Folder(), Moved, "") {
				if r.Err != nil {
					t.Fatal(r.Err)
				}
			}
			if err := batch.Commit(); err != nil {
				t.Fatal(err)
			}
			sync()
			if r, err := j.Undo(1); err != nil || len(r.Failed) > 0 {
				t.Fatal(r, err)
			}
			sync()
			sync()
			if near, far := p.subjects("/near"), p.subjects("/far"); !slices.Equal(near, want) || !slices.Equal(far, want) {
				t.Errorf("near %q, far %q, want %q", near, far, want)
			}
		})
	}
}
