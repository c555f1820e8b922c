package maildir

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestRemoveFolder(t *testing.T) {
	for _, tt := range []struct {
		name, make string // a file in it, by its path
		stays      bool
	}{
		{"empty", "", false},
		{"our own files", "pneu.log", false},
		{"a message", "cur/1.M1P1.host:2,S", true},
		{"a new message", "new/1.M1P1.host", true},
		{"a delivery under way", "tmp/1.M1P1.host", true},
		{"another program's files", "dovecot-uidlist", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, err := Create(filepath.Join(t.TempDir(), "Maildir"))
			if err != nil {
				t.Fatal(err)
			}
			f, err := s.CreateFolder("A")
			if err != nil {
				t.Fatal(err)
			}
			if tt.make != "" {
				if err := os.WriteFile(filepath.Join(f.Path(), tt.make), []byte("Subject: x\n\n"), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			err = s.RemoveFolder("A")
			if errors.Is(err, ErrNotEmpty) != tt.stays || !tt.stays && err != nil {
				t.Errorf("%v", err)
			}
			_, err = s.Folder("A")
			if errors.Is(err, ErrNoFolder) == tt.stays {
				t.Errorf("afterwards: %v", err)
			}
			if tt.stays { // and can be delivered to
				if _, err := f.Deliver(Delivery{}, strings.NewReader("Subject: y\n\n")); err != nil {
					t.Error(err)
				}
			}
			if err := s.RemoveFolder("INBOX"); !errors.Is(err, ErrNotEmpty) {
				t.Errorf("INBOX: %v", err)
			}
		})
	}
}
