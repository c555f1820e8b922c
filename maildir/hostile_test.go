package maildir

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A folder below a link that leads out of the tree is outside, however plain
// its own directory looks, and nothing is made there.
func TestRule13FolderBelowLink(t *testing.T) {
	root, outside := t.TempDir(), t.TempDir()
	makeFolder(root)
	makeFolder(filepath.Join(root, "Plain"))
	if err := makeFolder(filepath.Join(outside, "sub")); err != nil {
		t.Fatal(err)
	}
	os.Symlink(outside, root+"/link")
	s, err := Open(root)
	if err != nil {
		t.Fatal(err)
	}
	if s.Layout() != Plain {
		t.Fatalf("layout %d", s.Layout())
	}
	if f, err := s.Folder("link/sub"); !errors.Is(err, ErrName) {
		t.Errorf("folder outside: %v, %v", f, err)
	}
	if f, err := s.CreateFolder("link/made"); err == nil {
		t.Errorf("created %s", f.Path())
	}
	if _, err := os.Lstat(outside + "/made"); err == nil {
		t.Error("a folder was made outside")
	}
	if _, err := os.Lstat(outside + "/cur"); err == nil {
		t.Error("cur was made outside")
	}
	// A link that stays in the tree is fine.
	os.Symlink("Plain", root+"/inner")
	if _, err := s.CreateFolder("inner/sub"); err != nil {
		t.Error(err)
	}
}

// What differs in more than the fields of other programs is another message.
func TestFindIsNotTooGenerous(t *testing.T) {
	f := newInbox(t)
	put(t, f, "cur/mail,2:2,", letter)
	put(t, f, "cur/,S=9:2,", letter)
	put(t, f, "cur/7.a,U=5,FMD5=x,S=12:2,F", letter)
	put(t, f, "cur/8.a:2,", letter) // Dovecot drops sizes that are wrong
	for base, want := range map[string]string{
		"mail,1": "", "mail": "", ",S=8": "", "7": "",
		"7.a": "7.a,U=5,FMD5=x,S=12:2,F", "7.a,S=12": "7.a,U=5,FMD5=x,S=12:2,F", "7.a,U=4": "7.a,U=5,FMD5=x,S=12:2,F",
		"8.a,S=37,W=41": "8.a:2,",
	} {
		e, err := f.Find(base)
		if e.File != want || (want == "") != errors.Is(err, ErrGone) {
			t.Errorf("Find(%q) = %q, %v; want %q", base, e.File, err, want)
		}
	}
}

// A name may be as long as the file system lets it be: flags still fit if there
// is room for them, and a move always finds room.
func TestLongNames(t *testing.T) {
	s := newStore(t)
	f, _ := s.Folder("INBOX")
	to := newFolder(t, s, "to")
	long := strings.Repeat("x", 250)
	put(t, f, "new/"+long, letter)
	e, err := f.SetFlags(Entry{long, true}, "FS", "")
	if err != nil || e.File != long+":2,FS" {
		t.Fatal(e, err)
	}
	if _, err := f.SetFlags(e, "R", ""); !errors.Is(err, syscall.ENAMETOOLONG) {
		t.Errorf("flag without room: %v", err)
	}
	if e, err = f.Move(e, to); err != nil || e.Flags() != "FS" {
		t.Error(e, err)
	}
	stuffed := "9.a:2,S" + strings.Repeat(",set", 60)
	put(t, f, "cur/"+stuffed, letter)
	if e, err = f.Move(Entry{File: stuffed}, to); err != nil || e.Flags() != "S" {
		t.Error(e, err)
	}
	strange := "9.b:2,FS" + strings.Repeat("\x01\n", 120)
	put(t, f, "cur/"+strange, letter)
	if e, err = f.Move(Entry{File: strange}, to); err != nil || e.Flags() != "FS" {
		t.Error(e, err)
	}
}

// The quota file is no message's concern: a pipe there must not hold a
// delivery, and a link must not lead it to write elsewhere.
func TestMaildirsizeTraps(t *testing.T) {
	f := newInbox(t)
	if err := syscall.Mkfifo(f.Path()+"/maildirsize", 0o600); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { defer close(done); deliver(t, f, Delivery{}, letter) }()
	select {
	case <-done:
	case <-time.After(30 * time.Second):
		os.OpenFile(f.Path()+"/maildirsize", os.O_RDWR, 0) // frees it
		t.Fatal("a pipe held the delivery")
	}
	target := filepath.Join(t.TempDir(), "target")
	os.WriteFile(target, []byte("mine\n"), 0o600)
	os.Remove(f.Path() + "/maildirsize")
	os.Symlink(target, f.Path()+"/maildirsize")
	deliver(t, f, Delivery{}, letter)
	if b, _ := os.ReadFile(target); string(b) != "mine\n" {
		t.Errorf("written through a link: %q", b)
	}
}

// A file that is renamed away and back between two looks was not missing.
func TestRule12RenamedAwayAndBack(t *testing.T) {
	f := newInbox(t)
	put(t, f, "cur/1.a:2,", letter)
	e, tries := Entry{File: "1.a:2,"}, 0
	err := f.follow(e, func(now Entry) error {
		if tries++; tries < 3 {
			return os.ErrNotExist
		}
		return nil
	})
	if err != nil || tries != 3 {
		t.Errorf("%v after %d tries", err, tries)
	}
}

// An undone change goes from cur/ back to new/: a list must not miss what moves
// against its order of reading.
func TestRule11AgainstTheOrder(t *testing.T) {
	f := newInbox(t)
	put(t, f, "cur/1.a:2,", letter)
	put(t, f, "cur/2.b:2,", letter)
	stop := make(chan struct{})
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-stop:
				return
			default:
				os.Rename(f.Path()+"/cur/1.a:2,", f.Path()+"/new/1.a")
				os.Rename(f.Path()+"/new/1.a", f.Path()+"/cur/1.a:2,")
			}
		}
	}()
	short, lists := 0, 0
	for until := time.Now().Add(300 * time.Millisecond); time.Now().Before(until); lists++ {
		if list, err := f.List(); err != nil || len(list) != 2 {
			short++
		}
	}
	close(stop)
	<-done
	if short > 0 && (f.Fine() || short > 1+lists/100) { // elsewhere fewer readings are known to be in vain
		t.Errorf("%d of %d lists were short", short, lists)
	}
}

// An empty message is no delivery, but where one exists it can be carried.
func TestCarryEmpty(t *testing.T) {
	s := newStore(t)
	f, _ := s.Folder("INBOX")
	to := newFolder(t, s, "to")
	put(t, f, "cur/1.a:2,S", "")
	if err := f.carry(Entry{File: "1.a:2,S"}, to, Entry{File: "2.b:2,S"}); err != nil {
		t.Error(err)
	}
}

// meddled is a disk on which another program acts when a file gets its name.
type meddled struct {
	disk
	act func()
}

func (m meddled) Rename(from, to string) error {
	err := m.disk.Rename(from, to)
	m.act()
	return err
}

// Rule 12: a message that another program renames while it is carried to another
// file system is not left there as a second one; one that it takes is not lost.
func TestRule12CarriedOff(t *testing.T) {
	for _, c := range []struct {
		name     string
		meddle   func(from, to string) error
		again    bool
		from, to []string
	}{
		{"left alone", func(_, _ string) error { return nil }, false, nil, []string{"cur/2.b:2,S"}},
		{"flagged", func(from, _ string) error { return os.Rename(from+"/cur/1.a:2,S", from+"/cur/1.a:2,FS") }, true, []string{"cur/1.a:2,FS"}, nil},
		{"flagged here and there", func(from, to string) error {
			return errors.Join(os.Rename(from+"/cur/1.a:2,S", from+"/cur/1.a:2,FS"), os.Rename(to+"/cur/2.b:2,S", to+"/cur/2.b:2,RS"))
		}, true, []string{"cur/1.a:2,FS"}, nil},
		{"taken", func(from, _ string) error { return os.Remove(from + "/cur/1.a:2,S") }, false, nil, []string{"cur/2.b:2,S"}},
		{"taken, with another of that base", func(from, _ string) error {
			return errors.Join(os.Remove(from+"/cur/1.a:2,S"), os.WriteFile(from+"/cur/1.a:2,R", []byte("Subject: another\n\n"), 0o600))
		}, false, []string{"cur/1.a:2,R"}, []string{"cur/2.b:2,S"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newStore(t)
			f, _ := s.Folder("INBOX")
			to := newFolder(t, s, "to")
			put(t, f, "cur/1.a:2,S", letter)
			past := time.Unix(1e9, 0)
			if err := os.Chtimes(f.Path()+"/cur/1.a:2,S", past, past); err != nil {
				t.Fatal(err)
			}
			s.files = meddled{act: func() {
				if err := c.meddle(f.Path(), to.Path()); err != nil {
					t.Error(err)
				}
			}}
			err := f.carryOff(Entry{File: "1.a:2,S"}, to, Entry{File: "2.b:2,S"})
			if again := errors.Is(err, fs.ErrNotExist); again != c.again || err != nil && !again {
				t.Errorf("error %v, want one of a missing file: %t", err, c.again)
			}
			if got := tree(t, f); !slices.Equal(got, c.from) {
				t.Errorf("left %q, want %q", got, c.from)
			}
			if got := tree(t, to); !slices.Equal(got, c.to) {
				t.Errorf("there %q, want %q", got, c.to)
			}
		})
	}
}
