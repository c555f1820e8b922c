package maildir

import (
	"errors"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Dovecot holds a message gone that it does not meet while it reads cur/, and
// shows it as a new one later. It reads under dovecot-uidlist.lock, so whoever
// renames in number takes that lock, if Dovecot uses the folder at all.
const (
	uidlistFresh = 30 * 24 * time.Hour // a list not written for so long has no server
	uidlistStale = 2 * time.Minute     // Dovecot breaks a lock not touched for so long
	uidlistTouch = 10 * time.Second    // and touches its own this often
	batchWait    = 3 * time.Second     // for the lock, then we go on without
	singleWait   = 300 * time.Millisecond
	holdIdle     = time.Second
)

// A Hold keeps Dovecot from reading folders while several messages are renamed
// or removed. The zero value holds nothing and is ready for use.
//
//	var h maildir.Hold
//	defer h.Release()
//	for _, e := range entries {
//		h.Take(f, to)
//		f.Move(e, to)
//	}
//
// It is a courtesy, not a lock among ourselves: folders that Dovecot does not
// use cost one stat, and a lock that cannot be had is done without. A hold that
// is not taken again within a second lapses.
type Hold struct {
	mu    sync.Mutex
	held  map[string]*uidlistLock // by folder; nil: asked, and nothing to hold
	ends  []func()                // what the observers of the folders wait for
	timer *time.Timer
}

// Take holds the folders, as far as they are not held yet.
func (h *Hold) Take(folders ...*Folder) { h.take(batchWait, folders) }

func (h *Hold) take(wait time.Duration, folders []*Folder) {
	h.mu.Lock()
	defer h.mu.Unlock()
	locked := false
	for _, f := range folders {
		l, asked := h.held[f.path]
		if !asked {
			if h.held == nil {
				h.held = map[string]*uidlistLock{}
			}
			l = lockUidlist(f.path, wait)
			h.held[f.path] = l
			if f.store.observer.Load() != nil {
				h.ends = append(h.ends, f.changing())
			}
		}
		if l != nil {
			locked = true
			l.touch()
		}
	}
	if !locked && h.ends == nil {
		return
	}
	if h.timer == nil {
		h.timer = time.AfterFunc(holdIdle, h.Release)
	} else {
		h.timer.Reset(holdIdle)
	}
}

// Release lets go of all folders. The hold can be used again.
func (h *Hold) Release() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.timer != nil {
		h.timer.Stop()
	}
	for _, l := range h.held {
		if l != nil {
			l.release()
		}
	}
	h.held = nil
	for _, end := range h.ends {
		end()
	}
	h.ends = nil
}

// uidlistLocks are those this process has: its goroutines share them.
var uidlistLocks = struct {
	sync.Mutex
	held map[string]*uidlistLock
}{held: map[string]*uidlistLock{}}

type uidlistLock struct {
	path    string
	users   int           // under uidlistLocks
	ready   chan struct{} // closed when got is set
	got     bool          // else we go without
	mu      sync.Mutex
	touched time.Time
}

// lockUidlist returns nil if Dovecot does not use the folder, or if it cannot be
// locked out in time.
func lockUidlist(dir string, wait time.Duration) *uidlistLock {
	st, err := os.Stat(dir + "/dovecot-uidlist")
	if err != nil || time.Since(st.ModTime()) > uidlistFresh {
		return nil
	}
	l := shareUidlistLock(dir+"/dovecot-uidlist.lock", st.Mode().Perm(), wait)
	if !l.got {
		l.release()
		return nil
	}
	return l
}

// shareUidlistLock returns the lock this process has, or tries to get it.
func shareUidlistLock(path string, mode fs.FileMode, wait time.Duration) *uidlistLock {
	uidlistLocks.Lock()
	l := uidlistLocks.held[path]
	if l != nil {
		l.users++
		uidlistLocks.Unlock()
		<-l.ready
		return l
	}
	l = &uidlistLock{path: path, users: 1, ready: make(chan struct{}), touched: time.Now()}
	uidlistLocks.held[path] = l
	uidlistLocks.Unlock()
	l.got = takeDotlock(path, mode, wait)
	close(l.ready)
	return l
}

func (l *uidlistLock) release() {
	uidlistLocks.Lock()
	defer uidlistLocks.Unlock()
	if l.users--; l.users > 0 {
		return
	}
	delete(uidlistLocks.held, l.path)
	// If Dovecot found us too slow, the lock is its own by now.
	if l.mine() {
		os.Remove(l.path)
	}
}

// mine reports whether the lock is still ours. Inodes are used again at once, so
// it is known by what it says.
func (l *uidlistLock) mine() bool {
	b, err := os.ReadFile(l.path)
	return l.got && err == nil && string(b) == lockText()
}

// lockText is what a lock of ours holds, and one of Dovecot's too: by it either
// breaks the lock of a process that died.
func lockText() string {
	host, _ := os.Hostname()
	return strconv.Itoa(os.Getpid()) + ":" + host
}

func (l *uidlistLock) touch() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if now := time.Now(); now.Sub(l.touched) > uidlistTouch && l.mine() {
		os.Chtimes(l.path, now, now)
		l.touched = now
	}
}

// takeDotlock creates the lock file, waiting for another's to go or to turn out
// stale. Its mode is that of the list: Dovecot, if another user, watches it.
func takeDotlock(path string, mode fs.FileMode, wait time.Duration) bool {
	for until := time.Now().Add(wait); ; time.Sleep(5 * time.Millisecond) {
		w, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, mode)
		if err == nil {
			w.Chmod(mode) // whatever the umask
			_, err := w.WriteString(lockText())
			if err := errors.Join(err, w.Close()); err != nil {
				os.Remove(path)
				return false
			}
			return true
		}
		if !errors.Is(err, fs.ErrExist) { // not our folder to write in
			return false
		}
		if st, err := os.Lstat(path); err == nil && staleDotlock(path, st) && sameAs(path, st) {
			os.Remove(path)
			continue
		}
		if time.Now().After(until) {
			return false
		}
	}
}

// staleDotlock reports whether nobody stands behind a lock file any more.
func staleDotlock(path string, st fs.FileInfo) bool {
	if time.Since(st.ModTime()) > uidlistStale {
		return true
	}
	if !st.Mode().IsRegular() || st.Size() > 1024 {
		return false
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return false
	}
	_, host, _ := strings.Cut(lockText(), ":")
	number, at, _ := strings.Cut(strings.TrimSpace(string(b)), ":")
	pid, err := strconv.Atoi(number)
	if err != nil || pid <= 0 || at != host {
		return false
	}
	return errors.Is(syscall.Kill(pid, 0), syscall.ESRCH)
}

// sameAs reports whether path is still that file; its time tells it from another
// that got the inode of a removed one.
func sameAs(path string, st fs.FileInfo) bool {
	now, err := os.Lstat(path)
	return err == nil && os.SameFile(now, st) && now.ModTime().Equal(st.ModTime())
}
