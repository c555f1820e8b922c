package maildir

import (
	"errors"
	"os"
	"strings"
	"testing"
)

func TestRenameFolder(t *testing.T) {
	for _, layout := range []string{"plus", "plain"} {
		t.Run(layout, func(t *testing.T) {
			root := t.TempDir() + "/Maildir"
			if layout == "plain" {
				for _, d := range []string{"INBOX/cur", "INBOX/new", "INBOX/tmp"} {
					if err := os.MkdirAll(root+"/"+d, 0o700); err != nil {
						t.Fatal(err)
					}
				}
			}
			s, err := Create(root)
			if layout == "plain" {
				s, err = Open(root)
			}
			if err != nil {
				t.Fatal(err)
			}
			for _, n := range []string{"Lists", "Lists/go", "Lists/go/dev", "Listserv", "Taken", "Ärger"} {
				if _, err := s.CreateFolder(n); err != nil {
					t.Fatal(err)
				}
			}
			f, _ := s.Folder("Lists/go/dev")
			if _, err := f.Deliver(Delivery{}, strings.NewReader("Subject: x\n\n")); err != nil {
				t.Fatal(err)
			}
			for to, want := range map[string]error{"Taken": ErrExists, "Lists/go/x": ErrName, "INBOX": ErrName, "a//b": ErrName} {
				if err := s.RenameFolder("Lists", to); !errors.Is(err, want) {
					t.Errorf("to %q: %v, want %v", to, err, want)
				}
			}
			if err := s.RenameFolder("INBOX", "Old"); !errors.Is(err, ErrName) {
				t.Error(err)
			}
			if err := s.RenameFolder("None", "Old"); !errors.Is(err, ErrNoFolder) {
				t.Error(err)
			}
			if err := errors.Join(s.RenameFolder("Lists", "Archive/Mailing lists"), s.RenameFolder("Ärger", "Öl")); err != nil {
				t.Fatal(err)
			}
			all, err := s.Folders()
			if err != nil {
				t.Fatal(err)
			}
			var names []string
			for _, f := range all {
				names = append(names, f.Name())
			}
			want := "INBOX Archive Archive/Mailing lists Archive/Mailing lists/go Archive/Mailing lists/go/dev Listserv Taken Öl"
			if got := strings.Join(names, " "); got != want {
				t.Errorf("folders\n%s, want\n%s", got, want)
			}
			f, err = s.Folder("Archive/Mailing lists/go/dev")
			if err != nil {
				t.Fatal(err)
			}
			if n, err := f.Count(); err != nil || n.Total != 1 {
				t.Errorf("%+v, %v", n, err)
			}
		})
	}
}
