//go:build linux || openbsd || dragonfly

package queue

import "syscall"

func times(st *syscall.Stat_t) (modified, changed syscall.Timespec) { return st.Mtim, st.Ctim }
