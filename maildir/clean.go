package maildir

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"
)

// tempAge is how long a file in tmp/ may be somebody's unfinished delivery: 36
// hours, as the Maildir page has it.
const tempAge = 36 * time.Hour

// LastUse returns when the file was last read, written, renamed or linked.
func (f *Folder) LastUse(e Entry) (time.Time, error) {
	st, err := os.Lstat(f.File(e))
	if err != nil {
		return time.Time{}, err
	}
	return lastUse(st), nil
}

// Clean removes from tmp/ what was neither read nor changed for 36 hours before
// now, and says how many files that were.
func (f *Folder) Clean(now time.Time) (int, error) {
	dir := f.path + "/tmp"
	var old []string
	err := readDir(dir, func(name []byte, k kind) error {
		if k == plain || k == unknown {
			old = append(old, string(name))
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("clean: %w", err)
	}
	n := 0
	for _, name := range old {
		st, err := os.Lstat(dir + "/" + name)
		if err != nil || !st.Mode().IsRegular() || now.Sub(lastUse(st)) <= tempAge {
			continue
		}
		if err := os.Remove(dir + "/" + name); err == nil {
			n++
		} else if !errors.Is(err, fs.ErrNotExist) {
			return n, fmt.Errorf("clean: %w", err)
		}
	}
	return n, nil
}
