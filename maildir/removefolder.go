package maildir

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// ErrNotEmpty: a folder with messages, files of other programs or folders below it is
// not removed.
var ErrNotEmpty = errors.New("folder is not empty")

// RemoveFolder removes a folder without messages, and our own files in it. A message that
// comes in at the same time is not lost: then the folder stays. INBOX always stays.
func (s *Store) RemoveFolder(name string) error { return s.removeFolder(name, false) }

// DeleteFolder is RemoveFolder for a folder that is not to be used by anybody any more: what other
// servers keep of it goes as well.
func (s *Store) DeleteFolder(name string) error { return s.removeFolder(name, true) }

// servers reports whether a file beside cur is a mail server's: of no use without the folder.
func servers(name string) bool {
	return strings.HasPrefix(name, "dovecot") || strings.HasPrefix(name, "courierimap")
}

func (s *Store) removeFolder(name string, all bool) error {
	f, err := s.Folder(name)
	if err != nil {
		return err
	}
	notEmpty := fmt.Errorf("folder %q: %w", name, ErrNotEmpty)
	if f.Name() == inbox {
		return notEmpty
	}
	list, err := os.ReadDir(f.path)
	if err != nil {
		return err
	}
	var ours []string
	for _, d := range list {
		switch n := d.Name(); {
		case n == "new" || n == "cur" || n == "tmp":
		case !d.Type().IsRegular():
			return notEmpty
		case n == "maildirfolder" || n == "dovecot-keywords" || strings.HasPrefix(n, "pneu.") || all && servers(n):
			ours = append(ours, n)
		default:
			return notEmpty
		}
	}
	// rmdir(2) refuses a directory with a file in it, so no delivery falls through; what was
	// removed before it refused is made again.
	var removed []string
	for _, sub := range []string{"cur", "new", "tmp"} {
		err := syscall.Rmdir(filepath.Join(f.path, sub))
		if err == nil {
			removed = append(removed, sub)
			continue
		}
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		for _, sub := range removed {
			if merr := os.Mkdir(filepath.Join(f.path, sub), 0o700); merr != nil && !errors.Is(merr, fs.ErrExist) {
				return merr
			}
		}
		if errors.Is(err, syscall.ENOTEMPTY) || errors.Is(err, syscall.EEXIST) {
			return notEmpty
		}
		return &os.PathError{Op: "remove", Path: filepath.Join(f.path, sub), Err: err}
	}
	for _, n := range ours {
		if err := os.Remove(filepath.Join(f.path, n)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return os.Remove(f.path)
}
