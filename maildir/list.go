package maildir

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"
)

// rounds is how often a directory is read again that changes while it is read,
// and how often a file is looked for that is renamed at the same time.
const rounds = 10

// unionRounds is how often both directories are read in a row.
const unionRounds = 4

// errStop ends a readDir early.
var errStop = errors.New("stop")

// stamp is a directory's modification time. It is compared for equality only:
// clocks step back.
func stamp(dir string) (time.Time, error) {
	st, err := os.Stat(dir)
	if err != nil {
		return time.Time{}, err
	}
	return st.ModTime(), nil
}

// steady runs read over dir until the directory did not change meanwhile. A
// rename during readdir can hide a file or show it under both names, so one
// reading proves nothing. After a few rounds what was seen last must do.
//
// many reports whether the reading took several calls: the kernel lets no rename
// into a single one.
func steady(dir string, read func() error, many func() bool) (settled bool, err error) {
	before, err := stamp(dir)
	if err != nil {
		return false, err
	}
	for range rounds {
		if err := read(); err != nil {
			return false, err
		}
		after, err := stamp(dir)
		if err != nil {
			return false, err
		}
		if after.Equal(before) && (!many() || settle(dir, after)) {
			return true, nil
		}
		before = after
	}
	return false, nil
}

// tick is more than the grain of file times on kernels that count ticks.
const tick = 20 * time.Millisecond

// settle reports whether a directory's time is proof that nothing changed since:
// not while its tick lasts, of which it waits the rest.
func settle(dir string, at time.Time) bool {
	age := time.Since(at)
	if proves(dir, age) {
		return true
	}
	time.Sleep(tick - age)
	return false
}

// proves reports whether a time of that age tells of every change to a directory.
func proves(dir string, age time.Duration) bool {
	return age < 0 || age > tick || fineStamps() && ordered(dir)
}

// scan returns the file names in new/ or cur/ that can be messages.
func (f *Folder) scan(isNew bool) (names []string, settled bool, err error) {
	dir := f.dir(isNew)
	var all []string // of every round: if none was steady, the union of them
	settled, err = steady(dir, func() error {
		all = append(all, names...)
		names = names[:0]
		// Names are cut from large strings: one allocation for thousands.
		var chunk []byte
		var ends []int
		cut := func() {
			text, from := string(chunk), 0
			for _, to := range ends {
				names = append(names, text[from:to])
				from = to
			}
			chunk, ends = chunk[:0], ends[:0]
		}
		err := readDir(dir, func(name []byte, k kind) error {
			if k != plain && !f.mail(dir, string(name), k) {
				return nil
			}
			chunk = append(chunk, name...)
			if ends = append(ends, len(chunk)); len(chunk) > 64<<10 {
				cut()
			}
			return nil
		})
		cut()
		return err
	}, func() bool { return len(names) > 500 })
	if err != nil || settled {
		return names, settled, err
	}
	// Under constant change: everything seen in any round counts, the last name
	// of each base wins, nothing is held to be gone.
	byBase := make(map[string]string, len(names))
	for _, n := range append(all, names...) {
		byBase[Entry{File: n}.Base()] = n
	}
	names = names[:0]
	for _, n := range byBase {
		names = append(names, n)
	}
	return names, false, nil
}

// both reads new/, then cur/: a message that another program moves on meanwhile
// is seen twice rather than not at all, and counts in cur/.
//
// Undo moves from cur/ to new/, against that order: if new/ changed meanwhile, or
// may have within a tick, both are read again, and in the end what was seen at
// any time counts.
func (f *Folder) both() (fresh, seen []string, err error) {
	var all map[string]Entry
	for range unionRounds {
		before, err := stamp(f.dir(true))
		if err == nil {
			fresh, _, err = f.scan(true)
		}
		if err == nil {
			seen, _, err = f.scan(false)
		}
		var after time.Time
		if err == nil {
			after, err = stamp(f.dir(true))
		}
		if err != nil {
			return nil, nil, f.missing(err)
		}
		if after.Equal(before) && proves(f.dir(true), time.Since(after)) {
			all = nil
			break
		}
		if all == nil {
			all = make(map[string]Entry, len(fresh)+len(seen))
		}
		for i, list := range [][]string{fresh, seen} {
			for _, n := range list {
				e := Entry{n, i == 0}
				all[e.Base()] = e
			}
		}
	}
	if all != nil {
		fresh, seen = fresh[:0], seen[:0]
		for _, e := range all {
			if e.New {
				fresh = append(fresh, e.File)
			} else {
				seen = append(seen, e.File)
			}
		}
	}
	if len(fresh) == 0 {
		return fresh, seen, nil
	}
	waiting := make(map[string]int, len(fresh))
	for i, n := range fresh {
		waiting[Entry{File: n}.Base()] = i
	}
	for _, n := range seen {
		if i, twice := waiting[Entry{File: n}.Base()]; twice && !f.same(fresh[i], n) {
			fresh[i] = ""
		}
	}
	return slices.DeleteFunc(fresh, func(n string) bool { return n == "" }), seen, nil
}

// same reports whether new/a and cur/b are both there: two messages that some
// program gave one base, not one on its way.
func (f *Folder) same(a, b string) bool {
	sa, errA := os.Lstat(f.dir(true) + "/" + a)
	sb, errB := os.Lstat(f.dir(false) + "/" + b)
	return errA == nil && errB == nil && !os.SameFile(sa, sb)
}

// List returns the messages in new/ and cur/, by time of arrival and then by
// name. It reads the two directories and no file. Where two messages have one
// base, the younger gets a fresh one, if the folder may be written.
func (f *Folder) List() ([]Entry, error) {
	fresh, seen, err := f.both()
	if err != nil {
		return nil, fmt.Errorf("list: %w", err)
	}
	type row struct {
		key uint64
		Entry
	}
	rows := make([]row, 0, len(fresh)+len(seen))
	add := func(names []string, isNew bool) {
		for _, n := range names {
			sec, usec := arrival(n)
			rows = append(rows, row{uint64(sec)<<20 | uint64(usec), Entry{n, isNew}})
		}
	}
	add(fresh, true)
	add(seen, false)
	slices.SortFunc(rows, func(a, b row) int {
		if a.key != b.key {
			return cmp.Compare(a.key, b.key)
		}
		return strings.Compare(a.File, b.File)
	})
	out := make([]Entry, 0, len(rows))
	for i := 0; i < len(rows); {
		from := len(out)
		for key := rows[i].key; i < len(rows) && rows[i].key == key; i++ {
			out = append(out, rows[i].Entry)
		}
		// One base has one time of arrival, so duplicates are neighbours here.
		if len(out)-from > 1 {
			out = out[:from+len(f.separate(out[from:]))]
		}
	}
	return out, nil
}

// Counts is what a list of folders shows.
type Counts struct{ Total, Unread, New int }

// Count counts the messages. Unread ones lack the S flag, New ones lie in new/.
func (f *Folder) Count() (Counts, error) {
	fresh, seen, err := f.both()
	if err != nil {
		return Counts{}, fmt.Errorf("count: %w", err)
	}
	c := Counts{Total: len(fresh) + len(seen), New: len(fresh)}
	for _, list := range [][]string{fresh, seen} {
		for _, n := range list {
			if !ParseFlags(n).Has('S') {
				c.Unread++
			}
		}
	}
	return c, nil
}

// missing turns the absence of cur or new into ErrNoFolder.
func (f *Folder) missing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("folder %q: %w: %s", f.name, ErrNoFolder, f.path)
	}
	return err
}
