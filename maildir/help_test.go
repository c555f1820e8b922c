package maildir

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// newStore makes a tree with INBOX.
func newStore(t testing.TB) *Store {
	t.Helper()
	s, err := Create(filepath.Join(t.TempDir(), "Maildir"))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func newInbox(t testing.TB) *Folder {
	t.Helper()
	f, err := newStore(t).Folder("INBOX")
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func newFolder(t testing.TB, s *Store, name string) *Folder {
	t.Helper()
	f, err := s.CreateFolder(name)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// put writes a file as another program would.
func put(t testing.TB, f *Folder, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(f.Path(), name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func deliver(t testing.TB, f *Folder, d Delivery, text string) Entry {
	t.Helper()
	e, err := f.Deliver(d, strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// tree lists the files in new, cur and tmp.
func tree(t testing.TB, f *Folder) []string {
	t.Helper()
	var out []string
	for _, sub := range []string{"new", "cur", "tmp"} {
		list, err := os.ReadDir(filepath.Join(f.Path(), sub))
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range list {
			out = append(out, sub+"/"+e.Name())
		}
	}
	slices.Sort(out)
	return out
}

func names(list []Entry) []string {
	var out []string
	for _, e := range list {
		dir := "cur/"
		if e.New {
			dir = "new/"
		}
		out = append(out, dir+e.File)
	}
	return out
}

const letter = "From: a@example.org\nSubject: x\n\nbody\n"
