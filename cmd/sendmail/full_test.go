package main

import (
	"bufio"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"pneu/cmd/internal/conf/brief"
	"pneu/mta/queue"
	"pneu/mta/submit"
)

// smallDisk takes room bytes in a file and then is full.
type smallDisk struct {
	queue.OS
	room int
}

type smallFile struct {
	queue.File
	room int
}

func (d smallDisk) Open(name string, flag int, perm uint32) (queue.File, error) {
	f, err := d.OS.Open(name, flag, perm)
	if err != nil {
		return nil, err
	}
	return smallFile{f, d.room}, nil
}

func (f smallFile) WriteAt(p []byte, off int64) (int, error) {
	if fits := f.room - int(off); len(p) > fits {
		n, _ := f.File.WriteAt(p[:max(fits, 0)], off)
		return n, syscall.ENOSPC
	}
	return f.File.WriteAt(p, off)
}

// A message that came through a pipe is whole in dead.letter, wherever the
// disk was full.
func TestFullDiskSaves(t *testing.T) {
	body := strings.Repeat("0123456789abcde\n", 20_000)
	dir := setUp(t)
	t.Setenv("HOME", dir)
	for _, size := range []int{10, 1000, 70_000, len(body)} {
		for _, room := range []int{0, 100, 70_000, 140_000, 200_000} {
			if room > size+1000 {
				continue
			}
			os.Remove(filepath.Join(dir, "dead.letter"))
			spool, err := queue.Open(queue.Options{Dir: filepath.Join(dir, "spool"), FS: smallDisk{room: room}})
			if err != nil {
				t.Fatal(err)
			}
			j := &job{o: &options{onError: errPrint}, conf: &brief.File{MessageSize: 1 << 30}, spool: spool, now: time.Now()}
			j.in = bufio.NewReaderSize(strings.NewReader("Subject: x\n\n"+body[:size]), 16<<10)
			if j.head, err = submit.Read(j.in, submit.Options{}); err != nil {
				t.Fatal(err)
			}
			err = j.accept(&queue.Envelope{Recipients: []queue.Recipient{{Addr: "b@example.net"}}})
			if !errors.Is(err, syscall.ENOSPC) {
				t.Fatalf("size %d, room %d: %v", size, room, err)
			}
			if err = j.keep(err); !strings.Contains(err.Error(), "saved in") {
				t.Fatalf("size %d, room %d: %v", size, room, err)
			}
			b, err := os.ReadFile(filepath.Join(dir, "dead.letter"))
			if err != nil {
				t.Fatal(err)
			}
			_, saved, _ := strings.Cut(string(b), "\n")
			if want := "Subject: x\n\n" + body[:size] + "\n"; saved != want {
				t.Errorf("size %d, room %d: saved %d bytes, want %d", size, room, len(saved), len(want))
			}
			if refs, err := spool.All(); len(refs) > 0 || err != nil {
				t.Errorf("size %d, room %d: left %v, %v", size, room, refs, err)
			}
		}
	}
}
