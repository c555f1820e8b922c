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

// A Folder is a directory with cur, new and tmp. It holds no state: any number
// of values, goroutines and programs may use the same directory.
type Folder struct {
	store *Store
	name  string
	path  string
}

// At returns the folder whose cur, new and tmp lie in dir, whatever tree it
// belongs to. Its name is that in the tree, as far as the surroundings tell.
func At(dir string) (*Folder, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	if !isMaildir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "cur")); errors.Is(err, fs.ErrPermission) {
			return nil, err // it may be one
		}
		return nil, fmt.Errorf("%s: %w: it has no cur and new", dir, ErrNoFolder)
	}
	parent, base := filepath.Split(dir)
	parent = filepath.Clean(parent)
	if strings.HasPrefix(base, ".") && isMaildir(parent) {
		s := &Store{root: parent, layout: Plus, files: disk{}}
		if name, ok := s.folderName(base); ok {
			return s.folder(name, dir), nil
		}
	}
	// In the plain layout a directory above belongs to the tree if it is a
	// folder itself or has a directory INBOX. Up to two levels between may be
	// mere directories ("lists/go" without a folder "lists").
	root := dir
	for up, gap := parent, 0; gap < 3 && up != filepath.Dir(up); up, gap = filepath.Dir(up), gap+1 {
		top := isMaildir(filepath.Join(up, inbox))
		if top || isMaildir(up) {
			root, gap = up, -1
		}
		if top {
			break
		}
	}
	s := &Store{root: root, layout: Undecided, files: disk{}}
	if root == dir {
		return s.folder(inbox, dir), nil
	}
	s.layout = Plain
	rel, err := filepath.Rel(root, dir)
	if err != nil {
		return nil, err
	}
	name, ok := s.folderName(rel)
	if !ok {
		name = rel
	}
	return s.folder(name, dir), nil
}

// Name returns the folder's name in its tree: "INBOX", "Archive/2026".
func (f *Folder) Name() string { return f.name }

// Path returns the directory that holds cur, new and tmp.
func (f *Folder) Path() string { return f.path }

// Store returns the tree the folder belongs to.
func (f *Folder) Store() *Store { return f.store }

// dir returns the path of new/ or cur/.
func (f *Folder) dir(isNew bool) string {
	if isNew {
		return f.path + "/new"
	}
	return f.path + "/cur"
}

// File returns the absolute path of e, or "" if e could not be the name of a
// message (it has a slash, say).
func (f *Folder) File(e Entry) string {
	if _, err := ParseName(e.File); err != nil {
		return ""
	}
	return f.dir(e.New) + "/" + e.File
}

// isMaildir reports whether dir has cur and new; tmp is made when needed.
func isMaildir(dir string) bool { return isDir(dir+"/cur") && isDir(dir+"/new") }

func isDir(path string) bool {
	st, err := os.Stat(path)
	return err == nil && st.IsDir()
}

// makeFolder creates what is missing of dir, cur, new and tmp. A process that
// does the same at the same time does no harm.
func makeFolder(dir string) error {
	for _, sub := range []string{"", "/tmp", "/new", "/cur"} {
		if err := os.Mkdir(dir+sub, 0o700); err != nil && (!errors.Is(err, fs.ErrExist) || !isDir(dir+sub)) {
			return err
		}
	}
	return nil
}

// inside reports whether path, once its links are followed, lies in the tree
// (a folder without a tree is a tree of its own).
func (s *Store) inside(path string) bool {
	root, err := filepath.EvalSymlinks(s.root)
	if err != nil {
		return false
	}
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return false
	}
	return real == root || strings.HasPrefix(real, strings.TrimSuffix(root, "/")+"/")
}

// openLink opens the file a link leads to, if it lies in the tree. os.Root looks
// at each step of the way, so the link cannot be turned elsewhere meanwhile.
func (s *Store) openLink(path string) (*os.File, error) {
	if !s.inside(path) {
		return nil, fmt.Errorf("%s: %w: it leads out of the tree", path, ErrNotMail)
	}
	dir, err := filepath.EvalSymlinks(s.root)
	if err != nil {
		return nil, err
	}
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return nil, err
	}
	rel, err := filepath.Rel(dir, real)
	if err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	return root.OpenFile(rel, os.O_RDONLY|syscall.O_NONBLOCK, 0)
}

// mail reports whether a name found in dir can be a message: a plain file, or a
// link to one inside the tree.
func (f *Folder) mail(dir, file string, k kind) bool {
	switch k {
	case plain:
		return true
	case other:
		return false
	}
	st, err := os.Lstat(dir + "/" + file)
	if err != nil {
		return false
	}
	if st.Mode().IsRegular() {
		return true
	}
	if st.Mode()&fs.ModeSymlink == 0 {
		return false
	}
	st, err = os.Stat(dir + "/" + file)
	return err == nil && st.Mode().IsRegular() && f.store.inside(dir+"/"+file)
}
