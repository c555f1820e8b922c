package tui

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"pneu/maildir"
	"pneu/maildir/index"
	mstore "pneu/maildir/store"
	"pneu/tui/term"
)

// tick lets seconds pass, one after the other.
func (r *rig) tick(n int) {
	for range n {
		r.later(time.Second)
	}
}

// TestFolderGoesAway sees that the open folder is deleted by another program, and that it is back.
func TestFolderGoesAway(t *testing.T) {
	r := newRig(t, rigOptions{folder: "Archive/2026"})
	r.want("Archive/2026  1 message")
	dir, away := filepath.Join(r.dir, ".Archive.2026"), filepath.Join(filepath.Dir(r.dir), "away")
	if err := os.Rename(dir, away); err != nil {
		t.Fatal(err)
	}
	r.tick(lookEvery)
	r.want("Archive/2026 cannot be read", "no such folder")
	r.tick(5 * lookEvery)
	if n := len(r.a.log); n > 4 { // the index says it too, and a watch
		t.Errorf("said %d times: %v", n, r.a.log)
	}
	r.keys("d", "j", "enter") // harmless
	if err := os.Rename(away, dir); err != nil {
		t.Fatal(err)
	}
	r.tick(lookEvery)
	r.want("Archive/2026  1 message", "Old")
}

// TestPickerFollows offers a folder that is made while one chooses.
func TestPickerFollows(t *testing.T) {
	r := newRig(t, rigOptions{})
	made := filepath.Join(r.dir, ".Made")
	deliver(t, made, []letter{{at: "Mon 02 Nov 10:00", from: "a@x.example", subject: "in it", body: "b", flags: "S"}})
	r.keys("c") // which looks for folders anew
	r.typed("made")
	r.want("> Made")
	r.keys("esc", "c")
	r.typed("nosuchfolder")
	r.keys("enter")
	r.want("no folder has these letters") // still there to be mended
	r.keys("ctrl+u")
	r.typed("made")
	r.keys("enter")
	r.want("Made  1 message", "in it")
}

// TestSearchGoesOn indexes texts that a search of all folders did not get through, and finds the rest, the cursor where
// it was.
func TestSearchGoesOn(t *testing.T) {
	r := newRig(t, rigOptions{mail: func(t testing.TB, dir string) {
		var letters []letter
		for i := range hitsMost + 20 {
			letters = append(letters, letter{at: fmt.Sprintf("Mon 02 Nov %02d:%02d", i/60, i%60), from: "a@x.example", subject: "n", body: "the needle", flags: "S"})
		}
		deliver(t, dir, letters)
	}})
	r.typed("g/")
	r.typed("needle")
	r.want(fmt.Sprintf("%d of %d in", hitsMost+20, hitsMost+20), "the needle")
	if c := r.a.box.Mail().View().TextCoverage(); !c.Complete() {
		t.Errorf("indexed: %+v", c)
	}
	if n := r.a.indexNow.Load(); n == 0 {
		t.Error("nothing was said of how far the index is")
	}
	r.keys("down", "down")
	hit, _ := r.a.search.Current()
	r.run(r.a.searchAll()) // as after that
	r.settle()
	if now, _ := r.a.search.Current(); now.ID != hit.ID {
		t.Errorf("the cursor went from %d to %d", hit.ID, now.ID)
	}
}

// TestSearchWithoutIndex shows what a search has found where texts cannot be indexed, and then reads on.
func TestSearchWithoutIndex(t *testing.T) {
	r := newRig(t, rigOptions{mail: func(t testing.TB, dir string) {
		var letters []letter
		for i := range 20 {
			letters = append(letters, letter{at: fmt.Sprintf("Mon 02 Nov 10:%02d", i), from: "a@x.example", subject: "n", body: "the needle", flags: "S"})
		}
		deliver(t, dir, letters)
	}})
	r.typed("g/")
	r.a.patience, r.a.indexed = 1, true // as after that was tried
	for _, k := range term.Split([]rune("needle"), false) {
		r.a.search.Key(k)
	}
	then := r.a.Update(r.a.searchAll()())
	if _, any := r.a.search.Current(); any || !r.a.search.Partly() {
		t.Error("the first part of the search went through all texts")
	}
	r.run(then)
	r.settle()
	r.want("20 of 20 in")
}

// TestReason leaves out names of files: there is one line for what is wrong.
func TestReason(t *testing.T) {
	for _, want := range []error{index.ErrVersion, maildir.ErrNoFolder, os.ErrPermission} {
		err := fmt.Errorf("index of /home/ada/Maildir: %w", error(&os.PathError{Op: "open", Path: "/home/ada/Maildir", Err: want}))
		if want != os.ErrPermission {
			err = fmt.Errorf("index of /home/ada/Maildir: %w", want)
		}
		if got := reason(err); !errors.Is(got, want) || got.Error() != want.Error() {
			t.Errorf("%v: %v", err, got)
		}
	}
}

// TestNewsMeanwhile takes the newest state of a folder, whatever came while an older one was being read.
func TestNewsMeanwhile(t *testing.T) {
	for _, tt := range []struct {
		name      string
		reordered bool // an order is made meanwhile
		late      bool // the older state is heard of once more, behind the newest
	}{{"", false, false}, {"reordered", true, false}, {"late", false, true}} {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t, rigOptions{})
			a := r.a
			a.few = 0
			a.watch() // nobody else tells of it
			sync := func() *mstore.View {
				v, err := a.box.Mail().Sync(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				return v
			}
			list, err := a.box.Folder.List()
			if err != nil {
				t.Fatal(err)
			}
			var older []*mstore.View
			for _, e := range list[:2] {
				if err := os.Remove(a.box.Folder.File(e)); err != nil {
					t.Fatal(err)
				}
				older = append(older, sync())
			}
			news := a.takeView(older[0])() // which is not heard of yet
			deliver(t, r.dir, []letter{{at: "Sat 21 Nov 09:40", from: "a@x.example", subject: "the newest", body: "b", flags: ""}})
			a.takeView(sync())
			if tt.late {
				a.takeView(older[1])
			}
			if tt.reordered {
				a.box.SetView(a.box.Snapshot().Arrange(t.Context()))
			}
			r.send(news)
			r.settle()
			if got, want := a.box.View().Len(), len(list)-1; got != want {
				t.Errorf("the box has %d messages, want %d", got, want)
			}
			r.want("the newest")
		})
	}
}

// TestNumbersOfOthers asks what to do with some messages, and does nothing once their numbers are those of others.
func TestNumbersOfOthers(t *testing.T) {
	for _, few := range []int{0, fewRows} {
		r := newRig(t, rigOptions{folder: "Trash", mail: func(t testing.TB, dir string) {
			deliver(t, filepath.Join(dir, ".Trash"), []letter{
				{at: "Mon 02 Nov 10:00", from: "a@x.example", subject: "one", body: "b", flags: "S"},
				{at: "Mon 02 Nov 11:00", from: "a@x.example", subject: "two", body: "b", flags: "S"},
			})
		}})
		r.a.few = few
		r.typed("+")
		r.keys(" ")
		r.run(r.a.openFolder("Trash")) // as when another program has made its index anew
		r.settle()
		r.keys("enter")
		r.want("no keywords set")
		r.wantNot("Important")
		r.typed("V:purge")
		r.keys("enter")
		r.want(`for good\?`)
		r.run(r.a.openFolder("Trash"))
		r.settle()
		r.keys("y", "enter")
		r.want("nothing deleted")
		if n := len(files(t, filepath.Join(r.dir, ".Trash"))); n != 2 {
			t.Errorf("%d messages are left, want 2", n)
		}
	}
}
