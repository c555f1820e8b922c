package runner

import (
	"errors"
	"fmt"
	"testing"

	"pneu/mta/sysexits"
)

// coded is an error of somebody who knows the enhanced code.
type coded struct {
	error
	code string
}

func (c coded) Enhanced() string { return c.code }
func (c coded) Unwrap() error    { return c.error }

func TestLocalResult(t *testing.T) {
	full := sysexits.New(sysexits.TempFail, "mailbox is full")
	for _, tt := range []struct {
		err      error
		enhanced string
		temp     bool
	}{
		{nil, "2.0.0", false},
		{full, "4.3.0", true},
		{coded{full, "4.2.2"}, "4.2.2", true},
		{fmt.Errorf("bob: %w", coded{full, "4.2.2"}), "4.2.2", true},
		{coded{full, "5.2.2"}, "4.3.0", true}, // the exit code has the word
		{coded{full, ""}, "4.3.0", true},
		{sysexits.New(sysexits.Unavailable, "no"), "5.3.0", false},
		{coded{sysexits.New(sysexits.Unavailable, "too large"), "5.2.3"}, "5.2.3", false},
		{coded{sysexits.New(sysexits.NoUser, "nobody"), "4.1.1"}, "5.1.1", false},
		{errors.New("anything"), "4.3.0", true},
	} {
		if res := localResult(tt.err); res.Enhanced != tt.enhanced || res.Temp != tt.temp || res.OK != (tt.err == nil) {
			t.Errorf("%v: %q, temporary %v; want %q, %v", tt.err, res.Enhanced, res.Temp, tt.enhanced, tt.temp)
		}
	}
}
