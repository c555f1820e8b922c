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
