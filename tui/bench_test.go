package tui

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"pneu/tui/term"
)

// made is a folder of n messages, three to a conversation, indexed, on the screen.
func made(t testing.TB, n int) *rig {
	r := newRig(t, rigOptions{w: 200, h: 50, mail: func(t testing.TB, dir string) {
		put(t, dir, "tmp/x", "")
		for i := range n {
			at := clock.Add(-time.Duration(n-i) * time.Minute)
			text := fmt.Sprintf("From: Ada Lovelace <ada@example.org>\nSubject: subject %d\nDate: %s\nMessage-ID: <%d@made>\n", i/3, at.Format(time.RFC1123Z), i)
			if i%3 != 0 {
				text += fmt.Sprintf("References: <%d@made>\n", i-i%3)
			}
			if err := os.WriteFile(filepath.Join(dir, "cur", fmt.Sprintf("%d.M%dP1.made:2,S", at.Unix(), i)), []byte(text+"\ntext\n"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}})
	if err := r.a.box.Mail().Build(context.Background(), nil); err != nil {
		t.Fatal(err)
	}
	r.settle()
	r.a.after = func(time.Duration, term.Msg) term.Cmd { return nil }
	r.a.View()
	return r
}

func (r *rig) press(name string) {
	key := term.Named(name)
	if len(name) == 1 {
		key = term.Rune(rune(name[0]))
	}
	_ = r.a.Update(key)
	_ = r.a.View()
}

// BenchmarkUpdateView is one key and the frame after it, in a folder of 30,000.
func BenchmarkUpdateView(b *testing.B) {
	r := made(b, 30_000)
	for _, k := range []string{"j", "pgdown", "G"} {
		b.Run(k, func(b *testing.B) {
			for b.Loop() {
				r.a.status = status{}
				r.press(k)
			}
		})
	}
}

// TestUpdateBudget counts what keys and their frames allocate: no more in a large folder than in a small one.
func TestUpdateBudget(t *testing.T) {
	if slower > 1 {
		t.Skip("the race detector allocates too")
	}
	work := func(n int) float64 {
		r := made(t, n)
		steps := func() {
			for _, k := range []string{"j", "G", "g", "g", "pgdown", "z", "a", "z", "a"} {
				r.press(k)
			}
		}
		steps()
		least := testing.AllocsPerRun(3, steps)
		for range 5 { // what runs behind the screen allocates too
			least = min(least, testing.AllocsPerRun(3, steps))
		}
		return least
	}
	small, large := work(300), work(2400)
	if large > 1.5*small {
		t.Errorf("%.0f allocations in a folder of 2,400, %.0f in one of 300", large, small)
	}
}
