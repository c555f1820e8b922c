package maildir

import (
	"context"
	"encoding/binary"
	"errors"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// pairTime is how long the first half of a rename waits for the second. The
// kernel queues them one after the other, so they are parted at most by the end
// of a read.
const pairTime = 20 * time.Millisecond

// watched is a directory under watch.
type watched struct {
	folder *Folder
	isNew  bool
}

// A watcher turns inotify's records into events.
type watcher struct {
	ctx  context.Context
	file *os.File
	dirs map[int32]watched
	out  chan Event
	left *leaving
	made map[made]Entry

	homes map[int32]*Folder // the folders' own directories
}

// made is a message that appeared by link, not by rename. mutt renames by link
// and unlink: the old name's end is not the message's.
type made struct {
	folder *Folder
	base   string
}

// mostMade bounds the memory of made; the unlink follows the link at once.
const mostMade = 256

// leaving is a message whose file was renamed away; until cookie comes again,
// or time is up, it is not known where to.
type leaving struct {
	cookie uint32
	from   watched
	entry  Entry
}

// notify watches new/ and cur/ of folders. Deliverers rename or link into new/;
// files written in place (which is against the rules) show up when created.
func notify(ctx context.Context, folders []*Folder) (<-chan Event, error) {
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		return nil, err
	}
	w := &watcher{ctx: ctx, file: os.NewFile(uintptr(fd), "inotify"), dirs: map[int32]watched{}, homes: map[int32]*Folder{}, out: make(chan Event, 256)}
	const mask = unix.IN_CREATE | unix.IN_DELETE | unix.IN_MOVED_FROM | unix.IN_MOVED_TO |
		unix.IN_DELETE_SELF | unix.IN_MOVE_SELF | unix.IN_ONLYDIR
	for _, f := range folders {
		for _, isNew := range []bool{true, false} {
			wd, err := unix.InotifyAddWatch(fd, f.dir(isNew), mask)
			if err != nil {
				w.file.Close()
				return nil, &os.PathError{Op: "watch", Path: f.dir(isNew), Err: err}
			}
			w.dirs[int32(wd)] = watched{f, isNew}
		}
		// Its new/ and cur/ are not told when the folder is renamed, and go on under other names.
		if wd, err := unix.InotifyAddWatch(fd, f.Path(), unix.IN_MOVE_SELF|unix.IN_ONLYDIR); err == nil {
			w.homes[int32(wd)] = f
		}
	}
	stop := context.AfterFunc(ctx, func() { w.file.Close() })
	go func() {
		defer close(w.out)
		defer stop()
		defer w.file.Close()
		w.run()
	}()
	return w.out, nil
}

func (w *watcher) run() {
	buf := make([]byte, 64<<10)
	for {
		deadline := time.Time{}
		if w.left != nil {
			deadline = time.Now().Add(pairTime)
		}
		w.file.SetReadDeadline(deadline)
		n, err := w.file.Read(buf)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			if !w.depart() {
				return
			}
			continue
		}
		if err != nil {
			if w.ctx.Err() == nil {
				w.emit(Event{Kind: Overflow})
			}
			return
		}
		if !w.records(buf[:n]) {
			return
		}
	}
}

// records handles what one read returned; false ends the watch.
func (w *watcher) records(buf []byte) bool {
	for len(buf) >= unix.SizeofInotifyEvent {
		wd := int32(binary.NativeEndian.Uint32(buf))
		mask := binary.NativeEndian.Uint32(buf[4:])
		cookie := binary.NativeEndian.Uint32(buf[8:])
		size := unix.SizeofInotifyEvent + int(binary.NativeEndian.Uint32(buf[12:]))
		if size > len(buf) {
			return true
		}
		name := buf[unix.SizeofInotifyEvent:size]
		buf = buf[size:]
		for i, c := range name {
			if c == 0 {
				name = name[:i]
				break
			}
		}
		if !w.record(wd, mask, cookie, string(name)) {
			return false
		}
	}
	return true
}

func (w *watcher) record(wd int32, mask, cookie uint32, name string) bool {
	if mask&unix.IN_Q_OVERFLOW != 0 {
		w.left = nil
		return w.emit(Event{Kind: Overflow})
	}
	if f := w.homes[wd]; f != nil {
		return mask&unix.IN_MOVE_SELF == 0 || w.forsake(f)
	}
	at, known := w.dirs[wd]
	if !known {
		return true
	}
	if mask&(unix.IN_DELETE_SELF|unix.IN_MOVE_SELF|unix.IN_IGNORED|unix.IN_UNMOUNT) != 0 {
		delete(w.dirs, wd)
		return w.depart() && w.emit(Event{Kind: Overflow, Folder: at.folder}) && len(w.dirs) > 0
	}
	if mask&unix.IN_ISDIR != 0 || name == "" {
		return true
	}
	if _, err := ParseName(name); err != nil {
		name = "" // not a message: but a message may have been renamed to it
	}
	e := Entry{name, at.isNew}
	if mask&unix.IN_MOVED_TO != 0 && w.left != nil && w.left.cookie == cookie {
		left := w.left
		w.left = nil
		switch {
		case name == "":
			return w.emit(Event{Kind: Gone, Folder: left.from.folder, Entry: left.entry})
		case left.from.folder == at.folder && left.entry.Base() == e.Base():
			return w.emit(Event{Kind: Changed, Folder: at.folder, Entry: e, Old: left.entry})
		}
		return w.emit(Event{Kind: Gone, Folder: left.from.folder, Entry: left.entry}) &&
			w.emit(Event{Kind: Added, Folder: at.folder, Entry: e})
	}
	if !w.depart() {
		return false
	}
	if name == "" {
		return true
	}
	switch {
	case mask&unix.IN_MOVED_FROM != 0:
		w.left = &leaving{cookie, at, e}
		return true
	case mask&unix.IN_DELETE != 0:
		key := made{at.folder, e.Base()}
		if now, ok := w.made[key]; ok {
			delete(w.made, key)
			if _, err := os.Lstat(at.folder.File(now)); err == nil && now != e {
				return w.emit(Event{Kind: Changed, Folder: at.folder, Entry: now, Old: e})
			}
		}
		return w.emit(Event{Kind: Gone, Folder: at.folder, Entry: e})
	case mask&unix.IN_CREATE != 0:
		if w.made == nil || len(w.made) >= mostMade {
			w.made = map[made]Entry{}
		}
		w.made[made{at.folder, e.Base()}] = e
	}
	return w.emit(Event{Kind: Added, Folder: at.folder, Entry: e})
}

// forsake ends the watch of a folder that has another name now.
func (w *watcher) forsake(f *Folder) bool {
	for wd, at := range w.dirs {
		if at.folder == f {
			delete(w.dirs, wd)
			if c, err := w.file.SyscallConn(); err == nil {
				c.Control(func(fd uintptr) { unix.InotifyRmWatch(int(fd), uint32(wd)) })
			}
		}
	}
	return w.depart() && w.emit(Event{Kind: Overflow, Folder: f}) && len(w.dirs) > 0
}

// depart reports the message that was renamed away and did not come back.
func (w *watcher) depart() bool {
	left := w.left
	if left == nil {
		return true
	}
	w.left = nil
	return w.emit(Event{Kind: Gone, Folder: left.from.folder, Entry: left.entry})
}

func (w *watcher) emit(ev Event) bool { return send(w.ctx, w.out, ev) }
