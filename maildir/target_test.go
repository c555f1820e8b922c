package maildir

import (
	"errors"
	"io/fs"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// Rule 25: no store is made where case does not count or colons cannot be.
func TestRule25Target(t *testing.T) {
	for name, c := range map[string]struct {
		fold, colons bool
		want         error
	}{
		"ext4":        {false, true, nil},
		"case folded": {true, true, ErrTarget},
		"FAT":         {true, false, ErrTarget},
	} {
		t.Run(name, func(t *testing.T) {
			files := map[string]bool{}
			key := func(p string) string {
				if c.fold {
					return strings.ToLower(p)
				}
				return p
			}
			err := fitBy("x", func(p string) error {
				if !c.colons && strings.Contains(p, ":") {
					return &fs.PathError{Op: "open", Path: p, Err: syscall.EINVAL}
				}
				if files[key(p)] {
					return fs.ErrExist
				}
				files[key(p)] = true
				return nil
			}, func(p string) error { delete(files, key(p)); return nil })
			if !errors.Is(err, c.want) || len(files) != 0 {
				t.Errorf("%v, %v left", err, files)
			}
		})
	}
	root := filepath.Join(t.TempDir(), "new")
	s, err := Create(root)
	if err != nil {
		t.Fatal(err)
	}
	f, _ := s.Folder(inbox)
	if left := tree(t, f); len(left) != 0 {
		t.Errorf("left over: %q", left)
	}
}

// Rule 26: what readdir says of a file's kind is a hint: without it the file is
// asked, and an inode number says nothing about a message.
func TestRule26NoKind(t *testing.T) {
	f := newInbox(t)
	put(t, f, "cur/1.a:2,", letter)
	for k, want := range map[kind]bool{plain: true, unknown: true, link: true, other: false} {
		// Of link the file itself is asked too: it may have been replaced since.
		if got := f.mail(f.Path()+"/cur", "1.a:2,", k); got != want {
			t.Errorf("kind %d: %v", k, got)
		}
	}
	if f.mail(f.Path(), "cur", unknown) {
		t.Error("a directory of no known kind is a message")
	}
	if !f.IsMail(Entry{File: "1.a:2,"}) || f.IsMail(Entry{File: "2.b:2,"}) || f.IsMail(Entry{File: "../cur"}) {
		t.Error("IsMail")
	}
}
