package index

import "testing"

// TestCompactBehind: a log that has become long is replaced in the background, and by who
// commits if nobody has done so for long.
func TestCompactBehind(t *testing.T) {
	t.Parallel()
	for _, behind := range []bool{true, false} {
		f := newFolder(t)
		x := mustOpen(t, f, Options{})
		fill(t, x, 300, benchNames["mutt"])
		if err := x.Compact(t.Context()); err != nil {
			t.Fatal(err)
		}
		if !behind {
			x.flagger.stop()
		}
		gen, limit := x.core.id.gen, int64(1<<19)
		var cost int64 // before the last commit
		for n := 0; ; n++ {
			tx := mustBegin(t, x)
			if x.core.id.gen != gen {
				tx.end()
				break
			}
			cost = x.core.logCost()
			// A batch of many records is quicker made than many of one.
			for k := range 100 {
				if _, err := tx.flags([]UID{UID(1 + (7*k+n)%300)}, Flags(1<<(n%3)), Flags(1<<((n+1)%3)), nil, nil, false); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := tx.commit(); err != nil {
				t.Fatal(err)
			}
			tx.end()
			if cost > 2*limit {
				t.Fatalf("the log goes on at a cost of %d", cost)
			}
			if cost < limit {
				continue
			}
			x.flagger.mu.Lock()
			done := x.flagger.done
			x.flagger.mu.Unlock()
			if behind {
				if done == nil {
					t.Fatal("nothing is done in the background")
				}
				<-done
			} else if done != nil {
				t.Fatal("something is done in the background")
			}
		}
		if behind && cost > limit+limit/4 || !behind && cost < limit+limit/4 {
			t.Errorf("in the background %v: replaced at a cost of %d", behind, cost)
		}
		if st := x.View().State(); st.Total != 300 || x.core.logCost() > limit/4 {
			t.Errorf("%+v, cost %d", st, x.core.logCost())
		}
	}
}
