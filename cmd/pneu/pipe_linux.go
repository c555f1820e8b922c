package main

import (
	"os"

	"golang.org/x/sys/unix"
)

// wideRoom is what the kernel gives to anybody who asks (pipe(7), pipe-max-size).
const wideRoom = 1 << 20

// widen gives a pipe more room; to what is none nothing happens.
func widen(f *os.File) {
	if c, err := f.SyscallConn(); err == nil {
		c.Control(func(fd uintptr) { unix.FcntlInt(fd, unix.F_SETPIPE_SZ, wideRoom) })
	}
}

// ready reports whether a read would return at once.
func ready(f *os.File) bool {
	c, err := f.SyscallConn()
	if err != nil {
		return false
	}
	n := 0
	err = c.Control(func(fd uintptr) { n, _ = unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 0) })
	return err == nil && n > 0
}
