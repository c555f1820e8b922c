package main

import (
	"bufio"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
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
	in, feed := io.Pipe()
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
