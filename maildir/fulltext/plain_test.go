//go:build unix

package fulltext

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// What other things may lie by the names of our files: none may hang us, fill our
// memory, or have us write elsewhere.
func TestNotPlainFiles(t *testing.T) {
	victim := filepath.Join(t.TempDir(), "victim")
	things := map[string]func(path string) error{
		"fifo":      func(path string) error { return unix.Mkfifo(path, 0o600) },
		"directory": func(path string) error { return os.Mkdir(path, 0o700) },
		"link":      func(path string) error { return os.Symlink(victim, path) },
		"dangling":  func(path string) error { return os.Symlink(victim+"2", path) },
		"huge": func(path string) error {
			f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
			if err != nil {
				return err
			}
			return errors.Join(f.Truncate(1<<40), f.Close())
		},
	}
	texts := map[uint32][]byte{}
	for uid := range uint32(20) {
		texts[uid+1] = textOf(uid)
	}
	for what, put := range things {
		for _, name := range []string{manifestName, segmentName(1), tailName, lockName} {
			t.Run(what+" "+name, func(t *testing.T) {
				if err := os.WriteFile(victim, []byte("precious"), 0o600); err != nil {
					t.Fatal(err)
				}
				dir := t.TempDir()
				x := mustOpen(t, dir, Options{})
				build(t, x, texts)
				x.Close()
				path := filepath.Join(dir, name)
				if what != "huge" {
					os.Remove(path)
				}
				if err := put(path); errors.Is(err, unix.EFBIG) {
					t.Skip(err)
				} else if err != nil {
					t.Fatal(err)
				}
				// Errors are all right; what is found must be.
				if y, err := Open(dir, Options{}); err == nil {
					for uid := range texts {
						if text, ok := y.View().Text(uid); ok && string(text) != string(texts[uid]) {
							t.Errorf("%d: %q", uid, text)
						}
					}
					y.Append(99, []byte("one more"))
					y.Close()
				}
				Append(dir, Options{}, 100, []byte("another"))
				var a Appender
				a.Append(dir, Options{}, 101, []byte("and another"))
				if b, err := os.ReadFile(victim); err != nil || string(b) != "precious" {
					t.Errorf("written through the link: %q, %v", b, err)
				}
				if _, err := os.Lstat(victim + "2"); err == nil {
					t.Error("made through the link")
				}
			})
		}
	}
}
