package tui

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"pneu/maildir/search"
	mstore "pneu/maildir/store"
	"pneu/tui/store"
)

// TestSearchAll looks through all folders while one types.
func TestSearchAll(t *testing.T) {
	r := newRig(t, rigOptions{w: 120, h: 40})
	r.typed("g/")
	r.want("Search", "all folders")
	r.typed("from:ada")
	r.want(`6 of 22 in`, "INBOX +5", "Archive/2026 +1", "query: from:ada", "shell: pneu search 'from:ada'", "Old +Archive/2026")
	r.typed(" (")
	r.want("Old +Archive/2026") // what is not complete leaves what was found
	r.keys("backspace", "backspace")
	r.typed(" subject:old")
	r.want("1 of 22")
	r.keys("enter")
	r.want("Archive/2026  1 message", "From  Ada <ada@example.org>")
	r.keys("q")
	r.typed("g/")
	r.want("subject:old", "1 of 22")
	r.keys("ctrl+u")
	r.typed("incremental")
	r.want("3 of 22")
	r.keys("down", "down", "enter")
	r.want("INBOX  ", "▌ Linus T", "Why not incremental?") // of a conversation of six
	r.typed("g/")
	r.keys("ctrl+u")
	r.typed("nothing-has-this")
	r.want("Nothing matches")
	r.keys("esc")
	r.wantNot("Nothing matches")
}

// TestSearchConversations finds what a conversation has in other folders.
func TestSearchConversations(t *testing.T) {
	st, err := mstore.Create(t.TempDir(), mstore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	for folder, text := range map[string]string{
		"INBOX": "Subject: lunch\nMessage-ID: <1@x>\n\nwhere?\n",
		"Sent":  "Subject: noodles\nMessage-ID: <2@x>\nIn-Reply-To: <1@x>\n\nthere\n",
		"Old":   "Subject: another\nMessage-ID: <3@x>\n\nthing\n",
	} {
		f, err := st.Tree().CreateFolder(folder)
		if err == nil {
			err = os.WriteFile(filepath.Join(f.Path(), "cur", "1.M1P1.host:2,S"), []byte(text), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	q, err := search.Parse("thread:{subject:lunch}")
	if err != nil {
		t.Fatal(err)
	}
	if r, _ := lookThrough(t.Context(), st, q, store.Options{}, textsMost); r.Found != 2 || r.Err != "" {
		t.Errorf("%+v", r)
	}
}

// TestSearchFollows opens a hit that left its folder since.
func TestSearchFollows(t *testing.T) {
	r := newRig(t, rigOptions{})
	r.typed("g/")
	r.typed("subject:invoice")
	r.want("1 of 22")
	gone, err := filepath.Glob(filepath.Join(r.dir, "cur", "*.M5P1.*"))
	if err != nil || len(gone) != 1 {
		t.Fatal(gone, err)
	}
	if err := os.Remove(gone[0]); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(30 * time.Second); r.a.box.Len() != 18 && time.Now().Before(end); time.Sleep(time.Millisecond) {
		r.settle()
	}
	r.keys("enter")
	r.want("the message is gone", "INBOX  4 unread of 18")
}

// TestRefine narrows a search by what its hits have in common, takes that back, and excludes.
func TestRefine(t *testing.T) {
	r := newRig(t, rigOptions{w: 120, h: 40})
	r.typed("g/")
	r.typed("re OR ada")
	r.want("1 INBOX +16", "ada@example.org +5", "attachment +3", "unread +4", "2026-11-21 +5")
	r.keys("tab")
	r.want("- without", `enter narrow`)
	r.keys("j", "enter")
	r.want(`\(re OR ada\) in:Archive/2026`, "1 of 22")
	r.keys("u")
	r.want(`Search  re OR ada `, "1 INBOX +16")
	r.keys("down", "-")
	r.want(`\(re OR ada\) -in:Archive/2026`)
	r.keys("u", "tab")
	r.typed(" is:read")
	r.want("1 INBOX +15")
	r.keys("alt+1")
	r.want(`\(re OR ada is:read\) in:INBOX`)
	r.keys("esc")
	r.wantNot("Refine")
}
