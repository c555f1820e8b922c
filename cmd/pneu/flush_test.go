package main

import (
	"bufio"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"pneu/mta/sysexits"
)

// countWrites counts the writes that reach it.
type countWrites struct{ n int }

func (w *countWrites) Write(b []byte) (int, error) {
	w.n++
	return len(b), nil
}

// What has come is answered before more is waited for; what lies in the input's buffer
// is answered at once.
func TestFiltersStream(t *testing.T) {
	mail := filepath.Join(t.TempDir(), "mail")
	if err := os.WriteFile(mail, []byte("Subject: x\n\nx\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	in, feed, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	answers, out := io.Pipe()
	filter := &tool{in: in, out: bufio.NewWriter(out), timer: time.NewTimer(time.Hour)}
	done := make(chan error)
	go func() {
		done <- filter.eachRecord(patient{filter}, filter.emitRef)
		out.Close()
	}()
	r := bufio.NewReader(answers)
	for range 3 {
		io.WriteString(feed, mail+"\n")
		if line, err := r.ReadString('\n'); line != mail+"\n" || err != nil {
			t.Fatalf("%q, %v", line, err)
		}
	}
	feed.Close()
	if err := <-done; err != nil {
		t.Error(err)
	}

	var n countWrites
	lines := strings.Repeat(mail+"\n", 500)
	filter = &tool{in: strings.NewReader(lines), out: bufio.NewWriterSize(&n, len(lines)), timer: time.NewTimer(time.Hour)}
	if err := filter.eachRecord(patient{filter}, filter.emitRef); err != nil {
		t.Error(err)
	}
	if most := 2 + len(lines)/(64<<10); n.n > most {
		t.Errorf("%d writes for 500 records", n.n)
	}
}

type fullWriter struct{}

func (fullWriter) Write([]byte) (int, error) { return 0, syscall.ENOSPC }

// An output that takes no more is not told of as a fault of the input, by which the exit code
// would be another.
func TestFullOutput(t *testing.T) {
	mail := filepath.Join(t.TempDir(), "mail")
	if err := os.WriteFile(mail, []byte("Subject: x\n\nx\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	filter := &tool{in: strings.NewReader(mail + "\n"), out: bufio.NewWriter(fullWriter{}), timer: time.NewTimer(time.Hour)}
	err := filter.verdict(filter.eachRecord(patient{filter}, filter.emitRef))
	if code := sysexits.Code(err); code != sysexits.TempFail || strings.Contains(err.Error(), "standard input") {
		t.Errorf("exit %d: %v", code, err)
	}
}
