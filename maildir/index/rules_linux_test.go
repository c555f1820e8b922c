package index

import (
	"bytes"
	"encoding/binary"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"pneu/maildir"
)

// Rule 17: where Dovecot is, two renames or removals and more are made under its lock, and
// messages taken out of new/; one alone goes without.
func TestRule17Index(t *testing.T) {
	type stage struct{ x, y *Index }
	all := func(s stage) []UID {
		var uids []UID
		for row := range s.x.View().Len() {
			uids = append(uids, s.x.View().UID(row))
		}
		return uids
	}
	tests := []struct {
		name string
		act  func(s stage, uids []UID) error
	}{
		{"flags", func(s stage, uids []UID) error {
			_, err := s.x.SetFlags(t.Context(), uids, FlagChange{Add: Seen})
			return err
		}},
		{"flags later", func(s stage, uids []UID) error {
			s.x.sync.mu.Lock() // SetFlags may not write the names
			_, err := s.x.SetFlags(t.Context(), uids, FlagChange{Add: Seen})
			s.x.sync.mu.Unlock()
			if err == nil {
				err = s.x.Flush(t.Context())
			}
			return err
		}},
		{"move", func(s stage, uids []UID) error { _, err := s.x.MoveTo(t.Context(), s.y, uids); return err }},
		{"copy", func(s stage, uids []UID) error { _, err := s.x.CopyTo(t.Context(), s.y, uids); return err }},
		{"expunge", func(s stage, uids []UID) error { _, err := s.x.Expunge(t.Context(), uids); return err }},
		{"file", func(s stage, uids []UID) error {
			var wishes []Wish
			for _, uid := range uids {
				wishes = append(wishes, Wish{UID: uid})
			}
			_, err := s.x.FileAll(t.Context(), s.y, Moved, wishes, nil)
			return err
		}},
		{"take new", func(s stage, uids []UID) error { _, err := s.x.TakeNew(t.Context()); return err }},
	}
	for _, tt := range tests {
		for _, n := range []int{1, 3} {
			in, other := account(t)
			for _, f := range []*maildir.Folder{in, other} {
				os.WriteFile(f.Path()+"/dovecot-uidlist", []byte("3 V1 N1\n"), 0o600)
			}
			for i := range n {
				put(t, in, []string{"cur/1.a:2,", "cur/2.b:2,", "cur/3.c:2,"}[i])
			}
			if tt.name == "take new" {
				shift(t, in, "cur/1.a:2,", "new/1.a")
			}
			s := stage{mustOpen(t, in, Options{}), mustOpen(t, other, Options{})}
			syncIndex(t, s.x)
			syncIndex(t, s.y)
			fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
			if err != nil {
				t.Skip(err)
			}
			const changes = unix.IN_CREATE | unix.IN_DELETE | unix.IN_MOVED_FROM
			for _, dir := range []string{in.Path(), in.Path() + "/cur", in.Path() + "/new", other.Path() + "/cur"} {
				if _, err := unix.InotifyAddWatch(fd, dir, changes); err != nil {
					t.Skip(err)
				}
			}
			if err := tt.act(s, all(s)); err != nil {
				t.Fatal(tt.name, err)
			}
			var heard []string
			buf := make([]byte, 64<<10)
			k, err := unix.Read(fd, buf)
			unix.Close(fd)
			if err != nil {
				t.Fatal(tt.name, err)
			}
			for buf = buf[:k]; len(buf) > 0; {
				mask := binary.NativeEndian.Uint32(buf[4:])
				size := unix.SizeofInotifyEvent + int(binary.NativeEndian.Uint32(buf[12:]))
				name := string(bytes.TrimRight(buf[unix.SizeofInotifyEvent:size], "\x00"))
				buf = buf[size:]
				switch {
				case name == "dovecot-uidlist.lock" && mask&unix.IN_CREATE != 0:
					heard = append(heard, "(")
				case name == "dovecot-uidlist.lock":
					heard = append(heard, ")")
				case strings.Contains(name, "1.") || strings.Contains(name, "2.") || strings.Contains(name, "3."):
					heard = append(heard, "x")
				}
			}
			got, want := strings.Join(heard, ""), "x"
			if n > 1 || tt.name == "take new" {
				want = "(" + strings.Repeat("x", n) + ")"
			}
			if tt.name == "take new" {
				want = "(x)"
			}
			if got != want {
				t.Errorf("%s of %d: %s, want %s", tt.name, n, got, want)
			}
		}
	}
}
