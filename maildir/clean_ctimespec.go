//go:build darwin || freebsd || netbsd

package maildir

import (
	"io/fs"
	"syscall"
	"time"
)

// lastUse is that of the other systems, whose fields have other names.
func lastUse(st fs.FileInfo) time.Time {
	t := st.ModTime()
	if sys, ok := st.Sys().(*syscall.Stat_t); ok {
		for _, ts := range []syscall.Timespec{sys.Atimespec, sys.Ctimespec} {
			if u := time.Unix(ts.Unix()); u.After(t) {
				t = u
			}
		}
	}
	return t
}
