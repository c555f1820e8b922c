package tui

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"pneu/tui/term"
)

func TestBurstOfKeys(t *testing.T) {
	r := newRig(t, rigOptions{})
	r.typed("jjj")
	r.want(`\n>. +08:30 CI`, `4/13`)
	r.typed("dd5G") // two conversations to Trash, then the fifth row
	r.want(`5/11`, `Moved 1 message in "Statement October" to Trash`)
	if n := len(files(t, filepath.Join(r.dir, ".Trash"))); n != 2 {
		t.Errorf("%d messages in Trash, want 2", n)
	}
	r.typed("3k")
	r.want(`2/11`)
	r.typed("ggG")
	r.want(`11/11`)
	r.send(term.Pasted("dddd"))
	r.want("pasted 4 characters into the list; nothing done", `11/11`)
}

func TestUndoRedo(t *testing.T) {
	r := newRig(t, rigOptions{})
	before := files(t, r.dir)
	r.typed("jja") // the conversation of six
	r.want(`Archived 6 messages in "Re-indexing the archive"`, "2 unread of 13")
	if n := len(files(t, filepath.Join(r.dir, ".Archive"))); n != 6 {
		t.Fatalf("%d messages in Archive, want 6", n)
	}
	r.typed("jF")
	r.want("Flagged 1 message")
	r.keys("u")
	r.want(`Undone: flagged`)
	r.keys("u")
	r.want(`Undone: move to Archive \(6 messages\)`, "4 unread of 19", "Grace, Linus")
	if after := files(t, r.dir); strings.Join(after, "\n") != strings.Join(before, "\n") {
		t.Errorf("files after undo:\n%s\nbefore:\n%s", strings.Join(after, "\n"), strings.Join(before, "\n"))
	}
	r.keys("ctrl+r")
	r.want("Done again: move to Archive", "2 unread of 13")
}

func TestSelectAndMove(t *testing.T) {
	r := newRig(t, rigOptions{})
	r.typed("jjjVjj")
	r.typed("V")
	r.want("3 selected")
	r.typed("s")
	r.want("Move to")
	r.typed("lists/ci")
	r.keys("enter")
	r.want(`Moved 3 messages to lists/ci   u undo`)
	if n := len(files(t, filepath.Join(r.dir, ".lists.ci"))); n != 3 {
		t.Errorf("%d messages in lists/ci, want 3", n)
	}
	r.typed("T")
	r.typed("from:ada")
	r.keys("enter")
	r.want(`5 messages selected`)
	r.keys("esc")
	r.wantNot(`selected   a`)
}

func TestReadMarksSeen(t *testing.T) {
	r := newRig(t, rigOptions{})
	r.typed("j")
	r.keys("enter")
	r.want("いつもお世話になっております。")
	r.until("INBOX")
	r.keys("q")
	r.want("3 unread of 19")
	r.typed("N")
	r.want("Marked unread", "4 unread of 19")
	r.typed("N")
	r.want("Marked read", "3 unread of 19")
	// What one saw is nothing to undo; what one marked is.
	r.keys("u")
	r.want("Undone: marked read", "4 unread of 19")
}

func TestReaderMoves(t *testing.T) {
	r := newRig(t, rigOptions{})
	r.typed("jj")
	r.keys("enter")
	r.want("The second pass took 3 s", "12 quoted lines")
	r.typed("zq")
	r.want("> line 3 of what was said before")
	r.typed("J")
	r.want("▌ Grace Hopper", "I measured 41 s")
	r.typed("KKK")
	r.want("▌ Ada Lovelace", "Because the index on b")
	r.typed("J")
	r.typed("J")
	r.typed("J")
	r.typed("J") // beyond the last: the next conversation
	r.want("failed: main")
	r.keys("q")
	r.want(`\n>. +08:30 CI`)
}

func TestReplySendUnsend(t *testing.T) {
	r := newRig(t, rigOptions{})
	r.keys("enter", "r")
	r.want("Compose", "To  Ada Lovelace <ada@example.org>", `Re: \[PATCH v3`)
	r.typed("Fine with me.")
	r.later(time.Second)
	r.want("draft saved 09:45:01")
	drafts := filepath.Join(r.dir, ".Drafts")
	if n := len(files(t, drafts)); n != 1 {
		t.Fatalf("%d drafts, want 1", n)
	}
	r.typed(" Ada")
	r.later(time.Second)
	if n := len(files(t, drafts)); n != 1 {
		t.Errorf("%d drafts after the second save, want 1", n)
	}
	r.keys("ctrl+s")
	r.want(`Sending to ada@example.org in 10 s   u unsend`)
	o := r.out.sent[0]
	if o.from != "me@example.org" || len(o.rcpts) != 1 || o.rcpts[0] != "ada@example.org" || o.hold != 10*time.Second {
		t.Errorf("sent %+v", o)
	}
	for _, want := range []string{"Subject: Re: [PATCH v3 2/7] queue: retry with jitter", "In-Reply-To: <patch@x>", "Fine with me. Ada", "From: Me <me@example.org>"} {
		if !strings.Contains(o.msg, want) {
			t.Errorf("no %q in\n%s", want, o.msg)
		}
	}
	if n := len(files(t, filepath.Join(r.dir, ".Sent"))); n != 2 {
		t.Errorf("%d in Sent, want 2", n)
	}
	if n := len(files(t, drafts)); n != 0 {
		t.Errorf("%d drafts after sending, want 0", n)
	}
	r.keys("q")
	r.want(`\n>.r +09:41 Ada`) // answered
	r.later(4 * time.Second)
	r.want("in 6 s")
	r.keys("u")
	r.want("Compose", "Not sent. It is here again", "Fine with me. Ada")
	if len(r.out.unsent) != 1 || r.out.unsent[0] != o.id {
		t.Errorf("unsent %v", r.out.unsent)
	}
	if n := len(files(t, filepath.Join(r.dir, ".Sent"))); n != 1 {
		t.Errorf("%d in Sent after unsend, want 1", n)
	}
	r.keys("ctrl+s")
	r.later(11 * time.Second)
	r.want("On its way to ada@example.org   gq")
	r.keys("u") // too late to take back; nothing else was done
	r.want("nothing to undo")
}

func TestUnsendTooLate(t *testing.T) {
	r := newRig(t, rigOptions{})
	r.typed("m")
	r.typed("bob@example.net")
	r.keys("tab", "tab")
	r.typed("hello")
	r.keys("tab")
	r.typed("text")
	r.keys("ctrl+s")
	r.want("Sending to bob@example.net")
	r.out.late = true
	r.keys("u")
	r.want("error: it is on its way already: Q1: an attempt has begun")
}

func TestSendRefused(t *testing.T) {
	r := newRig(t, rigOptions{})
	r.typed("m")
	r.keys("ctrl+s")
	r.want("error: no recipient")
	r.typed("bob@example.net")
	r.keys("tab", "tab", "tab")
	r.typed("see the attached file")
	r.keys("ctrl+s")
	r.want(`no subject: ctrl\+s again sends anyway`)
	r.out.refuse = errors.New("spool is full")
	r.keys("ctrl+s")
	r.want("error: not sent: spool is full", "see the attached file", "Compose")
	if n := len(files(t, filepath.Join(r.dir, ".Sent"))); n != 1 {
		t.Errorf("%d in Sent, want 1: nothing was sent", n)
	}
}

func TestDraftIsKept(t *testing.T) {
	r := newRig(t, rigOptions{})
	r.typed("m")
	r.typed("zo")
	r.want("zoe@uni.example")
	r.keys("enter")
	r.want("To  =?|To  .Zoë Ümlaut|To  Zoë Ümlaut")
	r.keys("tab", "tab")
	r.typed("Lisbon")
	r.keys("tab")
	r.typed("Dear Zoë,")
	r.keys("esc")
	r.want("Draft kept in Drafts")
	if n := len(files(t, filepath.Join(r.dir, ".Drafts"))); n != 1 {
		t.Fatalf("%d drafts, want 1", n)
	}
	r.typed("gd")
	r.want("To Zoë Ümlaut", "Lisbon")
	r.keys("enter")
	r.want("Compose", "Subject  Lisbon", "Dear Zoë,")
	if n := len(files(t, filepath.Join(r.dir, ".Drafts"))); n != 1 {
		t.Errorf("%d drafts while one is being written, want 1: the stored copy stays", n)
	}
	r.keys("esc")
	r.want("Draft kept")
	r.keys("enter")
	r.want("Compose")
	r.keys("ctrl+x")
	r.want("Discard this draft")
	r.typed("y")
	r.keys("enter")
	r.want("Draft discarded")
	if n := len(files(t, filepath.Join(r.dir, ".Drafts"))); n != 0 {
		t.Errorf("%d drafts after discarding, want 0", n)
	}
}

func TestEditor(t *testing.T) {
	script := filepath.Join(t.TempDir(), "ed")
	// No process that is started meanwhile may inherit the file while it is open for writing: it could not be run then.
	syscall.ForkLock.RLock()
	err := os.WriteFile(script, []byte("#!/bin/sh\nsed -i 's/^Subject: .*/Subject: from the editor/; s/jitter/JITTER/' \"$1\"\n"), 0o755)
	syscall.ForkLock.RUnlock()
	if err != nil {
		t.Fatal(err)
	}
	r := newRig(t, rigOptions{editor: []string{script}})
	r.keys("enter", "r", "ctrl+e")
	r.want("taken over from the editor", "Subject  from the editor", "> JITTER window")
	r.a.opt.Editor = []string{"/bin/false"}
	r.keys("ctrl+e")
	r.want("error: editor: exit status 1; the draft is as before", "Subject  from the editor")
	r.a.opt.Editor = []string{"/bin/true"}
	r.keys("ctrl+e")
	r.want("the editor returned at once")
}

func TestLimitAndSearch(t *testing.T) {
	r := newRig(t, rigOptions{})
	r.typed("\\")
	r.typed("is:unread")
	r.keys("enter")
	r.want(`\[is:unread\]`, `1/3`)
	r.keys("esc")
	r.want(`1/13`)
	r.typed("/")
	r.typed("subject:invoice")
	r.keys("enter")
	r.want(`1 match for subject:invoice`, `\n>. +Mon Ada`)
	r.typed("/")
	r.typed(`body:"usual place"`)
	r.keys("enter")
	r.want(`\n>. +Fri Linus T `)
	r.typed("/")
	r.typed(`(`)
	r.keys("enter")
	r.want("error: query")
	r.typed("\\")
	r.typed("from:nobody")
	r.want("Nothing matches")
	r.keys("esc")
	r.want(`/13`)
}

func TestFoldAndThreads(t *testing.T) {
	r := newRig(t, rigOptions{})
	r.typed("jjza")
	r.want(`3/18`, "└ Re: Re-indexing")
	r.typed("za")
	r.want(`3/13`)
	r.typed("zR")
	r.want(`/19`)
	r.typed("zM")
	r.want(`/13`)
	r.keys("alt+t")
	r.want(`single messages`, `/19`)
	r.keys("alt+t")
	r.want(`conversations`, `/13`)
	r.typed("O")
	r.want("oldest first", `12 Nov HR`)
	r.typed("gg")
	r.want(`\n>. +.*12 Nov HR`)
}

func TestLiveMail(t *testing.T) {
	r := newRig(t, rigOptions{})
	deliver(t, r.dir, []letter{{at: "Sat 21 Nov 09:44", from: "New <new@example.org>", subject: "just in", body: "x", flags: "new"}})
	r.want("1 new message", "just in", "5 unread of 20")
	// Another program reads it, then moves it away.
	for _, f := range files(t, r.dir) {
		if strings.HasPrefix(f, "new/") && strings.Contains(f, ".M0P1.trial") {
			if err := os.Rename(filepath.Join(r.dir, f), filepath.Join(r.dir, "cur", filepath.Base(f)+":2,S")); err != nil {
				t.Fatal(err)
			}
			r.want("4 unread of 20")
			if err := os.Rename(filepath.Join(r.dir, "cur", filepath.Base(f)+":2,S"), filepath.Join(r.dir, ".Archive", "cur", filepath.Base(f)+":2,S")); err != nil {
				t.Fatal(err)
			}
		}
	}
	r.want("4 unread of 19")
	r.wantNot("just in")
}

func TestQueueActions(t *testing.T) {
	r := newRig(t, rigOptions{queue: trialQueue()})
	r.typed("gq")
	r.want("451 4.7.1 greylisted", "550 5.1.1 no such")
	r.typed("t")
	r.want("Trying 7KQ2M1")
	r.typed("jjH")
	r.want("Released 7KQ2N4")
	r.typed("kH")
	r.want("Held 7KQ2M1")
	r.typed("x")
	r.want("Cancel 7KQ2M1")
	r.typed("n")
	r.keys("enter")
	r.typed("x")
	r.typed("y")
	r.keys("enter")
	r.want("Cancelled 7KQ2M1")
	if got := fmt.Sprint(r.out.actions); got != "[try 7KQ2M1 release 7KQ2N4 hold 7KQ2M1 remove 7KQ2M1]" {
		t.Errorf("actions %s", got)
	}
	r.keys("q")
	r.want("INBOX")
}

func TestPartsAreSaved(t *testing.T) {
	r := newRig(t, rigOptions{})
	r.typed("jj")
	r.keys("enter")
	r.typed("Jv")
	r.want("results.csv", "application/octet-stream")
	r.typed("s")
	r.want("save to:")
	r.keys("ctrl+u")
	to := filepath.Join(t.TempDir(), "out.csv")
	r.typed(to)
	r.keys("enter")
	r.want("Saved ")
	b, err := os.ReadFile(to)
	if err != nil || string(b) != "\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09" {
		t.Errorf("saved %q, %v", b, err)
	}
	r.typed("s")
	r.keys("ctrl+u")
	r.typed(to)
	r.keys("enter")
	r.want("error: open ") // the reason may not fit behind the path
}

func TestCommandLine(t *testing.T) {
	r := newRig(t, rigOptions{})
	r.typed(":")
	r.typed("limit from:zoë")
	r.keys("enter")
	r.want(`\[from:zoë\]`)
	r.typed(":")
	r.typed("folder Sent")
	r.keys("enter")
	r.want("Sent  1 message", "To Ada Lovelace")
	r.typed(":")
	r.typed("qui")
	r.keys("enter")
	if !r.quit {
		t.Error(":quit did not quit")
	}
}

func TestPurgeAsks(t *testing.T) {
	r := newRig(t, rigOptions{})
	r.typed("jjjd")
	r.typed("gt")
	r.want("Trash  1 message")
	r.typed("d")
	r.want("already in Trash")
	r.typed(":")
	r.typed("purge")
	r.keys("enter")
	r.want("Delete 1 message")
	r.typed("y")
	r.keys("enter")
	r.want("Nothing here")
	if n := len(files(t, filepath.Join(r.dir, ".Trash"))); n != 0 {
		t.Errorf("%d left in Trash", n)
	}
}

// TestUnsendAfterRestart starts another program within the hold.
func TestUnsendAfterRestart(t *testing.T) {
	r := newRig(t, rigOptions{})
	r.typed("m")
	r.typed("bob@example.net")
	r.keys("tab", "tab")
	r.typed("hello")
	r.keys("tab")
	r.typed("text")
	r.keys("ctrl+s")
	r.want("Sending to bob@example.net")
	r.a.Close()
	again := New(r.a.opt)
	again.after = r.after
	defer again.Close()
	r.a = again
	r.run(again.Init())
	r.settle()
	r.want("Sending to bob@example.net in 10 s")
	r.keys("u")
	r.want("Compose", "hello", "text")
	if len(r.out.unsent) != 1 {
		t.Errorf("unsent %v", r.out.unsent)
	}
}

// TestDraftThatCannotBeSaved leaves a draft while the Drafts folder takes nothing: it stays on the screen, and the end
// of the program puts its text beside.
func TestDraftThatCannotBeSaved(t *testing.T) {
	r := newRig(t, rigOptions{})
	block := filepath.Join(r.dir, ".Drafts")
	if err := os.RemoveAll(block); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(block, nil, 0o600); err != nil { // a file where the folder should be
		t.Fatal(err)
	}
	r.typed("m")
	r.keys("tab", "tab", "tab")
	r.typed("Lisbon")
	r.keys("esc")
	r.want("Compose", "Lisbon", "draft not saved, so it is still here")
	err := r.a.keepDraft()()
	if err == nil || !strings.Contains(err.Error(), "its text is in ") {
		t.Fatalf("the end of the program says %v", err)
	}
	_, path, _ := strings.Cut(err.Error(), "its text is in ")
	if b, err := os.ReadFile(path); err != nil || !strings.Contains(string(b), "Lisbon") {
		t.Errorf("%s holds %q, %v", path, b, err)
	}
	if err := os.Remove(block); err != nil {
		t.Fatal(err)
	}
	r.typed(" again")
	r.later(time.Second)
	r.want("draft saved")
	r.wantNot("not saved")
	r.keys("esc")
	r.want("Draft kept in Drafts")
	if n := len(files(t, block)); n != 1 {
		t.Errorf("%d drafts, want 1", n)
	}
	if r.a.keepDraft() != nil {
		t.Error("a draft that is safe is kept again")
	}
}

// TestLayout turns the message off and on beside the list, and changes the sizes.
func TestLayout(t *testing.T) {
	r := newRig(t, rigOptions{w: 120, h: 40})
	if g := r.a.geometry(); g.split != below {
		t.Fatalf("split %d at 120x40", g.split)
	}
	h := r.a.geometry().listH
	r.typed(">")
	if g := r.a.geometry(); g.listH <= h {
		t.Errorf("the list has %d rows, had %d", g.listH, h)
	}
	r.keys("ctrl+w")
	r.want("the list alone")
	if g := r.a.geometry(); g.split != onePane || g.listH < 30 {
		t.Errorf("split %d, %d rows", g.split, g.listH)
	}
	r.keys("ctrl+w")
	r.want("list and message")
	r.send(term.Size{W: 80, H: 24})
	if g := r.a.geometry(); g.split != onePane {
		t.Error("a narrow screen is split")
	}
	r.keys("ctrl+w")
	if g := r.a.geometry(); g.split != below || g.listH+g.readH+2 != g.bodyH {
		t.Errorf("%+v", g)
	}
	r.send(term.Size{W: 50, H: 20})
	r.keys("ctrl+w")
	r.want("no room for the message")
}

// TestComposeOnALowScreen shows what is being written, field or text.
func TestComposeOnALowScreen(t *testing.T) {
	r := newRig(t, rigOptions{w: 40, h: 8})
	r.typed("m")
	r.keys("tab", "tab")
	r.typed("Lisbon")
	r.want("Subject  Lisbon")
	r.keys("tab")
	r.typed("Dear Zoë")
	r.want("Dear Zoë")
}

// TestSaidWhenDone holds changes up: what they lead to is said when they are made, and not before.
func TestSaidWhenDone(t *testing.T) {
	tests := []struct {
		name, key        string
		meanwhile, after string
	}{
		{"draft", "esc", "keeping the draft", "Draft kept in Drafts"},
		{"archive", "a", "Archiving 1 message", "Archived 1 message .* u undo"},
		{"trash", "d", "Moving 1 message", "Moved 1 message .* to Trash"},
		{"read", "N", "Marking read: 1 message", "Marked read: 1 message"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t, rigOptions{})
			if tt.name == "draft" {
				r.typed("m")
				r.keys("tab", "tab", "tab")
				r.typed("Lisbon")
			}
			hold := make(chan struct{})
			r.run(r.a.jobs.change(func() term.Msg { <-hold; return nil }))
			r.send(term.Named(tt.key))
			if s := r.screen(); !strings.Contains(s, tt.meanwhile) {
				t.Errorf("no %q on the screen:\n%s", tt.meanwhile, s)
			}
			close(hold)
			r.want(tt.after)
		})
	}
}

// TestNotDone has every change fail: it is said, the rows are back, and nothing is left for u.
func TestNotDone(t *testing.T) {
	r := newRig(t, rigOptions{})
	if err := os.RemoveAll(filepath.Join(r.dir, ".Archive")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(r.dir, ".Archive"), []byte("in the way"), 0o600); err != nil {
		t.Fatal(err)
	}
	r.keys("j", "j", "a")
	r.want("error:", "4 unread of 19", `Grace, Linus \+3 +6 Re-indexing`)
	r.wantNot("Archived")
	r.keys("u")
	r.want("nothing to undo")
}

// TestSort sorts by other things than dates, which only single messages can be, and goes back.
func TestSort(t *testing.T) {
	r := newRig(t, rigOptions{w: 120, h: 40})
	for _, tt := range []struct{ typed, title, first string }{
		{":sort size", "by size", "Grace|Zoë|HR"},
		{"O", "by size, turned round", "Grace|Linus|Ada|Me|Zoë"},
		{":sort from", "by sender", "Ada Lovelace .*PATCH"},
		{":sort subject", "by subject", "aerc -> pneu"},
		{":sort arrival", "by arrival", "PATCH"},
	} {
		r.typed(tt.typed)
		if tt.typed != "O" {
			r.keys("enter")
		}
		r.keys("g", "g")
		r.want("\\["+tt.title+"\\]", "1/19", `│>[^│]*(`+tt.first+`)`)
	}
	r.typed(":sort colour")
	r.keys("enter")
	r.want("sort by one of date, arrival, sender")
	r.keys("alt+t")
	r.want(`\[newest first\] \[threads\]`, "/13")
	r.typed(":sort size")
	r.keys("enter")
	r.typed(":sort date")
	r.keys("enter")
	r.want(`\[newest first\] \[threads\]`, "/13")
}
