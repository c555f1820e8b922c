//go:build linux || openbsd || dragonfly

package maildir

import (
	"io/fs"
	"syscall"
	"time"
)

// lastUse is the latest of access, modification and inode change: a delivery in
// progress sets a file's modification time to whatever its message says.
func lastUse(st fs.FileInfo) time.Time {
	t := st.ModTime()
	if sys, ok := st.Sys().(*syscall.Stat_t); ok {
		for _, ts := range []syscall.Timespec{sys.Atim, sys.Ctim} {
			if u := time.Unix(ts.Unix()); u.After(t) {
				t = u
			}
		}
	}
	return t
}
