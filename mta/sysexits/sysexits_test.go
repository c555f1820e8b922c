package sysexits

import (
	"errors"
	"fmt"
	"testing"
)

func TestCode(t *testing.T) {
	tests := []struct {
		name string
		err  error
		want int
	}{
		{"nil", nil, OK},
		{"unknown means try again", errors.New("x"), TempFail},
		{"own code", New(NoUser, "no such user"), NoUser},
		{"wrapped", fmt.Errorf("deliver: %w", New(Config, "bad")), Config},
		{"first of a chain", Wrap(IO, New(Config, "bad")), IO},
		{"wrapped nil", Wrap(IO, nil), OK},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := Code(tt.err); got != tt.want {
				t.Errorf("Code(%v) = %d, want %d", tt.err, got, tt.want)
			}
		})
	}
}
