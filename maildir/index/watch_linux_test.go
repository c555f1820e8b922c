package index

import (
	"encoding/binary"
	"fmt"
	"maps"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"pneu/maildir"
)

// A rename of which one end was heard is no removal: a watcher would see the message
// go, and come again under another UID.
func TestHalfRename(t *testing.T) {
	const cur, new = 1, 2
	notice := func(wd, mask, cookie uint32, name string) []byte {
		b := binary.NativeEndian.AppendUint32(nil, wd)
		b = binary.NativeEndian.AppendUint32(b, mask)
		b = binary.NativeEndian.AppendUint32(b, cookie)
		b = binary.NativeEndian.AppendUint32(b, 16)
		return append(b, append([]byte(name), make([]byte, 16-len(name))...)...)
	}
	const from, to = unix.IN_MOVED_FROM, unix.IN_MOVED_TO
	in := func(file string) maildir.Entry { return maildir.Entry{File: file} }
	fresh := func(file string) maildir.Entry { return maildir.Entry{File: file, New: true} }
	tests := []struct {
		name  string
		heard [][]byte // between calls of drain
		want  []touched
	}{
		{"whole", [][]byte{append(notice(cur, from, 7, "a"), notice(cur, to, 7, "b")...)},
			[]touched{{in("a"): false, in("b"): true}}},
		{"in two parts", [][]byte{notice(cur, from, 7, "a"), notice(cur, to, 7, "b")},
			[]touched{{}, {in("a"): false, in("b"): true}}},
		{"from new to cur", [][]byte{notice(new, from, 7, "a"), notice(cur, to, 7, "a")},
			[]touched{{}, {fresh("a"): false, in("a"): true}}},
		{"out of the folder", [][]byte{notice(cur, from, 7, "a"), nil},
			[]touched{{}, {in("a"): false}}},
		{"out of the folder and back", [][]byte{notice(cur, from, 7, "a"), notice(cur, to, 8, "a")},
			[]touched{{}, {in("a"): true}}},
		{"out, then another", [][]byte{append(notice(cur, from, 7, "a"), notice(cur, from, 8, "b")...), notice(cur, to, 8, "c")},
			[]touched{{in("a"): false}, {in("b"): false, in("c"): true}}},
		{"two at a time", [][]byte{append(notice(cur, from, 7, "a"), notice(new, from, 8, "b")...), notice(cur, to, 8, "b"), nil},
			[]touched{{}, {in("a"): false, fresh("b"): false, in("b"): true}, {}}},
	}
	for _, tt := range tests {
		l := &listener{wds: [2]int32{cur, new}, log: -1}
		for i, buf := range tt.heard {
			got := touched{}
			l.begin()
			if _, ok := l.records(buf, got); !ok {
				t.Errorf("%s: not understood", tt.name)
			}
			l.ended(got)
			if !maps.Equal(got, tt.want[i]) {
				t.Errorf("%s: call %d: heard %v, want %v", tt.name, i, got, tt.want[i])
			}
		}
	}
}

// A watcher sleeps once it has seen what happened: a notice that nobody reads, such as that of its own
// commit, would wake it again and again.
func TestWatchSleeps(t *testing.T) {
	f := newFolder(t)
	for i := range 20 {
		put(t, f, fmt.Sprintf("cur/%d.a:2,", i))
	}
	x := mustOpen(t, f, Options{})
	views, err := x.Watch(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		for range views {
		}
	}()
	for i := range 20 {
		shift(t, f, fmt.Sprintf("cur/%d.a:2,", i), fmt.Sprintf("cur/%d.a:2,S", i))
	}
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		waiting := 0
		x.sync.mu.Lock()
		x.sync.live.raw.Control(func(fd uintptr) {
			waiting, _ = unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 0)
		})
		x.sync.mu.Unlock()
		if waiting == 0 && x.View().State().Unseen == 0 {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("notices are left unread (%d), %d unseen", waiting, x.View().State().Unseen)
		}
	}
}
