package tui

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// TestManyRows does with many rows, which the loop hands to others, what it does with few itself: select, move, take
// back, flag, set keywords, purge. Keys typed at once come after it.
func TestManyRows(t *testing.T) {
	for _, few := range []int{0, fewRows} {
		t.Run(fmt.Sprint(few), func(t *testing.T) {
			r := newRig(t, rigOptions{})
			r.a.few = few
			before := fmt.Sprint(files(t, r.dir))
			r.typed("T")
			r.typed("from:lovelace OR from:zoe")
			r.keys("enter")
			r.want("7 matches in 6 conversations selected")
			r.typed("aj") // the conversation of six goes as a whole
			r.want("Archived 12 messages", "2/7", "INBOX  1 unread of 7")
			if n := len(files(t, filepath.Join(r.dir, ".Archive"))); n != 12 {
				t.Errorf("%d messages in Archive, want 12", n)
			}
			r.keys("u")
			r.want("Undone: move to Archive .12 messages", "4 unread of 19")
			if after := fmt.Sprint(files(t, r.dir)); after != before {
				t.Errorf("files are not as before: %s\nwant %s", after, before)
			}

			r.typed("ggVjjjV")
			r.want("4 selected")
			r.typed("F")
			r.want("Flagged 9 messages")
			r.typed("T")
			r.keys("esc")
			r.typed("ggVGV")
			r.want("13 selected")
			r.typed(":keywords work")
			r.keys("enter")
			r.want("Set .work on 19 messages")
			r.typed("ggVGV+")
			r.want("keywords of 19 messages", `work +19`)
			r.keys("esc", "esc")

			r.typed("ggVjjVd")
			r.want("to Trash", "INBOX  11 messages")
			r.typed(":folder Trash")
			r.keys("enter")
			r.want("Trash  4 unread of 8")
			r.typed("VGV:purge")
			r.keys("enter")
			r.want(`Delete 8 messages for good\?`)
			r.typed("y")
			r.keys("enter")
			r.want("Deleted 8 messages", "Nothing here")
		})
	}
}

// TestManyRowsStay puts back what could not be moved.
func TestManyRowsStay(t *testing.T) {
	r := newRig(t, rigOptions{})
	r.a.few = 0
	if err := os.RemoveAll(filepath.Join(r.dir, ".Archive")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(r.dir, ".Archive"), nil, 0o600); err != nil { // so that it cannot be made
		t.Fatal(err)
	}
	r.typed("jjVjjVa")
	r.want("not done", "4 unread of 19", "Grace, Linus", "/13\n")
	r.wantNot("selected")
}
