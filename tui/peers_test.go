package tui

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pneu/maildir"
	"pneu/maildir/journal"
	mstore "pneu/maildir/store"
)

// A peer is another program of ours on the same mail and the same journal.
type peer struct {
	t     *testing.T
	store *mstore.Store
	noted *mstore.Noted
	j     *journal.Journal
}

func newPeer(t *testing.T, r *rig) *peer {
	t.Helper()
	st, err := mstore.Open(r.dir, mstore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	j, err := journal.Open(filepath.Join(filepath.Dir(r.dir), "journal"))
	if err != nil {
		t.Fatal(err)
	}
	p := &peer{t, st, st.Journal(), j}
	j.UseKeywords(p.noted)
	j.UseNumbers(p.noted)
	j.UseMover(p.noted)
	t.Cleanup(func() { st.Close(); j.Close() })
	return p
}

// change changes flags and keywords of all messages in a folder that a function picks.
func (p *peer) change(name string, c journal.Change, pick func(mstore.Row) bool) {
	p.t.Helper()
	b, err := p.store.Box(name)
	if err != nil {
		p.t.Fatal(err)
	}
	defer b.Close()
	v, err := b.Sync(p.t.Context())
	if err != nil {
		p.t.Fatal(err)
	}
	batch := p.j.Begin("cli", "flag")
	for n := range v.Len() {
		if row := v.Row(n); pick(row) {
			for _, r := range p.noted.SetFlags(p.t.Context(), batch, b.Folder(), one(row.Entry()), c) {
				if r.Err != nil {
					p.t.Fatal(r.Err)
				}
			}
		}
	}
	if err := batch.Commit(); err != nil {
		p.t.Fatal(err)
	}
}

func one[T any](x T) []T { return []T{x} }

func (p *peer) undo() {
	p.t.Helper()
	rep, err := p.j.Undo(1)
	if err != nil || len(rep.Failed) > 0 {
		p.t.Fatal(err, rep.Failed)
	}
}

// TestUndoElsewhere: what was done to another Maildir since is none of this screen's business.
func TestUndoElsewhere(t *testing.T) {
	r := newRig(t, rigOptions{})
	p := newPeer(t, r)
	p.change("INBOX", journal.Change{Add: "S"}, mstore.Row.Unread)
	r.want("INBOX  19 messages")
	other, err := maildir.Create(filepath.Join(filepath.Dir(r.dir), "other"))
	if err != nil {
		t.Fatal(err)
	}
	inbox, err := other.CreateFolder("INBOX")
	if err != nil {
		t.Fatal(err)
	}
	batch := p.j.Begin("cli", "elsewhere")
	e, err := batch.Deliver(inbox, maildir.Delivery{}, strings.NewReader("Subject: elsewhere\n\n"))
	if err != nil {
		t.Fatal(err)
	}
	if err := batch.Commit(); err != nil {
		t.Fatal(err)
	}
	r.keys("u")
	r.want("Undone: flag", "4 unread of 19")
	r.keys("u")
	r.want("nothing to undo")
	if _, err := os.Stat(inbox.File(e)); err != nil {
		t.Error(err)
	}
}

// TestUndoOfOthers takes back here what was done there, and the other way round; the screen follows at once.
func TestUndoOfOthers(t *testing.T) {
	r := newRig(t, rigOptions{})
	p := newPeer(t, r)
	before := fmt.Sprint(files(t, r.dir))
	r.keys("j", "t") // cursor and mark stay where they are
	where := func() {
		t.Helper()
		r.want(`\n>.+08:55 Grace`, `\n.\+.+山田`, "1 selected")
	}
	where()

	p.change("INBOX", journal.Change{Add: "S", AddKeywords: []string{"seen"}}, mstore.Row.Unread)
	r.want("INBOX  19 messages", "山田.*#seen", "Grace.*#seen")
	where()
	r.keys("u")
	r.want("Undone: flag", "4 unread of 19")
	r.wantNot("#seen")
	where()
	r.keys("ctrl+r")
	r.want("Done again", "#seen")
	p.undo()
	r.want("4 unread of 19")
	r.wantNot("#seen")
	where()
	if after := fmt.Sprint(files(t, r.dir)); after != before {
		t.Errorf("files are not as before: %s\nwant %s", after, before)
	}

	r.keys("a") // what is marked
	r.want("Archived 1 message", "3 unread of 18")
	r.wantNot("山田")
	p.undo()
	r.want("4 unread of 19", "山田")
	r.keys("u")
	r.want("nothing to undo")
	if after := fmt.Sprint(files(t, r.dir)); after != before {
		t.Errorf("files are not as before: %s\nwant %s", after, before)
	}
}

// TestFollowsMany has another program rename all files of a folder while one reads in it.
func TestFollowsMany(t *testing.T) {
	r := made(t, 150)
	r.keys("j", "j", "t", "j")
	at, row := r.a.list.Current(), strings.Split(r.screen(), "\n")[2+r.a.list.Cursor()]
	for _, f := range files(t, r.dir) {
		path := filepath.Join(r.dir, f)
		if err := os.Rename(path, strings.TrimSuffix(path, "S")); err != nil {
			t.Fatal(err)
		}
	}
	r.want("150 unread of 150")
	if r.a.list.Current() != at || r.a.list.Count() != 1 {
		t.Errorf("the cursor is on %d, %d selected; it was on %d, %s", r.a.list.Current(), r.a.list.Count(), at, row)
	}
	deliver(t, r.dir, []letter{{at: "Sat 21 Nov 09:44", from: "New <new@example.org>", subject: "just in", body: "x", flags: "new"}})
	r.want("151 unread of 151", "just in")
	if r.a.list.Current() != at || r.a.list.Count() != 1 {
		t.Errorf("after a delivery the cursor is on %d, %d selected; it was on %d", r.a.list.Current(), r.a.list.Count(), at)
	}
}
