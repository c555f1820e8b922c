package runner

import (
	"testing"
	"time"

	"pneu/mta/queue"
)

func TestResting(t *testing.T) {
	now := time.Now()
	for _, tt := range []struct {
		name string
		h    queue.Health
		want bool
	}{
		{"nothing known", queue.Health{}, false},
		{"down", queue.Health{Fails: 3, Next: now.Add(restMax)}, true},
		{"to be probed", queue.Health{Fails: 3, Next: now.Add(-time.Second)}, false},
		{"written by a clock years ahead", queue.Health{Fails: 1, Next: now.AddDate(30, 0, 0)}, false},
	} {
		if got := resting(tt.h, now); got != tt.want {
			t.Errorf("%s: %v", tt.name, got)
		}
	}
}
