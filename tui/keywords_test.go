package tui

import (
	"slices"
	"testing"

	"pneu/maildir/index"
)

// TestKeywords sets and removes keywords, in the list and while reading, and takes it back.
func TestKeywords(t *testing.T) {
	r := newRig(t, rigOptions{})
	r.typed("+")
	r.want("keywords of 1 message", `\[ \] \$Important`)
	r.typed("work")
	r.want("a new one: work")
	r.keys("enter")
	r.want(`Set \+work on 1 message`, `Ada Lovelace .* #work \*L`)
	r.keys("j", "j", "t", "j", "t") // a conversation, and a message that has it already
	r.keys("g", "g", "t")
	r.typed("+")
	r.want("keywords of 8 messages", `\[-\] work +1 of 8`)
	r.typed("wo")
	r.keys("space")
	r.want(`\[x\] work +set`)
	r.keys("ctrl+u")
	r.typed("later")
	r.keys("enter")
	r.want(`Set \+later \+work on 8 messages|Set \+work \+later on 8 messages`, `Grace, Linus \+3 +6 .* #later #work`)
	r.keys("u")
	r.want("Undone: keywords")
	r.wantNot("#later")
	r.want(`Ada Lovelace .* #work \*L`)

	r.typed("gg:keywords +todo -work $MDNSent")
	r.keys("enter")
	r.want(`Set \+todo \+\$MDNSent -work`, `Ada Lovelace .* #todo \*L`) // what programs tell each other is no use in a list
	r.keys("enter")
	r.want(`#\$MDNSent #todo`)
	r.typed("+")
	r.typed("todo")
	r.keys("enter")
	r.want(`Removed todo from 1 message`)
	r.wantNot("#todo")
	r.keys("u")
	r.want(`#\$MDNSent #todo`)
	r.keys("q")

	r.typed("\\")
	r.typed("tag:todo")
	r.keys("enter")
	r.want("1/1")
	r.typed(":keywords +no(thing)")
	r.keys("enter")
	r.want("error: a keyword has no blanks")
}

// TestKeywordsOfOthers shows what another program sets.
func TestKeywordsOfOthers(t *testing.T) {
	r := made(t, 40)
	mb := r.a.box.Mail()
	v := mb.View()
	uids := v.UIDs([]int32{39, 38, 37})
	if _, err := mb.SetFlags(t.Context(), uids, index.FlagChange{AddKeywords: []string{"seen-by-robot"}}); err != nil {
		t.Fatal(err)
	}
	r.want("#seen-by-robot")
	if got := mb.View().Row(39).Keywords(); !slices.Equal(got, []string{"seen-by-robot"}) {
		t.Error(got)
	}
}

// TestManyKeywords changes keywords of more messages than are noted by name.
func TestManyKeywords(t *testing.T) {
	r := made(t, 150)
	r.typed("T")
	r.typed("from:ada")
	r.keys("enter")
	r.typed(":keywords +bulk")
	r.keys("enter")
	r.want(`Set \+bulk on 150 messages`, "#bulk")
	r.keys("u")
	r.want(`Undone: keywords \+bulk \(150 messages\)`)
	r.wantNot("#bulk")
}
