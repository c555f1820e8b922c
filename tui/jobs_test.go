package tui

import (
	"sync"
	"testing"
	"time"

	"pneu/tui/term"
)

// TestChangesKeepTheirOrder starts the commands of changes in the wrong order.
func TestChangesKeepTheirOrder(t *testing.T) {
	j := newJobs()
	defer j.stop()
	var got []int
	var cmds []term.Cmd
	for i := range 5 {
		cmds = append(cmds, j.change(func() term.Msg { got = append(got, i); return nil }))
	}
	var wg sync.WaitGroup
	for i := len(cmds) - 1; i >= 0; i-- {
		wg.Go(func() { cmds[i]() })
		time.Sleep(time.Millisecond)
	}
	j.settle(5 * time.Second)
	wg.Wait()
	for i, n := range got {
		if i != n || len(got) != 5 {
			t.Fatalf("made in the order %v", got)
		}
	}
}
