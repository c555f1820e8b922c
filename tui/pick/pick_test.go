package pick

import (
	"slices"
	"strings"
	"testing"
	"time"

	"pneu/maildir/safe"
	"pneu/tui/list"
	"pneu/tui/look"
	"pneu/tui/term"
)

func TestPick(t *testing.T) {
	now := func() time.Time { return time.Date(2026, 11, 21, 9, 45, 0, 0, time.UTC) }
	tests := []struct {
		keys string
		want []int
	}{
		{"enter", []int{0}},
		{"j j enter", []int{2}},
		{"j space space enter", []int{1, 2}},
		{"G x g x enter", []int{0, 4}},
		{"a enter", []int{0, 1, 2, 3, 4}},
		{"a a j enter", []int{1}},
		{"a k space enter", []int{1, 2, 3, 4}},
		{"V j j V enter", []int{0, 1, 2}},
		{"a q", nil},
		{"esc", nil},
		{"nonsense", nil},
	}
	for _, tt := range tests {
		var rows []list.Row
		for i := range 5 {
			rows = append(rows, list.Row{ID: i, Time: now(), People: safe.Line("Ada"), Subject: safe.Line("number " + string(rune('0'+i)))})
		}
		m := New(look.NewTheme(look.Options{Mono: true}), now, rows)
		m.Size(60, 4)
		for k := range strings.FieldsSeq(tt.keys) {
			m.Key(term.Named(k))
			if v := m.View(); strings.Count(v, "\n") != 3 || !strings.Contains(v, "chosen") {
				t.Errorf("%s: the screen is %q", tt.keys, v)
			}
		}
		if got := m.Chosen(); !slices.Equal(got, tt.want) {
			t.Errorf("%s: %v, want %v", tt.keys, got, tt.want)
		}
	}
	if m := New(look.NewTheme(look.Options{Mono: true}), now, nil); !m.Key(term.Named("enter")) || m.Chosen() != nil {
		t.Error("something was chosen from nothing")
	}
}
