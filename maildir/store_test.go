package maildir

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

func folderNames(t *testing.T, s *Store) []string {
	t.Helper()
	list, err := s.Folders()
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, f := range list {
		out = append(out, f.Name())
		if again, err := s.Folder(f.Name()); err != nil || again.Path() != f.Path() {
			t.Errorf("%q is listed at %s but found as %v, %v", f.Name(), f.Path(), again, err)
		}
		if at, err := At(f.Path()); err != nil || at.Name() != f.Name() || at.Store().Root() != s.Root() {
			t.Errorf("At(%s) = %q in %q, %v; want %q", f.Path(), at.Name(), at.Store().Root(), err, f.Name())
		}
	}
	return out
}

func TestFolders(t *testing.T) {
	tests := []struct {
		name string
		disk []string // directories that get cur, new, tmp
		want []string
	}{
		{"INBOX alone", []string{"."}, []string{"INBOX"}},
		{"Maildir++", []string{".", ".Sent", ".a.b", ".Entw&APw-rfe", ".roh-ü"}, []string{"INBOX", "Entwürfe", "Sent", "a/b", "roh-ü"}},
		{"Maildir++, bad names are left out", []string{".", ".a", "..b", ".a..b"}, []string{"INBOX", "a"}},
		{"Maildir++, directories of other programs", []string{".", ".a", ".notmuch/xapian", ".git/objects", ".notmuch.x", ".mu"}, []string{"INBOX", "a", "mu", "notmuch/x"}},
		{"nothing but those of other programs", []string{".", ".notmuch/xapian"}, []string{"INBOX"}},
		{"fs beside one of another program", []string{".", "Sent", ".notmuch/xapian"}, []string{"INBOX", "Sent"}},
		{"fs with INBOX at the root", []string{".", "Sent", "a/b", "Entw&APw-rfe"}, []string{"INBOX", "Entwürfe", "Sent", "a/b"}},
		{"fs as mbsync has it", []string{"INBOX", "Sent", "lists/go", "R&D"}, []string{"INBOX", "R&D", "Sent", "lists/go"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			root := t.TempDir()
			for _, d := range tt.disk {
				path := filepath.Join(root, d)
				err := os.MkdirAll(path, 0o700)
				if base := filepath.Base(path); base == "xapian" || base == "objects" { // what another program has there
					path = filepath.Dir(path)
				}
				if err := errors.Join(err, makeFolder(path)); err != nil {
					t.Fatal(err)
				}
			}
			s, err := Open(root)
			if err != nil {
				t.Fatal(err)
			}
			if got := folderNames(t, s); !slices.Equal(got, tt.want) {
				t.Errorf("folders %q, want %q", got, tt.want)
			}
		})
	}
}

// What is called like another program's directory is a folder if that was made as one, or is
// subscribed to.
func TestForeignNames(t *testing.T) {
	root := t.TempDir()
	for _, d := range []string{"", ".mu", ".git", ".hg"} {
		path := filepath.Join(root, d)
		if err := errors.Join(os.MkdirAll(filepath.Join(path, theirs[d]), 0o700), makeFolder(path)); err != nil {
			t.Fatal(err)
		}
	}
	s, err := Open(root)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, ".hg/maildirfolder"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, "subscriptions"), []byte("V\t2\n\nmu\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, want := folderNames(t, s), []string{"INBOX", "hg", "mu"}; !slices.Equal(got, want) {
		t.Errorf("folders %q, want %q", got, want)
	}
}

// Rule 20, and names on disk as Dovecot writes them.
func TestRule20CreateFolder(t *testing.T) {
	s := newStore(t)
	for range 2 {
		for _, n := range []string{"Archive/2026", "Entwürfe", "inbox"} {
			newFolder(t, s, n)
		}
	}
	if got := folderNames(t, s); !slices.Equal(got, []string{"INBOX", "Archive", "Archive/2026", "Entwürfe"}) {
		t.Errorf("folders %q", got)
	}
	for _, path := range []string{".Archive.2026/maildirfolder", ".Archive/maildirfolder", ".Entw&APw-rfe/cur"} {
		if _, err := os.Stat(filepath.Join(s.Root(), path)); err != nil {
			t.Error(err)
		}
	}
	for _, bad := range []string{"", "..", "../x", "a/../../b", "a//b", "/etc", ".x", "a\nb", "a\x00", "\xff", "a/cur", "a.b", strings.Repeat("x", 300)} {
		if _, err := s.CreateFolder(bad); !errors.Is(err, ErrName) {
			t.Errorf("CreateFolder(%q): %v", bad, err)
		}
	}
	if _, err := s.Folder("missing"); !errors.Is(err, ErrNoFolder) {
		t.Errorf("missing folder: %v", err)
	}
	if got := SpecialFolder(s, "Drafts"); got != "Entwürfe" {
		t.Errorf("drafts in %q", got)
	}
	if got := SpecialFolder(s, "Junk"); got != "Junk" {
		t.Errorf("junk in %q", got)
	}
}

func TestOpenSaysWhatToDo(t *testing.T) {
	dir := t.TempDir()
	put := filepath.Join(dir, "file")
	os.WriteFile(put, nil, 0o600)
	for _, root := range []string{dir, dir + "/missing", put} {
		if _, err := Open(root); !errors.Is(err, ErrNoFolder) || !strings.Contains(err.Error(), "cur") {
			t.Errorf("Open: %v", err)
		}
	}
}

// Rule 13: what is no message, and what leads out of the tree.
func TestRule13HostileEntries(t *testing.T) {
	s := newStore(t)
	f, _ := s.Folder("INBOX")
	secret := filepath.Join(t.TempDir(), "secret")
	os.WriteFile(secret, []byte("secret"), 0o600)
	put(t, f, "cur/1.a:2,S", letter)
	put(t, f, "cur/2.new\nline:2,", letter)
	put(t, f, "cur/3.\xff\xfe:2,", letter)
	put(t, f, "cur/.hidden", letter)
	os.Mkdir(f.Path()+"/cur/4.dir:2,", 0o700)
	os.Symlink(secret, f.Path()+"/cur/5.out:2,")
	os.Symlink("1.a:2,S", f.Path()+"/cur/6.in:2,")
	os.Symlink("nowhere", f.Path()+"/cur/7.dangling")
	syscall.Mkfifo(f.Path()+"/cur/8.pipe:2,", 0o600)
	os.Symlink(filepath.Dir(secret), s.Root()+"/.outside")
	makeFolder(filepath.Dir(secret))
	list, err := f.List()
	if err != nil {
		t.Fatal(err)
	}
	if got, want := names(list), []string{"cur/1.a:2,S", "cur/2.new\nline:2,", "cur/3.\xff\xfe:2,", "cur/6.in:2,"}; !slices.Equal(got, want) {
		t.Errorf("list %q, want %q", got, want)
	}
	for _, file := range []string{"4.dir:2,", "5.out:2,", "8.pipe:2,", "../../x", "", ".."} {
		r, _, err := f.Open(Entry{File: file})
		if !errors.Is(err, ErrNotMail) && !errors.Is(err, ErrName) {
			t.Errorf("Open(%q): %v", file, err)
		}
		if err == nil {
			r.Close()
		}
		if _, err := f.Move(Entry{File: file}, newFolder(t, s, "x")); err == nil {
			t.Errorf("moved %q", file)
		}
	}
	if _, err := s.Folder("outside"); !errors.Is(err, ErrName) {
		t.Errorf("a folder outside: %v", err)
	}
	if got := folderNames(t, s); !slices.Equal(got, []string{"INBOX", "x"}) {
		t.Errorf("folders %q", got)
	}
}

// Rules 4, 5, 7, 8, 9, 10, 12: changes of names.
func TestRule04Changes(t *testing.T) {
	s := newStore(t)
	f, _ := s.Folder("INBOX")
	to := newFolder(t, s, "Archive")
	put(t, f, "new/1.M5P1.h,U=7,FMD5=ab,S=40,W=44:2,a", letter)
	old := time.Unix(1500000000, 987654321)
	os.Chtimes(f.Path()+"/new/1.M5P1.h,U=7,FMD5=ab,S=40,W=44:2,a", old, old)
	stale := Entry{"1.M5P1.h,U=7,FMD5=ab,S=40,W=44:2,a", true}
	e, err := f.SetFlags(stale, "SF", "")
	if err != nil || e != (Entry{"1.M5P1.h,U=7,FMD5=ab,S=40,W=44:2,FSa", false}) {
		t.Fatalf("rules 5, 8, 9: %+v, %v", e, err)
	}
	if e, err = f.SetFlags(stale, "R", "F"); err != nil || e.Flags() != "RSa" {
		t.Fatalf("rule 12, a stale entry: %+v, %v", e, err)
	}
	if r, now, err := f.Open(stale); err != nil || now != e {
		t.Fatalf("rule 12, open: %+v, %v", now, err)
	} else {
		r.Close()
	}
	if _, got, err := LocatePath(f.File(stale)); err != nil || got != e {
		t.Errorf("LocatePath: %+v, %v", got, err)
	}
	c, err := f.Copy(stale, to)
	if err != nil {
		t.Fatal(err)
	}
	m, err := f.Move(stale, to)
	if err != nil {
		t.Fatal(err)
	}
	for _, got := range []Entry{c, m} {
		st, err := os.Stat(to.File(got))
		if err != nil || !st.ModTime().Equal(old) || got.Flags() != "RSa" || !got.Time().Equal(e.Time().Truncate(time.Second).Add(got.Time().Sub(got.Time().Truncate(time.Second)))) {
			t.Errorf("rule 7, 21: %+v, %v", got, err)
		}
		if b := got.Base(); strings.Contains(b, "U=7") || strings.Contains(b, "FMD5") || !strings.HasSuffix(b, ",S=40,W=44") || strings.HasPrefix(b, "1.M5P1.h") {
			t.Errorf("rule 7: base %q", b)
		}
	}
	if _, err := f.Find(e.Base()); !errors.Is(err, ErrGone) {
		t.Errorf("after the move: %v", err)
	}
	if err := to.MoveAs(m, to, c); !errors.Is(err, ErrExists) && len(tree(t, to)) != 1 {
		t.Errorf("a rename over another message: %v", err)
	}
	// Another program moves it, base kept: found through the tree.
	put(t, to, "cur/9.x:2,", letter)
	if g, got, err := s.Locate(f.Path() + "/cur/9.x:2,S"); err != nil || g.Name() != "Archive" || got.File != "9.x:2," {
		t.Errorf("Locate: %v %+v, %v", g, got, err)
	}
	// A taken name is never overwritten.
	put(t, to, "cur/9.x:2,S", "another\n\n")
	if got, err := to.SetFlags(Entry{File: "9.x:2,"}, "S", ""); err != nil || got.Flags() != "S" || len(tree(t, to)) != 3 {
		t.Errorf("flags onto another message: %v, %v, %q", got, err, tree(t, to))
	}
	if n, err := to.Count(); err != nil || n.Unread != 0 || n.New != 0 {
		t.Errorf("count %+v, %v", n, err)
	}
}

// Rule 15: tmp/ is cleaned of what is 36 hours old, by access and change too.
func TestRule15Clean(t *testing.T) {
	f := newInbox(t)
	put(t, f, "tmp/young", "x")
	os.Chtimes(f.Path()+"/tmp/young", time.Unix(1, 0), time.Unix(1, 0)) // its ctime is now
	if n, err := f.Clean(time.Now().Add(35 * time.Hour)); n != 0 || err != nil {
		t.Errorf("cleaned %d, %v", n, err)
	}
	if n, err := f.Clean(time.Now().Add(37 * time.Hour)); n != 1 || err != nil {
		t.Errorf("cleaned %d, %v", n, err)
	}
}

// Rule 20: maildirsize, and the sum of sizes.
func TestRule20Maildirsize(t *testing.T) {
	s := newStore(t)
	f, _ := s.Folder("INBOX")
	put(t, f, "maildirsize", "1000S\n")
	e := deliver(t, f, Delivery{}, letter)
	put(t, f, "cur/1.nosize:2,", "12345")
	if u, err := s.Usage(); err != nil || u != (Usage{int64(len(letter)) + 5, 2}) {
		t.Errorf("usage %+v, %v", u, err)
	}
	// A move within the tree changes nothing.
	to := newFolder(t, s, "Other")
	if _, err := f.Copy(Entry{File: "1.nosize:2,"}, to); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Move(Entry{File: "1.nosize:2,"}, to); err != nil {
		t.Fatal(err)
	}
	if err := f.Remove(e); err != nil {
		t.Fatal(err)
	}
	b, _ := os.ReadFile(s.Root() + "/maildirsize")
	if got := string(b); got != fmt.Sprintf("1000S\n%d 1\n5 1\n-%[1]d -1\n", len(letter)) {
		t.Errorf("maildirsize %q", got)
	}
}

func TestClosedFolder(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root may look everywhere")
	}
	for _, name := range []string{".closed", "closed"} {
		s, err := Create(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Mkdir(filepath.Join(s.Root(), name), 0); err != nil {
			t.Fatal(err)
		}
		s.layout = map[bool]Layout{true: Plus, false: Plain}[name[0] == '.']
		if _, err := s.Folder("closed"); !errors.Is(err, fs.ErrPermission) {
			t.Errorf("%s: %v, want no permission", name, err)
		}
		if _, err := At(filepath.Join(s.Root(), name)); !errors.Is(err, fs.ErrPermission) {
			t.Errorf("At %s: %v, want no permission", name, err)
		}
		if list, err := s.Folders(); err != nil || len(list) != 2 {
			t.Errorf("%s: %d folders, %v; want both", name, len(list), err)
		}
	}
}
