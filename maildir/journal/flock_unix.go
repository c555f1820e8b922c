//go:build unix

package journal

import (
	"os"
	"syscall"
)

// flock waits for the file's lock, which the kernel frees when its owner dies.
func flock(f *os.File) error {
	for {
		if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != syscall.EINTR {
			return err
		}
	}
}

func funlock(f *os.File) { syscall.Flock(int(f.Fd()), syscall.LOCK_UN) }
