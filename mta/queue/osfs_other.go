//go:build !linux && !darwin

package queue

import "syscall"

// commitsNames: nothing is known of file systems here, so that directories are synced, too.
func (OS) commitsNames(string) bool { return false }

func fsync(fd int) error { return syscall.Fsync(fd) }

func fdatasync(fd int) error { return syscall.Fsync(fd) }
