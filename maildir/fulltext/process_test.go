package fulltext

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"testing"
	"time"
)

// processEnv makes the test binary a program that writes an index until it is
// killed: "SEED DIR".
const processEnv = "FULLTEXT_PROCESS"

func TestMain(m *testing.M) {
	job := os.Getenv(processEnv)
	if job == "" {
		os.Exit(m.Run())
	}
	if err := writeForever(job); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

const processUIDs = 300

func writeForever(job string) error {
	var seed uint64
	var dir string
	if _, err := fmt.Sscanf(job, "%d %q", &seed, &dir); err != nil {
		return err
	}
	x, err := Open(dir, Options{Identity: "folder 1", Memory: 40 << 10, Tail: 4 << 10})
	if err != nil {
		return err
	}
	ctx := context.Background()
	r := rand.New(rand.NewPCG(seed, 9))
	for until := time.Now().Add(time.Minute); time.Now().Before(until); {
		switch r.IntN(8) {
		case 0:
			var b *Builder
			if b, err = x.Builder(ctx); err != nil {
				break
			}
			for range r.IntN(60) {
				uid := 1 + r.Uint32N(processUIDs)
				if err := b.Add(uid, textOf(uid)); err != nil {
					return errors.Join(err, b.Close())
				}
			}
			err = b.Close()
		case 1:
			dead := r.Uint32N(7)
			err = x.Merge(ctx, func(uid uint32) bool { return uid%7 != dead })
		case 2:
			err = x.Fold(ctx, nil)
		case 3:
			_, err = x.Refresh()
		default:
			uid := 1 + r.Uint32N(processUIDs)
			_, err = x.Append(uid, textOf(uid))
		}
		if err != nil && !errors.Is(err, ErrBusy) && !errors.Is(err, ErrTailFull) {
			return err
		}
	}
	return nil
}

func TestKilled(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	x, err := Open(dir, Options{Identity: "folder 1", ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	most := 0
	for round := range uint64(5) {
		ctx, kill := context.WithCancel(context.Background())
		var children []*exec.Cmd
		for i := range uint64(2) {
			c := exec.CommandContext(ctx, exe)
			c.Env = append(os.Environ(), fmt.Sprintf("%s=%d %q", processEnv, 2*round+i, dir))
			c.Stderr = os.Stderr
			if err := c.Start(); err != nil {
				t.Fatal(err)
			}
			children = append(children, c)
		}
		until := time.Now().Add(time.Duration(50+rand.IntN(100)) * time.Millisecond)
		for time.Now().Before(until) {
			v, err := x.Refresh()
			if err != nil {
				t.Error(err)
				break
			}
			most = max(most, checkSome(t, v, 1))
		}
		kill()
		for _, c := range children {
			c.Wait()
			if c.ProcessState.Exited() {
				t.Errorf("a process ended by itself: %v", c.ProcessState)
			}
		}
	}
	y := mustOpen(t, dir, Options{})
	checkSome(t, y.View(), 20)
	if err := y.Check(context.Background()); err != nil {
		t.Error(err)
	}
	texts := map[uint32][]byte{}
	for uid := range uint32(processUIDs) {
		texts[uid+1] = textOf(uid + 1)
	}
	build(t, y, texts)
	checkCovered(t, y.View(), texts)
	t.Logf("at most %d covered while they ran", most)
}
