package queue

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// An administrator's mv may end a folder too high or in the wrong one.
func TestMisfiled(t *testing.T) {
	for _, place := range []string{inQueue, inHold} {
		for _, where := range []string{"", "/00", "/3f"} {
			t.Run(place+where, func(t *testing.T) {
				s := newSpool(t)
				id := put(t, s, "x", "b@example.net")
				for shard(id) == strings.TrimPrefix(where, "/") {
					id = put(t, s, "x", "b@example.net")
				}
				if err := os.Rename(s.path(inQueue, id), s.Dir()+"/"+place+where+"/"+id); err != nil {
					t.Fatal(err)
				}
				refs, err := s.All()
				if err != nil {
					t.Fatal(err)
				}
				found := 0
				for _, r := range refs {
					if r.ID == id && r.Held == (place == inHold) {
						found++
					}
				}
				if found != 1 {
					t.Fatalf("%s is %d times in %v", id, found, refs)
				}
				m, err := s.Lock(id)
				if err != nil {
					t.Fatal(err)
				}
				m.Close()
			})
		}
	}
}

// A stranger's file is not moved, and a copy never replaces the message.
func TestMisfiledStranger(t *testing.T) {
	s := newSpool(t)
	note := s.Dir() + "/q/NOTES"
	if err := os.WriteFile(note, []byte("do not touch\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	id := put(t, s, "x", "b@example.net")
	b, err := os.ReadFile(s.path(inQueue, id))
	if err != nil {
		t.Fatal(err)
	}
	copied := s.Dir() + "/q/" + id
	if err := os.WriteFile(copied, b, 0o600); err != nil {
		t.Fatal(err)
	}
	if refs, err := s.Due(time.Now()); err != nil || len(refs) != 1 {
		t.Fatalf("Due = %v, %v", refs, err)
	}
	for _, name := range []string{note, copied, s.path(inQueue, id)} {
		if _, err := os.Stat(name); err != nil {
			t.Error(err)
		}
	}
}

// hold/XX is there beforehand: "mv q/XX/ID hold/XX" must not make a file of
// the name XX.
func TestHoldFolders(t *testing.T) {
	s := newSpool(t)
	for _, dir := range []string{"00", "1a", "3f"} {
		if st, err := os.Stat(filepath.Join(s.Dir(), inHold, dir)); err != nil || !st.IsDir() {
			t.Errorf("hold/%s: %v", dir, err)
		}
	}
}

// What was accepted while the clock was ahead does not wait until it is there
// again; what somebody put off does.
func TestClockAhead(t *testing.T) {
	now := time.Now()
	ahead := now.Add(30 * 365 * 24 * time.Hour)
	if got := nextAttempt(Info{ModTime: ahead, Changed: ahead}, now); got.After(now) {
		t.Errorf("written by a clock ahead: next attempt %v", got)
	}
	if got := nextAttempt(Info{ModTime: ahead, Changed: now}, now); !got.Equal(ahead) {
		t.Errorf("put off: next attempt %v", got)
	}
}

// What is no file at all is put aside like any other damage, once.
func TestNoFile(t *testing.T) {
	s := newSpool(t)
	for _, make := range []func(string) error{
		func(name string) error { return os.Mkdir(name, 0o700) },
		func(name string) error { return os.Symlink("/etc/passwd", name) },
		func(name string) error { return syscall.Mkfifo(name, 0o600) },
	} {
		id := NewID(time.Now())
		if err := make(s.path(inQueue, id)); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Lock(id); !errors.Is(err, ErrDamaged) {
			t.Errorf("Lock: %v", err)
		}
		m, err := s.Read(id)
		if err != nil || m.State != Bad || m.Reason == "" {
			t.Fatalf("Read: %+v, %v", m, err)
		}
		m.Close()
	}
}

// A drop that is damaged is put aside, and somebody hears of it.
func TestDamagedDropIsSaid(t *testing.T) {
	s := newSpool(t)
	if err := os.WriteFile(s.path(inDrop, "ABCDEF00"), []byte("garbage\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/etc/passwd", s.path(inDrop, "ABCDEF01")); err != nil {
		t.Fatal(err)
	}
	n, err := s.AdoptDrops()
	if n != 0 || !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), "ABCDEF00") || !strings.Contains(err.Error(), "ABCDEF01") {
		t.Errorf("AdoptDrops = %d, %v", n, err)
	}
	if n, err := s.AdoptDrops(); n != 0 || err != nil {
		t.Errorf("again: %d, %v", n, err)
	}
}

// What root makes in another user's spool is that user's, except a drop,
// whose owner says who submitted it.
func TestRootGivesAway(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root")
	}
	const uid, gid = 12345, 12346
	s := newSpool(t)
	for _, d := range []string{inQueue, inHold, inLog, inBad, "dest"} {
		if err := filepath.Walk(s.Dir()+"/"+d, func(name string, _ os.FileInfo, err error) error {
			if err != nil {
				return err
			}
			return os.Lchown(name, uid, gid)
		}); err != nil {
			t.Fatal(err)
		}
	}
	s, err := Open(Options{Dir: s.Dir()})
	if err != nil {
		t.Fatal(err)
	}
	id := put(t, s, "x", "b@example.net")
	m, err := s.Lock(id)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if err := m.Log(Event{Kind: "note", Text: "x"}); err != nil {
		t.Fatal(err)
	}
	slot, err := s.Slot("example.net", 1)
	if err != nil {
		t.Fatal(err)
	}
	defer slot.Release()
	for _, name := range []string{s.path(inQueue, id), s.path(inLog, id), s.dir(inLog, id), s.Dir() + "/dest/example.net", s.Dir() + "/dest/example.net/slot.0"} {
		if st, err := (OS{}).Stat(name); err != nil || st.UID != uid {
			t.Errorf("%s belongs to %d, %v", name, st.UID, err)
		}
	}
	d, err := s.Drop(&Envelope{Recipients: []Recipient{{Addr: "b@example.net"}}})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Abort()
	if st, err := (OS{}).Stat(s.path(inDrop, d.ID())); err != nil || st.UID != 0 {
		t.Errorf("the drop belongs to %d, %v", st.UID, err)
	}
}

// full is a disk on which nothing new fits.
type full struct{ OS }

func (f full) Open(name string, flag int, perm uint32) (File, error) {
	if flag&syscall.O_CREAT != 0 {
		return nil, wrap("open", name, syscall.ENOSPC)
	}
	return f.OS.Open(name, flag, perm)
}

// Mail must be able to leave a full disk, whose destinations may have no
// files: one connection at a time.
func TestSlotOnFullDisk(t *testing.T) {
	s := newSpool(t)
	s.fs = full{}
	slot, err := s.Slot("example.net", 5)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Slot("example.org", 5); !errors.Is(err, ErrBusy) {
		t.Errorf("a second one: %v", err)
	}
	slot.Release()
	slot, err = s.Slot("example.org", 5)
	if err != nil {
		t.Fatal(err)
	}
	slot.Release()
}

// A file without content was either never accepted, and goes, or the file
// system lost it: its history tells, and then an administrator must hear of it.
func TestEmptyFile(t *testing.T) {
	for _, tried := range []bool{false, true} {
		dir := filepath.Join(t.TempDir(), "spool")
		if err := Create(dir); err != nil {
			t.Fatal(err)
		}
		s, err := Open(Options{Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		id := NewID(time.Now())
		old := time.Now().Add(-2 * abandoned)
		files := []string{s.path(inQueue, id)}
		if tried {
			files = append(files, s.path(inLog, id))
		}
		for _, f := range files {
			if err := os.MkdirAll(filepath.Dir(f), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(f, nil, 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Chtimes(f, old, old); err != nil {
				t.Fatal(err)
			}
		}
		want := ErrGone
		if tried {
			want = ErrDamaged
		}
		if _, err := s.Lock(id); !errors.Is(err, want) {
			t.Errorf("tried %v: %v, want %v", tried, err, want)
		}
		if _, err := os.Stat(s.path(inBad, id)); (err == nil) != tried {
			t.Errorf("tried %v: in bad/: %v", tried, err)
		}
	}
}
