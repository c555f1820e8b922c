package index

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"pneu/maildir"
)

// childEnv has the folder in which a child process commits until it is killed.
const childEnv = "PNEU_INDEX_TEST_CHILD"

// child adds messages and changes flags, and says of each commit what it was
// once that is done.
func child() {
	f, err := maildir.At(os.Getenv(childEnv))
	if err != nil {
		panic(err)
	}
	x, err := Open(f, Options{})
	if err != nil {
		panic(err)
	}
	for n := 0; ; n++ {
		t, err := x.begin(context.Background())
		if err != nil {
			panic(err)
		}
		var uid UID
		for range 1 + n%40 {
			uid, _ = t.add(Message{Entry: maildir.Entry{File: fmt.Sprintf("%d.%d.%d:2,", os.Getpid(), n, t.view().State().UIDNext)}, Size: 10, Digest: []byte("d"), Head: []byte("h")})
		}
		m, _ := t.flags([]UID{uid}, Seen, 0, []string{fmt.Sprint("k", n%7)}, nil, false)
		if n%5 == 4 {
			m, _ = t.expunge([]UID{uid - 1})
		}
		if _, err := t.commit(); err != nil {
			panic(err)
		}
		if n%9 == 8 {
			x.mu.Lock()
			if err := x.compact(); err != nil {
				panic(err)
			}
			x.mu.Unlock()
		}
		t.end()
		fmt.Printf("%08d %016d\n", uid, m)
	}
}

func TestKill(t *testing.T) {
	f := newFolder(t)
	var next UID
	var modseq uint64
	for round := range 8 {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), childEnv+"="+f.Path())
		out, err := os.Create(filepath.Join(t.TempDir(), "out"))
		if err != nil {
			t.Fatal(err)
		}
		cmd.Stdout, cmd.Stderr = out, os.Stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		for end := time.Now().Add(30 * time.Second); time.Now().Before(end); { // until it has said something
			if st, err := out.Stat(); err == nil && st.Size() > int64(round*60) {
				break
			}
			time.Sleep(time.Duration(1+round) * time.Millisecond)
		}
		cmd.Process.Kill()
		cmd.Wait()
		said, err := os.ReadFile(out.Name())
		if err != nil {
			t.Fatal(err)
		}
		var uid UID
		var m uint64
		for ; len(said) >= 26; said = said[26:] {
			if _, err := fmt.Sscanf(string(said[:26]), "%d %d\n", &uid, &m); err != nil {
				t.Fatal(err)
			}
			if uid < next || m <= modseq {
				t.Fatalf("UID %d, MODSEQ %d after %d, %d", uid, m, next, modseq)
			}
			next, modseq = uid+1, m
		}
		x := mustOpen(t, f, Options{})
		if err, _ := x.Damage(); err != nil {
			t.Fatal(err)
		}
		v := x.View()
		if next > 0 {
			if row, ok := v.Find(next - 1); !ok || !v.Flags(row).Has(Seen) || !v.HasDigest(row) {
				t.Fatalf("UID %d was committed and is not there", next-1)
			}
		}
		if st := v.State(); st.UIDNext < next || st.HighestModSeq < modseq {
			t.Fatalf("%+v after UID %d, MODSEQ %d", st, next, modseq)
		}
		if errs := x.check(); len(errs) > 0 {
			t.Fatal(errs)
		}
		next, modseq = v.State().UIDNext, v.State().HighestModSeq
		x.Close()
	}
	if next == 0 {
		t.Error("no child ever committed")
	}
}
