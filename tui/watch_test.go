package tui

import (
	"testing"

	"pneu/maildir"
)

// TestLastEventWins takes a message out and back within one bundle of events, as undo does.
func TestLastEventWins(t *testing.T) {
	r := newRig(t, rigOptions{})
	id := r.a.list.Current()
	e := r.a.box.Entry(id)
	gone, back := maildir.Event{Kind: maildir.Gone, Entry: e}, maildir.Event{Kind: maildir.Added, Entry: e}
	for _, tt := range []struct {
		name   string
		events []maildir.Event
		want   bool
	}{
		{"out", []maildir.Event{gone}, true},
		{"back", []maildir.Event{back}, false},
		{"out and back", []maildir.Event{gone, back}, false},
		{"out, back and out", []maildir.Event{gone, back, gone}, true},
		{"back and out and back", []maildir.Event{back, gone, back}, false},
	} {
		r.send(watched{serial: r.a.box.Serial, events: tt.events})
		r.settle()
		if r.a.box.Gone(id) != tt.want {
			t.Errorf("%s: gone is %v", tt.name, !tt.want)
		}
		if found := r.a.box.Rows().Find(id) >= 0; found == tt.want {
			t.Errorf("%s: has a row: %v", tt.name, found)
		}
	}
}
