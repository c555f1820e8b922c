package maildir

import (
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
)

// Rule 20: subscriptions are Dovecot's file, in either version; Courier's is
// read while there is none.
func TestRule20Subscriptions(t *testing.T) {
	tests := []struct {
		name, file, text string
		want             []string
		then             string // the file after "Work/ü" was subscribed to and INBOX no longer
	}{
		{"none", "", "", nil, "V\t2\n\nWork\t&APw-\n"},
		{"version 2", "subscriptions", "V\t2\n\nWork\tb\nEntw&APw-rfe\nINBOX\na\x01tb\n", []string{"Work/b", "Entwürfe", "INBOX"},
			"V\t2\n\nWork\tb\nEntw&APw-rfe\nWork\t&APw-\n"},
		{"version 1", "subscriptions", "Work.b\nWork.b\ninbox\nEntw&APw-rfe\r\n..\n", []string{"Work/b", "INBOX", "Entwürfe"}, "Work.b\nEntw&APw-rfe\nWork.&APw-\n"},
		{"Courier", "courierimapsubscribed", "INBOX\nINBOX.Work.b\nINBOX.Entw&APw-rfe\n", []string{"INBOX", "Work/b", "Entwürfe"},
			"V\t2\n\nWork\tb\nEntw&APw-rfe\nWork\t&APw-\n"},
		{"cut off", "subscriptions", "V\t2", nil, "V\t2\n\nWork\t&APw-\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newStore(t)
			if tt.file != "" {
				os.WriteFile(s.root+"/"+tt.file, []byte(tt.text), 0o600)
				os.Chmod(s.root+"/"+tt.file, 0o660) // more than an umask leaves
			}
			got, err := s.Subscriptions()
			if err != nil || !slices.Equal(got, tt.want) {
				t.Errorf("read %q, %v; want %q", got, err, tt.want)
			}
			for _, err := range []error{s.Subscribe("INBOX", false), s.Subscribe("Work/ü", true), s.Subscribe("Work/ü", true)} {
				if err != nil {
					t.Error(err)
				}
			}
			b, err := os.ReadFile(s.root + "/subscriptions")
			if string(b) != tt.then || err != nil {
				t.Errorf("wrote %q, %v; want %q", b, err, tt.then)
			}
			if exists(s.root + "/subscriptions.lock") {
				t.Error("lock left behind")
			}
			if st, err := os.Stat(s.root + "/subscriptions"); err == nil && tt.file == "subscriptions" && st.Mode().Perm() != 0o660 {
				t.Errorf("mode is now %v", st.Mode())
			}
		})
	}
	s := newStore(t)
	if err := s.Subscribe("../x", true); !errors.Is(err, ErrName) {
		t.Errorf("subscribed to a bad name: %v", err)
	}
}

func FuzzSubscriptions(f *testing.F) { // what is read can be written, and read again alike
	f.Add("V\t2\n\nWork\tb\n&APw-\n", false)
	f.Add("INBOX.a\nx", true)
	f.Fuzz(func(t *testing.T, text string, courier bool) {
		s := &Store{root: "/nowhere", layout: Plain}
		names, v2 := s.parseSubscriptions([]byte(text), courier)
		again, _ := s.parseSubscriptions(s.subscriptionText(names, v2 || courier), false)
		for _, n := range names {
			// A part that only looks like UTF-7 may be read as what it looks like.
			if !strings.Contains(n, "&") && !slices.Contains(again, n) {
				t.Errorf("%q is lost in %q", n, again)
			}
		}
	})
}
