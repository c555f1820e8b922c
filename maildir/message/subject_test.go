package message

import "testing"

func TestBaseSubject(t *testing.T) {
	for _, tt := range []struct {
		in, want string
		reply    bool
	}{
		{"Re:  [list]\tA b", "A b", true},
		{"[fwd: Fw: c ] (FWD)", "c", true},
		{" plain ", "plain", false},
	} {
		if got, reply := BaseSubject(tt.in); got != tt.want || reply != tt.reply {
			t.Errorf("%q: %q, %v", tt.in, got, reply)
		}
	}
}
