package index

import (
	"context"
	"encoding/binary"
	"errors"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"pneu/maildir"
)

// A listener is told by the kernel what happens to names in new/ and cur/ from
// the moment it is made.
type listener struct {
	file *os.File // inotify
	raw  syscall.RawConn
	wds  [2]int32 // of cur/ and new/
	log  int32    // of the folder itself, for others' commits
	dirs [2]int   // descriptors of cur/ and new/
	buf  []byte
	half [2]half // by directory

	late touched // heard by silent, for the next drain
	lost bool    // and that some was not
}

// half is a name of which only the end was heard. If its rename leads to a place that
// is listened to, the notice of that is queued before the directory's lock is let go
// of, and so before all others of the directory: until then nobody knows whether the
// message is gone.
type half struct {
	cookie uint32 // 0: there is none
	file   string
	old    bool // it was there when drain was last called
}

const listenMask = unix.IN_CREATE | unix.IN_DELETE | unix.IN_MOVED_FROM | unix.IN_MOVED_TO |
	unix.IN_DELETE_SELF | unix.IN_MOVE_SELF | unix.IN_ONLYDIR

// listen begins to listen. With commits it also wakes up when a file of the
// index is written.
func listen(f *maildir.Folder, commits bool) (*listener, error) {
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		return nil, os.NewSyscallError("inotify_init1", err)
	}
	l := &listener{file: os.NewFile(uintptr(fd), "inotify"), log: -1, dirs: [2]int{-1, -1}}
	for i, sub := range []string{"/cur", "/new"} {
		wd, err := unix.InotifyAddWatch(fd, f.Path()+sub, listenMask)
		if err == nil {
			l.wds[i] = int32(wd)
			l.dirs[i], err = unix.Open(f.Path()+sub, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
		}
		if err != nil {
			l.close()
			return nil, &os.PathError{Op: "watch", Path: f.Path() + sub, Err: err}
		}
	}
	if commits {
		wd, err := unix.InotifyAddWatch(fd, f.Path(), unix.IN_MODIFY|unix.IN_MOVED_TO|unix.IN_CREATE|unix.IN_MOVE_SELF|unix.IN_ONLYDIR)
		if err != nil {
			l.close()
			return nil, &os.PathError{Op: "watch", Path: f.Path(), Err: err}
		}
		l.log = int32(wd)
	}
	if l.raw, err = l.file.SyscallConn(); err != nil {
		l.close()
		return nil, err
	}
	return l, nil
}

// at reports whether the directories of f are those that are listened to: others may have
// been put in their place, of which nothing is heard.
func (l *listener) at(f *maildir.Folder) bool {
	for i, sub := range []string{"/cur", "/new"} {
		var here, there unix.Stat_t
		if unix.Fstat(l.dirs[i], &here) != nil || unix.Stat(f.Path()+sub, &there) != nil || here.Ino != there.Ino || here.Dev != there.Dev {
			return false
		}
	}
	return true
}

func (l *listener) close() {
	l.file.Close()
	for _, fd := range l.dirs {
		if fd >= 0 {
			unix.Close(fd)
		}
	}
}

// leave is close for a process that ends, which would be kept from it until the kernel has
// let go of the listener. A socket that is known to nobody but the message waiting in it,
// and that holds the listener too, is the kernel's to find and to clear away.
func (l *listener) leave() {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		l.letGo()
		return
	}
	sent := false
	l.raw.Control(func(fd uintptr) {
		sent = unix.Sendmsg(pair[0], []byte{0}, unix.UnixRights(int(fd), pair[1]), nil, unix.MSG_DONTWAIT) == nil
	})
	if sent {
		l.close() // that of the message is left
	} else {
		l.letGo()
	}
	unix.Close(pair[0])
	unix.Close(pair[1])
}

// barrier waits for changes that are under way: a rename sets the directory's
// time before it queues its notices, all under the directory's lock, which
// reading the directory takes too. What a stat before has seen is in the queue
// afterwards.
func (l *listener) barrier() {
	var buf [512]byte
	for _, fd := range l.dirs {
		unix.Seek(fd, 0, 0)
		unix.Getdents(fd, buf[:])
	}
}

func (l *listener) begin() {
	for i := range l.half {
		l.half[i].old = true
	}
}

// ended decides about halves from before, and returns how much there is yet to hear
// or was decided.
func (l *listener) ended(t touched) (n int) {
	for i, h := range l.half {
		if h.cookie == 0 {
			continue
		}
		n++
		if h.old {
			l.gone(i, t)
		}
	}
	return n
}

// gone notes that the other half of a rename did not come.
func (l *listener) gone(i int, t touched) {
	t[maildir.Entry{File: l.half[i].file, New: i == 1}] = false
	l.half[i] = half{}
}

// drain adds to t what has happened since it was last called, and returns how
// much that was. False: something is not known, and only a scan helps. After a
// barrier only renames that were begun since can be heard in part; they are kept
// for the next call.
func (l *listener) drain(t touched) (heard int, ok bool) {
	if l.buf == nil {
		l.buf = make([]byte, 64<<10)
	}
	l.begin()
	ok = !l.lost
	heard = len(l.late)
	for e, there := range l.late {
		t[e] = there
	}
	l.late, l.lost = nil, false
	for {
		n := 0
		var rerr error
		// Not RawConn.Read: it would heed the deadline of wait.
		err := l.raw.Control(func(fd uintptr) { n, rerr = unix.Read(int(fd), l.buf) })
		switch {
		case rerr == unix.EINTR:
			continue
		case rerr == unix.EAGAIN && err == nil:
			return heard + l.ended(t), ok
		case err != nil || rerr != nil || n <= 0:
			return heard, false
		}
		k, whole := l.records(l.buf[:n], t)
		heard += k
		ok = ok && whole
	}
}

// silent reports whether nothing was heard of a name. It takes notices of the index's own
// files out of the queue, where they would wake who waits again and again.
func (l *listener) silent() bool {
	late := touched{}
	heard, ok := l.drain(late)
	if len(late) > 0 {
		l.late = late
	}
	l.lost = !ok
	return heard == 0 && ok
}

func (l *listener) records(buf []byte, t touched) (heard int, ok bool) {
	ok = true
	for len(buf) >= unix.SizeofInotifyEvent {
		wd := int32(binary.NativeEndian.Uint32(buf))
		mask := binary.NativeEndian.Uint32(buf[4:])
		cookie := binary.NativeEndian.Uint32(buf[8:])
		size := unix.SizeofInotifyEvent + int(binary.NativeEndian.Uint32(buf[12:]))
		if size > len(buf) {
			return heard, false
		}
		name := buf[unix.SizeofInotifyEvent:size]
		buf = buf[size:]
		if wd == l.log && mask&unix.IN_Q_OVERFLOW == 0 {
			continue
		}
		if mask&(unix.IN_Q_OVERFLOW|unix.IN_DELETE_SELF|unix.IN_MOVE_SELF|unix.IN_IGNORED|unix.IN_UNMOUNT) != 0 {
			ok = false
			continue
		}
		for i, c := range name {
			if c == 0 {
				name = name[:i]
				break
			}
		}
		if mask&unix.IN_ISDIR != 0 || len(name) == 0 || name[0] == '.' {
			continue
		}
		heard++
		dir := place(wd == l.wds[1])
		for i, h := range l.half {
			if h.cookie != 0 && (i == dir || h.cookie == cookie) {
				l.gone(i, t)
			}
		}
		if mask&unix.IN_MOVED_FROM != 0 && cookie != 0 {
			l.half[dir] = half{cookie: cookie, file: string(name)}
			continue
		}
		t[maildir.Entry{File: string(name), New: dir == 1}] = mask&(unix.IN_CREATE|unix.IN_MOVED_TO) != 0
	}
	return heard, ok
}

// wait returns when there is something to drain, at the end of d, or when the
// listener is closed (an error). It reads nothing.
func (l *listener) wait(ctx context.Context, d time.Duration) error {
	stop := context.AfterFunc(ctx, func() { l.file.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	deadline := time.Time{}
	if d > 0 {
		deadline = time.Now().Add(d)
	}
	if err := l.file.SetReadDeadline(deadline); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	err := l.raw.Read(func(fd uintptr) bool {
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 0)
		return err != nil && err != unix.EINTR || n > 0
	})
	if cerr := ctx.Err(); cerr != nil {
		return cerr
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return nil
	}
	return err
}
