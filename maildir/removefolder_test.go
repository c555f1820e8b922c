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
		{"letters of keywords", "dovecot-keywords", false},
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

func TestDeleteFolder(t *testing.T) {
	s, err := Create(filepath.Join(t.TempDir(), "Maildir"))
	if err != nil {
		t.Fatal(err)
	}
	f, err := s.CreateFolder("A/B")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"dovecot-uidlist", "dovecot.index.log", "courierimapuiddb", "notes.txt"} {
		if err := os.WriteFile(filepath.Join(f.Path(), name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.DeleteFolder("A/B"); !errors.Is(err, ErrNotEmpty) {
		t.Errorf("with a file of the user's: %v", err)
	}
	if err := os.Remove(filepath.Join(f.Path(), "notes.txt")); err != nil {
		t.Fatal(err)
	}
	if err := s.DeleteFolder("A/B"); err != nil {
		t.Error(err)
	}
	if err := s.DeleteFolder("A/B"); !errors.Is(err, ErrNoFolder) {
		t.Errorf("afterwards: %v", err)
	}
}
