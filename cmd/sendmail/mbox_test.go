package main

import (
	"strings"
	"testing"
)

func TestMbox(t *testing.T) {
	tests := []struct{ in, want string }{
		{"From a\nFro\nFrom: x\n", ">From a\nFro\nFrom: x\n"},
		{"a\nFrom b\n\nFrom", "a\n>From b\n\nFrom"}, // what may begin a separator, and is the end
		{"F", "F"},
		{"", ""},
	}
	for _, tt := range tests {
		for _, size := range []int{1, 2, 100} {
			var out strings.Builder
			m := &mbox{w: &out, start: true}
			for s := tt.in; s != ""; s = s[min(size, len(s)):] {
				m.Write([]byte(s[:min(size, len(s))]))
			}
			if err := m.end(); err != nil || out.String() != tt.want {
				t.Errorf("%q in pieces of %d: %q, %v; want %q", tt.in, size, out.String(), err, tt.want)
			}
		}
	}
}
