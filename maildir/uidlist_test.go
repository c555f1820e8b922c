package maildir

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// served makes a folder that Dovecot uses.
func served(t *testing.T) (f *Folder, lock string) {
	t.Helper()
	f = newInbox(t)
	put(t, f, "dovecot-uidlist", "3 V1700000000 N1\n")
	return f, f.Path() + "/dovecot-uidlist.lock"
}

func exists(path string) bool { _, err := os.Lstat(path); return err == nil }

func TestRule17HoldWhileRenaming(t *testing.T) {
	f, lock := served(t)
	to := newFolder(t, f.Store(), "to")
	synctest.Test(t, func(t *testing.T) { // or a busy machine lets the hold lapse
		var h Hold
		h.Take(f, to)
		host, _ := os.Hostname()
		if b, err := os.ReadFile(lock); err != nil || string(b) != fmt.Sprintf("%d:%s", os.Getpid(), host) {
			t.Errorf("lock says %q, %v", b, err)
		}
		if exists(to.Path() + "/dovecot-uidlist.lock") {
			t.Error("a lock where Dovecot never was")
		}
		// A change within the hold does not wait for ourselves, nor end it.
		start := time.Now()
		put(t, f, "new/1.a", letter)
		if _, err := f.SetFlags(Entry{"1.a", true}, "S", ""); err != nil {
			t.Error(err)
		}
		if d := time.Since(start); d > 0 || !exists(lock) {
			t.Errorf("after %v the lock is there: %v", d, exists(lock))
		}
		var second Hold
		second.Take(f)
		h.Release()
		if !exists(lock) {
			t.Error("one of two holders let go for both")
		}
		second.Release()
		second.Release()
		if exists(lock) {
			t.Error("lock left behind")
		}
	})
}

// Taking a message out of new/ is what Dovecot does under its lock.
func TestRule17NewToCur(t *testing.T) {
	f, lock := served(t)
	other := fmt.Sprintf("%d:elsewhere", os.Getpid())
	os.WriteFile(lock, []byte(other), 0o600)
	put(t, f, "new/1.a", letter)
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		go func() { time.Sleep(60 * time.Millisecond); os.Remove(lock) }()
		if _, err := f.SetFlags(Entry{"1.a", true}, "S", ""); err != nil {
			t.Error(err)
		}
		if d := time.Since(start); d < 60*time.Millisecond || d >= singleWait || exists(lock) {
			t.Errorf("did not wait (%v), or left a lock", d)
		}
		// In cur/ a single rename may skip it.
		os.WriteFile(lock, []byte(other), 0o600)
		start = time.Now()
		if _, err := f.SetFlags(Entry{File: "1.a:2,S"}, "F", ""); err != nil || time.Since(start) > 0 {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		if b, _ := os.ReadFile(lock); string(b) != other {
			t.Errorf("another's lock is now %q", b)
		}
	})
}

func TestRule17StaleLock(t *testing.T) {
	host, _ := os.Hostname()
	now := time.Now()
	for name, c := range map[string]struct {
		text   string
		at     time.Time
		broken bool
	}{
		"process died": {fmt.Sprintf("%d:%s", 1<<22+1, host), now, true}, // beyond pid_max
		"untouched":    {"1:elsewhere", now.Add(-3 * time.Minute), true},
		"living":       {fmt.Sprintf("%d:%s", os.Getpid(), host), now, false},
		"elsewhere":    {"4194305:elsewhere", now, false},
		"not said":     {"", now, false},
		"garbage":      {strings.Repeat("x", 2000), now, false},
	} {
		t.Run(name, func(t *testing.T) {
			f, lock := served(t)
			os.WriteFile(lock, []byte(c.text), 0o600)
			os.Chtimes(lock, c.at, c.at)
			var h Hold
			h.take(30*time.Millisecond, []*Folder{f})
			b, _ := os.ReadFile(lock)
			if broken := string(b) != c.text || name == "living" && h.held[f.path] != nil; broken != c.broken {
				t.Errorf("broken: %v, want %v (%q)", broken, c.broken, b)
			}
			h.Release()
			if exists(lock) == c.broken {
				t.Errorf("after the hold the lock is there: %v", exists(lock))
			}
		})
	}
}

func TestRule17NotServed(t *testing.T) {
	f, lock := served(t)
	long := time.Now().Add(-2 * uidlistFresh)
	os.Chtimes(f.Path()+"/dovecot-uidlist", long, long)
	var h Hold
	h.Take(f)
	defer h.Release()
	if exists(lock) {
		t.Error("a lock for a server that left")
	}
}

// A hold that is forgotten lapses; a long one is touched; one that Dovecot broke
// is not removed under Dovecot's feet.
func TestRule17Lapse(t *testing.T) {
	f, lock := served(t)
	synctest.Test(t, func(t *testing.T) {
		now := time.Now()
		os.Chtimes(f.Path()+"/dovecot-uidlist", now, now)
		var h Hold
		h.Take(f)
		first, err := os.Lstat(lock)
		if err != nil {
			t.Fatal(err)
		}
		for range 15 {
			time.Sleep(holdIdle * 9 / 10)
			h.Take(f)
		}
		if st, err := os.Lstat(lock); err != nil || !os.SameFile(st, first) || st.ModTime().Before(now.Add(uidlistTouch)) {
			t.Errorf("after 13 s: %v, %v", st, err)
		}
		time.Sleep(holdIdle + time.Millisecond)
		synctest.Wait()
		if exists(lock) {
			t.Error("did not lapse")
		}
		h.Take(f)
		os.Remove(lock)
		os.WriteFile(lock, []byte("1:other"), 0o600)
		h.Release()
		if !exists(lock) {
			t.Error("removed another's lock")
		}
	})
}

// Two processes' worth of holders: at most one at a time.
func TestRule17Exclusive(t *testing.T) {
	_, lock := served(t)
	var wg sync.WaitGroup
	inside, most := 0, 0
	var mu sync.Mutex
	for range 4 {
		wg.Go(func() {
			for range 20 {
				if !takeDotlock(lock, 0o600, time.Minute) {
					t.Error("no lock")
					return
				}
				mu.Lock()
				inside++
				most = max(most, inside)
				mu.Unlock()
				time.Sleep(time.Millisecond)
				mu.Lock()
				inside--
				mu.Unlock()
				os.Remove(lock)
			}
		})
	}
	wg.Wait()
	if most != 1 {
		t.Errorf("%d held it at once", most)
	}
}

// Rule 17: a lock in use is touched, or Dovecot would break it.
func TestRule17Touch(t *testing.T) {
	f := newInbox(t)
	put(t, f, "dovecot-uidlist", "3 V1 N1\n")
	var h Hold
	defer h.Release()
	h.Take(f)
	path := f.Path() + "/dovecot-uidlist.lock"
	old := time.Now().Add(-time.Minute)
	if err := os.Chtimes(path, old, old); err != nil {
		t.Fatal(err)
	}
	l := h.held[f.path]
	l.mu.Lock()
	l.touched = old
	l.mu.Unlock()
	h.Take(f)
	if st, err := os.Stat(path); err != nil || !st.ModTime().After(old.Add(time.Second)) {
		t.Errorf("%v, %v", st.ModTime(), err)
	}
}
