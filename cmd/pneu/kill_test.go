package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"pneu/maildir"
	"pneu/maildir/store"
)

// TestKilled kills changes of many messages, and undo of them, wherever they are. No message
// is lost or there twice at any moment, and undo run once more leaves all as it was.
func TestKilled(t *testing.T) {
	const messages = 1200
	dir := t.TempDir()
	pneu, root := filepath.Join(dir, "pneu"), filepath.Join(dir, "Maildir")
	ourselves(t, pneu)
	tree, err := maildir.Create(root)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tree.CreateFolder("A"); err != nil {
		t.Fatal(err)
	}
	for n := range messages {
		place := "cur"
		name := fmt.Sprintf("17%08d.M%dP1.host:2,%s", n, n, []string{"", "S", "F", "FS"}[n%4])
		if n%100 == 7 {
			place, name = "new", strings.TrimSuffix(name, "FS")
			name = strings.TrimSuffix(strings.TrimSuffix(name, ":2,"), ":2,S")
		}
		if err := os.WriteFile(filepath.Join(root, place, name), fmt.Appendf(nil, "Subject: %d\n\nx\n", n), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	paths := func() (all []string) {
		for _, pattern := range []string{"cur/*", "new/*", ".A/cur/*", ".A/new/*"} {
			list, err := filepath.Glob(filepath.Join(root, pattern))
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, list...)
		}
		return all
	}
	whole := func(when string) {
		t.Helper()
		seen := map[string]bool{}
		for _, p := range paths() {
			b, err := os.ReadFile(p)
			if err != nil {
				t.Fatal(err)
			}
			if seen[string(b)] {
				t.Errorf("%s: a message is there twice: %s", when, p)
			}
			seen[string(b)] = true
		}
		if len(seen) != messages {
			t.Fatalf("%s: %d messages", when, len(seen))
		}
	}
	before := paths()
	state := 0
	run := func(wait time.Duration, in []byte, args ...string) {
		cmd := exec.Command(pneu, args...)
		cmd.Env = append(os.Environ(), "HOME="+dir, fmt.Sprintf("XDG_STATE_HOME=%s/state%d", dir, state), "PNEU_MAILDIR="+root, "PNEU_CONFIG=")
		cmd.Stdin = bytes.NewReader(in)
		var said bytes.Buffer
		cmd.Stderr = &said
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if wait > 0 {
			time.Sleep(wait)
			cmd.Process.Kill()
			cmd.Wait()
			return
		}
		if err := cmd.Wait(); cmd.ProcessState.ExitCode() > 1 || !cmd.ProcessState.Exited() || bytes.Contains(said.Bytes(), []byte("gone")) {
			t.Errorf("%v: %v, %s", args, err, said.Bytes())
		}
	}
	r := rand.New(rand.NewPCG(1, uint64(time.Now().UnixNano())))
	some := func() time.Duration { return time.Duration(5+r.IntN(120)) * time.Millisecond }
	in := []byte(strings.Join(before, "\n") + "\n")
	// An index first, so that all go the way of many.
	run(0, in, "flag", "--keyword", "first")
	run(0, nil, "undo")
	if now := paths(); !slices.Equal(now, before) {
		t.Fatal("undo leaves another tree without a crash")
	}
	for round, args := range [][]string{{"flag", "+RT", "-F"}, {"flag", "--keyword", "later"}, {"mv", "A"}, {"archive", "--to", "A"}, {"flag", "-S", "--keyword", "both"}, {"rm"}} {
		if raceEnabled && round > 2 {
			break
		}
		state++
		run(some(), in, args...)
		if args[0] != "rm" { // its folder is another
			whole(fmt.Sprint(args, " killed"))
		}
		run(some(), nil, "undo")
		if args[0] != "rm" {
			whole(fmt.Sprint("undo of ", args, " killed"))
		}
		run(0, nil, "undo")
		whole(fmt.Sprint("undo of ", args))
		if now := paths(); !slices.Equal(now, before) {
			for i := range now {
				if i < len(before) && now[i] != before[i] {
					t.Fatalf("after undo of %v %s is called %s", args, before[i], now[i])
				}
			}
			t.Fatalf("undo of %v leaves another tree", args)
		}
	}
	s, err := store.Open(root, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	box, err := s.Box("INBOX")
	if err != nil {
		t.Fatal(err)
	}
	v, err := box.Sync(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for n := range v.Len() {
		if words := v.Row(n).Keywords(); len(words) > 0 {
			t.Fatalf("%s has %q", v.Row(n).Path(), words)
		}
	}
}
