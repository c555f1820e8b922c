package facets

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"pneu/maildir"
	"pneu/maildir/index"
	"pneu/maildir/search"
	"pneu/maildir/store"
)

// folder is a folder of mails that are given by sender, date, and flags.
func folder(t *testing.T, mails ...[3]string) *store.View {
	t.Helper()
	s, err := store.Create(t.TempDir(), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	b, err := s.Box("INBOX")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	for i, m := range mails {
		text := fmt.Sprintf("From: %s\r\nDate: %s\r\nSubject: %d\r\n\r\ntext\r\n", m[0], m[1], i)
		if _, err := b.Append(t.Context(), maildir.Delivery{Flags: maildir.Flags(m[2]), Cur: true}, nil, strings.NewReader(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.Build(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	return b.View()
}

func all(v *store.View) Set {
	rows := search.NewBits(v.Len())
	rows.SetRange(0, v.Len())
	return Set{v, rows}
}

// text writes groups in a line each.
func text(groups []Group) string {
	var b strings.Builder
	for _, g := range groups {
		b.WriteString(g.Name)
		for _, t := range g.Terms {
			fmt.Fprintf(&b, " %s=%d", t.Query, t.N)
		}
		b.WriteString("\n")
	}
	return b.String()
}

func TestOf(t *testing.T) {
	v := folder(t,
		[3]string{"Ada <Ada@example.org>", "Sat, 21 Nov 2026 23:30:00 +0000", "S"},
		[3]string{"Ada <ada@example.org>, b@example.net", "Sat, 21 Nov 2026 10:00:00 +0000", "SF"},
		[3]string{`"x (y) <z>" <\"odd one\"@example.org>`, "Fri, 20 Nov 2026 10:00:00 +0000", ""},
	)
	if _, err := v.Box().SetFlags(t.Context(), v.UIDs([]int32{1}), index.FlagChange{AddKeywords: []string{"work", "x|y"}}); err != nil {
		t.Fatal(err)
	}
	v = v.Box().View()
	got := text(Of(t.Context(), []Set{all(v)}, time.FixedZone("", 3600)))
	want := `from from:ada@example.org=2 from:oddone@example.org=1
when date:2026-11-22=1 date:2026-11-21=1 date:2026-11-20=1
is is:unread=1 is:flagged=1
keyword tag:work=1 tag:"x|y"=1
`
	if got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	// Every term leaves as many as it says.
	for _, g := range Of(t.Context(), []Set{all(v)}, time.UTC) {
		for _, term := range g.Terms {
			q, err := search.ParseWith(term.Query, search.Options{Now: time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)})
			if err != nil {
				t.Errorf("%s: %v", term.Query, err)
				continue
			}
			set, err := v.Query(t.Context(), q)
			if err != nil || set.Count() != term.N {
				t.Errorf("%s leaves %d, %v; want %d", term.Query, set.Count(), err, term.N)
			}
		}
	}
	if g := Of(t.Context(), []Set{{v, search.NewBits(v.Len())}}, time.UTC); len(g) != 0 {
		t.Errorf("of nothing: %s", text(g))
	}
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if g := Of(ctx, []Set{all(v)}, time.UTC); g != nil {
		t.Errorf("after the end: %s", text(g))
	}
}

// TestTimes counts by what tells the messages apart.
func TestTimes(t *testing.T) {
	at := func(y int, m time.Month, d int) int64 { return time.Date(y, m, d, 12, 0, 0, 0, time.UTC).Unix() }
	tests := []struct {
		at   []int64
		want string
	}{
		{[]int64{at(2024, 1, 1), at(2026, 2, 1), at(2026, 3, 1)}, "[{2026 date:2026 2} {2024 date:2024 1}]"},
		{[]int64{at(2026, 2, 1), at(2026, 3, 1), at(2026, 3, 9)}, "[{2026-03 date:2026-03 2} {2026-02 date:2026-02 1}]"},
		{[]int64{at(2026, 3, 1), at(2026, 3, 9)}, "[{2026-03-09 date:2026-03-09 1} {2026-03-01 date:2026-03-01 1}]"},
		{[]int64{at(2026, 3, 1), at(2026, 3, 1)}, "[]"},
		{[]int64{-1 << 40, 1 << 50, at(2026, 3, 1)}, "[{2026 date:2026 1}]"},
	}
	for _, tt := range tests {
		times := newTimes(time.UTC)
		for _, at := range tt.at {
			times.add(at)
		}
		if got := fmt.Sprint(times.terms(len(tt.at))); got != tt.want {
			t.Errorf("%v: %s, want %s", tt.at, got, tt.want)
		}
	}
}

// TestScan counts senders in both ways.
func TestScan(t *testing.T) {
	var mails [][3]string
	for i := range 300 {
		mails = append(mails, [3]string{fmt.Sprintf("Name %d <p%d@example.org>", i, i%7), "Sat, 21 Nov 2026 10:00:00 +0000", "S"})
	}
	mails = append(mails, [3]string{"no address", "", ""}, [3]string{"bare@example.org", "", ""})
	s := all(folder(t, mails...))
	for row := range 50 {
		s.Rows.Clear(row)
	}
	one, other := map[string]int{}, map[string]int{}
	lookUp(s, one)
	scan(t.Context(), s, other)
	delete(one, "") // what is no address is none of either
	for name := range other {
		if !strings.Contains(name, "@") {
			delete(other, name)
		}
	}
	if !maps.Equal(one, other) {
		t.Errorf("looked up: %v\nscanned: %v", one, other)
	}
}
