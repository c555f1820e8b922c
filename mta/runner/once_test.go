package runner

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"pneu/mta/queue"
)

// Reports come into being while the loop looks at the spool: each is delivered
// once, however the two meet.
func TestReportsAreDeliveredOnce(t *testing.T) {
	w := newWorld(t)
	w.opt.Now = time.Now
	w.opt.Rescan = 5 * time.Millisecond
	w.answers["there.test"] = refuse(550, "no such user")
	var mu sync.Mutex
	count := map[string]int{}
	w.opt.Local = func(_ context.Context, d LocalDelivery) error {
		mu.Lock()
		defer mu.Unlock()
		count[fmt.Sprint(d.ID, " ", d.N)]++
		return nil
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- New(w.spool, w.opt).Serve(ctx) }()
	const messages = 150
	for range messages {
		w.accept(queue.Envelope{Sender: "a@here.test"}, "x@there.test", "b@here.test")
	}
	t.Cleanup(func() {
		if t.Failed() {
			refs, err := w.spool.All()
			mu.Lock()
			defer mu.Unlock()
			t.Logf("%d of %d deliveries; %d messages left, %v", len(count), 2*messages, len(refs), err)
			for _, ref := range refs[:min(5, len(refs))] {
				t.Logf("%s is due in %v", ref.ID, time.Until(ref.Next))
				for line := range strings.Lines(w.log.String()) {
					if strings.Contains(line, ref.ID) {
						t.Logf("%.400s", line)
					}
				}
			}
		}
	})
	eventually(t, func() bool { mu.Lock(); defer mu.Unlock(); return len(count) == 2*messages })
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	for id, n := range count {
		if n != 1 {
			t.Errorf("%s was delivered %d times", id, n)
		}
	}
}
