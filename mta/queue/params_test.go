package queue

import (
	"errors"
	"io"
	"strings"
	"testing"
	"time"
)

func TestValidParams(t *testing.T) {
	tests := []struct {
		name  string
		valid func(string) bool
		good  []string
		bad   []string
	}{
		{"notify", ValidNotify, []string{"", "NEVER", "SUCCESS,FAILURE,DELAY", "DELAY"},
			[]string{"NEVER,DELAY", "never", "SUCCESS,", "DELAY,DELAY,DELAY,DELAY", "DELAY RET=FULL", "DELAY\r\nRCPT TO:<x@y>"}},
		{"ret", ValidRet, []string{"", "FULL", "HDRS"}, []string{"full", "HDRS X=Y"}},
		{"envid", ValidEnvID, []string{"", "a b+c="}, []string{"a\nb", "\x7f", "ü", strings.Repeat("x", 101)}},
		{"orcpt", ValidORcpt, []string{"", "rfc822;a@b", "utf-8;ü@b", "x400;/S=a b/"},
			[]string{"a@b", ";a@b", "rfc822;", "rfc822;ü@b", "rfc822;a\r\nb", "rfc 822;a@b", "utf-8;a\nb", "rfc822;" + strings.Repeat("x", 500)}},
	}
	for _, tt := range tests {
		for _, s := range tt.good {
			if !tt.valid(s) {
				t.Errorf("%s: %q is refused", tt.name, s)
			}
		}
		for _, s := range tt.bad {
			if tt.valid(s) {
				t.Errorf("%s: %q is taken", tt.name, s)
			}
		}
	}
}

// Heads in drop/ are written by users' processes, not by our sendmail alone.
func TestDropWithBadParams(t *testing.T) {
	tests := []struct {
		name string
		env  Envelope
	}{
		{"notify", Envelope{Recipients: []Recipient{{Addr: "b@example.net", Notify: "NEVER\r\nRCPT TO:<evil@example.net>"}}}},
		{"orcpt", Envelope{Recipients: []Recipient{{Addr: "b@example.net", ORcpt: "rfc822;a\r\nb"}}}},
		{"ret", Envelope{Ret: "FULL X", Recipients: []Recipient{{Addr: "b@example.net"}}}},
		{"envid", Envelope{EnvID: "x\r\ny", Recipients: []Recipient{{Addr: "b@example.net"}}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newSpool(t)
			d, err := s.Drop(&tt.env)
			if err != nil {
				t.Fatal(err)
			}
			io.WriteString(d, "Subject: x\n\nbody\n")
			if err := d.Commit(time.Time{}); err != nil {
				t.Fatal(err)
			}
			if n, err := s.AdoptDrops(); n != 0 || !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), tt.name) {
				t.Errorf("AdoptDrops = %d, %v", n, err)
			}
			if m, err := s.Read(d.ID()); err != nil || m.State != Bad {
				t.Errorf("it is not in bad/: %v", err)
			} else {
				m.Close()
			}
		})
	}
}
