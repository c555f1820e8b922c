package tui

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestWithoutIndex reads a folder in which no index can be kept, and says so once.
func TestWithoutIndex(t *testing.T) {
	r := newRig(t, rigOptions{mail: func(t testing.TB, dir string) {
		trialMail(t, dir)
		if err := os.Mkdir(filepath.Join(dir, "pneu.log"), 0o700); err != nil {
			t.Fatal(err)
		}
	}})
	r.want("4 unread of 19", `Grace, Linus \+3 +6 Re-indexing`, "index", "gL says more +1/13")
	r.typed("jN")
	r.want("Marked read", "3 unread of 19")
	r.keys("u")
	r.want("Undone: marked read", "4 unread of 19")
	r.typed("\\")
	r.typed("body:incremental")
	r.keys("enter")
	r.want(`\[body:incremental\]`, "1/1")
	r.keys("esc")
	r.typed("gL")
	r.want("damaged|cannot be written|without its index")
	r.keys("esc")
	deliver(t, r.dir, []letter{{at: "Sat 21 Nov 09:44", from: "New <new@example.org>", subject: "just in", body: "x", flags: "new"}})
	r.want("just in", "5 unread of 20")
}

// TestManyFlags marks more messages than are changed one by one, and takes it back.
func TestManyFlags(t *testing.T) {
	r := made(t, 900)
	before := files(t, r.dir)
	r.typed("T")
	r.typed("from:ada")
	r.keys("enter")
	r.want("900 matches in 300 conversations selected")
	r.typed("F")
	r.want("Flagged 900 messages", "900 messages")
	r.keys("u")
	r.want(`Undone: flagged \(900 messages\)`)
	r.typed("N")
	r.want("Marked unread", "3 unread of 900")
	r.keys("u")
	r.want("Undone: marked unread", "  900 messages")
	flush := func() []string {
		t.Helper()
		if err := r.a.box.Mail().Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		return files(t, r.dir)
	}
	if after := flush(); !slices.Equal(after, before) {
		t.Errorf("files are not as before: %s", strings.Join(after[:3], " "))
	}
}

// TestFollowsRenames has another program change flags of a message while it is read.
func TestFollowsRenames(t *testing.T) {
	r := newRig(t, rigOptions{})
	e := r.a.box.Entry(r.a.list.Current())
	if err := os.Rename(r.a.box.Folder.File(e), filepath.Join(r.dir, "cur", e.Base()+":2,RS")); err != nil {
		t.Fatal(err)
	}
	r.keys("enter")
	r.want("jitter window now")
	r.keys("q")
	r.want(`\n>.r +09:41 Ada`)
	r.typed("a")
	r.want("Archived 1 message")
	if got := fmt.Sprint(files(t, filepath.Join(r.dir, ".Archive"))); !strings.Contains(got, ":2,RS") {
		t.Errorf("Archive has %s", got)
	}
}

// TestLimitGoesOn lets mail come while the list is narrowed: what matches appears, and what was read stays.
func TestLimitGoesOn(t *testing.T) {
	r := newRig(t, rigOptions{})
	r.typed("\\")
	r.typed("is:unread")
	r.keys("enter")
	r.want(`1/3`)
	r.keys("enter")
	r.keys("q")
	r.want("1/3")
	deliver(t, r.dir, []letter{
		{at: "Sat 21 Nov 09:44", from: "New <new@example.org>", subject: "just in", body: "x", flags: "new"},
		{at: "Sat 21 Nov 09:43", from: "New <new@example.org>", subject: "read elsewhere", body: "x", flags: "S"},
	})
	r.want("just in", "/4")
	r.wantNot("read elsewhere")
}
