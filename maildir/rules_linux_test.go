package maildir

import (
	"encoding/binary"
	"errors"
	"io/fs"
	"os"
	"slices"
	"testing"

	"golang.org/x/sys/unix"
)

// Rule 2: a file in tmp/ is made, and never one that is there opened; nor is a link
// followed.
func TestRule02Exclusive(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(dir+"/there", []byte("mail"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(dir+"/elsewhere", dir+"/link"); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"there", "link"} {
		if w, err := (disk{}).Create(dir + "/" + name); !errors.Is(err, fs.ErrExist) {
			t.Errorf("%s: made anew, %v", name, err)
			w.Close()
		}
	}
	if b, err := os.ReadFile(dir + "/there"); string(b) != "mail" {
		t.Errorf("%q, %v", b, err)
	}
	if _, err := os.Lstat(dir + "/elsewhere"); err == nil {
		t.Error("a link was followed")
	}
}

// Rule 4: a change of flags is one rename, never a link and a removal: at no moment has a
// message two names, or none.
func TestRule04OneRename(t *testing.T) {
	f := newInbox(t)
	put(t, f, "cur/1.a:2,", "x")
	put(t, f, "new/2.b", "x")
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		t.Skip(err)
	}
	defer unix.Close(fd)
	for _, isNew := range []bool{false, true} {
		if _, err := unix.InotifyAddWatch(fd, f.dir(isNew), unix.IN_CREATE|unix.IN_DELETE|unix.IN_MOVE); err != nil {
			t.Skip(err)
		}
	}
	heard := func() (list []string) {
		buf := make([]byte, 4096)
		n, err := unix.Read(fd, buf)
		if err != nil {
			t.Fatal(err)
		}
		for buf = buf[:n]; len(buf) > 0; {
			what := map[uint32]string{unix.IN_CREATE: "create", unix.IN_DELETE: "delete", unix.IN_MOVED_FROM: "from", unix.IN_MOVED_TO: "to"}
			list = append(list, what[binary.NativeEndian.Uint32(buf[4:])])
			buf = buf[unix.SizeofInotifyEvent+binary.NativeEndian.Uint32(buf[12:]):]
		}
		return list
	}
	for _, e := range []Entry{{File: "1.a:2,"}, {File: "2.b", New: true}} {
		if _, err := f.SetFlags(e, "S", ""); err != nil {
			t.Fatal(err)
		}
		if got := heard(); !slices.Equal(got, []string{"from", "to"}) {
			t.Errorf("%q: %q", e.File, got)
		}
	}
}
