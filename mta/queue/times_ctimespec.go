//go:build darwin || freebsd || netbsd

package queue

import "syscall"

// times is that of the other systems, whose fields have other names.
func times(st *syscall.Stat_t) (modified, changed syscall.Timespec) {
	return st.Mtimespec, st.Ctimespec
}
