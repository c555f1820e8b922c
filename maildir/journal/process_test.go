package journal

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"testing"
	"time"

	"pneu/maildir"
)

// processEnv makes the test binary a program that changes mail: "NUMBER
// MILLISECONDS JOURNAL ROOT".
const processEnv = "JOURNAL_PROCESS"

func TestMain(m *testing.M) {
	job := os.Getenv(processEnv)
	if job == "" {
		os.Exit(m.Run())
	}
	if err := change(job); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func change(job string) error {
	var number, ms int
	var path, root string
	if _, err := fmt.Sscanf(job, "%d %d %q %q", &number, &ms, &path, &root); err != nil {
		return err
	}
	s, err := maildir.Open(root)
	if err != nil {
		return err
	}
	folders, err := s.Folders()
	if err != nil {
		return err
	}
	j, err := Open(path)
	if err != nil {
		return err
	}
	defer j.Close()
	r := rand.New(rand.NewPCG(uint64(number), 3))
	until := time.Now().Add(time.Duration(ms) * time.Millisecond)
	for n := 0; n < 60 || time.Now().Before(until); n++ { // a busy machine gives little time
		b := j.Begin("cli", "something")
		for range 1 + r.IntN(3) {
			f, to := folders[r.IntN(len(folders))], folders[r.IntN(len(folders))]
			list, err := f.List()
			if err != nil {
				return err
			}
			if len(list) == 0 {
				continue
			}
			e := list[r.IntN(len(list))]
			switch r.IntN(4) {
			case 0:
				_, err = b.SetFlags(f, e, "S", "F")
			case 1:
				_, err = b.SetFlags(f, e, "F", "S")
			default:
				_, err = b.Move(f, e, to)
			}
			if err != nil && !errors.Is(err, maildir.ErrGone) {
				return err
			}
		}
		if err := b.Commit(); err != nil {
			return err
		}
	}
	return nil
}

// Two programs change the same few messages at once, each action in one
// journal; undo of all brings everything back to where it was.
func TestTwoProcesses(t *testing.T) {
	w := newWorld(t, 12)
	before := w.tree()
	var cmds []*exec.Cmd
	var out [2]bytes.Buffer
	for i := range out {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%d 500 %q %q", processEnv, i, w.j.path, w.store.Root()))
		cmd.Stderr = &out[i]
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		cmds = append(cmds, cmd)
	}
	for i, cmd := range cmds {
		if err := cmd.Wait(); err != nil {
			t.Errorf("%v: %s", err, out[i].String())
		}
	}
	log, err := w.j.Log(0)
	if err != nil || len(log) < 50 {
		t.Errorf("%d actions, %v", len(log), err)
	}
	if failed := w.undoAll(); len(failed) > 0 {
		t.Errorf("%d of %d actions not undone, first %v", len(failed), len(log), failed[0])
	}
	compare(t, "undo", w.tree(), before)
	t.Logf("%d actions", len(log))
}
