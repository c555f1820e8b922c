package maildir

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"unicode"
	"unicode/utf8"
)

const inbox = "INBOX"

// A Layout says how folders lie on disk.
type Layout int

const (
	// Undecided: there is no folder yet but INBOX. The first one created makes
	// the tree Maildir++, as Dovecot and Courier have it by default, unless the
	// root itself is no folder.
	Undecided Layout = iota
	// Plus is Maildir++: INBOX is the root, "a/b" is the directory ".a.b" there.
	Plus
	// Plain is a directory a folder ("a/b" is a/b), as mutt, mbsync's Verbatim
	// and Dovecot's LAYOUT=fs have it. INBOX is the root, or a directory INBOX.
	Plain
)

// maxDepth ends the search for folders in plain trees.
const maxDepth = 16

// A Store is one account's tree of folders.
type Store struct {
	root   string
	layout Layout
	files  files
	// observer hears of changes; nil costs a load.
	observer atomic.Pointer[Observer]
}

// Open opens the tree at root and finds out its layout.
func Open(root string) (*Store, error) {
	root, err := filepath.Abs(root)
	if err != nil {
		return nil, err
	}
	st, err := os.Stat(root)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("open maildir %s: %w: create it with \"mkdir -m 700 -p %s/cur %[1]s/new %[1]s/tmp\"", root, ErrNoFolder, root)
		}
		return nil, fmt.Errorf("open maildir: %w", err)
	}
	if !st.IsDir() {
		return nil, fmt.Errorf("open maildir %s: %w: it is a file; give the directory that holds cur, new and tmp", root, ErrNoFolder)
	}
	s := &Store{root: root, files: disk{}}
	if s.layout, err = detect(root); err != nil {
		return nil, fmt.Errorf("open maildir: %w", err)
	}
	if s.layout == Undecided && !isMaildir(root) {
		return nil, fmt.Errorf("open maildir %s: %w: neither it nor a directory in it holds cur, new and tmp; create them with \"mkdir -m 700 -p %[1]s/cur %[1]s/new %[1]s/tmp\"", root, ErrNoFolder)
	}
	return s, nil
}

// Create makes root a Maildir (mode 0700) if it is none, and opens it.
func Create(root string) (*Store, error) {
	root, err := filepath.Abs(root)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(root), 0o700); err != nil {
		return nil, fmt.Errorf("create maildir: %w", err)
	}
	// A tree of folders whose INBOX is a directory of its own is complete.
	if !isMaildir(root) && isDir(root) {
		if s, err := Open(root); err == nil {
			return s, nil
		}
	}
	made := !isMaildir(root)
	if err := makeFolder(root); err != nil {
		return nil, fmt.Errorf("create maildir: %w", err)
	}
	if made {
		if err := fit(root); err != nil {
			return nil, fmt.Errorf("create maildir %s: %w", root, err)
		}
	}
	return Open(root)
}

// detect tells the layout by the first folder found beside INBOX.
func detect(root string) (Layout, error) {
	list, err := os.ReadDir(root)
	if err != nil {
		return Undecided, err
	}
	if isMaildir(root) {
		for _, e := range list {
			if len(e.Name()) > 1 && e.Name()[0] == '.' && isMaildir(filepath.Join(root, e.Name())) && !foreign(root, e.Name()) {
				return Plus, nil
			}
		}
	}
	layout := Undecided
	// Two levels are enough to tell, and a root given by mistake may be large.
	(&Store{root: root, layout: Plain}).walkPlain("", maxDepth-2, func(rel string) bool {
		if !isMaildir(filepath.Join(root, rel)) { // one that may not be looked into tells nothing
			return true
		}
		layout = Plain
		return false
	})
	return layout, nil
}

// Layout returns the layout in force.
func (s *Store) Layout() Layout {
	if s.layout == Undecided {
		if l, err := detect(s.root); err == nil && l != Undecided {
			return l
		}
		return Plus
	}
	return s.layout
}

// Root returns the absolute path of the tree.
func (s *Store) Root() string { return s.root }

func (s *Store) folder(name, path string) *Folder { return &Folder{store: s, name: name, path: path} }

// Folders lists the folders: INBOX first, the rest by name.
func (s *Store) Folders() ([]*Folder, error) {
	var out []*Folder
	if f, err := s.Folder(inbox); err == nil {
		out = append(out, f)
	}
	layout := s.Layout() // once: to find it out a directory is read
	var names []string
	paths := map[string]string{}
	add := func(rel string) {
		name, ok := nameIn(layout, rel)
		if _, twice := paths[name]; !ok || twice || strings.EqualFold(name, inbox) {
			return
		}
		names = append(names, name)
		paths[name] = filepath.Join(s.root, rel)
	}
	if layout == Plus {
		list, err := os.ReadDir(s.root)
		if err != nil {
			return nil, fmt.Errorf("list folders: %w", err)
		}
		for _, e := range list {
			path := filepath.Join(s.root, e.Name())
			if len(e.Name()) > 1 && e.Name()[0] == '.' && (e.IsDir() && usual(path) || isMaildir(path) && s.contained(path) || closed(path) != nil) && !foreign(s.root, e.Name()) {
				add(e.Name())
			}
		}
	} else if err := s.walkPlain("", 0, func(rel string) bool { add(rel); return true }); err != nil {
		return nil, fmt.Errorf("list folders: %w", err)
	}
	slices.Sort(names)
	for _, n := range names {
		out = append(out, s.folder(n, paths[n]))
	}
	return out, nil
}

// walkPlain calls fn with the relative path of every folder below rel, until fn
// returns false. Links are not followed: they could lead in circles.
func (s *Store) walkPlain(rel string, depth int, fn func(rel string) bool) error {
	list, err := os.ReadDir(filepath.Join(s.root, rel))
	if err != nil {
		if rel != "" { // a directory we may not read hides its own folders, not the others
			return nil
		}
		return err
	}
	for _, e := range list {
		n := e.Name()
		if !e.IsDir() || n[0] == '.' || n == "cur" || n == "new" || n == "tmp" {
			continue
		}
		sub := filepath.Join(rel, n)
		path := filepath.Join(s.root, sub)
		if closed(path) != nil {
			if !fn(sub) {
				return fs.SkipAll
			}
			continue
		}
		if isMaildir(path) && s.contained(path) && !fn(sub) {
			return fs.SkipAll
		}
		if depth < maxDepth {
			if err := s.walkPlain(sub, depth+1, fn); err != nil {
				if err == fs.SkipAll && rel != "" {
					return err
				}
				return nil
			}
		}
	}
	return nil
}

// theirs says by what to tell a directory of another program from a folder that is called like
// it: that of a mailing list about notmuch, or git.
var theirs = map[string]string{".notmuch": "xapian", ".mu": "xapian", ".git": "objects", ".hg": "store", ".svn": "wc.db"}

// foreign reports whether a directory with the name of a folder of Maildir++ is that of another
// program, even with cur and new in it. It is a folder all the same if somebody has marked it as
// one, or is subscribed to it.
func foreign(root, base string) bool {
	sign, ok := theirs[base]
	if !ok {
		return false
	}
	path := filepath.Join(root, base)
	if _, err := os.Lstat(filepath.Join(path, sign)); err != nil {
		return false
	}
	if _, err := os.Lstat(filepath.Join(path, "maildirfolder")); err == nil {
		return false
	}
	names, _, _ := (&Store{root: root, layout: Plus}).readSubscriptions()
	return !slices.Contains(names, base[1:])
}

// closed returns the error of a directory that may not be looked into. It can
// be a folder, and whoever asks for it or for all of them is told.
func closed(path string) error {
	if !isDir(path) {
		return nil
	}
	if _, err := os.Lstat(path + "/cur"); errors.Is(err, fs.ErrPermission) {
		return err
	}
	return nil
}

// usual reports whether a directory holds cur, new and tmp, and none of them is a link: a
// folder that needs no closer look.
func usual(path string) bool {
	for _, sub := range []string{"/cur", "/new", "/tmp"} {
		if st, err := os.Lstat(path + sub); err != nil || !st.IsDir() {
			return false
		}
	}
	return true
}

// contained reports whether a folder and its three directories lie in the tree.
func (s *Store) contained(path string) bool {
	for _, sub := range []string{"", "/cur", "/new", "/tmp"} {
		st, err := os.Lstat(path + sub)
		if errors.Is(err, fs.ErrNotExist) && sub == "/tmp" {
			continue
		}
		if err != nil || st.Mode()&fs.ModeSymlink != 0 && !s.inside(path+sub) {
			return false
		}
	}
	return true
}

// Folder returns the folder of that name, ErrNoFolder if there is none, and
// ErrName for a name no folder can have: "..", "a//b", a control byte.
func (s *Store) Folder(name string) (*Folder, error) {
	name, err := cleanName(name)
	if err != nil {
		return nil, err
	}
	rels, err := s.candidates(name)
	if err != nil {
		return nil, err
	}
	for _, rel := range rels {
		path := filepath.Join(s.root, rel)
		if !isMaildir(path) {
			if err := closed(path); err != nil {
				return nil, fmt.Errorf("folder %q: %w", name, err)
			}
			continue
		}
		if rel != "" && !(s.contained(path) && s.inside(path)) {
			return nil, fmt.Errorf("folder %q: %w: %s leads out of the tree", name, ErrName, path)
		}
		return s.folder(name, path), nil
	}
	return nil, fmt.Errorf("folder %q: %w in %s", name, ErrNoFolder, s.root)
}

// CreateFolder returns the folder of that name and makes it, with its parents,
// if it is missing. New folders of Maildir++ get the file maildirfolder, by
// which deliverers know that the root is one level up.
func (s *Store) CreateFolder(name string) (*Folder, error) {
	f, err := s.Folder(name)
	if err == nil || !errors.Is(err, ErrNoFolder) {
		return f, err
	}
	name, _ = cleanName(name)
	if i := strings.LastIndexByte(name, '/'); i >= 0 {
		if _, err := s.CreateFolder(name[:i]); err != nil {
			return nil, err
		}
	}
	rels, err := s.candidates(name)
	if err != nil {
		return nil, err
	}
	layout, path := s.Layout(), filepath.Join(s.root, rels[0])
	if isDir(path) && !s.inside(path) {
		return nil, fmt.Errorf("create folder %q: %w: %s leads out of the tree", name, ErrName, path)
	}
	if err := makeFolder(path); err != nil {
		return nil, fmt.Errorf("create folder %q: %w", name, err)
	}
	if layout == Plus && path != s.root {
		mark, err := os.OpenFile(path+"/maildirfolder", os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			return nil, fmt.Errorf("create folder %q: %w", name, err)
		}
		mark.Close()
	}
	// The directory itself must outlive a power cut, or a message that was
	// durably delivered into it would not.
	for _, dir := range []string{path, filepath.Dir(path)} {
		if err := s.files.SyncDir(dir); err != nil {
			return nil, fmt.Errorf("create folder %q: %w", name, err)
		}
	}
	return s.Folder(name)
}

// cleanName checks a folder name and writes INBOX as it is customary.
func cleanName(name string) (string, error) {
	bad := func(why string) (string, error) {
		return "", fmt.Errorf("folder %q: %w: %s", name, ErrName, why)
	}
	if strings.EqualFold(name, inbox) {
		return inbox, nil
	}
	if len(name) > 1000 {
		return "", fmt.Errorf("folder %q...: %w: too long", name[:40], ErrName)
	}
	for part := range strings.SplitSeq(name, "/") {
		switch {
		case part == "":
			return bad("an empty part")
		case part[0] == '.':
			return bad("a part begins with a dot")
		case !utf8.ValidString(part):
			return bad("not UTF-8")
		case strings.ContainsFunc(part, unicode.IsControl):
			return bad("a control character")
		case part == "cur" || part == "new" || part == "tmp":
			return bad("cur, new and tmp belong to Maildir itself")
		}
	}
	return name, nil
}

// candidates returns the relative paths a folder may lie at, the one it is
// created at first. INBOX is the root, or in a plain tree without a folder at
// the root a directory of that name.
func (s *Store) candidates(name string) ([]string, error) {
	if name == inbox {
		if isMaildir(s.root) || s.layout == Plus {
			return []string{""}, nil
		}
		return []string{inbox, "Inbox", "inbox"}, nil
	}
	var rels []string
	if s.Layout() == Plus {
		if strings.Contains(name, ".") {
			return nil, fmt.Errorf("folder %q: %w: a dot separates folders in this tree", name, ErrName)
		}
		dotted := "." + strings.ReplaceAll(name, "/", ".")
		rels = []string{encodeUTF7(dotted), dotted}
	} else {
		// UTF-8 as it is: what mutt, mbsync and notmuch show. Dovecot writes
		// modified UTF-7 here too, so such a directory is found as well.
		if text, ok := decodeUTF7(name); ok && text != name {
			rels = []string{encodeUTF7(name)}
		} else {
			rels = []string{name, encodeUTF7(name)}
		}
	}
	for part := range strings.SplitSeq(rels[0], "/") {
		if len(part) > 255 {
			return nil, fmt.Errorf("folder %q: %w: too long for a file name", name, ErrName)
		}
	}
	return slices.Compact(rels), nil
}

// folderName turns a relative path on disk into a folder's name. ok is false
// for what cannot be named (and asked for) again.
func (s *Store) folderName(rel string) (name string, ok bool) { return nameIn(s.Layout(), rel) }

func nameIn(layout Layout, rel string) (name string, ok bool) {
	if layout == Plus {
		rel = strings.ReplaceAll(strings.TrimPrefix(rel, "."), ".", "/")
	}
	parts := strings.Split(rel, "/")
	for i, p := range parts {
		if text, ok := decodeUTF7(p); ok && !strings.Contains(text, "/") {
			parts[i] = text
		}
	}
	name = strings.Join(parts, "/")
	if _, err := cleanName(name); err != nil {
		return "", false
	}
	return name, true
}
